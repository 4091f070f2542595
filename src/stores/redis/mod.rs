//! Redis, where instances share what they can afford to lose: cached answers, pages of history and
//! rate limits.
//!
//! Failure policy: open. [`RedisLink`] is a breaker: the first late answer or broken connection
//! sends everybody to what this process keeps in its own memory, at once and without a wait, until
//! Redis answers again. Then instances no longer share, and everything is still correct:
//!
//! | what | meanwhile |
//! |---|---|
//! | cached answers, [`RedisCache`] | are kept in memory |
//! | rate limits, [`RedisRateLimiter`] | are counted in memory, on top of what Redis admitted here |
//! | pages of history, [`SharedPages`] | are read from the database |
//!
//! What is told to Redis tells its reader nothing: names are HMACs, values are sealed by whoever
//! hands them in, everything has a time to live. What comes back is hearsay: it is asked for with a
//! bound on its length, and means nothing until its seal is found whole. (The server itself is
//! trusted to speak its protocol: nothing bounds a reply that nobody asked for.)

mod cache;
mod failure;
mod keeper;
mod link;
mod pages;
mod rate_limiter;
mod untold;

use std::time::Duration;

pub use cache::RedisCache;
pub use failure::{Failure, Reason};
pub use link::RedisLink;
pub use pages::{Certainty, FoundPage, PageVersion, SharedPages};
pub use rate_limiter::RedisRateLimiter;

use crate::domain::CacheKey;

/// Largest value that is sent or taken: 1 MiB. On the way it holds up what shares its connection,
/// and a value that large is rare (an answer has some 10 KiB, a page of 50 rows some 300 KiB).
const VALUE_MAX_BYTES: usize = 1024 * 1024;

/// The name of a value in Redis.
fn name(kind: &str, key: &CacheKey) -> String {
    let mut name = format!("tester:{kind}:");
    for byte in key.0 {
        name += &format!("{byte:02x}");
    }
    name
}

/// A time to live as Redis takes it; `None` when nothing is left of it.
fn milliseconds(ttl: Duration) -> Option<u64> {
    u64::try_from(ttl.as_millis()).ok().filter(|milliseconds| *milliseconds > 0)
}

#[cfg(test)]
mod tests;
