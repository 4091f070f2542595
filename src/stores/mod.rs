//! Forgettable data: cached answers and pages, rate limits. Losing it costs time or a little
//! fairness, never correctness.

mod cache;
mod memory_rate_limiter;
pub mod redis;

use std::time::Duration;

use async_trait::async_trait;

pub use self::cache::{Cache, MemoryCache};
pub use self::memory_rate_limiter::MemoryRateLimiter;
pub use self::redis::{Certainty, FoundPage, PageVersion, SharedPages};
use crate::domain::UserId;

/// What a user does that is limited a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitedAction {
    /// `POST /api/generate`.
    Generate,
    /// `POST /api/execution/*`.
    Execute,
    /// `GET /api/user/status`.
    Status,
}

impl LimitedAction {
    /// The name in keys, metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Execute => "execute",
            Self::Status => "status",
        }
    }
}

/// At most `max` actions in any span of `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Most actions. At least 1.
    pub max: u32,
    /// The span.
    pub window: Duration,
}

/// Where a user stands against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateUsage {
    /// Actions counted in the window that ends now.
    pub used: u32,
    /// `None` when an action is (or was) allowed, else how long until one is.
    pub retry_after: Option<Duration>,
}

/// Counts actions of users in sliding windows.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Counts one action if the limit allows it. A refused action is not counted.
    async fn acquire(&self, user: UserId, action: LimitedAction, limit: RateLimit) -> RateUsage;

    /// Reads without counting.
    async fn peek(&self, user: UserId, action: LimitedAction, limit: RateLimit) -> RateUsage;
}
