//! Facts that are not for tuning, grouped by domain. What may be tuned stands in `config/*.toml`.

/// What comes in over HTTP.
pub mod http {
    /// Largest request body, declared or streamed: 1 MiB. The largest sound request holds 100 000
    /// characters, at most 400 kB of UTF-8, and JSON escapes may double that.
    pub const BODY_LIMIT_BYTES: usize = 1024 * 1024;
    /// Most proxies anybody chains in front of TESTER; more is a mistake in the setting.
    pub const TRUSTED_PROXY_HOPS_MAX: usize = 10;
}

/// Google's Gemini API.
pub mod gemini {
    /// Where the API is reached unless `GEMINI_BASE_URL` says otherwise.
    pub const DEFAULT_BASE_URL: &str = "https://generativelanguage.googleapis.com";
    /// The documented output limit of the models on offer, in tokens.
    pub const OUTPUT_TOKENS_MAX: u32 = 65_536;
    /// Largest `temperature` the API takes; the smallest is 0.
    pub const TEMPERATURE_MAX: f64 = 2.0;
}

/// The built-in engine.
pub mod builtin {
    use std::ops::RangeInclusive;

    /// What a budget may be, in milliseconds: below, a sandbox has hardly started; above, nobody
    /// waits, and a run has its own limit anyway.
    pub const BUDGET_MS: RangeInclusive<u64> = 2_000..=30_000;
}

/// Cloudflare Turnstile.
pub mod turnstile {
    /// Where tokens are verified unless `TURNSTILE_VERIFY_URL` says otherwise.
    pub const DEFAULT_VERIFY_URL: &str =
        "https://challenges.cloudflare.com/turnstile/v0/siteverify";
    /// Length of the documented test secrets (`1x…AA`, `2x…AA`, `3x…AA`).
    pub const TEST_SECRET_LENGTH: usize = 35;
    /// Most names in `TURNSTILE_HOSTNAMES`.
    pub const HOSTNAMES_MAX: usize = 64;
    /// Longest action a widget can have, by Cloudflare's documentation.
    pub const ACTION_MAX_LENGTH: usize = 32;
    /// Shorter texts are no Turnstile secret; real ones have 35 characters.
    pub const SECRET_MIN_LENGTH: usize = 20;
}

/// Least lengths of secrets, in bytes.
pub mod secrets {
    /// HS256 wants a key of at least its hash's size (RFC 7518 §3.2).
    pub const JWT_SECRET_MIN_LENGTH: usize = 32;
    /// The token opens code execution: no less than a key.
    pub const WORKER_AUTH_TOKEN_MIN_LENGTH: usize = 32;
    /// Opens read-only routes, so a good password's length will do.
    pub const INTERNAL_SECRET_MIN_LENGTH: usize = 16;
    /// New Supabase keys carry at least this much after their prefix.
    pub const SUPABASE_KEY_MIN_LENGTH: usize = 16;
    /// A random secret has more distinct characters; fewer mean a repeated pattern. Of 16 random
    /// hex digits, fewer than four distinct ones turn up once in 10^9.
    pub const DISTINCT_CHARACTERS_MIN: usize = 4;
    /// Most keys in `DATA_ENCRYPTION_KEYS_RETIRED`: each is tried on rows that name none.
    pub const RETIRED_KEYS_MAX: usize = 16;
    /// 32 random bytes have fewer distinct values about once in 10^40.
    pub const DISTINCT_KEY_BYTES_MIN: usize = 8;
}

/// The execution half.
pub mod worker {
    /// Most roots in `WORKER_URL`: bounds what a health check fans out to.
    pub const URLS_MAX: usize = 16;
}

/// Files that are read at start.
pub mod files {
    /// Largest `.env` or `--config` file: 1 MiB, so that a wrong path can't fill the memory.
    pub const SETTINGS_FILE_MAX_BYTES: u64 = 1024 * 1024;
}
