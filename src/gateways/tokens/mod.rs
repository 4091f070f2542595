//! Who a Supabase access token names.
//!
//! Rules follow RFC 7515 (JWS), RFC 7519 (JWT), their best practices (RFC 8725) and what Supabase
//! promises of its tokens. Where they leave a choice, the stricter reading is taken: whatever
//! Supabase doesn't send is refused. Nothing of a token is believed, and its claims are not even
//! parsed, before its signature holds.
//!
//! A project signs with its legacy secret (HS256), with keys whose public halves it publishes (ES256,
//! RS256), or with both while it changes over. The key is chosen by what the project says of it and
//! brings its algorithm along.
//!
//! A failure closes the door: no user without a verified token.

mod algorithm;
mod claims;
mod compact;
mod key;
mod key_set;
mod object;
mod signing_keys;

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Client;
use time::OffsetDateTime;

use self::algorithm::Algorithm;
use self::claims::ClaimRules;
use self::compact::CompactToken;
use self::key::VerificationKey;
use self::signing_keys::SigningKeys;
use crate::config::SupabaseSettings;
use crate::domain::AuthenticatedUser;
use crate::gateways::{AuthError, TokenVerifier};

/// Recognises the users of one Supabase project by their access tokens.
#[derive(Debug)]
pub struct SupabaseTokenVerifier {
    /// The project's legacy secret.
    shared_secret: Arc<VerificationKey>,
    /// The keys it publishes.
    signing_keys: SigningKeys,
    rules: ClaimRules,
}

impl SupabaseTokenVerifier {
    /// A verifier for the project that the settings name, whose keys are fetched through `client`.
    #[must_use]
    pub fn new(client: Client, settings: &SupabaseSettings) -> Self {
        Self {
            shared_secret: Arc::new(VerificationKey::shared_secret(&settings.jwt_secret)),
            signing_keys: SigningKeys::new(client, &settings.url),
            rules: ClaimRules::new(settings.jwt_issuer.clone()),
        }
    }

    /// Begins to fetch the project's keys, so that the first user need not wait for them. Needs a
    /// tokio runtime.
    pub fn warm(&self) {
        self.signing_keys.warm();
    }

    async fn verify(
        &self,
        authorization: Option<&[u8]>,
        now: OffsetDateTime,
    ) -> Result<AuthenticatedUser, AuthError> {
        let token = CompactToken::parse(bearer_token(authorization)?)?;
        self.key_for(&token).await?.verify(&token)?;
        self.rules.user_of(&token.claims()?, now)
    }

    /// The key to check a token with. What the token says of its algorithm only decides where to
    /// look: the key found there has its own.
    async fn key_for(&self, token: &CompactToken<'_>) -> Result<Arc<VerificationKey>, AuthError> {
        match (token.declared_algorithm, token.key_id.as_deref()) {
            // The id of a published key leads to that key, which refuses HS256: else a token could
            // be signed with what everybody may read. The legacy secret has an id too, or none, and
            // neither is in the key set.
            (Algorithm::Hs256, id) => {
                let published = id.and_then(|id| self.signing_keys.held(id));
                Ok(published.unwrap_or_else(|| Arc::clone(&self.shared_secret)))
            }
            (Algorithm::Es256 | Algorithm::Rs256, Some(id)) => self.signing_keys.find(id).await,
            (Algorithm::Es256 | Algorithm::Rs256, None) => {
                Err(AuthError::Refused("kid is missing"))
            }
        }
    }
}

#[async_trait]
impl TokenVerifier for SupabaseTokenVerifier {
    async fn authenticate(
        &self,
        authorization: Option<&[u8]>,
    ) -> Result<AuthenticatedUser, AuthError> {
        self.verify(authorization, OffsetDateTime::now_utc()).await
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
