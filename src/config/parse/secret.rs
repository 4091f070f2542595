use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use redis::IntoConnectionInfo as _;
use secrecy::SecretString;
use url::Url;

use super::placeholder::is_placeholder;
use crate::config::DeployEnvironment;
use crate::config::constants::{secrets, turnstile};
use crate::config::problems::Flaw;
use crate::crypto::MasterKey;

/// Signs tokens of every Supabase stack on a developer's machine, hence of nobody in particular.
const LOCAL_STACK_JWT_SECRET: &str = "super-secret-jwt-token-with-at-least-32-characters-long";

/// Keys printed in public: the Fernet specification's own example.
const PUBLISHED_KEYS: [&str; 1] = ["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="];

/// `GEMINI_API_KEY`: its form is Google's business (`AIza…`, `AQ.…`), so only that it can be sent.
pub(in crate::config) fn gemini_key(text: &str) -> Result<SecretString, Flaw> {
    header_secret(text, 1)
}

/// `WORKER_AUTH_TOKEN`.
pub(in crate::config) fn worker_token(text: &str) -> Result<SecretString, Flaw> {
    unguessable(text)?;
    header_secret(text, secrets::WORKER_AUTH_TOKEN_MIN_LENGTH)
}

/// `TESTER_INTERNAL_SECRET`.
pub(in crate::config) fn internal_secret(text: &str) -> Result<SecretString, Flaw> {
    unguessable(text)?;
    header_secret(text, secrets::INTERNAL_SECRET_MIN_LENGTH)
}

/// `TURNSTILE_SECRET_KEY`: Cloudflare's test secrets let every bot in, or nobody.
pub(in crate::config) fn turnstile_secret(
    text: &str,
    rules: DeployEnvironment,
) -> Result<SecretString, Flaw> {
    if rules == DeployEnvironment::Production && is_turnstile_test_secret(text) {
        return Err("is one of Cloudflare's test secrets, which check nothing".into());
    }
    header_secret(text, turnstile::SECRET_MIN_LENGTH)
}

/// `SUPABASE_JWT_SECRET`: raw bytes that never stand in a header, so more than ASCII may be in it.
pub(in crate::config) fn jwt_secret(
    text: &str,
    rules: DeployEnvironment,
) -> Result<SecretString, Flaw> {
    no_placeholder(text)?;
    unguessable(text)?;
    if text.chars().any(char::is_control) {
        return Err("holds a control character or a line break".into());
    }
    long_enough(text, secrets::JWT_SECRET_MIN_LENGTH)?;
    if rules == DeployEnvironment::Production && text == LOCAL_STACK_JWT_SECRET {
        return Err("is the published secret of the local Supabase stack".into());
    }
    Ok(SecretString::from(text))
}

/// `DATA_ENCRYPTION_KEY`.
pub(in crate::config) fn master_key(text: &str) -> Result<MasterKey, Flaw> {
    no_placeholder(text)?;
    let key = MasterKey::parse(text).map_err(|error| error.to_string())?;
    let guessable = URL_SAFE.decode(text).is_ok_and(|bytes| is_guessable_key(&bytes));
    if guessable || PUBLISHED_KEYS.contains(&text) {
        return Err("is a key that anybody could guess".into());
    }
    Ok(key)
}

/// `DATA_ENCRYPTION_KEYS_RETIRED`: keys like the current one, separated by commas. A key that
/// anybody could guess is a reason to retire it, and must not be in the way of that.
pub(in crate::config) fn retired_keys(text: &str) -> Result<Vec<MasterKey>, Flaw> {
    no_placeholder(text)?;
    let keys: Vec<_> = text.split(',').map(str::trim).collect();
    if keys.len() > secrets::RETIRED_KEYS_MAX {
        return Err(format!("names more than {} keys", secrets::RETIRED_KEYS_MAX).into());
    }
    let mut seen = keys.clone();
    seen.sort_unstable();
    seen.dedup();
    if seen.len() < keys.len() {
        return Err("names a key twice".into());
    }
    // Which of them is wrong is told by its place: its text is nobody's business.
    let read = |(index, key): (usize, &&str)| {
        MasterKey::parse(key).map_err(|flaw| Flaw::from(format!("key {}: {flaw}", index + 1)))
    };
    keys.iter().enumerate().map(read).collect()
}

/// `REDIS_URL`, checked by the client that will use it.
pub(in crate::config) fn redis_url(text: &str) -> Result<SecretString, Flaw> {
    no_placeholder(text)?;
    if !(text.starts_with("redis://") || text.starts_with("rediss://")) {
        return Err("must begin with redis:// or rediss://".into());
    }
    let url =
        Url::parse(text).map_err(|_| "is no URL: redis://[user:password@]host[:port][/db]")?;
    if url.host_str().is_some_and(is_placeholder) {
        return Err("still holds a placeholder".into());
    }
    if url.fragment().is_some() {
        return Err("must not have a fragment (#): it would turn certificate checks off".into());
    }
    // The client's own words may repeat parts of the URL.
    text.into_connection_info().map_err(|_| "is no URL the Redis client understands")?;
    Ok(SecretString::from(text))
}

/// A secret that travels in an HTTP header.
pub(super) fn header_secret(text: &str, min_length: usize) -> Result<SecretString, Flaw> {
    no_placeholder(text)?;
    visible_ascii(text)?;
    long_enough(text, min_length)?;
    Ok(SecretString::from(text))
}

pub(super) fn visible_ascii(text: &str) -> Result<(), Flaw> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    visible.then_some(()).ok_or_else(|| {
        "holds a space, a line break or another character that is not visible ASCII".into()
    })
}

pub(super) fn no_placeholder(text: &str) -> Result<(), Flaw> {
    if is_placeholder(text) { Err("still holds a placeholder".into()) } else { Ok(()) }
}

fn long_enough(text: &str, min_length: usize) -> Result<(), Flaw> {
    if text.len() < min_length {
        return Err(format!("must have at least {min_length} characters").into());
    }
    Ok(())
}

fn unguessable(text: &str) -> Result<(), Flaw> {
    no_placeholder(text)?;
    if distinct(text.as_bytes()) < secrets::DISTINCT_CHARACTERS_MIN {
        return Err("repeats the same few characters, anybody could guess it".into());
    }
    Ok(())
}

/// All zero, a repeated pattern, or bytes that count up or down.
fn is_guessable_key(bytes: &[u8]) -> bool {
    let mut steps: Vec<u8> = bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    steps.dedup();
    distinct(bytes) < secrets::DISTINCT_KEY_BYTES_MIN || steps.len() <= 1
}

fn distinct(bytes: &[u8]) -> usize {
    let mut bytes = bytes.to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    bytes.len()
}

/// `1x…AA` passes, `2x…AA` fails, `3x…AA` is spent: 35 characters, digits then zeros, `AA`.
fn is_turnstile_test_secret(text: &str) -> bool {
    let zeros = ["1x", "2x", "3x"].iter().find_map(|prefix| text.strip_prefix(prefix));
    text.len() == turnstile::TEST_SECRET_LENGTH
        && zeros
            .and_then(|rest| rest.strip_suffix("AA"))
            .is_some_and(|zeros| zeros.bytes().all(|digit| digit.is_ascii_digit()))
}
