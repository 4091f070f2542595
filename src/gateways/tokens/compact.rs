use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::object::UniqueObject;
use crate::gateways::AuthError;

/// Longest token read. Supabase's have about 1 KiB; user metadata can grow them.
const TOKEN_MAX_BYTES: usize = 8 * 1024;

/// Header members whose mere presence refuses a token: keys the token brings itself or says where
/// to fetch (`jwk`, `jku`, `x5c`, `x5u`; RFC 8725 §3.10), extensions that must be understood
/// (`crit`), a payload that is not the text between the dots (`b64`, RFC 7797) or that grows when
/// read (`zip`).
const FORBIDDEN_MEMBERS: [&str; 7] = ["b64", "crit", "jku", "jwk", "x5c", "x5u", "zip"];

/// A token in compact serialisation (RFC 7515 §3.1) with an acceptable header. Its signature is
/// not checked yet.
#[derive(Debug)]
pub(super) struct CompactToken<'a> {
    /// What the token says it is signed with. To be compared with what the key demands, never to
    /// be followed.
    pub(super) declared_algorithm: Algorithm,
    /// Which of the project's keys it names, if any.
    pub(super) key_id: Option<String>,
    /// The bytes that the signature covers.
    pub(super) signing_input: &'a str,
    /// The signature in base64url.
    pub(super) signature: &'a str,
    claims: &'a str,
}

impl<'a> CompactToken<'a> {
    /// Takes a token apart and reads its header.
    pub(super) fn parse(token: &'a str) -> Result<Self, AuthError> {
        if token.len() > TOKEN_MAX_BYTES {
            return Err(AuthError::Refused("token is too long"));
        }
        let split = || {
            let (signing_input, signature) = token.rsplit_once('.')?;
            let (header, claims) = signing_input.split_once('.')?;
            (!claims.contains('.')).then_some((signing_input, header, claims, signature))
        };
        let (signing_input, header, claims, signature) =
            split().ok_or(AuthError::Refused("token has not three parts"))?;
        let header = decode_object(header)?;
        let declared_algorithm = declared_algorithm(&header)?;
        let key_id = header.text("kid").map(str::to_owned);
        Ok(Self { declared_algorithm, key_id, signing_input, signature, claims })
    }

    /// Parses the claims. Only for a token whose signature holds.
    pub(super) fn claims(&self) -> Result<UniqueObject, AuthError> {
        decode_object(self.claims)
    }
}

fn declared_algorithm(header: &UniqueObject) -> Result<Algorithm, AuthError> {
    if FORBIDDEN_MEMBERS.iter().any(|member| header.get(member).is_some()) {
        return Err(AuthError::Refused("header has a forbidden member"));
    }
    // Another type of token, signed with the same key, was made for another purpose (RFC 8725 §3.11).
    let is_jwt = |value: &Value| value.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"));
    if !header.get("typ").is_none_or(is_jwt) {
        return Err(AuthError::Refused("typ is not JWT"));
    }
    if !header.get("kid").is_none_or(Value::is_string) {
        return Err(AuthError::Refused("kid is not a string"));
    }
    header
        .text("alg")
        .and_then(|name| name.parse().ok())
        .ok_or(AuthError::Refused("alg is missing or unknown"))
}

/// Decodes base64url as RFC 7515 §2 has it: no padding, no white space, and no second spelling of
/// the same bytes (the engine refuses trailing bits).
fn decode_object(part: &str) -> Result<UniqueObject, AuthError> {
    let json = URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| AuthError::Refused("a part is not canonical base64url"))?;
    UniqueObject::parse(&json)
        .map_err(|_| AuthError::Refused("a part is not an object of unique members"))
}
