//! Whatever text a store holds, it opens or is refused, and its form and its content agree.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tester::crypto::{FieldCipher, FieldContext, MasterKey, StoredForm};
use tester::domain::{EncryptedData, UserId};
use uuid::Uuid;

fuzz_target!(|input: &str| {
    let master = |byte| MasterKey::from_bytes([byte; 32]);
    let cipher = FieldCipher::with_retired(&master(7), &[master(2)]);
    let context = FieldContext {
        table: "generation_history",
        column: "input_code",
        user: UserId(Uuid::from_u128(1)),
        row: Uuid::from_u128(2),
    };
    let stored = EncryptedData::from_stored(input.to_owned());
    let form = cipher.form(&stored);
    let opened = cipher.decrypt(&context, &stored);
    assert_eq!(form == StoredForm::Empty, input.is_empty());
    if let Ok(plain) = opened {
        assert_ne!(form, StoredForm::Unknown, "{plain:?}");
        assert!(input.is_empty() || plain.len() < input.len(), "sealed text is the longer one");
    }
});
