use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::MasterKey;
use super::aead::{Aes256Gcm, OVERHEAD};
use super::associated::unambiguous;
use super::derivation::{Purpose, derive};
use super::fernet::{FernetKey, FernetToken};
use crate::domain::{EncryptedData, UserId};

/// The version that [`FieldCipher::encrypt`] writes. An envelope has dots and a Fernet token, the
/// form of earlier services, has none: neither can be taken for the other.
const VERSION: &str = "t1";

/// Hex digits of a key id: 64 bits, so that two keys of one ring never share it by chance.
const KEY_ID_LENGTH: usize = 16;

/// The place a value is stored at. It is authenticated with the value: moved to another table,
/// column, user or row, the value does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldContext {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// Whose row it is.
    pub user: UserId,
    /// The id of the row.
    pub row: Uuid,
}

/// Why a stored value can't be opened. Never carries the value or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecryptError {
    /// The end is missing: the column is too narrow, or a write was cut off.
    #[error("the stored value is cut off")]
    Truncated,
    /// Not an envelope of this service.
    #[error("the stored value is no envelope")]
    Malformed,
    /// An envelope of a version this release does not know.
    #[error("the stored value has an unknown version")]
    UnknownVersion,
    /// Sealed under a key that is not in the ring: `DATA_ENCRYPTION_KEY` was replaced.
    #[error("the stored value is sealed under a key that is not in the ring")]
    UnknownKey,
    /// Changed after it was sealed, or moved from another place.
    #[error("the stored value was changed or moved")]
    Forged,
    /// A Fernet token that no key of the ring has signed. It names no key, so which of the two it
    /// is can't be told.
    #[error("the stored value is sealed under a key that is not in the ring, or was changed")]
    UnknownKeyOrForged,
    /// Authentic, but not UTF-8.
    #[error("the stored value is not text")]
    NotText,
}

/// What a stored value is, told by its form alone: whether it opens is for
/// [`FieldCipher::decrypt`] to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredForm {
    /// Nothing: earlier services stored an empty text as it is.
    Empty,
    /// An envelope under the current key.
    Current,
    /// An envelope under a retired key of the ring.
    Retired,
    /// A Fernet token of an earlier service, under whichever key.
    Legacy,
    /// Anything else, an envelope that is cut off or under a key outside the ring among it.
    Unknown,
}

/// Encrypts fields of stored rows with AES-256-GCM under the current key of a ring, and decrypts
/// those of retired keys too. Cloning shares the ring.
///
/// The envelope is `t1.<key id>.<base64url of nonce, ciphertext, tag>.`; the last dot tells a
/// value that was cut off from one that was tampered with. Version and key id are authenticated
/// with the context. The length of a text is not hidden.
///
/// What earlier services stored opens too: a Fernet token under any key of the ring, and nothing
/// as nothing. Neither is bound to its place; sealing it anew is.
#[derive(Clone)]
pub struct FieldCipher(Arc<KeyRing>);

struct KeyRing {
    current: FieldKey,
    retired: Vec<FieldKey>,
}

struct FieldKey {
    id: String,
    cipher: Aes256Gcm,
    /// Only opens.
    legacy: FernetKey,
}

impl FieldCipher {
    /// A ring of one key.
    #[must_use]
    pub fn new(current: &MasterKey) -> Self {
        Self::with_retired(current, &[])
    }

    /// A ring that encrypts under `current` and still opens what was sealed under the keys before
    /// it.
    #[must_use]
    pub fn with_retired(current: &MasterKey, retired: &[MasterKey]) -> Self {
        let retired = retired.iter().map(FieldKey::derive).collect();
        Self(Arc::new(KeyRing { current: FieldKey::derive(current), retired }))
    }

    /// Seals a text for its place, under a fresh random nonce.
    #[must_use]
    pub fn encrypt(&self, context: &FieldContext, plain: &str) -> EncryptedData {
        let key = &self.0.current;
        let sealed = key.cipher.seal(&associated(context, &key.id), plain.as_bytes());
        let payload = URL_SAFE_NO_PAD.encode(sealed);
        EncryptedData::from_stored(format!("{}{payload}.", self.current_prefix()))
    }

    /// Opens what [`Self::encrypt`] sealed for the same place, and what earlier services stored.
    ///
    /// # Errors
    ///
    /// [`DecryptError`] tells what is wrong with the value.
    pub fn decrypt(
        &self,
        context: &FieldContext,
        stored: &EncryptedData,
    ) -> Result<String, DecryptError> {
        let text = stored.as_str();
        if text.is_empty() {
            return Ok(String::new());
        }
        let plain = match FernetToken::parse(text) {
            Some(token) => self.0.open_legacy(&token)?,
            None => self.0.open(context, text)?,
        };
        String::from_utf8(plain).map_err(|_| DecryptError::NotText)
    }

    /// What a stored value is: whether it waits for its key to be rotated.
    #[must_use]
    pub fn form(&self, stored: &EncryptedData) -> StoredForm {
        let text = stored.as_str();
        if text.is_empty() {
            return StoredForm::Empty;
        }
        if FernetToken::parse(text).is_some() {
            return StoredForm::Legacy;
        }
        match parse(text) {
            Ok((key_id, _)) if key_id == self.0.current.id => StoredForm::Current,
            Ok((key_id, _)) if self.0.find(key_id).is_some() => StoredForm::Retired,
            Ok(_) | Err(_) => StoredForm::Unknown,
        }
    }

    /// How every value starts that [`Self::encrypt`] seals, and no other.
    #[must_use]
    pub fn current_prefix(&self) -> String {
        format!("{VERSION}.{}.", self.0.current.id)
    }
}

impl fmt::Debug for FieldCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldCipher").field("current", &self.0.current.id).finish_non_exhaustive()
    }
}

impl KeyRing {
    fn keys(&self) -> impl Iterator<Item = &FieldKey> {
        std::iter::once(&self.current).chain(&self.retired)
    }

    fn find(&self, id: &str) -> Option<&FieldKey> {
        self.keys().find(|key| key.id == id)
    }

    fn open(&self, context: &FieldContext, envelope: &str) -> Result<Vec<u8>, DecryptError> {
        let (key_id, sealed) = parse(envelope)?;
        let key = self.find(key_id).ok_or(DecryptError::UnknownKey)?;
        let plain = key.cipher.open(&associated(context, key_id), &sealed);
        plain.map_err(|_| DecryptError::Forged)
    }

    /// A token names no key: each is tried, the likeliest first.
    fn open_legacy(&self, token: &FernetToken) -> Result<Vec<u8>, DecryptError> {
        let opened = self.keys().find_map(|key| key.legacy.open(token).ok());
        opened.ok_or(DecryptError::UnknownKeyOrForged)
    }
}

impl FieldKey {
    fn derive(master: &MasterKey) -> Self {
        let id = u64::from_be_bytes(derive(master, Purpose::FieldKeyId));
        let id = format!("{id:0KEY_ID_LENGTH$x}");
        let cipher = Aes256Gcm::new(&derive(master, Purpose::Field));
        Self { id, cipher, legacy: FernetKey::of(master) }
    }
}

fn associated(context: &FieldContext, key_id: &str) -> Vec<u8> {
    unambiguous(&[
        VERSION.as_bytes(),
        key_id.as_bytes(),
        context.table.as_bytes(),
        context.column.as_bytes(),
        context.user.0.as_bytes(),
        context.row.as_bytes(),
    ])
}

/// Takes an envelope apart: key id and sealed bytes.
fn parse(text: &str) -> Result<(&str, Vec<u8>), DecryptError> {
    let Some((version, rest)) = text.split_once('.') else {
        let cut = VERSION.starts_with(text);
        return Err(if cut { DecryptError::Truncated } else { DecryptError::Malformed });
    };
    if version != VERSION {
        let number = version.strip_prefix('t').filter(|number| !number.is_empty());
        let known_form = number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()));
        return Err(if known_form {
            DecryptError::UnknownVersion
        } else {
            DecryptError::Malformed
        });
    }
    let (key_id, payload) = rest.split_once('.').ok_or(DecryptError::Truncated)?;
    let hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if key_id.len() != KEY_ID_LENGTH || !key_id.bytes().all(hex) {
        return Err(DecryptError::Malformed);
    }
    let payload = payload.strip_suffix('.').ok_or(DecryptError::Truncated)?;
    // The engine takes canonical base64 only: a value has one form.
    let sealed = URL_SAFE_NO_PAD.decode(payload).map_err(|_| DecryptError::Malformed)?;
    if sealed.len() < OVERHEAD {
        return Err(DecryptError::Malformed);
    }
    Ok((key_id, sealed))
}

#[cfg(test)]
mod tests;
