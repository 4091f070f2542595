//! Which stores keep what can be forgotten: cached answers, pages of history, rate limits.

use std::sync::Arc;
use std::time::Duration;

use crate::config::{CacheSettings, RedisSettings};
use crate::crypto::{CacheKeyer, MasterKey};
use crate::stores::redis::{RedisCache, RedisLink, RedisRateLimiter};
use crate::stores::{Cache, MemoryCache, MemoryRateLimiter, RateLimiter, SharedPages};

/// How long the start waits for Redis. Nothing needs it, but what is asked of it in the first
/// second would else be answered as if there were none.
const FIRST_CONNECTION: Duration = Duration::from_secs(1);

/// The choice.
pub(super) struct Stores {
    pub(super) cache: Cache,
    pub(super) limiter: Arc<dyn RateLimiter>,
    /// Only where all instances see them.
    pub(super) pages: Option<SharedPages>,
}

impl Stores {
    /// In this process alone.
    pub(super) fn in_memory(settings: CacheSettings) -> Self {
        let cache = if settings.enabled {
            Cache::Memory(MemoryCache::new(settings.max_bytes))
        } else {
            Cache::Off
        };
        Self { cache, limiter: Arc::new(MemoryRateLimiter::new()), pages: None }
    }

    /// In Redis, and in this process while Redis is away.
    pub(super) async fn shared(
        redis: &RedisSettings,
        settings: CacheSettings,
        key: &MasterKey,
    ) -> Self {
        let link = RedisLink::start(redis);
        // Whatever comes of it, the link has said so.
        let _ = tokio::time::timeout(FIRST_CONNECTION, link.tried()).await;
        let cache = if settings.enabled {
            let meanwhile = MemoryCache::new(settings.max_bytes);
            Cache::Redis(RedisCache::new(link.clone(), meanwhile))
        } else {
            Cache::Off
        };
        let pages = settings.enabled.then(|| SharedPages::new(link.clone(), settings.history_ttl));
        let limiter = Arc::new(RedisRateLimiter::new(link, CacheKeyer::new(key)));
        Self { cache, limiter, pages }
    }
}
