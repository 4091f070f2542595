use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};

/// RSA keys take long to make, so these are kept: PKCS#8, for tests alone and worth nothing.
const RSA_2048: &[u8] = include_bytes!("rsa_2048.pk8");
const RSA_4096: &[u8] = include_bytes!("rsa_4096.pk8");

/// A signing key of a project and the id it is published under.
pub struct SigningKey {
    id: String,
    pair: Pair,
}

enum Pair {
    P256(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// A key set that lists these, as Supabase publishes it.
#[must_use]
pub fn key_set(keys: impl IntoIterator<Item = Value>) -> Value {
    json!({ "keys": keys.into_iter().collect::<Vec<_>>() })
}

impl SigningKey {
    /// A fresh key for ES256.
    #[must_use]
    pub fn p256(id: &str) -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("randomness");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random)
            .expect("it was made for this algorithm");
        Self { id: id.to_owned(), pair: Pair::P256(pair) }
    }

    /// The key of 2 048 bits for RS256, always the same.
    #[must_use]
    pub fn rsa_2048(id: &str) -> Self {
        Self::rsa(id, RSA_2048)
    }

    /// The key of 4 096 bits for RS256, always the same.
    #[must_use]
    pub fn rsa_4096(id: &str) -> Self {
        Self::rsa(id, RSA_4096)
    }

    fn rsa(id: &str, document: &[u8]) -> Self {
        let pair = RsaKeyPair::from_pkcs8(document).expect("an RSA key in PKCS#8");
        Self { id: id.to_owned(), pair: Pair::Rsa(pair) }
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The header of the tokens it signs.
    #[must_use]
    pub fn header(&self) -> String {
        json!({"alg": self.algorithm(), "kid": self.id, "typ": "JWT"}).to_string()
    }

    /// The public half, as Supabase publishes it.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let mut jwk = json!({
            "kid": self.id,
            "alg": self.algorithm(),
            "use": "sig",
            "key_ops": ["verify"],
            "ext": true,
        });
        let encode = |bytes: &[u8]| json!(URL_SAFE_NO_PAD.encode(bytes));
        match &self.pair {
            Pair::P256(pair) => {
                // SEC 1: the byte 4, then both coordinates.
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                jwk["kty"] = json!("EC");
                jwk["crv"] = json!("P-256");
                jwk["x"] = encode(x);
                jwk["y"] = encode(y);
            }
            Pair::Rsa(pair) => {
                let public = rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
                jwk["kty"] = json!("RSA");
                jwk["n"] = encode(&public.n);
                jwk["e"] = encode(&public.e);
            }
        }
        jwk
    }

    /// What an attacker knows of it in DER: SEC 1 or PKCS#1.
    #[must_use]
    pub fn public_der(&self) -> Vec<u8> {
        match &self.pair {
            Pair::P256(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::P256(pair) => pair.sign(&random, message).expect("randomness").as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("the buffer has the length of the modulus");
                signature
            }
        }
    }

    const fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::P256(_) => "ES256",
            Pair::Rsa(_) => "RS256",
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({} {})", self.algorithm(), self.id)
    }
}
