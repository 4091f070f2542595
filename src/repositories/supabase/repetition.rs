//! When a call is made again: where that is safe, spaced out, inside the deadline.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::failure::{CallError, Effect, Retry};

/// Attempts after the first one. A database that fails for longer is down, and the user is told so
/// rather than kept waiting.
const REPETITIONS: usize = 2;
/// The wait before the second attempt; the third waits four times as long.
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// Whether a call may be made again after it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Twice has the effect of once, and the caller can read the answer of the second time.
    Freely,
    /// Only if it surely did nothing.
    OnlyIfUndone,
}

/// The waits between the attempts at one call.
pub(super) struct Schedule {
    repeat: Repeat,
    backoff: ExponentialBackoff,
    deadline: Instant,
}

impl Schedule {
    pub(super) fn new(repeat: Repeat, deadline: Instant) -> Self {
        let backoff = ExponentialBuilder::new()
            .with_min_delay(FIRST_WAIT)
            .with_factor(4.0)
            .with_max_times(REPETITIONS)
            .with_jitter()
            .build();
        Self { repeat, backoff, deadline }
    }

    /// How long to wait before the next attempt; `None` when this failure is final: its kind, its
    /// effect, the number of attempts or the deadline forbids another.
    pub(super) fn wait_after(&mut self, failed: &CallError) -> Option<Duration> {
        if self.repeat == Repeat::OnlyIfUndone && failed.effect == Effect::Unknown {
            return None;
        }
        let wait = match failed.retry {
            Retry::Never => return None,
            Retry::AfterBackoff => self.backoff.next()?,
            Retry::NotBefore(delay) => self.backoff.next()?.max(delay),
        };
        let in_time = Instant::now().checked_add(wait).is_some_and(|then| then < self.deadline);
        in_time.then_some(wait)
    }
}
