use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use super::object::UniqueObject;
use crate::config::JwtIssuer;
use crate::domain::{AuthenticatedUser, UserId};
use crate::gateways::AuthError;

/// How far two clocks may disagree.
const LEEWAY: Duration = Duration::from_secs(30);
/// The audience and the role of a signed-in user. `anon` and `service_role` keys are tokens too,
/// signed with the same secret, and name nobody.
const AUTHENTICATED: &str = "authenticated";
/// Longest e-mail address shown, in characters: the width of Supabase's `auth.users.email`.
const EMAIL_MAX_CHARS: usize = 255;

/// What the claims of a project's tokens must say.
#[derive(Debug)]
pub(super) struct ClaimRules {
    issuer: JwtIssuer,
}

impl ClaimRules {
    pub(super) const fn new(issuer: JwtIssuer) -> Self {
        Self { issuer }
    }

    /// The user whom verified claims name.
    pub(super) fn user_of(
        &self,
        claims: &UniqueObject,
        now: OffsetDateTime,
    ) -> Result<AuthenticatedUser, AuthError> {
        if let JwtIssuer::Exactly(issuer) = &self.issuer
            && claims.text("iss") != Some(issuer)
        {
            return Err(AuthError::Refused("iss is not the project's"));
        }
        if !is_for_users(claims.get("aud")) {
            return Err(AuthError::Refused("aud lacks `authenticated`"));
        }
        if claims.text("role") != Some(AUTHENTICATED) {
            return Err(AuthError::Refused("role is not `authenticated`"));
        }
        check_times(claims, now)?;
        let id = claims.text("sub").and_then(canonical_uuid);
        let id = id.ok_or(AuthError::Refused("sub is not a canonical UUID"))?;
        Ok(AuthenticatedUser { id: UserId(id), email: email(claims) })
    }
}

/// One string, or a list of nothing but strings (RFC 7519 §4.1.3).
fn is_for_users(audience: Option<&Value>) -> bool {
    match audience {
        Some(Value::String(audience)) => audience == AUTHENTICATED,
        Some(Value::Array(audiences)) => {
            audiences.iter().all(Value::is_string)
                && audiences.iter().any(|audience| audience == AUTHENTICATED)
        }
        _ => false,
    }
}

/// `iat` from the future is refused like `nbf`: a token from a clock that far ahead would outlive
/// its time by as much.
fn check_times(claims: &UniqueObject, now: OffsetDateTime) -> Result<(), AuthError> {
    let now = seconds(now);
    let leeway = LEEWAY.as_secs_f64();
    let expires = numeric_date(claims, "exp")?.ok_or(AuthError::Refused("exp is missing"))?;
    if now - leeway >= expires {
        return Err(AuthError::Refused("token has expired"));
    }
    let starts = [numeric_date(claims, "nbf")?, numeric_date(claims, "iat")?];
    if starts.into_iter().flatten().any(|start| start > now + leeway) {
        return Err(AuthError::Refused("token is not valid yet"));
    }
    Ok(())
}

/// Seconds since 1970, fractions allowed (RFC 7519 §2). JSON has no infinity and no NaN.
fn numeric_date(claims: &UniqueObject, name: &str) -> Result<Option<f64>, AuthError> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    value.as_f64().map(Some).ok_or(AuthError::Refused("a time is not a number"))
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53 seconds, which is long after us")]
fn seconds(time: OffsetDateTime) -> f64 {
    time.unix_timestamp() as f64 + f64::from(time.nanosecond()) / 1e9
}

/// One spelling a user: lower case with hyphens, as PostgreSQL and Supabase write it.
fn canonical_uuid(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok()?;
    let mut canonical = Uuid::encode_buffer();
    (*uuid.hyphenated().encode_lower(&mut canonical) == *text).then_some(uuid)
}

/// An address is shown, never trusted: one that can't be shown is left out, and its owner let in.
/// Supabase writes an empty one for users who signed up by telephone.
fn email(claims: &UniqueObject) -> Option<String> {
    let email = claims.text("email")?;
    let length = email.chars().count();
    (1..=EMAIL_MAX_CHARS).contains(&length).then(|| email.to_owned())
}
