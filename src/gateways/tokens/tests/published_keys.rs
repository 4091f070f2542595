//! Tokens signed with the keys that a project publishes, and with what looks like them.

use std::sync::Arc;

use serde_json::Value;
use tester_peers::supabase::{Fault, Route, SupabasePeer};
use tester_peers::tokens::{SigningKey, key_set};

use super::*;

/// A project that publishes keys, and its verifier.
struct Project {
    peer: SupabasePeer,
    verifier: SupabaseTokenVerifier,
}

impl Project {
    async fn publishing(keys: impl IntoIterator<Item = Value>) -> Self {
        let peer = SupabasePeer::start().await.expect("a free port");
        peer.set_jwks(key_set(keys));
        let client = http::client(Traffic::Calls, Duration::from_secs(30));
        let verifier = SupabaseTokenVerifier::new(client, &settings(&peer.url(), SECRET));
        Self { peer, verifier }
    }

    fn issuer(&self) -> String {
        format!("{}/auth/v1", self.peer.url())
    }

    /// The project's mint for its legacy secret.
    fn secret(&self) -> TokenMint {
        TokenMint::new(SECRET, &self.issuer())
    }

    fn mint(&self, key: &Arc<SigningKey>) -> TokenMint {
        TokenMint::with_key(key, &self.issuer())
    }

    async fn check(&self, token: &str) -> Result<UserId, AuthError> {
        let authorization = format!("Bearer {token}");
        self.verifier.authenticate(Some(authorization.as_bytes())).await.map(|user| user.id)
    }

    /// Signs the claims of a user under a header that is bent.
    fn bent(&self, mint: &TokenMint, header: &str) -> String {
        mint.sign(header, &self.secret().claims_for(USER).to_string())
    }
}

fn keys() -> [Arc<SigningKey>; 3] {
    [SigningKey::p256("elliptic"), SigningKey::rsa_2048("rsa"), SigningKey::rsa_4096("longer")]
        .map(Arc::new)
}

fn refused<T>(reason: &'static str) -> Result<T, AuthError> {
    Err(AuthError::Refused(reason))
}

fn header(alg: &str, kid: &str) -> String {
    json!({"alg": alg, "kid": kid, "typ": "JWT"}).to_string()
}

#[tokio::test]
async fn tokens_of_every_published_key_name_their_user() {
    let keys = keys();
    let project = Project::publishing(keys.iter().map(|key| key.jwk())).await;
    for key in &keys {
        let token = project.mint(key).token_for(USER);
        assert_eq!(project.check(&token).await, Ok(UserId(USER)), "{key:?}");
    }
    assert_eq!(project.check(&project.secret().token_for(USER)).await, Ok(UserId(USER)));
    assert_eq!(project.peer.requests_to(Route::Jwks).len(), 1);
}

#[test]
fn published_tokens_verify() {
    // RFC 7515, appendices A.2 and A.3. Their headers name no key.
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let claims = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let rsa = VerificationKey::rs256(
        &decode(
            "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
        ),
        &decode("AQAB"),
    );
    let rs256 = format!(
        "eyJhbGciOiJSUzI1NiJ9.{claims}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    let elliptic = VerificationKey::es256(
        &decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        &decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    );
    let es256 = format!(
        "eyJhbGciOiJFUzI1NiJ9.{claims}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    );
    for (key, token) in [(rsa, rs256), (elliptic, es256)] {
        let key = key.expect("a sound key");
        assert_eq!(CompactToken::parse(&token).and_then(|token| key.verify(&token)), Ok(()));
    }
}

/// Whatever an attacker could take for a shared secret, of what is published about a key.
fn public_texts(key: &SigningKey) -> Vec<Vec<u8>> {
    let jwk = key.jwk();
    let der = key.public_der();
    // The head of a SubjectPublicKeyInfo for P-256 (RFC 5480).
    let spki = [
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00",
        &der[..],
    ]
    .concat();
    let pem = |label: &str, der: &[u8]| {
        let lines = STANDARD.encode(der).into_bytes();
        let lines: Vec<_> = lines.chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
    };
    let mut texts: Vec<Vec<u8>> = vec![
        pem("PUBLIC KEY", &spki).into(),
        pem("RSA PUBLIC KEY", &der).into(),
        spki,
        der,
        jwk.to_string().into(),
        key_set([jwk.clone()]).to_string().into(),
        Vec::new(),
    ];
    for member in ["x", "y", "n", "e", "kid"] {
        if let Some(text) = jwk[member].as_str() {
            texts.push(text.into());
            texts.extend(URL_SAFE_NO_PAD.decode(text).ok());
        }
    }
    texts
}

#[tokio::test]
async fn hs256_with_anything_public_as_its_secret_is_refused() {
    let keys = keys();
    let project = Project::publishing(keys.iter().map(|key| key.jwk())).await;
    project.check(&project.mint(&keys[0]).token_for(USER)).await.expect("the keys are known now");
    for key in &keys {
        for public in public_texts(key) {
            let forger = TokenMint::with_secret(&public, &project.issuer());
            let token = project.bent(&forger, &header("HS256", key.id()));
            assert_eq!(project.check(&token).await, refused("alg is not the key's"));
            for unnamed in [HS256_HEADER, &header("HS256", "unknown")] {
                let token = project.bent(&forger, unnamed);
                assert_eq!(project.check(&token).await, refused("signature does not hold"));
            }
            // The bytes of a MAC under the name of a signature.
            let token = project.bent(&forger, &key.header());
            assert_eq!(project.check(&token).await, refused("signature does not hold"));
        }
    }
}

#[tokio::test]
async fn a_key_serves_its_own_algorithm_only() {
    let keys @ [elliptic, rsa, _] = &keys();
    let project = Project::publishing(keys.iter().map(|key| key.jwk())).await;
    for (key, alg) in [(elliptic, "RS256"), (rsa, "ES256")] {
        for mint in [project.mint(elliptic), project.mint(rsa), project.secret()] {
            let token = project.bent(&mint, &header(alg, key.id()));
            assert_eq!(project.check(&token).await, refused("alg is not the key's"));
        }
    }
    for key in keys {
        for alg in ["RS384", "RS512", "PS256", "ES384", "EdDSA"] {
            let token = project.bent(&project.mint(key), &header(alg, key.id()));
            assert_eq!(project.check(&token).await, refused("alg is missing or unknown"));
        }
        for alg in ["none", "None", "", "es256", "rs256"] {
            let token = project.bent(&project.mint(key), &header(alg, key.id()));
            assert_eq!(project.check(&token).await, refused("alg is missing or unknown"));
            let (unsigned, _) = token.rsplit_once('.').unwrap();
            let token = format!("{unsigned}.");
            assert_eq!(project.check(&token).await, refused("alg is missing or unknown"));
        }
        // Not even the project's own secret, under the id of a published key.
        let token = project.bent(&project.secret(), &header("HS256", key.id()));
        assert_eq!(project.check(&token).await, refused("alg is not the key's"));
    }
}

#[tokio::test]
async fn a_signature_of_another_key_is_refused() {
    let keys = keys();
    let project = Project::publishing(keys.iter().map(|key| key.jwk())).await;
    let other = Arc::new(SigningKey::p256("elliptic"));
    let token = project.mint(&other).token_for(USER);
    assert_eq!(project.check(&token).await, refused("signature does not hold"));
    // 2 048 bits under the name of 4 096.
    let token = project.bent(&project.mint(&keys[1]), &keys[2].header());
    assert_eq!(project.check(&token).await, refused("signature does not hold"));
}

#[tokio::test]
async fn a_signature_of_a_published_key_covers_every_byte_and_has_its_own_length() {
    let keys @ [elliptic, rsa, _] = &keys();
    let project = Project::publishing(keys.iter().map(|key| key.jwk())).await;
    for key in [elliptic, rsa] {
        let token = project.mint(key).token_for(USER);
        let (unsigned, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let forged = project.secret().claims_for(Uuid::from_u128(1)).to_string();
        let (header, _) = unsigned.split_once('.').unwrap();
        let swapped = format!("{header}.{}", URL_SAFE_NO_PAD.encode(forged));
        let mut odd = vec![(swapped, signature.clone())];
        for position in (0..signature.len()).step_by(7) {
            let mut changed = signature.clone();
            changed[position] ^= 0x10;
            odd.push((unsigned.to_owned(), changed));
        }
        for length in [0, 1, signature.len() / 2, signature.len() - 1] {
            odd.push((unsigned.to_owned(), signature[..length].to_vec()));
        }
        odd.push((unsigned.to_owned(), [&[0], &signature[..]].concat()));
        odd.push((unsigned.to_owned(), [&signature[..], &[0]].concat()));
        odd.push((unsigned.to_owned(), vec![0; signature.len()]));
        odd.push((unsigned.to_owned(), vec![0xff; signature.len()]));
        for (unsigned, signature) in odd {
            let token = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature));
            assert_eq!(project.check(&token).await, refused("signature does not hold"), "{token}");
        }
        assert_eq!(project.check(&token).await, Ok(UserId(USER)));
    }
}

#[tokio::test]
async fn a_header_that_brings_or_names_a_key_is_refused_also_beside_a_known_id() {
    let keys = keys();
    let project = Project::publishing(keys.iter().map(|key| key.jwk())).await;
    let attacker = Arc::new(SigningKey::p256("elliptic"));
    for key in [&keys[0], &attacker] {
        for (member, value) in [
            ("jwk", attacker.jwk()),
            ("jku", json!("https://attacker.example/jwks.json")),
            ("x5u", json!("https://attacker.example/chain.pem")),
            ("x5c", json!([])),
            ("crit", json!(["exp"])),
            ("b64", json!(true)),
        ] {
            let mut header: Value = serde_json::from_str(&key.header()).unwrap();
            header[member] = value;
            let token = project.bent(&project.mint(key), &header.to_string());
            let outcome = project.check(&token).await;
            assert_eq!(outcome, refused("header has a forbidden member"), "{member}");
        }
    }
    assert!(project.peer.requests().is_empty(), "a bad header is not worth a question");
}

#[tokio::test]
async fn a_secret_in_the_key_set_is_never_used() {
    let elliptic = Arc::new(SigningKey::p256("elliptic"));
    let oct = |kid: &str, alg: &str| {
        let k = URL_SAFE_NO_PAD.encode("a secret that everybody can read");
        json!({"kid": kid, "kty": "oct", "k": k, "alg": alg, "use": "sig"})
    };
    let set = [oct("a", "HS256"), oct("b", "ES256"), oct("elliptic", "HS256"), elliptic.jwk()];
    let project = Project::publishing(set).await;
    project.check(&project.mint(&elliptic).token_for(USER)).await.expect("the keys are known now");
    let forger = TokenMint::new("a secret that everybody can read", &project.issuer());
    for (alg, kid, reason) in [
        ("HS256", "a", "signature does not hold"),
        ("HS256", "elliptic", "alg is not the key's"),
        ("ES256", "b", "kid is not among the project's keys"),
        ("ES256", "elliptic", "signature does not hold"),
    ] {
        let token = project.bent(&forger, &header(alg, kid));
        assert_eq!(project.check(&token).await, refused(reason), "{alg} {kid}");
    }
}

#[tokio::test]
async fn the_legacy_secret_signs_under_an_id_of_its_own_or_none() {
    let keys = keys();
    let project = Project::publishing(keys.iter().map(|key| key.jwk())).await;
    // Before the keys are known, and after.
    for _ in 0..2 {
        for header in [HS256_HEADER, &header("HS256", "2Zb9lAV2sGrbRkc0")] {
            let token = project.bent(&project.secret(), header);
            assert_eq!(project.check(&token).await, Ok(UserId(USER)), "{header}");
        }
        project.check(&project.mint(&keys[0]).token_for(USER)).await.expect("a published key");
    }
    assert_eq!(project.peer.requests_to(Route::Jwks).len(), 1, "the secret needs no keys");
}

#[tokio::test]
async fn a_published_key_must_be_named() {
    let keys = keys();
    let project = Project::publishing(keys.iter().map(|key| key.jwk())).await;
    for key in &keys {
        let alg = if key.id() == "elliptic" { "ES256" } else { "RS256" };
        let unnamed = json!({"alg": alg, "typ": "JWT"}).to_string();
        let token = project.bent(&project.mint(key), &unnamed);
        assert_eq!(project.check(&token).await, refused("kid is missing"));
        for kid in ["", "Elliptic", "elliptic ", "../elliptic", "elliptic\0"] {
            let token = project.bent(&project.mint(key), &header(alg, kid));
            let outcome = project.check(&token).await;
            assert_eq!(outcome, refused("kid is not among the project's keys"), "{kid:?}");
        }
    }
}

#[tokio::test]
async fn claims_have_the_same_rules_whoever_signed_them() {
    let keys = keys();
    let project = Project::publishing(keys.iter().map(|key| key.jwk())).await;
    for key in &keys {
        let mint = project.mint(key);
        let claims = || mint.claims_for(USER);
        for (claims, reason) in [
            (claims().with("iss", json!(ISSUER)), "iss is not the project's"),
            (claims().with("aud", json!("anon")), "aud lacks `authenticated`"),
            (claims().with("role", json!("service_role")), "role is not `authenticated`"),
            (claims().with("exp", json!(1_000_000_000)), "token has expired"),
            (claims().without("sub"), "sub is not a canonical UUID"),
        ] {
            let token = mint.sign(&key.header(), &claims.to_string());
            assert_eq!(project.check(&token).await, refused(reason), "{key:?}");
        }
    }
}

#[tokio::test]
async fn without_keys_only_the_secrets_tokens_can_be_checked() {
    let elliptic = Arc::new(SigningKey::p256("elliptic"));
    let project = Project::publishing([elliptic.jwk()]).await;
    project.peer.fail(Route::Jwks, Fault::Break);
    let outcome = project.check(&project.mint(&elliptic).token_for(USER)).await;
    assert!(matches!(outcome, Err(AuthError::Unavailable(_))), "{outcome:?}");
    assert_eq!(project.check(&project.secret().token_for(USER)).await, Ok(UserId(USER)));
    // An HS256 token that names the id of a key nobody knows yet is the secret's or nobody's.
    let forger = TokenMint::with_secret(&elliptic.public_der(), &project.issuer());
    let token = project.bent(&forger, &header("HS256", "elliptic"));
    assert_eq!(project.check(&token).await, refused("signature does not hold"));
}
