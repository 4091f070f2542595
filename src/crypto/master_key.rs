use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use secrecy::{ExposeSecret, SecretBox};

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
