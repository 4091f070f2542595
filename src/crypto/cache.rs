use std::fmt;
use std::sync::Arc;

use ring::hmac;

use super::MasterKey;
use super::aead::Aes256Gcm;
use super::associated::unambiguous;
use super::derivation::{Purpose, derive};
use super::field::DecryptError;
use crate::domain::CacheKey;

/// First byte of a sealed cache value.
const VERSION: u8 = 1;

/// Addresses cached values by HMAC-SHA256, so that who reads the cache can't test guesses of what
/// was asked.
#[derive(Clone)]
pub struct CacheKeyer(hmac::Key);

impl CacheKeyer {
    /// Derives the key.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        let key = derive::<32>(master, Purpose::CacheAddress);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// The address of what these parts describe. Parts are kept apart: `["ab", "c"]` is not
    /// `["a", "bc"]`.
    #[must_use]
    pub fn key(&self, parts: &[&[u8]]) -> CacheKey {
        let tag = hmac::sign(&self.0, &unambiguous(parts));
        CacheKey(tag.as_ref().try_into().expect("HMAC-SHA256 gives 32 bytes"))
    }
}

impl fmt::Debug for CacheKeyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheKeyer([redacted])")
    }
}

/// Seals cached values. A value opens only under the address it was sealed for.
#[derive(Clone)]
pub struct CacheCipher(Arc<Aes256Gcm>);

impl CacheCipher {
    /// Derives the key.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self(Arc::new(Aes256Gcm::new(&derive(master, Purpose::CacheValue))))
    }

    /// The sealed form: a version byte, then nonce, ciphertext and tag.
    #[must_use]
    pub fn seal(&self, key: &CacheKey, plain: &[u8]) -> Vec<u8> {
        let mut sealed = vec![VERSION];
        sealed.append(&mut self.0.seal(&key.0, plain));
        sealed
    }

    /// Opens what [`Self::seal`] made for this address.
    ///
    /// # Errors
    ///
    /// [`DecryptError`]; whatever it is, the entry is worth no more than none.
    pub fn open(&self, key: &CacheKey, sealed: &[u8]) -> Result<Vec<u8>, DecryptError> {
        match sealed.split_first() {
            None => Err(DecryptError::Truncated),
            Some((&VERSION, sealed)) => {
                self.0.open(&key.0, sealed).map_err(|_| DecryptError::Forged)
            }
            Some(_) => Err(DecryptError::UnknownVersion),
        }
    }
}

impl fmt::Debug for CacheCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheCipher([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn master() -> MasterKey {
        MasterKey::from_bytes([7; 32])
    }

    #[test]
    fn an_address_depends_on_every_part_their_borders_and_the_master_key() {
        let keyer = CacheKeyer::new(&master());
        let key = keyer.key(&[b"ab", b"c"]);
        assert_eq!(key, keyer.key(&[b"ab", b"c"]));
        for parts in [&[b"a".as_slice(), b"bc"] as &[&[u8]], &[b"abc"], &[b"c", b"ab"], &[]] {
            assert_ne!(key, keyer.key(parts), "{parts:?}");
        }
        assert_ne!(key, CacheKeyer::new(&MasterKey::from_bytes([8; 32])).key(&[b"ab", b"c"]));
    }

    #[test]
    fn a_value_opens_under_its_own_address_only() {
        let cipher = CacheCipher::new(&master());
        let sealed = cipher.seal(&CacheKey([1; 32]), b"value");
        assert_eq!(cipher.open(&CacheKey([1; 32]), &sealed), Ok(b"value".to_vec()));
        assert_eq!(cipher.open(&CacheKey([2; 32]), &sealed), Err(DecryptError::Forged));
    }

    #[test]
    fn damaged_values_do_not_open() {
        let (cipher, key) = (CacheCipher::new(&master()), CacheKey([1; 32]));
        let sealed = cipher.seal(&key, b"value");
        assert_eq!(cipher.open(&key, &[]), Err(DecryptError::Truncated));
        for length in 1..sealed.len() {
            assert_eq!(cipher.open(&key, &sealed[..length]), Err(DecryptError::Forged));
        }
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let expected =
                if bit < 8 { DecryptError::UnknownVersion } else { DecryptError::Forged };
            assert_eq!(cipher.open(&key, &damaged), Err(expected), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn any_value_survives_the_round_trip(key: [u8; 32], value: Vec<u8>) {
            let cipher = CacheCipher::new(&master());
            let sealed = cipher.seal(&CacheKey(key), &value);
            prop_assert_eq!(cipher.open(&CacheKey(key), &sealed), Ok(value));
        }

        #[test]
        fn arbitrary_bytes_never_open(bytes: Vec<u8>) {
            prop_assert!(CacheCipher::new(&master()).open(&CacheKey([1; 32]), &bytes).is_err());
        }
    }
}
