use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use secrecy::{ExposeSecret, SecretString};

use super::compact::CompactToken;
use crate::gateways::AuthError;

/// Bytes of a coordinate of P-256 (RFC 7518 §6.2.1.2).
const COORDINATE_LENGTH: usize = 32;
/// Sizes of RSA keys, in bits: shorter ones can be broken (RFC 7518 §3.3), longer ones cost the more
/// the longer they are.
const RSA_BITS: RangeInclusive<usize> = 2_048..=4_096;
/// Longest exponent. Nearly all are 65 537; a long one makes checking slow.
const EXPONENT_MAX_BYTES: usize = 4;

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

    /// A key of P-256 by its two coordinates. None when they are not those of a point.
    pub(super) fn es256(x: &[u8], y: &[u8]) -> Option<Self> {
        if x.len() != COORDINATE_LENGTH || y.len() != COORDINATE_LENGTH {
            return None;
        }
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let key = DecodingKey::from_ec_components(&x, &y).ok()?;
        // Nothing is signed by an empty signature: an error is the key's.
        jsonwebtoken::crypto::verify("", b"", &key, Algorithm::ES256).ok()?;
        Some(Self { algorithm: Algorithm::ES256, key })
    }

    /// An RSA key by its modulus and exponent. None when either is out of bounds.
    pub(super) fn rs256(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let (modulus, exponent) = (without_leading_zeros(modulus), without_leading_zeros(exponent));
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        let bits = modulus.first().map_or(0, |first| {
            modulus.len() * 8 - usize::try_from(first.leading_zeros()).expect("at most eight")
        });
        // With the exponent 1 every text is its own signature.
        let exponent_is_sound =
            is_odd(exponent) && exponent != [1] && exponent.len() <= EXPONENT_MAX_BYTES;
        (RSA_BITS.contains(&bits) && is_odd(modulus) && exponent_is_sound).then(|| Self {
            algorithm: Algorithm::RS256,
            key: DecodingKey::from_rsa_raw_components(modulus, exponent),
        })
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
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

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
