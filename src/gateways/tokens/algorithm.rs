use std::str::FromStr;

/// How a token can be signed (RFC 7518 §3.1): what Supabase signs with, by its own keys or by those
/// of earlier projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// `HS256`: HMAC-SHA256 with the project's secret.
    Hs256,
    /// `ES256`: ECDSA on P-256 with SHA-256.
    Es256,
    /// `RS256`: RSA PKCS#1 v1.5 with SHA-256.
    Rs256,
}

/// Another algorithm, or none at all: `none`, in any case, is no algorithm here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Names are told apart by their case (RFC 7515 §4.1.1).
    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        match name {
            "HS256" => Ok(Self::Hs256),
            "ES256" => Ok(Self::Es256),
            "RS256" => Ok(Self::Rs256),
            _ => Err(UnknownAlgorithm),
        }
    }
}
