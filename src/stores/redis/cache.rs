use bytes::Bytes;
use redis::cmd;

use super::link::{Operation, RedisLink};
use super::{VALUE_MAX_BYTES, milliseconds, name};
use crate::domain::{CacheKey, CacheMetadata};
use crate::stores::MemoryCache;

/// A cache that all instances share, and one of this process for when there is no Redis.
///
/// The two are not kept alike: a value is in the one that was in use when it was put.
pub struct RedisCache {
    link: RedisLink,
    meanwhile: MemoryCache,
}

impl RedisCache {
    /// A cache in Redis, and this one in its place when it is away.
    #[must_use]
    pub const fn new(link: RedisLink, meanwhile: MemoryCache) -> Self {
        Self { link, meanwhile }
    }

    pub(in crate::stores) async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        let mut get = cmd("GETRANGE");
        // One byte more tells that there is too much.
        get.arg(name("cache", key)).arg(0).arg(VALUE_MAX_BYTES);
        let found = self
            .link
            .run(Operation::CacheGet, async |mut connection| {
                get.query_async::<Vec<u8>>(&mut connection).await
            })
            .await;
        match found {
            // What is missing is empty, and no sealed value is.
            Some(value) if value.is_empty() || value.len() > VALUE_MAX_BYTES => None,
            Some(value) => Some(value.into()),
            None => self.meanwhile.get(key).await,
        }
    }

    pub(in crate::stores) async fn put(&self, metadata: CacheMetadata, value: Bytes) {
        let Some(ttl) = milliseconds(metadata.ttl) else { return };
        if value.len() > VALUE_MAX_BYTES {
            return;
        }
        let mut set = cmd("SET");
        set.arg(name("cache", &metadata.key)).arg(&value[..]).arg("PX").arg(ttl);
        let put = self
            .link
            .run(Operation::CachePut, async |mut connection| set.exec_async(&mut connection).await)
            .await;
        if put.is_none() {
            self.meanwhile.put(metadata, value).await;
        }
    }
}
