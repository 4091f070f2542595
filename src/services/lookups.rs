//! What operators see of the caches: how often each spares its work.

use metrics::counter;

/// A cache, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CacheName {
    Answer,
    History,
}

/// Counts one lookup and what came of it.
pub(super) fn count<T>(cache: CacheName, found: Option<&T>) {
    let cache = match cache {
        CacheName::Answer => "answer",
        CacheName::History => "history",
    };
    let outcome = if found.is_some() { "hit" } else { "miss" };
    counter!("tester_cache_lookups_total", "cache" => cache, "outcome" => outcome).increment(1);
}
