use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::{LimitedAction, RateLimit, RateLimiter, RateUsage};
use crate::domain::UserId;

/// Most accepted actions remembered, over all users. One takes up to about 250 bytes (a user's
/// only one) and is kept for a window: 16 MiB at worst, for a steady 1 000 actions a second with
/// windows of a minute, which is beyond what one process serves.
const CAPACITY: usize = 65_536;

/// Exact sliding windows in this process's memory: no span as long as the window, wherever it
/// begins, holds more than `max` accepted actions. (governor counts in a leaky bucket, which lets
/// nearly twice the limit through in one window, and can't be read without counting.)
///
/// An action leaves the window when exactly its length has passed. Memory is bounded: with
/// 65 536 actions remembered, the next one makes the limiter forget the oldest, which was the next
/// to expire anyway. So a crowd can loosen the limit a little, but neither fill the
/// memory nor lock anybody out.
#[derive(Debug)]
pub struct MemoryRateLimiter {
    actions: Mutex<AcceptedActions>,
    capacity: usize,
}

/// Whose actions of which kind are counted together.
type Key = (UserId, LimitedAction);

#[derive(Debug, Default)]
struct AcceptedActions {
    /// When each key's actions were accepted, oldest first. Holds no empty log.
    logs: HashMap<Key, VecDeque<Instant>>,
    /// The actions of all logs in the order of their acceptance, so that a log's front is always
    /// the first of its key in here.
    order: VecDeque<Accepted>,
}

#[derive(Debug)]
struct Accepted {
    key: Key,
    at: Instant,
    window: Duration,
}

impl MemoryRateLimiter {
    /// A limiter that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    fn with_capacity(capacity: usize) -> Self {
        Self { actions: Mutex::default(), capacity }
    }

    /// Counts an action that was admitted elsewhere, whatever stands here.
    pub(super) fn count(&self, user: UserId, action: LimitedAction, window: Duration) {
        let mut actions = self.actions();
        let now = Instant::now();
        actions.forget_expired(now);
        self.accept(&mut actions, Accepted { key: (user, action), at: now, window });
    }

    fn accept(&self, actions: &mut AcceptedActions, accepted: Accepted) {
        if actions.order.len() >= self.capacity {
            actions.forget_oldest();
        }
        actions.accept(accepted);
    }

    fn actions(&self) -> MutexGuard<'_, AcceptedActions> {
        // After a panic the worst that the logs hold is one action too many or too few.
        self.actions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryRateLimiter {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl RateLimiter for MemoryRateLimiter {
    async fn acquire(&self, user: UserId, action: LimitedAction, limit: RateLimit) -> RateUsage {
        let key = (user, action);
        let mut actions = self.actions();
        // Read under the lock: acceptances are in the order of their times.
        let now = Instant::now();
        actions.forget_expired(now);
        let usage = actions.usage(key, limit, now);
        if usage.retry_after.is_some() {
            return usage;
        }
        self.accept(&mut actions, Accepted { key, at: now, window: limit.window });
        RateUsage { used: usage.used + 1, retry_after: None }
    }

    async fn peek(&self, user: UserId, action: LimitedAction, limit: RateLimit) -> RateUsage {
        self.actions().usage((user, action), limit, Instant::now())
    }
}

impl AcceptedActions {
    fn usage(&self, key: Key, limit: RateLimit, now: Instant) -> RateUsage {
        let Some(log) = self.logs.get(&key) else {
            return RateUsage { used: 0, retry_after: None };
        };
        let counted = log.partition_point(|at| now - *at >= limit.window);
        let used = u32::try_from(log.len() - counted).unwrap_or(u32::MAX);
        // The next action is allowed once all but `max - 1` have left the window.
        let leaving = used.checked_sub(limit.max.max(1)).map(|over| log[counted + over as usize]);
        RateUsage { used, retry_after: leaving.map(|at| limit.window.saturating_sub(now - at)) }
    }

    fn accept(&mut self, accepted: Accepted) {
        self.logs.entry(accepted.key).or_default().push_back(accepted.at);
        self.order.push_back(accepted);
    }

    /// Costs what was accepted before, once: each action is forgotten once.
    fn forget_expired(&mut self, now: Instant) {
        while self.order.front().is_some_and(|oldest| now - oldest.at >= oldest.window) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some(oldest) = self.order.pop_front() else { return };
        if let Entry::Occupied(mut log) = self.logs.entry(oldest.key) {
            log.get_mut().pop_front();
            if log.get().is_empty() {
                log.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests;
