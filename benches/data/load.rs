//! The load: so many connections, each asking for one answer after another.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use tester::domain::{GenerationId, PageCursor};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::connection::Connection;
use crate::crew::{Crew, MAX_SAMPLES, Member, Samples};

/// How much of an answer is kept, to show it.
const EXCERPT: usize = 300;

/// What the load is.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Where the server listens.
    pub(crate) address: SocketAddr,
    pub(crate) requests: Requests,
    /// Least bytes of an answer: one that is shorter is another one.
    pub(crate) least_body: usize,
    pub(crate) connections: u32,
    pub(crate) pace: Pace,
}

/// When a connection asks again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// At once.
    Saturating,
    /// Once in so much time, evenly out of phase with the others, however long an answer takes:
    /// who asks late has waited since it was due.
    Every(Duration),
}

/// What is asked, by all connections together.
#[derive(Debug)]
pub(crate) struct Requests {
    whole: Vec<Vec<u8>>,
    order: Order,
    turn: AtomicUsize,
}

#[derive(Clone, Copy, Debug)]
enum Order {
    InTurn,
    Once,
    /// In turn, each time with another cursor in place of [`CURSOR_MARK`].
    FreshCursor,
}

/// Stands where a cursor belongs.
pub(crate) const CURSOR_MARK: &str = "CURSOR";

/// A running load.
#[derive(Debug)]
pub(crate) struct Load {
    plan: Arc<Plan>,
    counters: Arc<Counters>,
    crew: Crew,
}

/// What was answered since the load began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) answers: u64,
    /// When this was so.
    pub(crate) at: Instant,
}

#[derive(Debug, Default)]
struct Counters {
    answers: AtomicU64,
    /// Whether latencies are being kept.
    sampling: AtomicBool,
}

impl Requests {
    /// One after the other, again and again.
    pub(crate) const fn in_turn(whole: Vec<Vec<u8>>) -> Self {
        Self { whole, order: Order::InTurn, turn: AtomicUsize::new(0) }
    }

    /// Each once, and then nothing.
    pub(crate) const fn once(whole: Vec<Vec<u8>>) -> Self {
        Self { whole, order: Order::Once, turn: AtomicUsize::new(0) }
    }

    /// Again and again with a cursor that never was before, behind all rows there are: the same
    /// page under another address.
    pub(crate) const fn with_fresh_cursors(whole: Vec<Vec<u8>>) -> Self {
        Self { whole, order: Order::FreshCursor, turn: AtomicUsize::new(0) }
    }

    fn are_used_up(&self) -> bool {
        matches!(self.order, Order::Once) && self.turn.load(Ordering::Relaxed) >= self.whole.len()
    }

    /// Writes the next one, if there is one.
    fn write_next(&self, request: &mut Vec<u8>) -> bool {
        request.clear();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let whole = match self.order {
            Order::Once => self.whole.get(turn),
            Order::InTurn | Order::FreshCursor => self.whole.get(turn % self.whole.len()),
        };
        let Some(whole) = whole else { return false };
        request.extend_from_slice(whole);
        if matches!(self.order, Order::FreshCursor) {
            let mark = CURSOR_MARK.as_bytes();
            if let Some(at) = request.windows(mark.len()).position(|window| window == mark) {
                request.splice(at..at + mark.len(), fresh_cursor(turn).into_bytes());
            }
        }
        true
    }
}

/// An instant of tomorrow.
fn fresh_cursor(turn: usize) -> String {
    let micros = Duration::from_micros(turn as u64);
    let created_at = OffsetDateTime::now_utc() + time::Duration::DAY + micros;
    PageCursor { created_at, id: GenerationId(Uuid::nil()) }.encode()
}

impl Load {
    pub(crate) fn start(plan: Plan) -> anyhow::Result<Self> {
        let plan = Arc::new(plan);
        let counters = Arc::new(Counters::default());
        let asker = |number| Asker {
            plan: Arc::clone(&plan),
            counters: Arc::clone(&counters),
            number,
            samples: Vec::new(),
            excerpt: Vec::new(),
        };
        let crew = Crew::start((0..plan.connections).map(asker).collect())?;
        Ok(Self { plan, counters, crew })
    }

    /// What was answered until now.
    ///
    /// # Errors
    ///
    /// When any request failed: figures of a partly failing load mean nothing.
    pub(crate) fn progress(&self) -> anyhow::Result<Progress> {
        self.crew.check()?;
        let answers = self.counters.answers.load(Ordering::Relaxed);
        Ok(Progress { answers, at: Instant::now() })
    }

    /// Whether there is nothing left to ask.
    pub(crate) fn is_used_up(&self) -> bool {
        self.plan.requests.are_used_up()
    }

    /// Begins to keep latencies.
    pub(crate) fn sample(&self) {
        self.counters.sampling.store(true, Ordering::Relaxed);
    }

    /// Ends the load and returns the latencies that were kept.
    pub(crate) fn finish(self) -> anyhow::Result<Samples> {
        self.counters.sampling.store(false, Ordering::Relaxed);
        self.crew.finish()
    }
}

struct Asker {
    plan: Arc<Plan>,
    counters: Arc<Counters>,
    number: u32,
    samples: Vec<u64>,
    excerpt: Vec<u8>,
}

impl Member for Asker {
    async fn work(&mut self) -> anyhow::Result<Infallible> {
        let plan = Arc::clone(&self.plan);
        let mut request = Vec::new();
        let mut connection = Connection::open(plan.address).await?;
        let mut due = Instant::now() + self.phase();
        loop {
            if !plan.requests.write_next(&mut request) {
                return std::future::pending().await;
            }
            let begin = self.wait_until(due).await;
            if !self.ask(&mut connection, &request).await? {
                connection = Connection::open(plan.address).await?;
            }
            self.count(begin);
            if let Pace::Every(interval) = plan.pace {
                due += interval;
            }
        }
    }

    fn into_samples(self) -> Vec<u64> {
        self.samples
    }
}

impl Asker {
    fn phase(&self) -> Duration {
        match self.plan.pace {
            Pace::Saturating => Duration::ZERO,
            Pace::Every(interval) => interval * self.number / self.plan.connections,
        }
    }

    /// Waits until it is time, and says since when the answer is waited for: timers may be late,
    /// and that is not the server's doing.
    async fn wait_until(&self, due: Instant) -> Instant {
        match self.plan.pace {
            Pace::Saturating => Instant::now(),
            Pace::Every(_) if Instant::now() > due => due,
            Pace::Every(_) => {
                tokio::time::sleep_until(due.into()).await;
                Instant::now()
            }
        }
    }

    /// Asks, and says whether the connection can be used again.
    async fn ask(&mut self, connection: &mut Connection, request: &[u8]) -> anyhow::Result<bool> {
        let (mut length, excerpt) = (0, &mut self.excerpt);
        excerpt.clear();
        let outcome = connection
            .exchange(request, |bytes| {
                length += bytes.len();
                let room = EXCERPT.saturating_sub(excerpt.len());
                excerpt.extend_from_slice(&bytes[..bytes.len().min(room)]);
            })
            .await?;
        ensure!(
            outcome.status == 200 && length >= self.plan.least_body,
            "status {}, {length} bytes: {}",
            outcome.status,
            String::from_utf8_lossy(excerpt)
        );
        Ok(outcome.reusable)
    }

    fn count(&mut self, begin: Instant) {
        self.counters.answers.fetch_add(1, Ordering::Relaxed);
        if self.counters.sampling.load(Ordering::Relaxed) && self.samples.len() < MAX_SAMPLES {
            self.samples.push(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX));
        }
    }
}
