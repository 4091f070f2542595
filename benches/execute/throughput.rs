//! How much gets done when there is always more to do.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use crate::kernel;

/// Runs that a rate is made of at least; a load goes on for longer where they are slow.
const LEAST_RUNS: usize = 6;
/// But not longer than this.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);

/// What a load got done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) runs_per_second: f64,
    /// CPU time of the whole machine over the runs.
    pub(crate) cpu_ms_per_run: f64,
    /// Cores that others were busy with just before.
    pub(crate) others: f64,
}

/// Keeps so many runs in flight and counts those that end in the window.
pub(crate) fn measure(
    in_flight: usize,
    warm_up: Duration,
    window: Duration,
    run: &(impl Fn() -> anyhow::Result<()> + Sync),
) -> anyhow::Result<Rate> {
    let others = kernel::cores_of_others()?;
    let ends = Mutex::new(Vec::new());
    let stop = AtomicBool::new(false);
    let once = || -> anyhow::Result<()> {
        while !stop.load(Ordering::Relaxed) {
            run().inspect_err(|_| stop.store(true, Ordering::Relaxed))?;
            ends.lock().map_err(|_| anyhow!("another run failed"))?.push(Instant::now());
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..in_flight).map(|_| scope.spawn(once)).collect();
        std::thread::sleep(warm_up);
        let (begun, cpu) = (Instant::now(), kernel::machine_cpu_ms()?);
        let counted =
            || ends.lock().map_or(0, |ends| ends.iter().filter(|&&end| end > begun).count());
        let enough = || begun.elapsed() >= window && counted() >= LEAST_RUNS;
        while !stop.load(Ordering::Relaxed) && !enough() && begun.elapsed() < PATIENCE {
            std::thread::sleep(POLL);
        }
        let (watched, cpu) = (begun.elapsed(), kernel::machine_cpu_ms()? - cpu);
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().map_err(|_| anyhow!("a client panicked"))??;
        }
        let ends = ends.lock().map_err(|_| anyhow!("a client panicked"))?;
        let mut times: Vec<f64> = ends
            .iter()
            .filter_map(|end| end.checked_duration_since(begun))
            .filter(|end| *end <= watched)
            .map(|end| end.as_secs_f64())
            .collect();
        times.sort_by(f64::total_cmp);
        let runs_per_second = slope(&times).context("too few runs ended")?;
        let cpu_ms_per_run = cpu / (runs_per_second * watched.as_secs_f64());
        Ok(Rate { runs_per_second, cpu_ms_per_run, others })
    })
}

/// Ends per second: the line through all of them. To divide their number by the window would be
/// wrong by a run more or less, which is a lot where a run takes a second; and they come in pairs
/// where two run side by side.
#[expect(clippy::cast_precision_loss, reason = "counts of runs are small")]
fn slope(times: &[f64]) -> Option<f64> {
    let count = times.len() as f64;
    let middle_time = times.iter().sum::<f64>() / count;
    let middle_index = (count - 1.0) / 2.0;
    let mut shared = 0.0;
    let mut spread = 0.0;
    for (index, time) in times.iter().enumerate() {
        shared += (time - middle_time) * (index as f64 - middle_index);
        spread += (time - middle_time).powi(2);
    }
    (times.len() > 2 && spread > 0.0).then(|| shared / spread)
}
