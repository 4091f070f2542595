//! Answers that were given before: the same question is answered again without asking anybody.
//!
//! The key is an HMAC and the value is sealed to its key, so that whoever reads the cache learns
//! nothing and whoever writes to it is noticed. Failure policy: open. A value that can't be opened
//! counts as absent.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::crypto::{CacheCipher, CacheKeyer};
use crate::domain::{CacheKey, CacheMetadata, GenerationRequest, SuiteReport, Writer};
use crate::services::lookups::{self, CacheName};
use crate::stores::Cache;

/// A complete answer, as cached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Answer {
    /// The tests.
    pub(super) code: String,
    /// The model that wrote them.
    pub(super) model: String,
    /// What is known of them, where they were explored.
    #[serde(default)]
    pub(super) suite: Option<SuiteReport>,
}

/// The cache of answers.
pub struct AnswerCache {
    cache: Cache,
    keyer: CacheKeyer,
    cipher: CacheCipher,
    ttl: Duration,
}

impl AnswerCache {
    /// Answers are kept in this cache for that long.
    #[must_use]
    pub const fn new(cache: Cache, keyer: CacheKeyer, cipher: CacheCipher, ttl: Duration) -> Self {
        Self { cache, keyer, cipher, ttl }
    }

    /// Two requests share a key exactly when the same would be asked: of a model by its prompt, of
    /// the built-in engine by what it may spend and where it begins. The version is the writer's.
    pub(super) fn key(&self, request: &GenerationRequest, version: &str) -> CacheKey {
        let description = request.description.as_ref().map_or("", |text| text.as_str());
        let effort = match &request.writer {
            Writer::Model(_) => String::new(),
            Writer::Builtin => {
                format!("{} {}", request.effort.budget.as_millis(), request.effort.seed)
            }
        };
        self.keyer.key(&[
            b"answer",
            version.as_bytes(),
            request.writer.name().as_bytes(),
            effort.as_bytes(),
            request.language.as_str().as_bytes(),
            request.locale.tag().as_bytes(),
            description.as_bytes(),
            request.source.as_str().as_bytes(),
        ])
    }

    pub(super) async fn get(&self, key: &CacheKey) -> Option<Answer> {
        let sealed = self.cache.get(key).await;
        let answer = sealed.and_then(|sealed| self.open(key, &sealed));
        lookups::count(CacheName::Answer, answer.as_ref());
        answer
    }

    /// Keeps an answer. What is borrowed of it is read before the future is polled.
    pub(super) fn put<'a>(
        &'a self,
        key: CacheKey,
        answer: &Answer,
    ) -> impl Future<Output = ()> + use<'a> {
        let json = serde_json::to_vec(answer).expect("strings and numbers always serialise");
        let sealed = self.cipher.seal(&key, &json);
        self.cache.put(CacheMetadata { key, ttl: self.ttl }, sealed.into())
    }

    fn open(&self, key: &CacheKey, sealed: &[u8]) -> Option<Answer> {
        let opened = self
            .cipher
            .open(key, sealed)
            .map_err(|error| tracing::warn!(%error, "a cached answer can't be opened"))
            .ok()?;
        serde_json::from_slice(&opened).ok()
    }
}
