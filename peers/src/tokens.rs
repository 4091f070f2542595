//! Access tokens as Supabase signs them, and as an attacker would like to.
//!
//! The mint shares no code with the verifier under test: it writes compact JWS (RFC 7515 §3.1) by
//! hand, from JSON given as text, so that a token can hold what no serialiser would write.

mod signing_key;

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Map, Value, json};
use uuid::Uuid;

pub use signing_key::{SigningKey, key_set};

/// The header of a token that nobody tampered with.
pub const HS256_HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// How long a minted token lives, in seconds: Supabase's default.
const LIFETIME: u64 = 3_600;

/// Signs tokens in the name of a Supabase project.
#[derive(Clone, Debug)]
pub struct TokenMint {
    key: Key,
    issuer: String,
}

#[derive(Clone, Debug)]
enum Key {
    Secret(hmac::Key),
    Pair(Arc<SigningKey>),
}

impl TokenMint {
    /// A mint with the project's JWT secret (`SUPABASE_JWT_SECRET`) and issuer
    /// (`{SUPABASE_URL}/auth/v1`).
    #[must_use]
    pub fn new(secret: &str, issuer: &str) -> Self {
        Self::with_secret(secret.as_bytes(), issuer)
    }

    /// A mint that signs HS256 with these bytes, whatever they are.
    #[must_use]
    pub fn with_secret(secret: &[u8], issuer: &str) -> Self {
        let key = Key::Secret(hmac::Key::new(hmac::HMAC_SHA256, secret));
        Self { key, issuer: issuer.to_owned() }
    }

    /// A mint with one of the project's signing keys.
    #[must_use]
    pub fn with_key(key: &Arc<SigningKey>, issuer: &str) -> Self {
        Self { key: Key::Pair(Arc::clone(key)), issuer: issuer.to_owned() }
    }

    /// A token that passes every rule.
    #[must_use]
    pub fn token_for(&self, user: Uuid) -> String {
        let header = match &self.key {
            Key::Secret(_) => HS256_HEADER.to_owned(),
            Key::Pair(pair) => pair.header(),
        };
        self.sign(&header, &self.claims_for(user).to_string())
    }

    /// The claims of [`Self::token_for`], to be bent.
    #[must_use]
    pub fn claims_for(&self, user: Uuid) -> Claims {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is past 1970").as_secs();
        let empty = Claims(Map::new());
        empty
            .with("iss", json!(self.issuer))
            .with("sub", json!(user.to_string()))
            .with("aud", json!("authenticated"))
            .with("exp", json!(now + LIFETIME))
            .with("iat", json!(now))
            .with("email", json!("ada@example.com"))
            .with("phone", json!(""))
            .with("app_metadata", json!({"provider": "email", "providers": ["email"]}))
            .with("user_metadata", json!({}))
            .with("role", json!("authenticated"))
            .with("aal", json!("aal1"))
            .with("session_id", json!(Uuid::new_v4().to_string()))
            .with("is_anonymous", json!(false))
    }

    /// Signs the two texts as they are; neither has to be JSON.
    #[must_use]
    pub fn sign(&self, header_json: &str, claims_json: &str) -> String {
        let header = URL_SAFE_NO_PAD.encode(header_json);
        let claims = URL_SAFE_NO_PAD.encode(claims_json);
        self.sign_encoded(&format!("{header}.{claims}"))
    }

    /// Appends the signature of a text that is encoded already, well or badly.
    #[must_use]
    pub fn sign_encoded(&self, signing_input: &str) -> String {
        let signature = match &self.key {
            Key::Secret(key) => hmac::sign(key, signing_input.as_bytes()).as_ref().to_vec(),
            Key::Pair(pair) => pair.sign(signing_input.as_bytes()),
        };
        format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// The claims of a token. Displays as JSON.
#[derive(Clone, Debug)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Sets a claim.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// Leaves a claim out.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }
}

impl fmt::Display for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&json)
    }
}
