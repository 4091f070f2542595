use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use proptest::prelude::*;
use serde_json::json;
use tester_peers::tokens::{Claims, HS256_HEADER, TokenMint};
use url::Url;
use uuid::Uuid;

use super::*;
use crate::config::JwtIssuer;
use crate::domain::UserId;
use crate::gateways::http::{self, Traffic};

mod published_keys;

/// Looks like base64 on purpose: it must be used as it stands.
const SECRET: &str = "c3VwZXItc2VjcmV0LWp3dC10b2tlbi13aXRoLWF0LWxlYXN0LTMyLWNoYXJhY3RlcnM=";
const ISSUER: &str = "https://project.supabase.co/auth/v1";
const USER: Uuid = Uuid::from_u128(0x6ba7_b810_9dad_41d1_80b4_00c0_4fd4_30c8);

fn settings(url: &str, secret: &str) -> SupabaseSettings {
    SupabaseSettings {
        url: Url::parse(url).unwrap(),
        service_role_key: "unused".into(),
        anon_key: "unused".into(),
        jwt_secret: secret.into(),
        jwt_issuer: JwtIssuer::Exactly(format!("{url}/auth/v1")),
        timeout: Duration::from_secs(1),
    }
}

fn verifier_for(settings: &SupabaseSettings) -> SupabaseTokenVerifier {
    // One for all: nothing is sent through it here.
    static CLIENT: LazyLock<Client> =
        LazyLock::new(|| http::client(Traffic::Calls, Duration::from_secs(30)));
    SupabaseTokenVerifier::new(CLIENT.clone(), settings)
}

fn verifier() -> SupabaseTokenVerifier {
    verifier_for(&settings("https://project.supabase.co", SECRET))
}

/// What a verifier says that need not ask anybody, as for tokens signed with the secret.
fn verify_at_once(
    verifier: &SupabaseTokenVerifier,
    authorization: Option<&[u8]>,
    now: OffsetDateTime,
) -> Result<AuthenticatedUser, AuthError> {
    let outcome = verifier.verify(authorization, now).now_or_never();
    outcome.expect("nobody is asked")
}

fn mint() -> TokenMint {
    TokenMint::new(SECRET, ISSUER)
}

fn claims() -> Claims {
    mint().claims_for(USER)
}

fn signed(claims: &Claims) -> String {
    mint().sign(HS256_HEADER, &claims.to_string())
}

fn with_header(header: &str) -> String {
    mint().sign(header, &claims().to_string())
}

fn authenticate(authorization: &[u8]) -> Result<AuthenticatedUser, AuthError> {
    verify_at_once(&verifier(), Some(authorization), OffsetDateTime::now_utc())
}

fn check(token: &str) -> Result<AuthenticatedUser, AuthError> {
    authenticate(format!("Bearer {token}").as_bytes())
}

#[track_caller]
fn assert_accepted(token: &str) {
    assert_eq!(check(token).map(|user| user.id), Ok(UserId(USER)), "{token}");
}

#[track_caller]
fn assert_refused(token: &str, reason: &'static str) {
    assert_eq!(check(token), Err(AuthError::Refused(reason)), "{token}");
}

#[tokio::test]
async fn a_token_of_the_project_names_its_user() {
    let authorization = format!("Bearer {}", mint().token_for(USER));
    let user = verifier().authenticate(Some(authorization.as_bytes())).await;
    let email = Some("ada@example.com".to_owned());
    assert_eq!(user, Ok(AuthenticatedUser { id: UserId(USER), email }));
}

#[test]
fn a_published_token_verifies() {
    // RFC 7515, appendix A.1: a signature that neither our mint nor our verifier made. Its claims
    // are no user's, so it gets as far as those.
    let key =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                 eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                 dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let key = VerificationKey::hs256(&URL_SAFE_NO_PAD.decode(key).unwrap());
    assert_eq!(CompactToken::parse(token).and_then(|token| key.verify(&token)), Ok(()));
}

#[test]
fn the_secret_is_used_as_it_stands_but_for_surrounding_white_space() {
    let padded = settings("https://project.supabase.co", &format!(" {SECRET}\r\n"));
    let authorization = format!("Bearer {}", mint().token_for(USER));
    let outcome = verify_at_once(
        &verifier_for(&padded),
        Some(authorization.as_bytes()),
        OffsetDateTime::now_utc(),
    );
    assert!(outcome.is_ok(), "{outcome:?}");

    let decoded = String::from_utf8(STANDARD.decode(SECRET).unwrap()).unwrap();
    let token = TokenMint::new(&decoded, ISSUER).token_for(USER);
    assert_refused(&token, "signature does not hold");
}

#[test]
fn the_scheme_is_bearer_in_any_case_before_one_or_more_spaces() {
    let token = mint().token_for(USER);
    for prefix in ["Bearer ", "bearer ", "BEARER ", "bEaReR   "] {
        let outcome = authenticate(format!("{prefix}{token}").as_bytes());
        assert!(outcome.is_ok(), "{prefix:?}: {outcome:?}");
    }
}

#[test]
fn anything_but_one_bearer_token_is_refused() {
    let token = mint().token_for(USER);
    let refused = |value: &[u8]| matches!(authenticate(value), Err(AuthError::Refused(_)));
    for value in [
        String::new(),
        " ".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        token.clone(),
        format!(" Bearer {token}"),
        format!("Basic {token}"),
        format!("Bearer\t{token}"),
        format!("Bearer:{token}"),
        format!("Bearer{token}"),
        format!("Bearer \t{token}"),
        format!("Bearer {token} "),
        format!("Bearer {token}\n"),
        format!("Bearer \"{token}\""),
        format!("Bearer {token}, Bearer {token}"),
        format!("Bearer {token},{token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer {token}, Basic YTpi"),
        format!("Bearer Bearer {token}"),
        format!("Ｂearer {token}"),
        format!("Bearer\u{a0}{token}"),
        format!("Bearer {token}\0"),
        format!("Bearer {token}é"),
    ] {
        assert!(refused(value.as_bytes()), "{value:?}");
    }
    assert!(refused(&[format!("Bearer {token}").as_bytes(), b"\xff"].concat()));
    assert_eq!(
        verify_at_once(&verifier(), None, OffsetDateTime::now_utc()),
        Err(AuthError::Refused("no authorization header"))
    );
}

#[test]
fn a_token_has_exactly_three_parts() {
    let token = mint().token_for(USER);
    let (unsigned, signature) = token.rsplit_once('.').unwrap();
    let (header, body) = unsigned.split_once('.').unwrap();
    for token in [
        "",
        ".",
        header,
        &format!("{header}.{body}"),
        &format!("{header}.{body}.{signature}.{signature}"),
        &format!("{token}."),
        &format!(".{token}"),
        &format!("{header}..{body}.{signature}"),
    ] {
        assert_refused(token, "token has not three parts");
    }
    for token in ["..", &format!(".{body}.{signature}")] {
        assert_refused(token, "a part is not an object of unique members");
    }
    assert_refused(&format!("{header}..{signature}"), "signature does not hold");
    assert_refused(&format!("{header}.{body}."), "signature does not hold");
}

#[test]
fn a_token_over_8_kib_is_refused_before_it_is_read() {
    let of_length = |length: usize| {
        let rest = signed(&claims().with("pad", json!(""))).len();
        let mut pad = (length - rest) * 3 / 4;
        loop {
            let token = signed(&claims().with("pad", json!("x".repeat(pad))));
            if token.len() >= length {
                return token;
            }
            pad += 1;
        }
    };
    let longest = of_length(8 * 1024);
    assert_eq!(longest.len(), 8 * 1024);
    assert_accepted(&longest);
    assert_refused(&of_length(8 * 1024 + 1), "token is too long");
    assert_refused(&of_length(9 * 1024), "token is too long");
    assert_refused(&"x".repeat(1024 * 1024), "token is too long");
}

#[test]
fn the_algorithm_is_the_keys_not_the_tokens() {
    for name in ["none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS1", "ES256K"] {
        let token = with_header(&format!(r#"{{"alg":"{name}","typ":"JWT"}}"#));
        assert_refused(&token, "alg is missing or unknown");
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        assert_refused(&format!("{unsigned}."), "alg is missing or unknown");
    }
    for name in ["HS384", "HS512", "RS384", "RS512", "ES384", "PS256", "EdDSA"] {
        for kid in ["", r#","kid":"2Zb9lAV2sGrbRkc0""#] {
            let token = with_header(&format!(r#"{{"alg":"{name}","typ":"JWT"{kid}}}"#));
            assert_refused(&token, "alg is missing or unknown");
        }
    }
    for name in ["RS256", "ES256"] {
        let token = with_header(&format!(r#"{{"alg":"{name}","typ":"JWT"}}"#));
        assert_refused(&token, "kid is missing");
    }
    for header in ["{}", r#"{"typ":"JWT"}"#, r#"{"alg":null}"#, r#"{"alg":["HS256"]}"#] {
        assert_refused(&with_header(header), "alg is missing or unknown");
    }
}

#[test]
fn an_hs256_signature_made_with_a_public_key_is_refused() {
    let public_key = "-----BEGIN PUBLIC KEY-----\n\
        MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n\
        q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n\
        -----END PUBLIC KEY-----\n";
    for key in [public_key, public_key.trim(), "", "secret"] {
        let token = TokenMint::new(key, ISSUER).token_for(USER);
        assert_refused(&token, "signature does not hold");
    }
}

#[test]
fn a_signature_covers_every_byte() {
    let token = mint().token_for(USER);
    let (unsigned, signature) = token.rsplit_once('.').unwrap();
    let forged = claims().with("sub", json!(Uuid::from_u128(1).to_string())).to_string();
    let (header, _) = unsigned.split_once('.').unwrap();
    let swapped = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(forged));
    assert_refused(&swapped, "signature does not hold");

    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for bit in 0..bytes.len() * 8 {
        bytes[bit / 8] ^= 1 << (bit % 8);
        let token = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(&bytes));
        assert_refused(&token, "signature does not hold");
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    for length in 0..bytes.len() {
        let token = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(&bytes[..length]));
        assert_refused(&token, "signature does not hold");
    }
    bytes.push(0);
    let longer = format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(&bytes));
    assert_refused(&longer, "signature does not hold");
}

#[test]
fn base64_has_one_spelling() {
    let reason = "a part is not canonical base64url";
    let body = claims().to_string();
    let header = URL_SAFE_NO_PAD.encode(HS256_HEADER);
    let encoded = URL_SAFE_NO_PAD.encode(&body);

    // Every odd spelling of the claims under a signature that holds.
    let questioning = claims().with("name", json!("??>>~~??>>~~")).to_string();
    assert_accepted(&mint().sign(HS256_HEADER, &questioning));
    let standard = STANDARD.encode(&questioning);
    assert!(standard.contains(['+', '/']), "{standard}");
    let unpadded = standard.trim_end_matches('=');
    let (start, end) = encoded.split_at(40);
    for odd in [
        URL_SAFE.encode(format!("{body}{}", " ".repeat(3 - body.len() % 3 + 1))),
        format!("{encoded}="),
        format!("{encoded}=="),
        unpadded.to_owned(),
        format!("{start} {end}"),
        format!("{start}\n{end}"),
        format!("{start}*{end}"),
        format!("{encoded}A\u{e9}"),
    ] {
        assert_refused(&mint().sign_encoded(&format!("{header}.{odd}")), reason);
        // The same in the place of the header, whose meaning the parser sees first.
        assert_refused(&mint().sign_encoded(&format!("{odd}.{encoded}")), reason);
    }

    // Trailing bits: another last character with the same bytes.
    let one_byte_over = format!("{body}{}", " ".repeat((4 - body.len() % 3) % 3));
    assert_eq!(one_byte_over.len() % 3, 1);
    let canonical = URL_SAFE_NO_PAD.encode(&one_byte_over);
    assert_accepted(&mint().sign_encoded(&format!("{header}.{canonical}")));
    let odd = respelled(&canonical);
    assert_refused(&mint().sign_encoded(&format!("{header}.{odd}")), reason);

    let token = mint().token_for(USER);
    for odd in
        [respelled(&token), format!("{token}="), token.replace('.', "=."), format!("{token}\n")]
    {
        assert!(matches!(check(&odd), Err(AuthError::Refused(_))), "{odd}");
    }
}

/// Raises the last character's value by one, in bits that canonical base64 leaves at zero.
fn respelled(encoded: &str) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = encoded.split_at(encoded.len() - 1);
    let value = alphabet.find(last).unwrap();
    format!("{start}{}", &alphabet[value + 1..value + 2])
}

#[test]
fn a_header_that_brings_or_names_a_key_or_an_extension_is_refused() {
    for member in [
        r#""jwk":{"kty":"oct","k":"c2VjcmV0"}"#,
        r#""jwk":null"#,
        r#""jku":"https://attacker.example/jwks.json""#,
        r#""x5u":"https://attacker.example/chain.pem""#,
        r#""x5c":[]"#,
        r#""crit":[]"#,
        r#""crit":["exp"],"exp":0"#,
        r#""crit":["b64"],"b64":false"#,
        r#""b64":false"#,
        r#""zip":"DEF""#,
        r#""\u006aku":"https://attacker.example/jwks.json""#,
    ] {
        let header = format!(r#"{{"alg":"HS256","typ":"JWT",{member}}}"#);
        assert_refused(&with_header(&header), "header has a forbidden member");
    }
}

#[test]
fn a_header_may_leave_out_the_type_and_name_a_key() {
    for header in [
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"jwt"}"#,
        r#"{"alg":"HS256","kid":"2Zb9lAV2sGrbRkc0","typ":"JWT"}"#,
        r#" { "typ" : "JWT" , "alg" : "HS256" } "#,
    ] {
        assert_accepted(&with_header(header));
    }
    for typ in [r#""at+jwt""#, r#""JOSE""#, r#""""#, "null", "1"] {
        let header = format!(r#"{{"alg":"HS256","typ":{typ}}}"#);
        assert_refused(&with_header(&header), "typ is not JWT");
    }
    for kid in ["null", "7", r#"["a"]"#, "{}"] {
        let header = format!(r#"{{"alg":"HS256","kid":{kid}}}"#);
        assert_refused(&with_header(&header), "kid is not a string");
    }
}

#[test]
fn a_member_that_appears_twice_is_refused() {
    let reason = "a part is not an object of unique members";
    for header in [
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","typ":"JWT","typ":"JWT"}"#,
        r#"{"alg":"HS256","x":1,"x":2}"#,
    ] {
        assert_refused(&with_header(header), reason);
    }
    let valid = claims().to_string();
    let members = valid.strip_suffix('}').unwrap();
    let other = Uuid::from_u128(1);
    for twice in [
        format!(r#""sub":"{other}""#),
        format!(r#""sub":"{USER}""#),
        format!(r#""s\u0075b":"{other}""#),
        r#""role":"service_role""#.to_owned(),
        r#""exp":99999999999"#.to_owned(),
        r#""aal":"aal2""#.to_owned(),
        r#""never":1,"never":1"#.to_owned(),
        r#""":1,"":1"#.to_owned(),
    ] {
        assert_refused(&mint().sign(HS256_HEADER, &format!("{members},{twice}}}")), reason);
    }
}

#[test]
fn parts_are_json_objects_and_nothing_else() {
    let reason = "a part is not an object of unique members";
    let valid = claims().to_string();
    let members = valid.strip_suffix('}').unwrap();
    let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
    let bad = [
        String::new(),
        "null".to_owned(),
        "true".to_owned(),
        "1".to_owned(),
        "[]".to_owned(),
        format!("[{valid}]"),
        format!(r#""{}""#, valid.replace('"', "\\\"")),
        format!("{valid}{valid}"),
        format!("{valid} x"),
        format!("\u{feff}{valid}"),
        members.to_owned(),
        format!("{members},}}"),
        format!("{members},\"x\":{deep}}}"),
        format!("{members},\"x\":1e999}}"),
        format!("{members},\"x\":NaN}}"),
        format!("{members},\"x\":\"\\ud800\"}}"),
        format!("{members},\"\\udc00\":1}}"),
        format!("{members},\"x\":\"a\nb\"}}"),
        format!("{members},'x':1}}"),
    ];
    for json in &bad {
        assert_refused(&mint().sign(HS256_HEADER, json), reason);
        assert_refused(&mint().sign(json, &valid), reason);
    }
    let mut not_utf8 = members.as_bytes().to_vec();
    not_utf8.extend_from_slice(b",\"x\":\"\xff\"}");
    let header = URL_SAFE_NO_PAD.encode(HS256_HEADER);
    let input = format!("{header}.{}", URL_SAFE_NO_PAD.encode(not_utf8));
    assert_refused(&mint().sign_encoded(&input), reason);
}

#[test]
fn claims_are_not_read_before_the_signature_holds() {
    let token = TokenMint::new("another secret", ISSUER).sign(HS256_HEADER, "not even JSON");
    assert_refused(&token, "signature does not hold");
}

#[test]
fn the_issuer_is_the_project() {
    let reason = "iss is not the project's";
    assert_refused(&signed(&claims().without("iss")), reason);
    for issuer in [
        json!(null),
        json!([ISSUER]),
        json!(""),
        json!("supabase"),
        json!("https://other.supabase.co/auth/v1"),
        json!("http://project.supabase.co/auth/v1"),
        json!(format!("{ISSUER}/")),
        json!(format!("{ISSUER}/../v1")),
        json!(ISSUER.to_uppercase()),
    ] {
        assert_refused(&signed(&claims().with("iss", issuer)), reason);
    }
}

#[test]
fn the_audience_contains_authenticated() {
    for audience in [json!(["authenticated"]), json!(["other", "authenticated"])] {
        assert_accepted(&signed(&claims().with("aud", audience)));
    }
    let reason = "aud lacks `authenticated`";
    assert_refused(&signed(&claims().without("aud")), reason);
    for audience in [
        json!(null),
        json!(""),
        json!("anon"),
        json!("Authenticated"),
        json!("authenticated "),
        json!("authenticated,other"),
        json!([]),
        json!(["anon"]),
        json!([["authenticated"]]),
        json!(["authenticated", 1]),
        json!({"authenticated": true}),
    ] {
        assert_refused(&signed(&claims().with("aud", audience)), reason);
    }
}

#[test]
fn the_role_is_authenticated() {
    let reason = "role is not `authenticated`";
    assert_refused(&signed(&claims().without("role")), reason);
    for role in
        [json!("anon"), json!("service_role"), json!(""), json!(null), json!(["authenticated"])]
    {
        assert_refused(&signed(&claims().with("role", role)), reason);
    }
}

#[test]
fn the_subject_is_a_uuid_in_its_canonical_form() {
    let reason = "sub is not a canonical UUID";
    assert_refused(&signed(&claims().without("sub")), reason);
    for subject in [
        json!(null),
        json!(7),
        json!(""),
        json!("ada"),
        json!(USER.simple().to_string()),
        json!(USER.braced().to_string()),
        json!(USER.urn().to_string()),
        json!(USER.to_string().to_uppercase()),
        json!(format!("{USER} ")),
        json!(format!("{USER}\0")),
        json!(format!("{USER},{USER}")),
        json!("6ba7b8109-dad-41d1-80b4-00c04fd430c8"),
        json!("6ba7b810-9dad-41d1-80b4-00c04fd430cg"),
    ] {
        assert_refused(&signed(&claims().with("sub", subject)), reason);
    }
}

/// The outcome at a moment, given in seconds before or after `exp`, `nbf` or `iat`.
fn at(claims: &Claims, now: f64) -> Result<UserId, AuthError> {
    let now = OffsetDateTime::UNIX_EPOCH + time::Duration::seconds_f64(now);
    let authorization = format!("Bearer {}", signed(claims));
    verify_at_once(&verifier(), Some(authorization.as_bytes()), now).map(|user| user.id)
}

#[test]
fn a_token_lives_until_thirty_seconds_after_its_end() {
    const EXPIRED: Result<UserId, AuthError> = Err(AuthError::Refused("token has expired"));
    let lasting = claims().without("iat").with("exp", json!(2_000_000_000));
    assert_eq!(at(&lasting, 2_000_000_000.0), Ok(UserId(USER)));
    assert_eq!(at(&lasting, 2_000_000_029.5), Ok(UserId(USER)));
    assert_eq!(at(&lasting, 2_000_000_030.0), EXPIRED);
    assert_eq!(at(&lasting, 2_100_000_000.0), EXPIRED);
    let fraction = lasting.with("exp", json!(2_000_000_000.75));
    assert_eq!(at(&fraction, 2_000_000_030.5), Ok(UserId(USER)));
    assert_eq!(at(&fraction, 2_000_000_031.0), EXPIRED);
    for past in [json!(0), json!(-1), json!(-1e300), json!(i64::MIN)] {
        assert_refused(&signed(&claims().with("exp", past)), "token has expired");
    }
    for far in [json!(u64::MAX), json!(1e300)] {
        assert_accepted(&signed(&claims().with("exp", far)));
    }
}

#[test]
fn a_token_lives_from_thirty_seconds_before_its_start() {
    const EARLY: Result<UserId, AuthError> = Err(AuthError::Refused("token is not valid yet"));
    for start in ["nbf", "iat"] {
        let claims = claims().without("iat").with("exp", json!(3_000_000_000_u64));
        let claims = claims.with(start, json!(2_000_000_000));
        assert_eq!(at(&claims, 2_000_000_000.0), Ok(UserId(USER)), "{start}");
        assert_eq!(at(&claims, 1_999_999_970.0), Ok(UserId(USER)), "{start}");
        assert_eq!(at(&claims, 1_999_999_969.5), EARLY, "{start}");
        assert_eq!(at(&claims, 0.0), EARLY, "{start}");
        assert_refused(&signed(&claims.with(start, json!(1e300))), "token is not valid yet");
    }
}

#[test]
fn times_are_numbers_and_the_end_is_required() {
    assert_refused(&signed(&claims().without("exp")), "exp is missing");
    assert_accepted(&signed(&claims().without("iat")));
    for name in ["exp", "nbf", "iat"] {
        for odd in [json!(null), json!("4102444800"), json!(true), json!([4_102_444_800_u64])] {
            assert_refused(&signed(&claims().with(name, odd)), "a time is not a number");
        }
    }
}

#[test]
fn an_email_that_cannot_be_shown_is_left_out() {
    let email = |email: serde_json::Value| {
        check(&signed(&claims().with("email", email))).expect("the user is let in").email
    };
    let longest = "é".repeat(255);
    assert_eq!(email(json!(longest)), Some(longest.clone()));
    for odd in [json!(""), json!(null), json!(7), json!(["a@b"]), json!(format!("{longest}x"))] {
        assert_eq!(email(odd), None);
    }
    let user = check(&signed(&claims().without("email"))).expect("the user is let in");
    assert_eq!(user.email, None);
}

#[test]
fn nothing_shows_the_secret() {
    let debug = format!("{:?}", verifier());
    assert!(!debug.contains(SECRET), "{debug}");
    let bytes = SECRET.as_bytes().iter().take(4).map(u8::to_string).collect::<Vec<_>>().join(", ");
    assert!(!debug.contains(&bytes), "{debug}");
}

/// Bytes that get further into the verifier than noise does.
fn almost_a_token() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        any::<Vec<u8>>().prop_map(|bytes| URL_SAFE_NO_PAD.encode(bytes)),
        Just(URL_SAFE_NO_PAD.encode(HS256_HEADER)),
        "[ -~]{0,40}",
    ];
    prop::collection::vec(part, 0..5).prop_map(|parts| format!("Bearer {}", parts.join(".")).into())
}

proptest! {
    #[test]
    fn arbitrary_bytes_name_nobody(bytes in prop_oneof![any::<Vec<u8>>(), almost_a_token()]) {
        prop_assert!(matches!(authenticate(&bytes), Err(AuthError::Refused(_))));
    }

    #[test]
    fn signed_texts_name_nobody(header in ".{0,60}", body in ".{0,200}") {
        let token = mint().sign(&header, &body);
        prop_assert!(matches!(check(&token), Err(AuthError::Refused(_))));
        let token = mint().sign(HS256_HEADER, &body);
        prop_assert!(matches!(check(&token), Err(AuthError::Refused(_))));
    }

    #[test]
    fn one_changed_byte_makes_a_token_worthless(position in any::<prop::sample::Index>(), byte: u8) {
        let mut token = mint().token_for(USER).into_bytes();
        let position = position.index(token.len());
        prop_assume!(token[position] != byte);
        token[position] = byte;
        let authorization = [b"Bearer ", &token[..]].concat();
        prop_assert!(matches!(authenticate(&authorization), Err(AuthError::Refused(_))));
    }
}
