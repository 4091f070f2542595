use std::fmt;
use std::time::Duration;

/// The address of a cached value: an HMAC, so that a key tells nothing about what it stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey(pub [u8; 32]);

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CacheKey({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

/// Where a value is cached and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheMetadata {
    /// The address.
    pub key: CacheKey,
    /// How long the value is served.
    pub ttl: Duration,
}
