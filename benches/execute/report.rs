use serde_json::{Value, json};

use crate::machine::Machine;
use crate::options::Effort;
use crate::page;
use crate::program::Language;
use crate::readings::Readings;
use crate::tables;
use crate::worker::Engine;

/// The figures of a run, ready to be shown.
#[derive(Debug)]
pub(crate) struct Report<'run> {
    machine: Machine,
    effort: Effort,
    versions: &'run str,
    readings: &'run Readings,
}

impl<'run> Report<'run> {
    pub(crate) const fn new(
        machine: Machine,
        effort: Effort,
        versions: &'run str,
        readings: &'run Readings,
    ) -> Self {
        Self { machine, effort, versions, readings }
    }

    /// Markdown that is readable as it is.
    pub(crate) fn text(&self) -> String {
        let Self { machine, effort, versions, readings } = self;
        let (usual, most) = readings.others().unwrap_or_default();
        format!(
            "{machine}; rounds: {}.\n{versions}\n\
             Others kept {usual:.2} cores busy as a rule and {most:.2} at most.\n\n\
             {}\n\n{}\n\n{}",
            effort.rounds,
            tables::latencies(readings),
            tables::rates(readings),
            tables::pools(readings),
        )
    }

    /// Everything, every single value included, on one line.
    pub(crate) fn json(&self) -> String {
        let report = json!({
            "benchmark": "execute",
            "machine": self.machine,
            "versions": self.versions,
            "effort": self.effort,
            "cores_of_others": self.readings.others(),
            "latency": self.latencies(),
            "throughput": self.rates(),
            "sandboxes": self.sandboxes(),
        });
        format!("{report}\n")
    }

    /// Whether any aim that could be judged is missed.
    pub(crate) fn misses_an_aim(&self) -> bool {
        tables::judged(self.readings).any(|judged| judged.is_met() == Some(false))
    }

    pub(crate) fn write_to_docs(&self) -> anyhow::Result<()> {
        page::keep("execute", &self.text())
    }

    fn latencies(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for language in Language::ALL {
            for way in tables::WAYS {
                let judged = tables::latency(self.readings, language, way);
                let quantile = |percent| self.readings.quantile(language, way, percent);
                all.push(json!({
                    "language": language.name(),
                    "way": tables::way_name(way),
                    "p50_ms": quantile(50),
                    "p95_ms": quantile(95),
                    "cpu_ms": self.readings.cpu_ms(language, way),
                    "ratio": judged.map(|judged| judged.ratio),
                    "aim_met": judged.and_then(|judged| judged.is_met()),
                    "values": self.readings.times(language, way),
                }));
            }
        }
        all
    }

    fn rates(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for language in Language::RUNTIMES {
            for engine in [None, Some(Engine::Namespace), Some(Engine::Docker)] {
                for in_flight in 1..=8 {
                    let Some(rate) = self.readings.rate(language, engine, in_flight) else {
                        continue;
                    };
                    all.push(json!({
                        "language": language.name(),
                        "engine": engine.map_or("bare", Engine::name),
                        "in_flight": in_flight,
                        "runs_per_second": rate.runs_per_second,
                        "machine_cpu_ms_per_run": rate.cpu_ms_per_run,
                        "cores_of_others": rate.others,
                    }));
                }
            }
        }
        all
    }

    fn sandboxes(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for runtime in Language::RUNTIMES.map(Language::runtime) {
            for engine in [Engine::Namespace, Engine::Docker] {
                let memory = self.readings.memory(engine, runtime);
                all.push(json!({
                    "runtime": runtime,
                    "engine": engine.name(),
                    "start_ms": self.readings.start(engine, runtime),
                    "idle_pss_mib": memory.map(|memory| memory.proportional_mib),
                    "idle_rss_mib": memory.map(|memory| memory.resident_mib),
                }));
            }
        }
        all
    }
}
