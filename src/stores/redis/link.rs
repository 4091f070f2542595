use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use metrics::{counter, gauge};
use redis::RedisResult;
use redis::aio::MultiplexedConnection;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::failure::Failure;
use super::keeper::Keeper;
use super::untold::Untold;
use crate::config::RedisSettings;

/// What is asked of Redis, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    LimitAcquire,
    LimitPeek,
    CacheGet,
    CachePut,
    PageGet,
    PagePut,
    PagesForget,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::LimitAcquire => "limit_acquire",
            Self::LimitPeek => "limit_peek",
            Self::CacheGet => "cache_get",
            Self::CachePut => "cache_put",
            Self::PageGet => "page_get",
            Self::PagePut => "page_put",
            Self::PagesForget => "pages_forget",
        }
    }
}

/// The way to Redis, and the breaker in it.
///
/// Connections are made by a task of the runtime that [`Self::start`] was called on, never by a
/// request: a request takes one that is there, round robin, or does without. Every answer has a
/// deadline. The first that is late, and the first sign that the link or the server as a whole is
/// of no use, opens the breaker for everybody: the connections are dropped, and nobody asks again
/// until the task has made new ones and seen that writing through them works (a replica or a full
/// memory would answer a PING too). A refusal that concerns one command alone opens nothing.
///
/// Clones are the same link. It ends when the last one is dropped.
#[derive(Clone)]
pub struct RedisLink {
    shared: Arc<Shared>,
    /// Ends the task.
    _guard: Arc<DropGuard>,
}

/// What requests and the task share.
pub(super) struct Shared {
    state: watch::Sender<State>,
    timeout: Duration,
    /// Must get across before anybody else is heard.
    pub(super) untold: Untold,
}

enum State {
    /// The first attempt to connect is not over.
    Starting,
    Up(Arc<Connections>),
    /// The breaker is open.
    Down,
}

/// Connections that were made together and are dropped together. Each carries many questions at a
/// time.
pub(super) struct Connections {
    all: Vec<MultiplexedConnection>,
    turn: AtomicUsize,
}

impl RedisLink {
    /// Begins to connect.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, and with a URL that the settings' own check refuses.
    #[must_use]
    pub fn start(settings: &RedisSettings) -> Self {
        let shared = Arc::new(Shared {
            state: watch::Sender::new(State::Starting),
            timeout: settings.timeout,
            untold: Untold::new(),
        });
        gauge!("tester_redis_up").set(0);
        let stop = CancellationToken::new();
        let keeper = Keeper::new(settings, Arc::clone(&shared));
        let stopped = stop.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(keeper.keep()).await });
        Self { shared, _guard: Arc::new(stop.drop_guard()) }
    }

    /// Waits until the first attempt to connect is over, well or badly.
    pub async fn tried(&self) {
        let mut state = self.shared.state.subscribe();
        // The sender is ours.
        let _ = state.wait_for(|state| !matches!(state, State::Starting)).await;
    }

    pub(super) fn untold(&self) -> &Untold {
        &self.shared.untold
    }

    /// Asks, and waits no longer than the deadline; `None` when the caller must do without.
    pub(super) async fn run<T, F>(
        &self,
        operation: Operation,
        ask: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let answer = self.ask(operation, ask).await;
        if answer.is_none() {
            Self::do_without(operation);
        }
        answer
    }

    /// Counts what is done without Redis.
    pub(super) fn do_without(operation: Operation) {
        counter!("tester_redis_fallbacks_total", "operation" => operation.as_str()).increment(1);
    }

    async fn ask<T, F>(
        &self,
        operation: Operation,
        ask: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Option<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let connections = self.shared.connections()?;
        match self.shared.in_time(ask(connections.next())).await {
            Ok(answer) => Some(answer),
            Err(failure) => {
                count(&failure);
                // Redis must not be believed while it can't be told of changes, whatever its reason.
                if failure.reason().is_of_the_link() || operation == Operation::PagesForget {
                    self.shared.open(&connections, &failure);
                }
                None
            }
        }
    }
}

impl Shared {
    /// Bounds a question by the deadline of requests.
    pub(super) async fn in_time<T>(
        &self,
        answer: impl Future<Output = RedisResult<T>>,
    ) -> Result<T, Failure> {
        Ok(timeout(self.timeout, answer).await??)
    }

    fn connections(&self) -> Option<Arc<Connections>> {
        match &*self.state.borrow() {
            State::Up(connections) => Some(Arc::clone(connections)),
            State::Starting | State::Down => None,
        }
    }

    /// Opens the breaker because these connections failed; those made since are left alone.
    pub(super) fn open(&self, failed: &Arc<Connections>, failure: &Failure) {
        let opened = self.state.send_if_modified(|state| match state {
            State::Up(current) if Arc::ptr_eq(current, failed) => {
                *state = State::Down;
                true
            }
            _ => false,
        });
        if opened {
            self.say_down(failure);
        }
    }

    /// Closes the breaker.
    pub(super) fn close(&self, connections: &Arc<Connections>) {
        self.state.send_replace(State::Up(Arc::clone(connections)));
        gauge!("tester_redis_up").set(1);
        tracing::info!("Redis answers: instances share cached answers and rate limits");
    }

    /// Notes an attempt to connect that failed. Only the first one since the start is told of: the
    /// others are no news.
    pub(super) fn still_down(&self, failure: &Failure) {
        count(failure);
        let first =
            self.state.send_if_modified(|state| match std::mem::replace(state, State::Down) {
                State::Starting => true,
                State::Up(_) | State::Down => false,
            });
        if first {
            self.say_down(failure);
        }
    }

    /// Waits until the breaker is open.
    pub(super) async fn opened(&self) {
        let mut state = self.state.subscribe();
        // The sender is ours.
        let _ = state.wait_for(|state| matches!(state, State::Down)).await;
    }

    #[expect(clippy::unused_self, reason = "the two moments of one state")]
    fn say_down(&self, failure: &Failure) {
        gauge!("tester_redis_up").set(0);
        tracing::warn!(
            reason = failure.reason().as_str(),
            what = failure.words(),
            "without Redis: this instance caches and counts in its own memory"
        );
    }
}

impl Connections {
    pub(super) fn new(all: Vec<MultiplexedConnection>) -> Self {
        debug_assert!(!all.is_empty(), "the keeper makes at least one");
        Self { all, turn: AtomicUsize::new(0) }
    }

    /// The connection whose turn it is.
    pub(super) fn next(&self) -> MultiplexedConnection {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.all[turn % self.all.len()].clone()
    }

    pub(super) fn all(&self) -> &[MultiplexedConnection] {
        &self.all
    }
}

fn count(failure: &Failure) {
    counter!("tester_redis_failures_total", "reason" => failure.reason().as_str()).increment(1);
}

#[cfg(test)]
mod tests;
