use proptest::prelude::*;

use super::*;
use crate::crypto::fernet::tests::seal;

const PLAIN: &str = "def 더하기(a, b): return a + b";

fn master(byte: u8) -> MasterKey {
    MasterKey::from_bytes([byte; 32])
}

fn cipher() -> FieldCipher {
    FieldCipher::new(&master(7))
}

fn context() -> FieldContext {
    FieldContext {
        table: "generation_history",
        column: "input_code",
        user: UserId(Uuid::from_u128(1)),
        row: Uuid::from_u128(2),
    }
}

fn decrypt(text: &str) -> Result<String, DecryptError> {
    cipher().decrypt(&context(), &EncryptedData::from_stored(text.to_owned()))
}

fn envelope() -> String {
    cipher().encrypt(&context(), PLAIN).as_str().to_owned()
}

#[test]
fn an_envelope_of_this_version_opens_for_ever() {
    // Computed outside of this program from the description of the format: a change of the
    // envelope, a label of the derivation or the associated data breaks it.
    let stored = "t1.eae907f5ba77f201.\
                  AAECAwQFBgcICQoLFp2JBjgvUABGfzdzf9J6jthKID0BfZjOlIrbBeof4pg6kS4G_acTOl6ufpwnjNxhYg.";
    assert_eq!(decrypt(stored), Ok(PLAIN.to_owned()));
}

#[test]
fn a_value_opens_only_in_the_place_it_was_sealed_for() {
    let sealed = cipher().encrypt(&context(), PLAIN);
    for moved in [
        FieldContext { table: "other", ..context() },
        FieldContext { column: "generated_code", ..context() },
        FieldContext { user: UserId(Uuid::from_u128(2)), ..context() },
        FieldContext { row: Uuid::from_u128(1), ..context() },
        // User and row swapped.
        FieldContext { user: UserId(Uuid::from_u128(2)), row: Uuid::from_u128(1), ..context() },
        // The border between table and column moved.
        FieldContext { table: "generation_historyi", column: "nput_code", ..context() },
    ] {
        assert_eq!(cipher().decrypt(&moved, &sealed), Err(DecryptError::Forged), "{moved:?}");
    }
    assert_eq!(cipher().decrypt(&context(), &sealed), Ok(PLAIN.to_owned()));
}

#[test]
fn a_value_cut_at_any_length_is_told_to_be_cut() {
    let whole = envelope();
    for length in 1..whole.len() {
        assert_eq!(decrypt(&whole[..length]), Err(DecryptError::Truncated), "{length} bytes");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_noticed_for_what_it_is() {
    let whole = envelope();
    let payload_at = VERSION.len() + 1 + KEY_ID_LENGTH + 1;
    let mut seen = Vec::new();
    for position in 0..whole.len() {
        for bit in 0..7 {
            let mut bytes = whole.clone().into_bytes();
            bytes[position] ^= 1 << bit;
            let text = String::from_utf8(bytes).expect("seven bits are ASCII");
            let error = decrypt(&text).expect_err("a changed value must not open");
            let key_id = VERSION.len() + 1..payload_at - 1;
            let allowed: &[DecryptError] = if position < VERSION.len() {
                &[DecryptError::Malformed, DecryptError::UnknownVersion]
            } else if key_id.contains(&position) {
                // Not every flip gives another hex digit.
                &[DecryptError::UnknownKey, DecryptError::Malformed]
            } else if position < payload_at {
                &[DecryptError::Malformed]
            } else if position == whole.len() - 1 {
                &[DecryptError::Truncated]
            } else {
                &[DecryptError::Forged, DecryptError::Malformed]
            };
            assert!(allowed.contains(&error), "position {position}, bit {bit}: {error:?}");
            seen.push(error);
        }
    }
    for expected in [DecryptError::UnknownKey, DecryptError::Forged, DecryptError::UnknownVersion] {
        assert!(seen.contains(&expected), "{expected:?}");
    }
}

#[test]
fn every_bit_of_nonce_ciphertext_and_tag_is_authenticated() {
    let whole = envelope();
    let (head, payload) = whole.trim_end_matches('.').rsplit_once('.').expect("three fields");
    let sealed = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    for bit in 0..sealed.len() * 8 {
        let mut damaged = sealed.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let text = format!("{head}.{}.", URL_SAFE_NO_PAD.encode(damaged));
        assert_eq!(decrypt(&text), Err(DecryptError::Forged), "bit {bit}");
    }
}

#[test]
fn a_shortened_payload_in_a_whole_envelope_is_not_text() {
    let whole = envelope();
    let (head, payload) = whole.trim_end_matches('.').rsplit_once('.').expect("three fields");
    let sealed = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    for length in 0..sealed.len() {
        let text = format!("{head}.{}.", URL_SAFE_NO_PAD.encode(&sealed[..length]));
        let expected =
            if length < OVERHEAD { DecryptError::Malformed } else { DecryptError::Forged };
        assert_eq!(decrypt(&text), Err(expected), "{length} bytes");
    }
}

#[test]
fn a_key_outside_the_ring_is_unknown_and_a_retired_one_still_opens() {
    let old = FieldCipher::new(&master(1)).encrypt(&context(), PLAIN);
    assert_eq!(cipher().decrypt(&context(), &old), Err(DecryptError::UnknownKey));
    let ring = FieldCipher::with_retired(&master(7), &[master(2), master(1)]);
    assert_eq!(ring.decrypt(&context(), &old), Ok(PLAIN.to_owned()));
    let new = ring.encrypt(&context(), PLAIN);
    assert_eq!(cipher().decrypt(&context(), &new), Ok(PLAIN.to_owned()));
}

#[test]
fn the_key_id_of_another_key_in_the_ring_is_a_forgery() {
    let ring = FieldCipher::with_retired(&master(7), &[master(1)]);
    let other_id = FieldKey::derive(&master(1)).id;
    let own_id = &ring.0.current.id;
    let swapped = envelope().replace(own_id, &other_id);
    let stored = EncryptedData::from_stored(swapped);
    assert_eq!(ring.decrypt(&context(), &stored), Err(DecryptError::Forged));
}

#[test]
fn other_versions_and_foreign_text_are_told_apart() {
    let rest = envelope().split_off(VERSION.len());
    for (version, expected) in [
        ("t2", DecryptError::UnknownVersion),
        ("t10", DecryptError::UnknownVersion),
        ("t01", DecryptError::UnknownVersion),
        ("t", DecryptError::Malformed),
        ("T1", DecryptError::Malformed),
        (" t1", DecryptError::Malformed),
        ("", DecryptError::Malformed),
    ] {
        assert_eq!(decrypt(&format!("{version}{rest}")), Err(expected), "{version:?}");
    }
    // Starts as a Fernet token does, and is none.
    let almost = "gAAAAABmZJ7lSecretLookingTokenOfAnEarlierService0123456789abcdefghij==";
    for text in [almost, PLAIN, "t1x", "한글"] {
        assert_eq!(decrypt(text), Err(DecryptError::Malformed), "{text:?}");
    }
}

#[test]
fn base64_that_is_not_canonical_is_refused() {
    // 28 + 0 bytes: 38 characters, of which the last carries four unused bits.
    let whole = cipher().encrypt(&context(), "").as_str().to_owned();
    let body = whole.trim_end_matches('.');
    let (front, last) = body.split_at(body.len() - 1);
    assert!("AQgw".contains(last), "the unused bits are zero");
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let value = alphabet.find(last).expect("a base64url character");
    for unused in 1..16 {
        let text = format!("{front}{}.", &alphabet[value + unused..=value + unused]);
        assert_eq!(decrypt(&text), Err(DecryptError::Malformed), "{unused}");
    }
    for text in [format!("{body}==."), format!("{whole} "), format!("{body}\n.")] {
        assert!(decrypt(&text).is_err(), "{text:?}");
    }
}

#[test]
fn authentic_bytes_that_are_no_text_are_refused() {
    let key = FieldKey::derive(&master(7));
    let sealed = key.cipher.seal(&associated(&context(), &key.id), &[0xff, 0xfe]);
    let text = format!("{VERSION}.{}.{}.", key.id, URL_SAFE_NO_PAD.encode(sealed));
    assert_eq!(decrypt(&text), Err(DecryptError::NotText));
}

/// [`PLAIN`] as an earlier service stored it under this key.
fn legacy(master: &MasterKey) -> EncryptedData {
    EncryptedData::from_stored(seal(master, 1_700_000_000, [9; 16], PLAIN.as_bytes()))
}

#[test]
fn a_fernet_token_opens_under_any_key_of_the_ring_and_in_any_place() {
    let ring = FieldCipher::with_retired(&master(7), &[master(2), master(1)]);
    for key in [7, 2, 1] {
        assert_eq!(ring.decrypt(&context(), &legacy(&master(key))), Ok(PLAIN.to_owned()), "{key}");
    }
    let moved = FieldContext { column: "generated_code", ..context() };
    assert_eq!(ring.decrypt(&moved, &legacy(&master(1))), Ok(PLAIN.to_owned()));
}

#[test]
fn a_fernet_token_that_no_key_has_signed_may_be_either_and_is_told_so() {
    let ring = FieldCipher::with_retired(&master(7), &[master(2)]);
    let foreign = ring.decrypt(&context(), &legacy(&master(3)));
    assert_eq!(foreign, Err(DecryptError::UnknownKeyOrForged));
    // Of the last byte before the padding every bit is used: the text stays base64.
    let token = legacy(&master(7)).as_str().to_owned();
    let position = token.trim_end_matches('=').len() - 2;
    let other = if &token[position..=position] == "A" { "B" } else { "A" };
    let changed = format!("{}{other}{}", &token[..position], &token[position + 1..]);
    let changed = ring.decrypt(&context(), &EncryptedData::from_stored(changed));
    assert_eq!(changed, Err(DecryptError::UnknownKeyOrForged));
    let words = DecryptError::UnknownKeyOrForged.to_string();
    assert!(words.contains("a key that is not in the ring, or was changed"), "{words}");
}

#[test]
fn an_authentic_fernet_token_that_is_no_text_is_refused() {
    assert_eq!(decrypt(&seal(&master(7), 0, [9; 16], &[0xff, 0xfe])), Err(DecryptError::NotText));
}

#[test]
fn nothing_stored_is_an_empty_text_and_an_empty_text_is_sealed_like_any_other() {
    assert_eq!(decrypt(""), Ok(String::new()));
    let sealed = cipher().encrypt(&context(), "");
    assert_eq!(cipher().form(&sealed), StoredForm::Current);
    assert_eq!(cipher().decrypt(&context(), &sealed), Ok(String::new()));
}

#[test]
fn the_form_of_a_value_says_whether_its_key_waits_to_be_rotated() {
    let ring = FieldCipher::with_retired(&master(7), &[master(2)]);
    let sealed = |key: u8| FieldCipher::new(&master(key)).encrypt(&context(), PLAIN);
    let text = |text: &str| EncryptedData::from_stored(text.to_owned());
    for (stored, form) in [
        (text(""), StoredForm::Empty),
        (sealed(7), StoredForm::Current),
        (sealed(2), StoredForm::Retired),
        (legacy(&master(7)), StoredForm::Legacy),
        (legacy(&master(3)), StoredForm::Legacy),
        (sealed(3), StoredForm::Unknown),
        (text(sealed(7).as_str().trim_end_matches('.')), StoredForm::Unknown),
        (text(&legacy(&master(7)).as_str()[1..]), StoredForm::Unknown),
        (text("gAAAAA"), StoredForm::Unknown),
        (text("t2.x."), StoredForm::Unknown),
        (text(PLAIN), StoredForm::Unknown),
    ] {
        assert_eq!(ring.form(&stored), form, "{}", stored.as_str());
    }
}

#[test]
fn the_current_prefix_starts_what_the_current_key_seals_and_nothing_else() {
    let ring = FieldCipher::with_retired(&master(7), &[master(2)]);
    assert_eq!(ring.current_prefix(), "t1.eae907f5ba77f201.");
    assert!(ring.encrypt(&context(), PLAIN).as_str().starts_with(&ring.current_prefix()));
    let retired = FieldCipher::new(&master(2)).encrypt(&context(), PLAIN);
    assert!(!retired.as_str().starts_with(&ring.current_prefix()));
}

#[test]
fn the_same_text_never_looks_the_same_twice() {
    assert_ne!(envelope(), envelope());
}

#[test]
fn neither_debug_output_nor_an_error_shows_a_key_or_a_value() {
    let debug = format!("{:?}", cipher());
    assert_eq!(debug, r#"FieldCipher { current: "eae907f5ba77f201", .. }"#);
    let error = decrypt(PLAIN).expect_err("plain text is no envelope");
    assert!(!format!("{error:?} {error}").contains("더하기"));
}

proptest! {
    #[test]
    fn any_text_survives_the_round_trip(plain: String, user: u128, row: u128) {
        let context =
            FieldContext { user: UserId(Uuid::from_u128(user)), row: Uuid::from_u128(row), ..context() };
        let sealed = cipher().encrypt(&context, &plain);
        prop_assert!(!sealed.as_str().starts_with("gAAAAA"));
        prop_assert_eq!(cipher().decrypt(&context, &sealed), Ok(plain));
    }

    #[test]
    fn arbitrary_text_never_opens_and_never_panics(text in "(t1\\.)?([0-9a-f]{16}\\.)?\\PC*\\.?") {
        prop_assert_eq!(decrypt(&text).is_ok(), text.is_empty());
    }

    #[test]
    fn what_an_earlier_service_sealed_opens(plain: String, iv: [u8; 16], time: u32) {
        let stored = seal(&master(7), time.into(), iv, plain.as_bytes());
        prop_assert_eq!(decrypt(&stored), Ok(plain));
    }
}
