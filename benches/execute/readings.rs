use std::collections::BTreeMap;

use crate::kernel::Memory;
use crate::program::Language;
use crate::statistics::median;
use crate::throughput::Rate;
use crate::worker::{Engine, Run};

/// How a program comes to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// By the framework itself, on files that it never saw.
    Bare,
    /// The same once more, with what it has kept of the first time.
    BareAgain,
    /// By the framework in a container that is made for it.
    DockerRun,
    /// By a worker that has to start a sandbox first.
    Cold(Engine),
    /// By a worker with a sandbox ready.
    Warm(Engine),
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) milliseconds: f64,
    /// CPU time; `None` where nobody counts it.
    pub(crate) cpu_ms: Option<f64>,
}

impl From<Run> for Sample {
    fn from(run: Run) -> Self {
        let milliseconds = run.time.as_secs_f64() * 1_000.0;
        Self { milliseconds, cpu_ms: run.cpu_ms }
    }
}

/// Everything measured.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    samples: BTreeMap<(Language, Way), Vec<Sample>>,
    /// By language, engine (`None` is the bare framework) and runs in flight.
    rates: BTreeMap<(Language, Option<Engine>, usize), Rate>,
    /// Milliseconds of a start, a value a series of runs.
    starts: BTreeMap<(Engine, &'static str), Vec<f64>>,
    /// A value a sandbox.
    memory: BTreeMap<(Engine, &'static str), Vec<Memory>>,
    /// Cores that others were busy with.
    looks: Vec<f64>,
}

impl Readings {
    pub(crate) fn add(&mut self, language: Language, way: Way, sample: Sample) {
        self.samples.entry((language, way)).or_default().push(sample);
    }

    pub(crate) fn add_rate(
        &mut self,
        language: Language,
        engine: Option<Engine>,
        in_flight: usize,
        rate: Rate,
    ) {
        self.rates.insert((language, engine, in_flight), rate);
    }

    pub(crate) fn add_start(&mut self, engine: Engine, runtime: &'static str, milliseconds: f64) {
        self.starts.entry((engine, runtime)).or_default().push(milliseconds);
    }

    pub(crate) fn add_memory(&mut self, engine: Engine, runtime: &'static str, memory: Memory) {
        self.memory.entry((engine, runtime)).or_default().push(memory);
    }

    pub(crate) fn add_look(&mut self, cores: f64) {
        self.looks.push(cores);
    }

    /// Cores that others were busy with: the median of all looks, and the most.
    pub(crate) fn others(&self) -> Option<(f64, f64)> {
        let most = self.looks.iter().copied().max_by(f64::total_cmp)?;
        Some((median(self.looks.clone())?, most))
    }

    /// The milliseconds of all runs, in the order they were taken.
    pub(crate) fn times(&self, language: Language, way: Way) -> Vec<f64> {
        self.samples(language, way).iter().map(|sample| sample.milliseconds).collect()
    }

    /// The time that so many percent of the runs did not exceed.
    pub(crate) fn quantile(&self, language: Language, way: Way, percent: usize) -> Option<f64> {
        let mut times = self.times(language, way);
        times.sort_by(f64::total_cmp);
        if percent == 50 {
            return median(times);
        }
        let rank = (times.len() * percent).div_ceil(100);
        times.get(rank.checked_sub(1)?).copied()
    }

    /// CPU time of a run: the mean, for the kernel counts that of processes by ticks of 10 ms.
    pub(crate) fn cpu_ms(&self, language: Language, way: Way) -> Option<f64> {
        let values: Vec<f64> =
            self.samples(language, way).iter().filter_map(|sample| sample.cpu_ms).collect();
        let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
        Some(values.iter().sum::<f64>() / f64::from(count))
    }

    pub(crate) fn rate(
        &self,
        language: Language,
        engine: Option<Engine>,
        in_flight: usize,
    ) -> Option<Rate> {
        self.rates.get(&(language, engine, in_flight)).copied()
    }

    /// The median start in milliseconds.
    pub(crate) fn start(&self, engine: Engine, runtime: &'static str) -> Option<f64> {
        median(self.starts.get(&(engine, runtime))?.clone())
    }

    /// The median memory of an idle sandbox.
    pub(crate) fn memory(&self, engine: Engine, runtime: &'static str) -> Option<Memory> {
        let all = self.memory.get(&(engine, runtime))?;
        Some(Memory {
            resident_mib: median(all.iter().map(|one| one.resident_mib).collect())?,
            proportional_mib: median(all.iter().map(|one| one.proportional_mib).collect())?,
        })
    }

    fn samples(&self, language: Language, way: Way) -> &[Sample] {
        self.samples.get(&(language, way)).map_or(&[], Vec::as_slice)
    }
}
