use std::fmt;

/// A value as it is stored: an envelope made by the field cipher, or a token of an earlier
/// service. Text, because it lives in text columns.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptedData(String);

impl EncryptedData {
    /// Takes over what a store holds; whether it can be opened is for the cipher to say.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The stored form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for EncryptedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedData({} bytes)", self.0.len())
    }
}
