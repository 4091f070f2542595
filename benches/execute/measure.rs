use std::time::Duration;

use anyhow::{Context as _, anyhow};

use crate::floor::Floor;
use crate::options::Effort;
use crate::program::Language;
use crate::readings::{Readings, Sample, Way};
use crate::worker::{Engine, Pool, Worker, execute};
use crate::{folder, kernel, sandboxes, throughput};

/// Bare runs side by side when their rate is taken: as many as fill two cores.
pub(crate) const BARE_IN_FLIGHT: usize = 2;

/// The measuring: the floor first, then the engines, all in every round.
#[derive(Debug)]
pub(crate) struct Bench {
    effort: Effort,
    floor: Floor,
    engines: Vec<Engine>,
}

impl Bench {
    pub(crate) const fn new(effort: Effort, floor: Floor, engines: Vec<Engine>) -> Self {
        Self { effort, floor, engines }
    }

    pub(crate) const fn floor(&self) -> &Floor {
        &self.floor
    }

    /// Takes every reading of one round.
    pub(crate) fn measure(&self, round: u32, readings: &mut Readings) -> anyhow::Result<()> {
        readings.add_look(kernel::cores_of_others()?);
        self.measure_floor(readings).context("bare frameworks")?;
        if round == 1 {
            self.measure_floor_rates(readings).context("bare frameworks")?;
        }
        for &engine in &self.engines {
            for pool in [Pool::Warm, Pool::Cold] {
                say(engine.name(), &format!("{pool:?}").to_lowercase());
                let folder = folder::scratch("execute")?;
                let worker = Worker::start(engine, pool, folder.path())
                    .with_context(|| format!("a worker of {}", engine.name()))?;
                worker.wait_until_warm()?;
                readings.add_look(kernel::cores_of_others()?);
                let measured = match pool {
                    Pool::Warm => self.measure_warm(&worker, round, readings),
                    Pool::Cold => self.measure_cold(&worker, readings),
                };
                measured.map_err(|error| anyhow!("{error:#}\n{}", worker.last_words()))?;
            }
        }
        Ok(())
    }

    fn measure_floor(&self, readings: &mut Readings) -> anyhow::Result<()> {
        for language in Language::ALL {
            say("bare", language.name());
            for _ in 0..self.effort.bare_runs {
                let laid = self.floor.lay(language)?;
                readings.add(language, Way::Bare, self.floor.bare(&laid)?);
                // javac and the console keep nothing.
                if language != Language::Java {
                    readings.add(language, Way::BareAgain, self.floor.bare(&laid)?);
                }
            }
            for _ in 0..self.effort.docker_runs {
                let laid = self.floor.lay(language)?;
                if let Some(sample) = self.floor.docker_run(&laid)? {
                    readings.add(language, Way::DockerRun, sample);
                }
            }
        }
        Ok(())
    }

    fn measure_floor_rates(&self, readings: &mut Readings) -> anyhow::Result<()> {
        for language in Language::RUNTIMES {
            say("bare, throughput", language.name());
            let run = || self.floor.bare(&self.floor.lay(language)?).map(drop);
            let warm_up = Duration::ZERO;
            let rate = throughput::measure(BARE_IN_FLIGHT, warm_up, self.effort.window, &run)?;
            readings.add_rate(language, None, BARE_IN_FLIGHT, rate);
        }
        Ok(())
    }

    fn measure_warm(
        &self,
        worker: &Worker,
        round: u32,
        readings: &mut Readings,
    ) -> anyhow::Result<()> {
        let engine = worker.engine();
        for runtime in Language::RUNTIMES.map(Language::runtime) {
            for memory in sandboxes::memory(worker, self.floor.images(), runtime)
                .context("memory of idle sandboxes")?
            {
                readings.add_memory(engine, runtime, memory);
            }
        }
        for language in Language::ALL {
            let job = language.job();
            let (seconds, count) = worker.starts()?[language.runtime()];
            for _ in 0..self.effort.warm_runs {
                let run = execute(worker.address(), &job)?;
                readings.add(language, Way::Warm(engine), Sample::from(run));
                worker.wait_until_warm()?;
            }
            let (seconds_after, count_after) = worker.starts()?[language.runtime()];
            let start = (seconds_after - seconds) / (count_after - count) * 1_000.0;
            readings.add_start(engine, language.runtime(), start);
        }
        if round == 1 {
            self.measure_rates(worker, readings).context("throughput")?;
        }
        Ok(())
    }

    fn measure_rates(&self, worker: &Worker, readings: &mut Readings) -> anyhow::Result<()> {
        let engine = worker.engine();
        for language in Language::RUNTIMES {
            let job = language.job();
            let run = || execute(worker.address(), &job).map(drop);
            for &in_flight in self.effort.in_flight {
                say(engine.name(), &format!("{language}, {in_flight} in flight"));
                let Effort { warm_up, window, .. } = self.effort;
                let rate = throughput::measure(in_flight, warm_up, window, &run)?;
                readings.add_rate(language, Some(engine), in_flight, rate);
                worker.wait_until_warm()?;
            }
        }
        Ok(())
    }

    fn measure_cold(&self, worker: &Worker, readings: &mut Readings) -> anyhow::Result<()> {
        for language in Language::ALL {
            let job = language.job();
            for _ in 0..self.effort.cold_runs {
                let run = execute(worker.address(), &job)?;
                readings.add(language, Way::Cold(worker.engine()), Sample::from(run));
                worker.wait_until_warm()?;
            }
        }
        Ok(())
    }
}

fn say(who: &str, what: &str) {
    eprintln!("    {who}: {what}");
}
