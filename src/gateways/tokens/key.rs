use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};

use super::compact::CompactToken;
use crate::gateways::AuthError;

/// A key together with the one algorithm it serves. The pair is made where the key comes from, so
/// that a token can't choose how it is checked (RFC 8725 §3.1).
#[derive(Debug)]
pub(super) struct VerificationKey {
    algorithm: Algorithm,
    /// Redacts itself in debug output and is zeroed on drop.
    key: DecodingKey,
}

impl VerificationKey {
    /// The project's `SUPABASE_JWT_SECRET`. It often looks like base64, but Supabase signs with
    /// its text as it stands; white space around it is an accident of copying.
    pub(super) fn shared_secret(secret: &SecretString) -> Self {
        Self::hs256(secret.expose_secret().trim().as_bytes())
    }

    pub(super) fn hs256(secret: &[u8]) -> Self {
        Self { algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret) }
    }

    /// Checks the signature, in constant time where the algorithm compares secrets.
    pub(super) fn verify(&self, token: &CompactToken<'_>) -> Result<(), AuthError> {
        if token.declared_algorithm != self.algorithm {
            return Err(AuthError::Refused("alg is not the key's"));
        }
        // An error is a signature that is no canonical base64url.
        let holds = jsonwebtoken::crypto::verify(
            token.signature,
            token.signing_input.as_bytes(),
            &self.key,
            self.algorithm,
        );
        match holds {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(AuthError::Refused("signature does not hold")),
        }
    }
}
