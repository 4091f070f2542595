//! How much memory the servers keep while time passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Serialize;

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(250);

/// Looks at a process from time to time. Dropping it ends that.
#[derive(Debug)]
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Sample>>>,
}

/// What was resident at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    mib: f64,
}

/// What of it is worth telling, in MiB.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Memory {
    pub(crate) first: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
    pub(crate) last: f64,
    /// Of the straight line that fits best, a minute.
    pub(crate) slope: f64,
}

impl Watch {
    pub(crate) fn over(process: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let begin = Instant::now();
            let mut samples = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                // It is gone when the load is over, and nobody looks any more.
                let Ok(mib) = resident(process) else { break };
                samples.push(Sample { at: begin.elapsed(), mib });
                std::thread::sleep(INTERVAL);
            }
            samples
        });
        Self { stop, thread: Some(thread) }
    }

    /// Stops and tells of all that came after the warm-up.
    pub(crate) fn finish(mut self, warm_up: Duration) -> anyhow::Result<Memory> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().context("a watch is finished once")?;
        let Ok(samples) = thread.join() else { bail!("the watch panicked") };
        let samples: Vec<_> = samples.into_iter().filter(|sample| sample.at >= warm_up).collect();
        summarise(&samples).context("nothing was seen")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Whatever made us give up is reported already.
            let _ = thread.join();
        }
    }
}

/// What is resident of a process, in MiB.
pub(crate) fn resident(process: u32) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().strip_suffix(" kB").context("not in kB")?.trim().parse()?;
    Ok(kib / 1024.0)
}

fn summarise(samples: &[Sample]) -> Option<Memory> {
    let (first, last) = (samples.first()?.mib, samples.last()?.mib);
    let mut sorted: Vec<f64> = samples.iter().map(|sample| sample.mib).collect();
    sorted.sort_by(f64::total_cmp);
    let (median, most) = (sorted[sorted.len() / 2], *sorted.last()?);
    Some(Memory { first, median, most, last, slope: slope(samples) })
}

/// By least squares.
fn slope(samples: &[Sample]) -> f64 {
    let points = samples.iter().map(|sample| (sample.at.as_secs_f64() / 60.0, sample.mib));
    let (mut count, mut minutes, mut mib) = (0.0, 0.0, 0.0);
    for (x, y) in points.clone() {
        (count, minutes, mib) = (count + 1.0, minutes + x, mib + y);
    }
    let (mean_x, mean_y): (f64, f64) = (minutes / count, mib / count);
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (x, y) in points {
        covariance += (x - mean_x) * (y - mean_y);
        variance += (x - mean_x) * (x - mean_x);
    }
    if variance > 0.0 { covariance / variance } else { 0.0 }
}
