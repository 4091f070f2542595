use bytes::Bytes;
use moka::policy::EvictionPolicy;
use tokio::time::Instant;

use super::redis::RedisCache;
use crate::domain::{CacheKey, CacheMetadata};

/// An entry may take this part of the cache at most, so that one answer can't push out the rest.
const LARGEST_ENTRY_PART: u64 = 16;
/// What an entry takes beside its value, in bytes: key, expiry, and the cache's own nodes and
/// queues, by estimate.
const ENTRY_OVERHEAD: usize = 256;

/// Where values that can be made again are kept meanwhile. They come encrypted. What can't be
/// read or kept is a miss, never an error.
pub enum Cache {
    /// In Redis, where all instances find them.
    Redis(RedisCache),
    /// In this process.
    Memory(MemoryCache),
    /// Nowhere: every read is a miss.
    Off,
}

/// A cache in this process's memory, least recently used out first.
///
/// Expiry is checked here, on the clock that tests can stop; moka bounds the memory, which an
/// expired value holds until it is replaced or pushed out.
pub struct MemoryCache {
    entries: moka::future::Cache<CacheKey, Entry>,
    max_entry_bytes: u64,
}

#[derive(Clone)]
struct Entry {
    value: Bytes,
    expires: Instant,
}

impl Cache {
    /// The value under the key, unless there is none or it has expired.
    pub async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        match self {
            Self::Redis(cache) => cache.get(key).await,
            Self::Memory(cache) => cache.get(key).await,
            Self::Off => None,
        }
    }

    /// Keeps the value for as long as `metadata` says, in place of the one that was there.
    pub async fn put(&self, metadata: CacheMetadata, value: Bytes) {
        match self {
            Self::Redis(cache) => cache.put(metadata, value).await,
            Self::Memory(cache) => cache.put(metadata, value).await,
            Self::Off => {}
        }
    }
}

impl MemoryCache {
    /// An empty cache that will hold `max_bytes` at most.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        let entries = moka::future::Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, entry: &Entry| weight(&entry.value))
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { entries, max_entry_bytes: max_bytes / LARGEST_ENTRY_PART }
    }

    pub(super) async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        let entry = self.entries.get(key).await?;
        (Instant::now() < entry.expires).then_some(entry.value)
    }

    pub(super) async fn put(&self, metadata: CacheMetadata, value: Bytes) {
        if u64::from(weight(&value)) > self.max_entry_bytes {
            return;
        }
        // A time beyond the clock's reach can't be kept; no setting comes near it.
        let Some(expires) = Instant::now().checked_add(metadata.ttl) else { return };
        self.entries.insert(metadata.key, Entry { value, expires }).await;
    }
}

/// Bytes an entry takes; more than `u32` holds is more than any cache takes.
fn weight(value: &Bytes) -> u32 {
    u32::try_from(value.len().saturating_add(ENTRY_OVERHEAD)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const KEY: CacheKey = CacheKey([7; 32]);
    const TTL: Duration = Duration::from_mins(1);

    fn memory(max_bytes: u64) -> Cache {
        Cache::Memory(MemoryCache::new(max_bytes))
    }

    fn for_ttl(key: CacheKey, ttl: Duration) -> CacheMetadata {
        CacheMetadata { key, ttl }
    }

    #[tokio::test(start_paused = true)]
    async fn a_value_is_served_until_its_time_is_over() {
        let cache = memory(1 << 20);
        cache.put(for_ttl(KEY, TTL), Bytes::from_static(b"value")).await;
        tokio::time::advance(TTL.saturating_sub(Duration::from_nanos(1))).await;
        assert_eq!(cache.get(&KEY).await.as_deref(), Some(&b"value"[..]));
        tokio::time::advance(Duration::from_nanos(1)).await;
        assert_eq!(cache.get(&KEY).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn every_value_has_a_time_of_its_own() {
        let cache = memory(1 << 20);
        let longer = CacheKey([8; 32]);
        cache.put(for_ttl(KEY, TTL), Bytes::from_static(b"short")).await;
        cache.put(for_ttl(longer, TTL * 2), Bytes::from_static(b"long")).await;
        tokio::time::advance(TTL).await;
        assert_eq!(cache.get(&KEY).await, None);
        assert_eq!(cache.get(&longer).await.as_deref(), Some(&b"long"[..]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_value_replaces_the_old_one_and_its_time() {
        let cache = memory(1 << 20);
        cache.put(for_ttl(KEY, TTL), Bytes::from_static(b"old")).await;
        tokio::time::advance(TTL / 2).await;
        cache.put(for_ttl(KEY, TTL), Bytes::from_static(b"new")).await;
        tokio::time::advance(TTL / 2).await;
        assert_eq!(cache.get(&KEY).await.as_deref(), Some(&b"new"[..]));
    }

    #[tokio::test]
    async fn a_value_without_time_is_not_served() {
        let cache = memory(1 << 20);
        cache.put(for_ttl(KEY, Duration::ZERO), Bytes::from_static(b"value")).await;
        cache.put(for_ttl(CacheKey([8; 32]), Duration::MAX), Bytes::new()).await;
        assert_eq!(cache.get(&KEY).await, None);
        assert_eq!(cache.get(&CacheKey([8; 32])).await, None);
    }

    #[tokio::test]
    async fn memory_stays_bounded_and_what_was_read_last_stays() {
        let max_bytes = 64 * 1024;
        let cache = memory(max_bytes);
        let Cache::Memory(memory) = &cache else { unreachable!("it is in memory") };
        let key = |index: u8| CacheKey([index; 32]);
        for index in 0..=u8::MAX {
            cache.put(for_ttl(key(index), TTL), Bytes::from(vec![index; 1_024])).await;
            memory.entries.run_pending_tasks().await;
            assert!(memory.entries.weighted_size() <= max_bytes);
            assert!(cache.get(&key(0)).await.is_some(), "after {index}");
        }
        assert_eq!(cache.get(&key(1)).await, None);
        assert_eq!(cache.get(&key(u8::MAX)).await.as_deref(), Some(&[u8::MAX; 1_024][..]));
    }

    #[tokio::test]
    async fn a_value_that_would_crowd_out_the_others_is_not_kept() {
        let cache = memory(64 * 1024);
        let largest = 4 * 1024 - ENTRY_OVERHEAD;
        cache.put(for_ttl(KEY, TTL), Bytes::from(vec![0; largest + 1])).await;
        assert_eq!(cache.get(&KEY).await, None);
        cache.put(for_ttl(KEY, TTL), Bytes::from(vec![0; largest])).await;
        assert!(cache.get(&KEY).await.is_some());
    }

    #[tokio::test]
    async fn a_cache_that_is_off_keeps_nothing() {
        Cache::Off.put(for_ttl(KEY, TTL), Bytes::from_static(b"value")).await;
        assert_eq!(Cache::Off.get(&KEY).await, None);
    }
}
