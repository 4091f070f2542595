//! The form of earlier services, which TESTER only reads: Fernet
//! (<https://github.com/fernet/spec>), written with the crates that TESTER reads it with.

use aes::Aes128;
use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt as _, InnerIvInit as _, KeyInit as _};
use anyhow::{Context as _, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Length of a block and of the initialisation vector.
const BLOCK_LENGTH: usize = 16;

/// Makes tokens under one key.
pub(crate) struct FernetEncoder {
    signing: hmac::Key,
    encryption: Aes128,
    random: SystemRandom,
}

impl FernetEncoder {
    /// The first half of the key signs, the second encrypts.
    pub(crate) fn new(key: &[u8; 32]) -> anyhow::Result<Self> {
        let (signing, encryption) = key.split_at(16);
        Ok(Self {
            signing: hmac::Key::new(hmac::HMAC_SHA256, signing),
            encryption: Aes128::new_from_slice(encryption)?,
            random: SystemRandom::new(),
        })
    }

    /// A token of the year 2026.
    pub(crate) fn encrypt(&self, plain: &[u8]) -> anyhow::Result<String> {
        let mut iv = [0; BLOCK_LENGTH];
        self.random.fill(&mut iv).map_err(|_| anyhow!("no randomness"))?;
        let head = [&[0x80][..], &1_790_000_000_u64.to_be_bytes(), &iv].concat();
        let padded = plain.len() + BLOCK_LENGTH - plain.len() % BLOCK_LENGTH;
        let mut token = Vec::with_capacity(head.len() + padded + 32);
        token.extend_from_slice(&head);
        token.extend_from_slice(plain);
        token.resize(head.len() + padded, 0);
        cbc::Encryptor::inner_iv_slice_init(self.encryption.clone(), &iv)
            .context("a block of AES has 16 bytes")?
            .encrypt_padded::<Pkcs7>(&mut token[head.len()..], plain.len())
            .map_err(|_| anyhow!("no room for the padding"))?;
        let tag = hmac::sign(&self.signing, &token);
        token.extend_from_slice(tag.as_ref());
        Ok(URL_SAFE.encode(token))
    }
}
