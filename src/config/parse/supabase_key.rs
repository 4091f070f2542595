use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Deserialize;

use super::placeholder::is_placeholder;
use super::secret::{header_secret, visible_ascii};
use crate::config::DeployEnvironment;
use crate::config::constants::secrets;
use crate::config::problems::Flaw;

const SECRET_PREFIX: &str = "sb_secret_";
const PUBLISHABLE_PREFIX: &str = "sb_publishable_";

/// `iss` of the legacy keys that every local Supabase stack shares.
const LOCAL_STACK_ISSUER: &str = "supabase-demo";
/// How the newer keys of every local Supabase stack begin.
const LOCAL_STACK_KEYS: [&str; 2] = ["sb_secret_N7UND0UgjKTVK", "sb_publishable_ACJWlzQHlZjBrEg"];

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum SupabaseKeyRole {
    /// Bypasses row level security: `service_role`, `sb_secret_…`.
    Service,
    /// Given to browsers: `anon`, `sb_publishable_…`.
    Anon,
}

/// The claims a legacy key is recognised by. Its signature is for Supabase to check.
#[derive(Deserialize)]
struct LegacyClaims {
    role: String,
    iss: Option<String>,
}

/// A Supabase API key of either generation, refused when it is the other role's: swapped, the
/// service key would be handed to browsers.
pub(in crate::config) fn supabase_key(
    text: &str,
    expected: SupabaseKeyRole,
    rules: DeployEnvironment,
) -> Result<SecretString, Flaw> {
    let key = header_secret(text, 1)?;
    let (role, published) = match recognise_new(text)? {
        Some(role) => (role, LOCAL_STACK_KEYS.iter().any(|known| text.starts_with(known))),
        None => recognise_legacy(text)?,
    };
    match (role, expected) {
        (SupabaseKeyRole::Anon, SupabaseKeyRole::Service) => {
            return Err("holds the anon key, which belongs in SUPABASE_ANON_KEY".into());
        }
        (SupabaseKeyRole::Service, SupabaseKeyRole::Anon) => {
            return Err("holds the service key, which belongs in SUPABASE_SERVICE_ROLE_KEY and \
                        would be handed to browsers"
                .into());
        }
        _ => {}
    }
    if published && rules == DeployEnvironment::Production {
        return Err("is the published key of the local Supabase stack".into());
    }
    Ok(key)
}

fn recognise_new(text: &str) -> Result<Option<SupabaseKeyRole>, Flaw> {
    let (role, rest) = if let Some(rest) = text.strip_prefix(SECRET_PREFIX) {
        (SupabaseKeyRole::Service, rest)
    } else if let Some(rest) = text.strip_prefix(PUBLISHABLE_PREFIX) {
        (SupabaseKeyRole::Anon, rest)
    } else {
        return Ok(None);
    };
    if is_placeholder(rest) {
        return Err("still holds a placeholder".into());
    }
    if rest.len() < secrets::SUPABASE_KEY_MIN_LENGTH {
        return Err("is cut off after its prefix".into());
    }
    Ok(Some(role))
}

fn recognise_legacy(text: &str) -> Result<(SupabaseKeyRole, bool), Flaw> {
    visible_ascii(text)?;
    let claims = legacy_claims(text).ok_or(
        "is neither a new key (sb_secret_…, sb_publishable_…) nor a legacy one (a JWT with a role)",
    )?;
    let role = match claims.role.as_str() {
        "service_role" => SupabaseKeyRole::Service,
        "anon" => SupabaseKeyRole::Anon,
        _ => return Err("is a JWT, but of neither service_role nor anon".into()),
    };
    Ok((role, claims.iss.as_deref() == Some(LOCAL_STACK_ISSUER)))
}

fn legacy_claims(text: &str) -> Option<LegacyClaims> {
    let mut parts = text.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok().filter(|bytes| !bytes.is_empty());
    decode(header)?;
    decode(signature)?;
    if parts.next().is_some() {
        return None;
    }
    serde_json::from_slice(&decode(claims)?).ok()
}
