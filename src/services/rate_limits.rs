//! How often a user may do what.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;

use crate::config::RateLimitSettings;
use crate::domain::UserId;
use crate::stores::{LimitedAction, RateLimit, RateLimiter};

/// The span all limits are counted over (contract: "a user and a minute").
const WINDOW: Duration = Duration::from_mins(1);

/// The configured limits over a counting store.
pub struct RateLimits {
    limiter: Arc<dyn RateLimiter>,
    settings: RateLimitSettings,
}

/// The user did this too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitReached {
    /// How long until the action is allowed again.
    pub retry_after: Duration,
}

/// Where a user stands, for the status route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Actions allowed a minute.
    pub limit: u32,
    /// Actions of the last minute.
    pub used: u32,
    /// Actions left now.
    pub remaining: u32,
}

impl RateLimits {
    /// These limits over this store.
    #[must_use]
    pub fn new(limiter: Arc<dyn RateLimiter>, settings: RateLimitSettings) -> Self {
        Self { limiter, settings }
    }

    /// Counts one action.
    ///
    /// # Errors
    ///
    /// [`LimitReached`] when there were too many; a refused action does not count.
    pub async fn admit(&self, user: UserId, action: LimitedAction) -> Result<(), LimitReached> {
        let usage = self.limiter.acquire(user, action, self.limit(action)).await;
        let outcome = if usage.retry_after.is_none() { "admitted" } else { "refused" };
        counter!(
            "tester_rate_limit_decisions_total",
            "action" => action.as_str(),
            "outcome" => outcome
        )
        .increment(1);
        usage.retry_after.map_or(Ok(()), |retry_after| Err(LimitReached { retry_after }))
    }

    /// Where the user stands, without counting.
    pub async fn quota(&self, user: UserId, action: LimitedAction) -> Quota {
        let limit = self.limit(action);
        let usage = self.limiter.peek(user, action, limit).await;
        Quota {
            limit: limit.max,
            used: usage.used,
            remaining: limit.max.saturating_sub(usage.used),
        }
    }

    const fn limit(&self, action: LimitedAction) -> RateLimit {
        let max = match action {
            LimitedAction::Generate => self.settings.generate_per_minute,
            LimitedAction::Execute => self.settings.execute_per_minute,
            LimitedAction::Status => self.settings.status_per_minute,
        };
        RateLimit { max: max.get(), window: WINDOW }
    }
}
