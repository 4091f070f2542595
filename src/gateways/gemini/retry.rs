//! When to try again: before the first token only, spaced out, inside the deadline.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::failure::{Failure, Retry};
use crate::config::GeminiSettings;

/// The waits between the attempts at one answer.
#[derive(Debug)]
pub(super) struct RetrySchedule {
    backoff: ExponentialBackoff,
    longest: Duration,
    deadline: Instant,
}

impl RetrySchedule {
    pub(super) fn new(settings: &GeminiSettings, deadline: Instant) -> Self {
        let retries = settings.max_attempts.saturating_sub(1);
        let backoff = ExponentialBuilder::new()
            .with_min_delay(settings.backoff_min)
            .with_max_delay(settings.backoff_max)
            .with_max_times(usize::try_from(retries).unwrap_or(usize::MAX))
            .with_jitter()
            .build();
        Self { backoff, longest: settings.backoff_max, deadline }
    }

    /// How long to wait before the next attempt; `None` when this failure is final: its kind, the
    /// number of attempts or the deadline forbids another.
    pub(super) fn wait_after(&mut self, failure: &Failure) -> Option<Duration> {
        let mut own = || self.backoff.next().map(|wait| wait.min(self.longest));
        let wait = match failure.retry {
            Retry::Never => return None,
            Retry::AfterBackoff => own()?,
            // Never earlier than asked, nor all callers at the very moment that was named.
            Retry::NotBefore(delay) => own()?.max(delay),
        };
        let in_time = Instant::now().checked_add(wait).is_some_and(|then| then < self.deadline);
        in_time.then_some(wait)
    }
}

#[cfg(test)]
mod tests;
