//! Who a Supabase access token names.
//!
//! Rules follow RFC 7515 (JWS), RFC 7519 (JWT), their best practices (RFC 8725) and what Supabase
//! promises of its tokens. Where they leave a choice, the stricter reading is taken: whatever
//! Supabase doesn't send is refused. Nothing of a token is believed, and its claims are not even
//! parsed, before its signature holds.
//!
//! A failure closes the door: no user without a verified token.

mod claims;
mod compact;
mod key;
mod object;

use async_trait::async_trait;
use time::OffsetDateTime;

use self::claims::ClaimRules;
use self::compact::CompactToken;
use self::key::VerificationKey;
use crate::config::SupabaseSettings;
use crate::domain::AuthenticatedUser;
use crate::gateways::{AuthError, TokenVerifier};

/// Recognises the users of one Supabase project by their access tokens.
#[derive(Debug)]
pub struct SupabaseTokenVerifier {
    /// The project's legacy secret. Keys of its JWKS, chosen by `kid`, stand beside it.
    shared_secret: VerificationKey,
    rules: ClaimRules,
}

impl SupabaseTokenVerifier {
    /// A verifier for the project that the settings name.
    #[must_use]
    pub fn new(settings: &SupabaseSettings) -> Self {
        Self {
            shared_secret: VerificationKey::shared_secret(&settings.jwt_secret),
            rules: ClaimRules::new(settings.jwt_issuer.clone()),
        }
    }

    fn verify(
        &self,
        authorization: Option<&[u8]>,
        now: OffsetDateTime,
    ) -> Result<AuthenticatedUser, AuthError> {
        let token = CompactToken::parse(bearer_token(authorization)?)?;
        self.shared_secret.verify(&token)?;
        self.rules.user_of(&token.claims()?, now)
    }
}

#[async_trait]
impl TokenVerifier for SupabaseTokenVerifier {
    async fn authenticate(
        &self,
        authorization: Option<&[u8]>,
    ) -> Result<AuthenticatedUser, AuthError> {
        self.verify(authorization, OffsetDateTime::now_utc())
    }
}

/// The token of `Bearer 1*SP token` (RFC 6750 §2.1); the scheme's case is free (RFC 9110 §11.1).
/// Only spaces separate the two. What follows them is the token to its last byte, so that a list
/// of credentials or a trailing parameter fails as a token.
fn bearer_token(authorization: Option<&[u8]>) -> Result<&str, AuthError> {
    const SCHEME: &str = "Bearer";
    let value = authorization.ok_or(AuthError::Refused("no authorization header"))?;
    let value =
        str::from_utf8(value).map_err(|_| AuthError::Refused("authorization is not text"))?;
    let (scheme, token) =
        value.split_once(' ').ok_or(AuthError::Refused("authorization has no scheme"))?;
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Err(AuthError::Refused("authorization scheme is not Bearer"));
    }
    Ok(token.trim_start_matches(' '))
}

#[cfg(test)]
mod tests;
