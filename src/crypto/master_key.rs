use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use secrecy::{ExposeSecret, SecretBox, SecretString};

use super::secrets::random_bytes;

/// `DATA_ENCRYPTION_KEY`: 32 bytes from which every other key is derived. Earlier services used
/// the same 32 bytes as a Fernet key (16 to sign, 16 to encrypt).
#[derive(Clone)]
pub struct MasterKey(Arc<SecretBox<[u8; 32]>>);

/// The text is no 32-byte key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 32 bytes in url-safe base64 (44 characters)")]
pub struct InvalidMasterKey;

impl MasterKey {
    /// Takes the bytes over.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Arc::new(SecretBox::new(Box::new(bytes))))
    }

    /// A fresh random key.
    #[must_use]
    pub fn generate() -> Self {
        Self::from_bytes(random_bytes())
    }

    /// The text that [`MasterKey::parse`] reads: the value of `DATA_ENCRYPTION_KEY`.
    #[must_use]
    pub fn to_text(&self) -> SecretString {
        SecretString::from(URL_SAFE.encode(self.expose()))
    }

    /// Reads url-safe base64 with its padding, the form Fernet keys have.
    ///
    /// # Errors
    ///
    /// [`InvalidMasterKey`] when it is not base64 or not of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = URL_SAFE.decode(text).map_err(|_| InvalidMasterKey)?;
        bytes.try_into().map(Self::from_bytes).map_err(|_| InvalidMasterKey)
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_survives_its_text_form_and_never_comes_twice() {
        let (one, other) = (MasterKey::generate(), MasterKey::generate());
        assert_ne!(one.expose(), other.expose());
        let text = one.to_text();
        assert_eq!(text.expose_secret().len(), 44);
        let read = MasterKey::parse(text.expose_secret()).expect("its own text form");
        assert_eq!(read.expose(), one.expose());
    }

    #[test]
    fn text_that_is_no_32_byte_key_is_refused() {
        let thirty_one = URL_SAFE.encode([7; 31]);
        let unpadded = URL_SAFE.encode([7; 32]).replace('=', "");
        // The last character before the padding carries two unused bits; they must be zero.
        let loose = URL_SAFE.encode([0; 32]).replace("A=", "B=");
        let hex = "0".repeat(64);
        for text in ["", "key", &thirty_one, &unpadded, &loose, &hex] {
            assert_eq!(MasterKey::parse(text).err(), Some(InvalidMasterKey), "{text:?}");
        }
    }

    #[test]
    fn debug_output_never_shows_the_key() {
        assert_eq!(format!("{:?}", MasterKey::from_bytes([7; 32])), "MasterKey([redacted])");
    }
}
