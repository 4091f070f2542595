use std::fmt;
use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::agreement::{self, ECDH_P256, EphemeralPrivateKey};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use secrecy::{ExposeSecret, SecretString};

use super::algorithm::Algorithm;
use super::compact::CompactToken;
use crate::gateways::AuthError;

/// Bytes of a coordinate of P-256 (RFC 7518 §6.2.1.2).
const COORDINATE_LENGTH: usize = 32;
/// Sizes of RSA keys, in bits: shorter ones can be broken (RFC 7518 §3.3), longer ones cost the more
/// the longer they are.
const RSA_BITS: RangeInclusive<usize> = 2_048..=4_096;
/// Longest exponent. Nearly all are 65 537; a long one makes checking slow.
const EXPONENT_MAX_BYTES: usize = 4;

/// A key, and with it the one algorithm it serves. The pair is made where the key comes from, so
/// that a token can't choose how it is checked (RFC 8725 §3.1).
pub(super) enum VerificationKey {
    /// HS256.
    Shared(hmac::Key),
    /// ES256: the point, uncompressed.
    Curve(Vec<u8>),
    /// RS256.
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
}

impl VerificationKey {
    /// The project's `SUPABASE_JWT_SECRET`. It often looks like base64, but Supabase signs with
    /// its text as it stands; white space around it is an accident of copying.
    pub(super) fn shared_secret(secret: &SecretString) -> Self {
        Self::hs256(secret.expose_secret().trim().as_bytes())
    }

    pub(super) fn hs256(secret: &[u8]) -> Self {
        Self::Shared(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A key of P-256 by its two coordinates. None when they are not those of a point.
    pub(super) fn es256(x: &[u8], y: &[u8]) -> Option<Self> {
        if x.len() != COORDINATE_LENGTH || y.len() != COORDINATE_LENGTH {
            return None;
        }
        // SEC 1 §2.3.3: 4 stands for "uncompressed".
        let point = [&[4], x, y].concat();
        is_of_p256(&point).then_some(Self::Curve(point))
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
        (RSA_BITS.contains(&bits) && is_odd(modulus) && exponent_is_sound).then(|| {
            Self::Rsa(RsaPublicKeyComponents { n: modulus.to_vec(), e: exponent.to_vec() })
        })
    }

    pub(super) const fn algorithm(&self) -> Algorithm {
        match self {
            Self::Shared(_) => Algorithm::Hs256,
            Self::Curve(_) => Algorithm::Es256,
            Self::Rsa(_) => Algorithm::Rs256,
        }
    }

    /// Checks the signature, in constant time where the algorithm compares secrets.
    pub(super) fn verify(&self, token: &CompactToken<'_>) -> Result<(), AuthError> {
        if token.declared_algorithm != self.algorithm() {
            return Err(AuthError::Refused("alg is not the key's"));
        }
        // Canonical base64url alone: a signature has one spelling.
        let signature = URL_SAFE_NO_PAD
            .decode(token.signature)
            .map_err(|_| AuthError::Refused("signature does not hold"))?;
        let signed = token.signing_input.as_bytes();
        let holds = match self {
            Self::Shared(key) => hmac::verify(key, signed, &signature),
            Self::Curve(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, &signature)
            }
            Self::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, signed, &signature),
        };
        holds.map_err(|_| AuthError::Refused("signature does not hold"))
    }
}

impl fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerificationKey({:?}, [redacted])", self.algorithm())
    }
}

/// Whether this is a point of the curve. ring looks at that only where a key is used, and can't say
/// then whether key or signature was wrong: so an agreement is made with it and thrown away.
fn is_of_p256(point: &[u8]) -> bool {
    let other = agreement::UnparsedPublicKey::new(&ECDH_P256, point);
    let agreed = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new())
        .and_then(|own| agreement::agree_ephemeral(own, &other, |_| ()));
    agreed.is_ok()
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
