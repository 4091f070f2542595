//! The load: so many connections, each asking for one stream after another until told to stop.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::answer::{Body, Events};
use crate::connection::Connection;
use crate::contender::Api;
use crate::crew::{Crew, MAX_SAMPLES, Member, Samples};

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
    crew: Crew,
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
}

impl Load {
    pub(crate) fn start(plan: Plan) -> anyhow::Result<Self> {
        let counters = Arc::new(Counters::default());
        let recorder = || Recorder {
            plan,
            counters: Arc::clone(&counters),
            samples: Vec::new(),
            stream_chunks: 0,
        };
        let crew = Crew::start((0..plan.connections).map(|_| recorder()).collect())?;
        Ok(Self { counters, crew })
    }

    /// What has arrived until now.
    ///
    /// # Errors
    ///
    /// When any stream failed: figures of a partly failing load mean nothing.
    pub(crate) fn progress(&self) -> anyhow::Result<Progress> {
        self.crew.check()?;
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

    /// Ends the load, breaking open streams off, and returns the latencies that were kept.
    pub(crate) fn finish(self) -> anyhow::Result<Samples> {
        self.counters.sampling.store(false, Ordering::Relaxed);
        self.crew.finish()
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

impl Member for Recorder {
    async fn work(&mut self) -> anyhow::Result<Infallible> {
        let plan = self.plan;
        let mut request = Vec::new();
        let mut connection = Connection::open(plan.address).await?;
        loop {
            request.clear();
            plan.api.write_request(plan.address, &mut request);
            self.stream_chunks = 0;
            let mut body = Body::default();
            let outcome = connection.exchange(&request, |bytes| body.take(bytes, self)).await?;
            self.judge(outcome.status, body.tail())?;
            self.counters.streams.fetch_add(1, Ordering::Relaxed);
            if !outcome.reusable {
                connection = Connection::open(plan.address).await?;
            }
        }
    }

    fn into_samples(self) -> Vec<u64> {
        self.samples
    }
}

impl Recorder {
    fn judge(&self, status: u16, tail: &[u8]) -> anyhow::Result<()> {
        let Plan { api, chunks, .. } = self.plan;
        let text = || String::from_utf8_lossy(tail);
        if status != 200 {
            bail!("a stream had status {status}: {}", text());
        }
        if self.stream_chunks != chunks {
            let delivered = self.stream_chunks;
            bail!("a stream had {delivered} of {chunks} chunks and ended with: {}", text());
        }
        if !api.ends_well(tail) {
            bail!("a stream ended without success: {}", text());
        }
        Ok(())
    }
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
