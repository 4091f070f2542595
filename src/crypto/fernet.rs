//! Fernet tokens of earlier services, which sealed under the same master key. They are opened and
//! never made.
//!
//! The format is <https://github.com/fernet/spec>: version `0x80`, seconds since 1970 (8 bytes),
//! initialisation vector (16), AES-128-CBC of the text with PKCS#7 padding, HMAC-SHA256 of all
//! before it (32), in url-safe base64 with padding. The time is not looked at: a stored value does
//! not expire.

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt as _, InnerIvInit as _, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use ring::hmac;

use super::MasterKey;
use super::aead::NotAuthentic;

/// How every token starts that was made between 1970 and the year 4147: the version and the upper
/// bits of the time. One character more, and the time begins to show.
const PREFIX: &str = "gAAAAA";
/// Longest token that is opened: about four times what the longest answer becomes.
const TOKEN_MAX_BYTES: usize = 8 * 1024 * 1024;

const BLOCK_LENGTH: usize = 16;
/// Version and time.
const HEAD_LENGTH: usize = 1 + 8;
const TAG_LENGTH: usize = 32;

/// The two halves of a master key, as Fernet has it.
pub(super) struct FernetKey {
    signing: hmac::Key,
    encryption: Aes128,
}

/// What has the form of a token. Its signature is not checked yet.
pub(super) struct FernetToken {
    bytes: Vec<u8>,
}

impl FernetToken {
    /// Takes a text for a token, or not: no other stored form passes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if !text.starts_with(PREFIX) || text.len() > TOKEN_MAX_BYTES {
            return None;
        }
        // The engine takes canonical base64 only: a token has one form.
        let bytes = URL_SAFE.decode(text).ok()?;
        // Padding makes at least one block of any text.
        let ciphertext = bytes.len().checked_sub(HEAD_LENGTH + BLOCK_LENGTH + TAG_LENGTH)?;
        (ciphertext > 0 && ciphertext.is_multiple_of(BLOCK_LENGTH)).then_some(Self { bytes })
    }
}

impl FernetKey {
    /// The first half signs, the second encrypts.
    pub(super) fn of(master: &MasterKey) -> Self {
        let (signing, encryption) = master.expose().split_at(16);
        Self {
            signing: hmac::Key::new(hmac::HMAC_SHA256, signing),
            encryption: Aes128::new_from_slice(encryption).expect("half of 32 bytes is 16"),
        }
    }

    /// Checks the signature, in constant time, and only then decrypts: whoever can't sign learns
    /// nothing from the padding.
    pub(super) fn open(&self, token: &FernetToken) -> Result<Vec<u8>, NotAuthentic> {
        let (signed, tag) = token.bytes.split_at(token.bytes.len() - TAG_LENGTH);
        hmac::verify(&self.signing, signed, tag).map_err(|_| NotAuthentic)?;
        let (iv, ciphertext) = signed[HEAD_LENGTH..].split_at(BLOCK_LENGTH);
        let cipher = cbc::Decryptor::inner_iv_slice_init(self.encryption.clone(), iv)
            .expect("a block of AES has 16 bytes");
        let mut buffer = ciphertext.to_vec();
        let plain = cipher.decrypt_padded::<Pkcs7>(&mut buffer).map_err(|_| NotAuthentic)?;
        let length = plain.len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

#[cfg(test)]
pub(super) mod tests;
