//! A project's key set (RFC 7517), as far as it is believed.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::algorithm::Algorithm;
use super::key::VerificationKey;

/// Most keys a set may have. Supabase's have two or three: in use, standing by, on their way out.
const KEYS_MAX: usize = 32;

/// The public keys of a project, by their ids.
#[derive(Debug)]
pub(super) struct KeySet(HashMap<String, Arc<VerificationKey>>);

/// Why a document is no key set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoKeySet {
    #[error("it is no JSON object with a list of keys")]
    NoList,
    #[error("it has more than {KEYS_MAX} keys")]
    TooMany,
}

impl KeySet {
    /// Reads a set. What is no key to check a token with is passed over, for a set may hold others
    /// too. An id that two keys go by is nobody's: which of them a token means can't be told, and
    /// the order they are listed in must not decide it.
    pub(super) fn parse(json: &[u8]) -> Result<Self, NoKeySet> {
        let document: Value = serde_json::from_slice(json).map_err(|_| NoKeySet::NoList)?;
        let listed = document.get("keys").and_then(Value::as_array).ok_or(NoKeySet::NoList)?;
        if listed.len() > KEYS_MAX {
            return Err(NoKeySet::TooMany);
        }
        let mut by_id = HashMap::new();
        for (id, key) in listed.iter().filter_map(usable) {
            by_id.entry(id).and_modify(|key| *key = None).or_insert(Some(Arc::new(key)));
        }
        Ok(Self(by_id.into_iter().filter_map(|(id, key)| Some((id, key?))).collect()))
    }

    pub(super) fn get(&self, id: &str) -> Option<Arc<VerificationKey>> {
        self.0.get(id).cloned()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// A key to check tokens with, and its id. Only what Supabase signs with: P-256 and RSA. Above all
/// no `oct` key: a secret in public is none, and a token signed with it would name anybody.
fn usable(jwk: &Value) -> Option<(String, VerificationKey)> {
    let text = |name: &str| jwk.get(name)?.as_str();
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    let id = text("kid").filter(|id| !id.is_empty())?;
    let key = match (text("kty")?, text("crv")) {
        ("EC", Some("P-256")) => VerificationKey::es256(&bytes("x")?, &bytes("y")?)?,
        ("RSA", _) => VerificationKey::rs256(&bytes("n")?, &bytes("e")?)?,
        _ => return None,
    };
    is_for_checking(jwk, key.algorithm()).then(|| (id.to_owned(), key))
}

/// Whether a key is meant for checking signatures of this algorithm, by all it says of itself. One
/// that brings its private half along has been given to everybody who reads the set.
fn is_for_checking(jwk: &Value, algorithm: Algorithm) -> bool {
    let allowed = |name: &str, rule: &dyn Fn(&Value) -> bool| jwk.get(name).is_none_or(rule);
    let verify = |operations: &Vec<Value>| operations.iter().any(|name| name == "verify");
    allowed("use", &|usage| usage == "sig")
        && allowed("alg", &|name| {
            name.as_str().and_then(|name| name.parse().ok()) == Some(algorithm)
        })
        && allowed("key_ops", &|operations| operations.as_array().is_some_and(verify))
        && jwk.get("d").is_none()
}

#[cfg(test)]
mod tests;
