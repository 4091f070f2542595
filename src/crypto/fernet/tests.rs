use aes::cipher::BlockModeEncrypt as _;
use proptest::prelude::*;

use super::*;

/// The key of the published vectors.
const PUBLISHED_KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
const PUBLISHED: &str = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";

/// A token as an earlier service would have made it: of this time and initialisation vector.
pub(in crate::crypto) fn seal(
    master: &MasterKey,
    time: u64,
    iv: [u8; BLOCK_LENGTH],
    plain: &[u8],
) -> String {
    let mut padded = vec![0; plain.len() + BLOCK_LENGTH - plain.len() % BLOCK_LENGTH];
    padded[..plain.len()].copy_from_slice(plain);
    cbc::Encryptor::inner_iv_slice_init(FernetKey::of(master).encryption, &iv)
        .expect("16 bytes")
        .encrypt_padded::<Pkcs7>(&mut padded, plain.len())
        .expect("the buffer has room for the padding");
    sign(master, [&[0x80][..], &time.to_be_bytes(), &iv, &padded].concat())
}

fn sign(master: &MasterKey, mut bytes: Vec<u8>) -> String {
    let tag = hmac::sign(&FernetKey::of(master).signing, &bytes);
    bytes.extend_from_slice(tag.as_ref());
    URL_SAFE.encode(bytes)
}

fn master() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

fn open_with(master: &MasterKey, token: &str) -> Option<String> {
    let plain = FernetKey::of(master).open(&FernetToken::parse(token)?).ok()?;
    Some(String::from_utf8(plain).expect("texts were sealed"))
}

fn open(token: &str) -> Option<String> {
    open_with(&master(), token)
}

fn open_published(token: &str) -> Option<String> {
    open_with(&MasterKey::parse(PUBLISHED_KEY).expect("a published key"), token)
}

#[test]
fn the_published_token_opens() {
    assert_eq!(open_published(PUBLISHED).as_deref(), Some("hello"));
}

#[test]
fn published_tokens_that_are_only_too_old_or_too_new_open() {
    for token in [
        // "far-future TS (unacceptable clock skew)"
        "gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b_qXQcw==",
        // "expired TTL"
        "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
    ] {
        assert_eq!(open_published(token).as_deref(), Some(""), "{token}");
    }
}

#[test]
fn the_published_invalid_tokens_do_not_open() {
    for (flaw, token) in [
        (
            "incorrect mac",
            "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ==",
        ),
        ("too short", "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA=="),
        (
            "invalid base64",
            "%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q==",
        ),
        (
            "payload size not multiple of block size",
            "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm",
        ),
        (
            "payload padding error",
            "gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw==",
        ),
        (
            "incorrect IV (causes padding error)",
            "gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ==",
        ),
    ] {
        assert_eq!(open_published(token), None, "{flaw}");
    }
}

#[test]
fn tokens_of_pythons_cryptography_open() {
    for (text, token) in [
        (
            "def 더하기(a, b): return a + b",
            "gAAAAABrBcWl0xbNsQ0EqUO1TSR_ANpCw5ETpeW4LcTaRSxp7Fp2tOFBpxxsYYeabh5Tv1Ho5t0Z9nVecTGFLiTBziko2_yf3Cx855dhudMJLoYSkw1AHg5aFrD53zQe4jLrsgPuw60k",
        ),
        (
            "",
            "gAAAAABrBcWlVPR1BdC_d_WIOMQf9WZxHCm_e3FwvkPaSOiza8u9XChb4a7lgi0eX2nyD1FVKk1hSeCQl33WTQMyx5SUapnjTQ==",
        ),
        (
            "print('naïve — 🦀')\n",
            "gAAAAABrBcWl73jbccA04bo4afl6ofTLw6-jRlXoiZmdfgqAeqYCN2o1emtGHf3HME66kk-D63qFMS1pFkINiwLx4wWA2SJ5488yhzh1tgWhrTSMECTAtJI=",
        ),
        // Exactly one block, so that the padding is a whole one.
        (
            "xxxxxxxxxxxxxxxx",
            "gAAAAABrBcWlLtMO9MEHeY-PHNql2jFhU2E5ZUQRoicgo_Mt51tPyOMUPk2hQ0fIPHPj_fCKRLfvf3n4n6suZe1615Rmeyk-R2Xx2etzpKrgxzWoPUD0qII=",
        ),
    ] {
        assert_eq!(open(token).as_deref(), Some(text));
    }
}

#[test]
fn the_encoder_of_these_tests_writes_what_python_writes() {
    let iv = std::array::from_fn(|index| u8::try_from(index).expect("below 16"));
    assert_eq!(
        seal(&master(), 1_700_000_000, iv, "def 더하기(a, b): return a + b".as_bytes()),
        "gAAAAABlU_EAAAECAwQFBgcICQoLDA0ODxAS6MlWD53L7aET7A_tKJY8bQ6B9BoubMXF4QinVFVc36PL11aa87iAyu8ws-Oxne18EKPKTlB9wsbeKrVI9z824O4h9gVqdF1d26b-Q-wb"
    );
}

#[test]
fn a_long_text_opens_and_one_beyond_the_bound_is_not_looked_at() {
    let long = "가".repeat(100_000);
    let token = seal(&master(), 1_700_000_000, [3; 16], long.as_bytes());
    assert_eq!(open(&token), Some(long));
    let too_long = seal(&master(), 1_700_000_000, [3; 16], &vec![b'x'; TOKEN_MAX_BYTES * 3 / 4]);
    assert!(too_long.len() > TOKEN_MAX_BYTES);
    assert_eq!(open(&too_long), None);
}

#[test]
fn another_key_opens_nothing() {
    assert_eq!(open(PUBLISHED), None);
    for half in [0..16, 16..32] {
        let mut bytes = [7; 32];
        bytes[half].fill(8);
        let token = seal(&master(), 1_700_000_000, [3; 16], b"text");
        let opened = FernetKey::of(&MasterKey::from_bytes(bytes))
            .open(&FernetToken::parse(&token).expect("a token"));
        // Under the wrong half for encryption the signature holds and the padding is noise.
        assert_ne!(opened, Ok(b"text".to_vec()));
    }
}

#[test]
fn a_flipped_bit_anywhere_is_refused() {
    let token = seal(&master(), 1_700_000_000, [3; 16], b"a text of more than one block");
    let bytes = URL_SAFE.decode(&token).expect("base64");
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(open(&URL_SAFE.encode(damaged)), None, "bit {bit}");
    }
    for position in 0..token.len() {
        for bit in 0..7 {
            let mut damaged = token.clone().into_bytes();
            damaged[position] ^= 1 << bit;
            let damaged = String::from_utf8(damaged).expect("seven bits are ASCII");
            assert_eq!(open(&damaged), None, "position {position}, bit {bit}");
        }
    }
}

#[test]
fn a_token_cut_at_any_length_is_refused() {
    let token = seal(&master(), 1_700_000_000, [3; 16], b"a text of more than one block");
    for length in 0..token.len() {
        assert_eq!(open(&token[..length]), None, "{length} characters");
    }
    let bytes = URL_SAFE.decode(&token).expect("base64");
    for length in 0..bytes.len() {
        assert_eq!(open(&URL_SAFE.encode(&bytes[..length])), None, "{length} bytes");
    }
}

#[test]
fn a_token_has_one_spelling() {
    let token = seal(&master(), 1_700_000_000, [3; 16], b"");
    assert!(token.ends_with("=="));
    let unpadded = token.trim_end_matches('=');
    let (front, last) = unpadded.split_at(unpadded.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet.find(last).expect("a base64url character");
    let loose = format!("{front}{}==", &alphabet[value + 1..value + 2]);
    for odd in [
        unpadded.to_owned(),
        format!("{unpadded}="),
        format!("{token}="),
        format!("{token}\n"),
        format!(" {token}"),
        loose,
    ] {
        assert_eq!(open(&odd), None, "{odd:?}");
    }
    // Under a signature that holds: a whole token, but for its version.
    let mut bytes = URL_SAFE.decode(&token).expect("base64");
    bytes.truncate(bytes.len() - TAG_LENGTH);
    assert_eq!(open(&sign(&master(), bytes.clone())).as_deref(), Some(""));
    bytes[0] = 0x81;
    assert_eq!(open(&sign(&master(), bytes)), None);
}

proptest! {
    #[test]
    fn any_text_survives_the_round_trip(key: [u8; 32], plain: String, iv: [u8; 16], time: u32) {
        let master = MasterKey::from_bytes(key);
        let token = seal(&master, time.into(), iv, plain.as_bytes());
        prop_assert_eq!(open_with(&master, &token), Some(plain));
    }

    #[test]
    fn arbitrary_text_never_opens_and_never_panics(
        text in prop_oneof!["\\PC*", "gAAAAA[A-Za-z0-9_-]{94}(==)?", "gAAAAA[A-Za-z0-9_-]*={0,2}"]
    ) {
        prop_assert_eq!(open(&text), None);
    }
}
