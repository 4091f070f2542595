//! The load: so many connections, each asking for one stream after another until told to stop.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::connection::{Connection, Events};
use crate::contender::Api;

/// Latency samples a connection keeps at most: a bound, far above what a window brings.
const MAX_SAMPLES: usize = 1 << 20;

/// How often a condition of the load is looked at.
const POLL: Duration = Duration::from_millis(2);

/// What the load is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Where the server under test listens.
    pub(crate) address: SocketAddr,
    /// What it is asked.
    pub(crate) api: Api,
    /// Streams at once.
    pub(crate) connections: u32,
    /// Chunks every complete stream must have.
    pub(crate) chunks: u32,
    /// What stamps count from.
    pub(crate) epoch: Instant,
}

/// A running load, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Load {
    counters: Arc<Counters>,
    stop: CancellationToken,
    thread: Option<JoinHandle<Vec<u64>>>,
}

/// What has arrived since the load began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// Streams read to their end.
    pub(crate) streams: u64,
    /// Chunks of the peer delivered.
    pub(crate) chunks: u64,
    /// SSE frames of any kind delivered.
    pub(crate) frames: u64,
    /// When this was so.
    pub(crate) at: Instant,
}

#[derive(Debug, Default)]
struct Counters {
    opened: AtomicU64,
    streams: AtomicU64,
    chunks: AtomicU64,
    frames: AtomicU64,
    /// Whether latencies are being kept.
    sampling: AtomicBool,
    failure: Mutex<Option<String>>,
}

impl Load {
    pub(crate) fn start(plan: Plan) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let counters = Arc::new(Counters::default());
        let stop = CancellationToken::new();
        let thread = {
            let (counters, stop) = (Arc::clone(&counters), stop.clone());
            std::thread::Builder::new()
                .name("load".to_owned())
                .spawn(move || runtime.block_on(run(plan, counters, stop)))?
        };
        Ok(Self { counters, stop, thread: Some(thread) })
    }

    /// What has arrived until now.
    ///
    /// # Errors
    ///
    /// When any stream failed: figures of a partly failing load mean nothing.
    pub(crate) fn progress(&self) -> anyhow::Result<Progress> {
        if let Some(failure) =
            &*self.counters.failure.lock().unwrap_or_else(PoisonError::into_inner)
        {
            bail!("a stream failed: {failure}");
        }
        Ok(Progress {
            streams: self.counters.streams.load(Ordering::Relaxed),
            chunks: self.counters.chunks.load(Ordering::Relaxed),
            frames: self.counters.frames.load(Ordering::Relaxed),
            at: Instant::now(),
        })
    }

    /// Waits until every connection has received the first chunk of a stream.
    pub(crate) fn wait_until_open(
        &self,
        connections: u32,
        patience: Duration,
    ) -> anyhow::Result<()> {
        self.wait_until(patience, "every stream has begun", |load| {
            Ok(load.counters.opened.load(Ordering::Relaxed) >= u64::from(connections))
        })
    }

    /// Waits until so many streams were read to their end.
    pub(crate) fn wait_for_streams(&self, streams: u64, patience: Duration) -> anyhow::Result<()> {
        self.wait_until(patience, "the warm-up is over", |load| {
            Ok(load.progress()?.streams >= streams)
        })
    }

    fn wait_until(
        &self,
        patience: Duration,
        what: &str,
        condition: impl Fn(&Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        while !condition(self)? {
            let progress = self.progress()?;
            if Instant::now() > deadline {
                let Progress { streams, chunks, .. } = progress;
                bail!(
                    "after {patience:?} still waiting until {what} ({streams} streams, {chunks} chunks)"
                );
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Begins to keep the latency of every chunk.
    pub(crate) fn sample(&self) {
        self.counters.sampling.store(true, Ordering::Relaxed);
    }

    /// Ends the load, breaking open streams off, and returns the latencies that were kept, in
    /// nanoseconds, sorted.
    pub(crate) fn finish(mut self) -> anyhow::Result<Vec<u64>> {
        self.counters.sampling.store(false, Ordering::Relaxed);
        self.stop.cancel();
        let thread = self.thread.take().context("a load is finished once")?;
        let Ok(mut samples) = thread.join() else { bail!("the load's thread panicked") };
        self.progress()?;
        samples.sort_unstable();
        Ok(samples)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // Whatever made us give up is reported already.
            let _ = thread.join();
        }
    }
}

async fn run(plan: Plan, counters: Arc<Counters>, stop: CancellationToken) -> Vec<u64> {
    let mut connections = JoinSet::new();
    for _ in 0..plan.connections {
        let (counters, stop) = (Arc::clone(&counters), stop.clone());
        connections.spawn(async move {
            let mut recorder = Recorder { plan, counters, samples: Vec::new(), stream_chunks: 0 };
            let driven = stop.run_until_cancelled(drive(&mut recorder)).await;
            if let Some(Err(error)) = driven {
                let failure = &recorder.counters.failure;
                let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert(format!("{error:#}"));
            }
            recorder.samples
        });
    }
    connections.join_all().await.concat()
}

/// One connection's work. Returns only to report a failure.
async fn drive(recorder: &mut Recorder) -> anyhow::Result<()> {
    let plan = recorder.plan;
    let mut request = Vec::new();
    let mut connection = Connection::open(plan.address).await?;
    loop {
        request.clear();
        plan.api.write_request(plan.address, &mut request);
        recorder.stream_chunks = 0;
        let outcome = connection.exchange(&request, recorder).await?;
        let tail = || String::from_utf8_lossy(&outcome.tail);
        if recorder.stream_chunks != plan.chunks {
            let delivered = recorder.stream_chunks;
            bail!("a stream had {delivered} of {} chunks and ended with: {}", plan.chunks, tail());
        }
        if !plan.api.ends_well(&outcome.tail) {
            bail!("a stream ended without success: {}", tail());
        }
        recorder.counters.streams.fetch_add(1, Ordering::Relaxed);
        if !outcome.reusable {
            connection = Connection::open(plan.address).await?;
        }
    }
}

#[derive(Debug)]
struct Recorder {
    plan: Plan,
    counters: Arc<Counters>,
    samples: Vec<u64>,
    /// Chunks of the stream being read.
    stream_chunks: u32,
}

impl Events for Recorder {
    fn chunk(&mut self, stamp: u64) {
        if self.stream_chunks == 0 {
            self.counters.opened.fetch_add(1, Ordering::Relaxed);
        }
        self.stream_chunks += 1;
        self.counters.chunks.fetch_add(1, Ordering::Relaxed);
        if self.counters.sampling.load(Ordering::Relaxed) && self.samples.len() < MAX_SAMPLES {
            let now = u64::try_from(self.plan.epoch.elapsed().as_nanos()).unwrap_or(u64::MAX);
            self.samples.push(now.saturating_sub(stamp));
        }
    }

    fn frame(&mut self) {
        self.counters.frames.fetch_add(1, Ordering::Relaxed);
    }
}
