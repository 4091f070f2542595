//! Those who make the load: tasks on a thread of their own, so that the servers' peers do not wait
//! for them.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Latency samples a member keeps at most: a bound, far above what a window brings.
pub(crate) const MAX_SAMPLES: usize = 1 << 20;

/// One who works until the crew is stopped.
pub(crate) trait Member: Send + 'static {
    /// Works; returns only to report a failure.
    fn work(&mut self) -> impl Future<Output = anyhow::Result<Infallible>> + Send;

    /// The latencies that were kept, in nanoseconds.
    fn into_samples(self) -> Vec<u64>;
}

/// A crew at work. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Crew {
    failure: Failure,
    stop: CancellationToken,
    thread: Option<JoinHandle<Vec<u64>>>,
}

/// The first failure of a member.
type Failure = Arc<Mutex<Option<String>>>;

/// Latencies in nanoseconds, sorted.
#[derive(Debug)]
pub(crate) struct Samples(pub(crate) Vec<u64>);

impl Crew {
    pub(crate) fn start<M: Member>(members: Vec<M>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let failure = Failure::default();
        let stop = CancellationToken::new();
        let thread = {
            let (failure, stop) = (Arc::clone(&failure), stop.clone());
            std::thread::Builder::new()
                .name("load".to_owned())
                .spawn(move || runtime.block_on(run(members, failure, stop)))?
        };
        Ok(Self { failure, stop, thread: Some(thread) })
    }

    /// Says whether all is well.
    ///
    /// # Errors
    ///
    /// When any member failed: figures of a partly failing load mean nothing.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(failure) => bail!("the load failed: {failure}"),
            None => Ok(()),
        }
    }

    /// Ends the work, breaking off what is under way, and returns the latencies that were kept.
    pub(crate) fn finish(mut self) -> anyhow::Result<Samples> {
        self.stop.cancel();
        let thread = self.thread.take().context("a crew is finished once")?;
        let Ok(mut samples) = thread.join() else { bail!("the load's thread panicked") };
        self.check()?;
        samples.sort_unstable();
        Ok(Samples(samples))
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // Whatever made us give up is reported already.
            let _ = thread.join();
        }
    }
}

impl Samples {
    /// The value that so many percent of the samples do not exceed.
    pub(crate) fn quantile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.0.len() * percent).div_ceil(100);
        self.0.get(rank.checked_sub(1)?).copied().map(Duration::from_nanos)
    }
}

async fn run<M: Member>(members: Vec<M>, failure: Failure, stop: CancellationToken) -> Vec<u64> {
    let mut working = JoinSet::new();
    for mut member in members {
        let (failure, stop) = (Arc::clone(&failure), stop.clone());
        working.spawn(async move {
            if let Some(Err(error)) = stop.run_until_cancelled(member.work()).await {
                let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(format!("{error:#}"));
            }
            member.into_samples()
        });
    }
    working.join_all().await.concat()
}
