use std::time::Duration;

use async_trait::async_trait;
use redis::Script;

use super::link::{Operation, RedisLink};
use super::name;
use crate::crypto::CacheKeyer;
use crate::domain::UserId;
use crate::stores::{LimitedAction, MemoryRateLimiter, RateLimit, RateLimiter, RateUsage};

/// Exact sliding windows over all instances: one script in Redis, on Redis' own clock, so that any
/// number of instances admit as many actions as one would.
///
/// What Redis admits here is counted in this process too, and whatever one of the two refuses is
/// refused. So nobody gets a second full quota when Redis goes in the middle of a window, nor when
/// it comes back empty; at worst, one from each other instance.
pub struct RedisRateLimiter {
    link: RedisLink,
    keyer: CacheKeyer,
    script: Script,
    own: MemoryRateLimiter,
}

#[derive(Clone, Copy)]
enum Question {
    Acquire,
    Peek,
}

impl RedisRateLimiter {
    /// A limiter that has admitted nothing itself yet. Users go by what `keyer` makes of them.
    #[must_use]
    pub fn new(link: RedisLink, keyer: CacheKeyer) -> Self {
        Self {
            link,
            keyer,
            script: Script::new(include_str!("rate_limit.lua")),
            own: MemoryRateLimiter::new(),
        }
    }

    async fn ask(
        &self,
        question: Question,
        user: UserId,
        action: LimitedAction,
        limit: RateLimit,
    ) -> Option<RateUsage> {
        let (operation, word) = match question {
            Question::Acquire => (Operation::LimitAcquire, "acquire"),
            Question::Peek => (Operation::LimitPeek, "peek"),
        };
        let kind = format!("limit:{}", action.as_str());
        let mut call =
            self.script.key(name(&kind, &self.keyer.key(&[b"limit", user.0.as_bytes()])));
        call.arg(limit.max.max(1)).arg(microseconds(limit.window)).arg(word);
        let answer = self
            .link
            .run(operation, async |mut connection| {
                call.invoke_async::<(u32, i64)>(&mut connection).await
            })
            .await;
        let (counted, wait) = answer?;
        let wait = u64::try_from(wait).ok().map(Duration::from_micros);
        let retry_after = wait.map(|wait| wait.min(limit.window));
        Some(RateUsage { used: counted, retry_after })
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn acquire(&self, user: UserId, action: LimitedAction, limit: RateLimit) -> RateUsage {
        let own = self.own.peek(user, action, limit).await;
        if own.retry_after.is_some() {
            let shared = self.ask(Question::Peek, user, action, limit).await;
            return shared.map_or(own, |shared| stricter(own, shared));
        }
        let Some(shared) = self.ask(Question::Acquire, user, action, limit).await else {
            return self.own.acquire(user, action, limit).await;
        };
        if shared.retry_after.is_none() {
            self.own.count(user, action, limit.window);
        }
        shared
    }

    async fn peek(&self, user: UserId, action: LimitedAction, limit: RateLimit) -> RateUsage {
        let own = self.own.peek(user, action, limit).await;
        let shared = self.ask(Question::Peek, user, action, limit).await;
        shared.map_or(own, |shared| stricter(own, shared))
    }
}

fn stricter(one: RateUsage, other: RateUsage) -> RateUsage {
    RateUsage {
        used: one.used.max(other.used),
        retry_after: one.retry_after.max(other.retry_after),
    }
}

fn microseconds(window: Duration) -> u64 {
    u64::try_from(window.as_micros()).unwrap_or(u64::MAX)
}
