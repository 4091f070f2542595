use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::domain::{Tokens, WalletGifts};

/// How the Supabase project is reached.
#[derive(Clone, Debug)]
pub struct SupabaseSettings {
    /// `SUPABASE_URL`: the project's root, without a trailing slash in its path.
    pub url: Url,
    /// `SUPABASE_SERVICE_ROLE_KEY`: bypasses row level security; never leaves the process but in
    /// requests to `url`.
    pub service_role_key: SecretString,
    /// `SUPABASE_ANON_KEY`: public by nature; handed to the console.
    pub anon_key: SecretString,
    /// `SUPABASE_JWT_SECRET`: raw bytes after trimming.
    pub jwt_secret: SecretString,
    /// `SUPABASE_JWT_ISSUER`: what access tokens must say of who made them.
    pub jwt_issuer: JwtIssuer,
    /// `supabase.timeout_ms`: deadline of one operation, its retries included.
    pub timeout: Duration,
}

/// How the project's tables are reached: all that the database needs to know of us.
#[derive(Clone, Debug)]
pub struct DataApiSettings {
    /// `SUPABASE_URL`.
    pub url: Url,
    /// `SUPABASE_SERVICE_ROLE_KEY`.
    pub service_role_key: SecretString,
    /// `supabase.timeout_ms`.
    pub timeout: Duration,
}

impl SupabaseSettings {
    /// The part that reaches tables.
    #[must_use]
    pub fn data_api(&self) -> DataApiSettings {
        DataApiSettings {
            url: self.url.clone(),
            service_role_key: self.service_role_key.clone(),
            timeout: self.timeout,
        }
    }
}

/// The rule for a token's `iss`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwtIssuer {
    /// Exactly this.
    Exactly(String),
    /// Anything, or none at all. Never in production.
    Any,
}

/// How Turnstile is asked.
#[derive(Clone, Debug)]
pub struct TurnstileSettings {
    /// `TURNSTILE_SECRET_KEY`.
    pub secret: SecretString,
    /// `TURNSTILE_VERIFY_URL`.
    pub verify_url: Url,
    /// `TURNSTILE_HOSTNAMES`: sites whose tokens are taken; empty means any.
    pub hostnames: Vec<String>,
    /// `TURNSTILE_ACTION`: what tokens must have been made for; `None` means anything.
    pub action: Option<String>,
    /// `turnstile.timeout_ms`: deadline of one call.
    pub timeout: Duration,
}

/// How the execution half is reached.
#[derive(Clone, Debug)]
pub struct WorkerClientSettings {
    /// `WORKER_URL`: one or more roots, comma-separated.
    pub urls: Vec<Url>,
    /// `WORKER_AUTH_TOKEN`.
    pub token: SecretString,
    /// `worker.connect_timeout_ms`: how long connecting to one of them may take.
    pub connect_timeout: Duration,
    /// `worker.total_timeout_ms`: how long a run may take, waiting for its turn included.
    pub total_timeout: Duration,
    /// `worker.health_ttl_ms`: how long a worker's word on its free capacity is believed.
    pub health_ttl: Duration,
}

/// How Redis is reached.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `REDIS_URL`: holds a password, hence secret.
    pub url: SecretString,
    /// `redis.timeout_ms`: how long a request waits for one answer. A request asks up to three
    /// times, and the first that is late sends all others to memory.
    pub timeout: Duration,
    /// `redis.connect_timeout_ms`: how long connecting may take, which no request waits for.
    pub connect_timeout: Duration,
}

/// The rules of the wallet.
#[derive(Clone, Copy, Debug)]
pub struct WalletSettings {
    /// `WALLET_ENABLED`: true in `serve`, false in `dev`.
    pub enabled: bool,
    /// `wallet.cost`: tokens a generation costs.
    pub cost: Tokens,
    /// `wallet.welcome` and `wallet.daily`.
    pub gifts: WalletGifts,
}

/// Actions a user may take in any 60 seconds.
#[derive(Clone, Copy, Debug)]
pub struct RateLimitSettings {
    /// `RATE_LIMIT_GENERATE_PER_MINUTE`.
    pub generate_per_minute: NonZeroU32,
    /// `RATE_LIMIT_EXECUTE_PER_MINUTE`.
    pub execute_per_minute: NonZeroU32,
    /// `RATE_LIMIT_STATUS_PER_MINUTE`.
    pub status_per_minute: NonZeroU32,
}

/// What is cached and how much of it.
#[derive(Clone, Copy, Debug)]
pub struct CacheSettings {
    /// `cache.enabled`.
    pub enabled: bool,
    /// `cache.generation_ttl_s`: how long an answer is served again.
    pub generation_ttl: Duration,
    /// `cache.history_ttl_s`: how long a page of history is served again, while nothing changes.
    pub history_ttl: Duration,
    /// `cache.max_bytes`: memory the in-process cache may hold.
    pub max_bytes: u64,
}

/// When the built-in engine writes.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinSettings {
    /// `builtin.offered`: whether a request may name it.
    pub offered: bool,
    /// `builtin.fallback`: whether it writes instead of a model that is down.
    pub fallback: bool,
    /// `builtin.budget_ms`: what it may take when a request does not say.
    pub budget: Duration,
}

/// How answers are streamed.
#[derive(Clone, Copy, Debug)]
pub struct StreamSettings {
    /// `stream.heartbeat_ms`: silence after which a comment keeps the connection alive.
    pub heartbeat: Duration,
    /// `stream.buffered_events`: events held for a client that reads slowly; the model is not
    /// read further meanwhile.
    pub buffered_events: usize,
}
