use proptest::prelude::*;
use serde_json::json;
use tester_peers::tokens::{SigningKey, key_set};

use super::*;

/// The ids of the keys that are left of a set.
fn ids(set: &Value) -> Vec<String> {
    let set = KeySet::parse(set.to_string().as_bytes()).expect("a key set");
    let mut ids: Vec<_> = set.0.into_keys().collect();
    ids.sort();
    ids
}

fn p256(id: &str) -> Value {
    SigningKey::p256(id).jwk()
}

fn with(mut jwk: Value, name: &str, value: Value) -> Value {
    jwk[name] = value;
    jwk
}

fn without(mut jwk: Value, name: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

#[track_caller]
fn assert_passed_over(jwk: Value) {
    let shown = jwk.to_string();
    assert_eq!(ids(&key_set([p256("good"), jwk])), ["good"], "{shown}");
}

#[track_caller]
fn assert_taken(jwk: Value) {
    let shown = jwk.to_string();
    assert_eq!(ids(&key_set([p256("good"), jwk])).len(), 2, "{shown}");
}

#[test]
fn the_keys_supabase_signs_with_are_taken() {
    let keys = [
        SigningKey::p256("a").jwk(),
        SigningKey::rsa_2048("b").jwk(),
        SigningKey::rsa_4096("c").jwk(),
    ];
    assert_eq!(ids(&key_set(keys)), ["a", "b", "c"]);
    assert!(ids(&json!({"keys": []})).is_empty());
}

#[test]
fn a_key_need_not_say_what_it_is_for_and_may_say_more() {
    let key = p256("key");
    for name in ["use", "alg", "key_ops", "ext"] {
        assert_taken(without(key.clone(), name));
    }
    assert_taken(with(key.clone(), "key_ops", json!(["sign", "verify"])));
    assert_taken(with(key.clone(), "x5t", json!("?")));
    let mut set = key_set([key]);
    set["issuer"] = json!("whoever");
    assert_eq!(ids(&set), ["key"]);
}

#[test]
fn what_is_no_key_to_check_tokens_with_is_passed_over() {
    let (p256, rsa) = (p256("key"), SigningKey::rsa_2048("key").jwk());
    for odd in [
        json!(null),
        json!("key"),
        json!([]),
        json!({}),
        json!({"kid": "key", "kty": "oct", "k": "c2VjcmV0", "alg": "HS256", "use": "sig"}),
        json!({"kid": "key", "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA",
               "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}),
        with(p256.clone(), "kty", json!("oct")),
        with(p256.clone(), "kty", json!("RSA")),
        with(p256.clone(), "kty", json!("ec")),
        with(rsa.clone(), "kty", json!("EC")),
        with(p256.clone(), "crv", json!("P-384")),
        with(p256.clone(), "crv", json!("secp256k1")),
        without(p256.clone(), "crv"),
        without(p256.clone(), "kid"),
        with(p256.clone(), "kid", json!("")),
        with(p256.clone(), "kid", json!(7)),
        with(p256.clone(), "use", json!("enc")),
        with(p256.clone(), "use", json!(null)),
        with(p256.clone(), "alg", json!("RS256")),
        with(p256.clone(), "alg", json!("HS256")),
        with(p256.clone(), "alg", json!("none")),
        with(p256.clone(), "alg", json!(null)),
        with(rsa.clone(), "alg", json!("PS256")),
        with(rsa.clone(), "alg", json!("RS512")),
        with(p256.clone(), "key_ops", json!([])),
        with(p256.clone(), "key_ops", json!(["sign"])),
        with(p256.clone(), "key_ops", json!("verify")),
        with(p256, "d", json!("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI")),
        with(rsa, "d", json!("AQAB")),
    ] {
        assert_passed_over(odd);
    }
}

#[test]
fn the_coordinates_of_a_key_are_those_of_a_point() {
    let key = p256("key");
    let text = |name: &str| key[name].as_str().unwrap().to_owned();
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)).unwrap();
    let encode = |bytes: &[u8]| json!(URL_SAFE_NO_PAD.encode(bytes));
    let (x, y) = (bytes("x"), bytes("y"));
    let mut off_curve = y.clone();
    off_curve[31] ^= 1;
    for (name, odd) in [
        ("x", json!(null)),
        ("x", json!("")),
        ("x", json!(format!("{}=", text("x")))),
        ("x", json!(format!(" {}", text("x")))),
        ("x", encode(&x[1..])),
        ("x", encode(&[&[0], &x[..]].concat())),
        ("x", encode(&[0xff; 32])),
        ("y", encode(&off_curve)),
        ("y", encode(&[0; 32])),
    ] {
        assert_passed_over(with(key.clone(), name, odd));
    }
    // The same 64 bytes, cut in another place.
    let (shorter, longer) = (&x[..31], [&x[31..], &y[..]].concat());
    assert_passed_over(with(with(key.clone(), "x", encode(shorter)), "y", encode(&longer)));
}

/// An odd number of this many bits.
fn modulus(bits: usize) -> Value {
    let mut bytes = vec![0xff; bits.div_ceil(8)];
    bytes[0] = 0xff >> (bytes.len() * 8 - bits);
    json!(URL_SAFE_NO_PAD.encode(bytes))
}

#[test]
fn rsa_keys_have_2048_to_4096_bits() {
    let key = SigningKey::rsa_2048("key").jwk();
    for bits in [2_048, 2_049, 3_072, 4_095, 4_096] {
        assert_taken(with(key.clone(), "n", modulus(bits)));
    }
    for bits in [1, 512, 1_024, 2_047, 4_097, 8_192] {
        assert_passed_over(with(key.clone(), "n", modulus(bits)));
    }
    let mut even = vec![0xff; 256];
    even[255] = 0xfe;
    assert_passed_over(with(key.clone(), "n", json!(URL_SAFE_NO_PAD.encode(even))));
    assert_passed_over(with(key.clone(), "n", json!("")));
    // Zeros in front make no number greater.
    let padded = [&[0; 200][..], &[0xff; 128]].concat();
    assert_passed_over(with(key, "n", json!(URL_SAFE_NO_PAD.encode(padded))));
}

#[test]
fn rsa_exponents_are_odd_short_and_not_one() {
    let key = SigningKey::rsa_2048("key").jwk();
    let exponent = |bytes: &[u8]| with(key.clone(), "e", json!(URL_SAFE_NO_PAD.encode(bytes)));
    for sound in [&[3][..], &[1, 0, 1], &[0, 1, 0, 1], &[0xff; 4]] {
        assert_taken(exponent(sound));
    }
    for odd in [&[][..], &[0], &[1], &[0, 0, 1], &[2], &[1, 0, 0], &[0xff; 5]] {
        assert_passed_over(exponent(odd));
    }
}

#[test]
fn an_id_that_two_keys_go_by_is_nobodys() {
    let twice = key_set([p256("a"), p256("b"), SigningKey::rsa_2048("a").jwk(), p256("a")]);
    assert_eq!(ids(&twice), ["b"]);
    // One that could not be used anyway is no other key.
    let secret = json!({"kid": "a", "kty": "oct", "k": "c2VjcmV0"});
    assert_eq!(ids(&key_set([secret, p256("a")])), ["a"]);
}

#[test]
fn a_set_of_too_many_keys_is_refused_whole() {
    let key = p256("key");
    let set = |count: usize| {
        key_set((0..count).map(|number| with(key.clone(), "kid", json!(number.to_string()))))
    };
    assert_eq!(ids(&set(32)).len(), 32);
    let outcome = KeySet::parse(set(33).to_string().as_bytes());
    assert_eq!(outcome.err(), Some(NoKeySet::TooMany));
}

#[test]
fn what_is_no_set_is_refused() {
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for odd in ["", "<html>", "null", "[]", r#"[{"keys":[]}]"#, "{}", r#"{"keys":{}}"#, &nested] {
        assert_eq!(KeySet::parse(odd.as_bytes()).err(), Some(NoKeySet::NoList), "{odd:.20}");
    }
    assert_eq!(KeySet::parse(b"{\"keys\":[\"\xff\"]}").err(), Some(NoKeySet::NoList));
}

/// Members of keys, with values of every kind.
fn almost_a_key() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "kid", "kty", "crv", "x", "y", "n", "e", "use", "alg", "key_ops", "d",
    ]);
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!({})),
        any::<i64>().prop_map(|number| json!(number)),
        prop::sample::select(vec!["EC", "RSA", "P-256", "sig", "ES256", "verify", "AQAB"])
            .prop_map(|text| json!(text)),
        prop::collection::vec(any::<u8>(), 0..300)
            .prop_map(|bytes| json!(URL_SAFE_NO_PAD.encode(bytes))),
        "\\PC*".prop_map(|text| json!(text)),
    ];
    prop::collection::btree_map(name, value, 0..11).prop_map(|members| json!(members))
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes: Vec<u8>) {
        prop_assert!(KeySet::parse(&bytes).is_err());
    }

    #[test]
    fn no_key_makes_the_reader_panic(keys in prop::collection::vec(almost_a_key(), 0..6)) {
        let count = keys.len();
        prop_assert!(ids(&key_set(keys)).len() <= count);
    }
}
