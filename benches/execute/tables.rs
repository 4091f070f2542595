//! The figures as rows, and what is made of them.

use crate::measure::BARE_IN_FLIGHT;
use crate::page::{self, number};
use crate::program::Language;
use crate::readings::{Readings, Way};
use crate::worker::Engine;

/// Runs in flight at which throughput is judged: both slots are taken and there is more to do.
const JUDGED_IN_FLIGHT: usize = 4;
/// What throughput should be, as a multiple of the bare framework's.
const RATE_AIM: f64 = 2.0;

const ENGINES: [Engine; 2] = [Engine::Namespace, Engine::Docker];

/// A ratio that should stay on one side of a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    pub(crate) ratio: f64,
    pub(crate) aim: Option<Aim>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Judged {
    pub(crate) fn is_met(&self) -> Option<bool> {
        Some(match self.aim? {
            Aim::AtMost(most) => self.ratio <= most,
            Aim::AtLeast(least) => self.ratio >= least,
        })
    }

    fn cells(judged: Option<Self>) -> [String; 3] {
        let Some(judged) = judged else { return [none(), none(), none()] };
        let aim = match judged.aim {
            None => none(),
            Some(Aim::AtMost(most)) => format!("≤ {most}"),
            Some(Aim::AtLeast(least)) => format!("≥ {least}"),
        };
        let met = match judged.is_met() {
            None => none(),
            Some(true) => "yes".to_owned(),
            Some(false) => "no".to_owned(),
        };
        [format!("{:.2}", judged.ratio), aim, met]
    }
}

/// All ways, in the order of the table.
pub(crate) const WAYS: [Way; 7] = [
    Way::Bare,
    Way::BareAgain,
    Way::DockerRun,
    Way::Warm(Engine::Namespace),
    Way::Warm(Engine::Docker),
    Way::Cold(Engine::Namespace),
    Way::Cold(Engine::Docker),
];

pub(crate) const fn way_name(way: Way) -> &'static str {
    match way {
        Way::Bare => "bare",
        Way::BareAgain => "bare, again",
        Way::DockerRun => "docker run",
        Way::Cold(Engine::Namespace) => "namespace, cold",
        Way::Cold(Engine::Docker) => "docker, cold",
        Way::Warm(Engine::Namespace) => "namespace, warm",
        Way::Warm(Engine::Docker) => "docker, warm",
    }
}

/// Latency over its yardstick: the bare framework for a warm run, `docker run` for a cold one.
pub(crate) fn latency(readings: &Readings, language: Language, way: Way) -> Option<Judged> {
    let (yardstick, aim) = match (way, language) {
        (Way::Warm(Engine::Namespace), Language::Python) => (Way::Bare, Some(0.2)),
        (Way::Warm(Engine::Docker), Language::Python) | (Way::Warm(_), Language::JavaScript) => {
            (Way::Bare, Some(0.25))
        }
        (Way::Warm(_), Language::TypeScript) => (Way::Bare, None),
        (Way::Warm(_), Language::Java) => (Way::Bare, Some(0.3)),
        (Way::Cold(_), _) => (Way::DockerRun, Some(1.0)),
        (Way::Bare | Way::BareAgain | Way::DockerRun, _) => return None,
    };
    let ratio =
        readings.quantile(language, way, 50)? / readings.quantile(language, yardstick, 50)?;
    Some(Judged { ratio, aim: aim.map(Aim::AtMost) })
}

/// Runs a second over those of the bare framework.
pub(crate) fn rate(readings: &Readings, language: Language, engine: Engine) -> Option<Judged> {
    let bare = readings.rate(language, None, BARE_IN_FLIGHT)?.runs_per_second;
    let ours = readings.rate(language, Some(engine), JUDGED_IN_FLIGHT)?.runs_per_second;
    Some(Judged { ratio: ours / bare, aim: Some(Aim::AtLeast(RATE_AIM)) })
}

/// Everything that has an aim.
pub(crate) fn judged(readings: &Readings) -> impl Iterator<Item = Judged> {
    let latencies = Language::ALL
        .into_iter()
        .flat_map(move |language| WAYS.map(|way| latency(readings, language, way)));
    let rates = Language::RUNTIMES
        .into_iter()
        .flat_map(move |language| ENGINES.map(|engine| rate(readings, language, engine)));
    latencies.chain(rates).flatten()
}

pub(crate) fn latencies(readings: &Readings) -> String {
    let head = ["a run", "runs", "p50 (ms)", "p95 (ms)", "CPU (ms)", "ratio", "aim", "met"];
    let mut rows = vec![head.map(str::to_owned)];
    for language in Language::ALL {
        for way in WAYS {
            let runs = readings.times(language, way).len();
            if runs == 0 {
                continue;
            }
            let value = |value: Option<f64>| value.map_or_else(none, number);
            let [ratio, aim, met] = Judged::cells(latency(readings, language, way));
            rows.push([
                format!("{language}: {}", way_name(way)),
                runs.to_string(),
                value(readings.quantile(language, way, 50)),
                value(readings.quantile(language, way, 95)),
                value(readings.cpu_ms(language, way)),
                ratio,
                aim,
                met,
            ]);
        }
    }
    page::table(&rows)
}

pub(crate) fn rates(readings: &Readings) -> String {
    let head = ["runs/s", "1", "2", "4", "8", "CPU a run (ms)", "others", "ratio", "aim", "met"];
    let mut rows = vec![head.map(str::to_owned)];
    for language in Language::RUNTIMES {
        for engine in [None, Some(Engine::Namespace), Some(Engine::Docker)] {
            let rate = |in_flight| readings.rate(language, engine, in_flight);
            let cell =
                |in_flight| rate(in_flight).map_or_else(none, |rate| number(rate.runs_per_second));
            let cells = [1, 2, 4, 8].map(cell);
            if cells.iter().all(|cell| *cell == none()) {
                continue;
            }
            let busy = rate(engine.map_or(BARE_IN_FLIGHT, |_| JUDGED_IN_FLIGHT));
            let [one, two, four, eight] = cells;
            let judged = engine.and_then(|engine| self::rate(readings, language, engine));
            let [ratio, aim, met] = Judged::cells(judged);
            let name = engine.map_or("bare", Engine::name);
            let cpu = busy.map_or_else(none, |rate| number(rate.cpu_ms_per_run));
            let others = busy.map_or_else(none, |rate| number(rate.others));
            let name = format!("{language}: {name}");
            rows.push([name, one, two, four, eight, cpu, others, ratio, aim, met]);
        }
    }
    page::table(&rows)
}

pub(crate) fn pools(readings: &Readings) -> String {
    let head = ["a sandbox", "start (ms)", "idle, PSS (MiB)", "idle, RSS (MiB)"];
    let mut rows = vec![head.map(str::to_owned)];
    for runtime in Language::RUNTIMES.map(Language::runtime) {
        for engine in ENGINES {
            let (start, memory) =
                (readings.start(engine, runtime), readings.memory(engine, runtime));
            if start.is_none() && memory.is_none() {
                continue;
            }
            rows.push([
                format!("{runtime}: {}", engine.name()),
                start.map_or_else(none, number),
                memory.map_or_else(none, |memory| number(memory.proportional_mib)),
                memory.map_or_else(none, |memory| number(memory.resident_mib)),
            ]);
        }
    }
    page::table(&rows)
}

fn none() -> String {
    "—".to_owned()
}
