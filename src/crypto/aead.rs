use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::secrets::random_bytes;

/// What a sealed value is longer than its plain one: nonce (12 bytes) and tag (16 bytes).
pub(super) const OVERHEAD: usize = NONCE_LEN + 16;

/// AES-256-GCM under one key. A sealed value is `nonce | ciphertext | tag`.
///
/// Nonces are 96 random bits. After `n` values under one key, two of them share a nonce with a
/// probability of about n²/2⁹⁷: at 2³² values (two thousand million generations of two fields)
/// that is 2⁻³³, below the 2⁻³² that NIST SP 800-38D §8.3 allows. Long before that, a new key
/// goes in front of the ring.
pub(super) struct Aes256Gcm(LessSafeKey);

/// The value was not sealed under this key with this associated data.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotAuthentic;

impl Aes256Gcm {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key has 32 bytes");
        Self(LessSafeKey::new(key))
    }

    pub(super) fn seal(&self, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        self.seal_with_nonce(random_bytes(), associated, plain)
    }

    pub(super) fn open(&self, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotAuthentic> {
        let (nonce, ciphertext) = sealed.split_first_chunk().ok_or(NotAuthentic)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut buffer = ciphertext.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::from(associated), &mut buffer);
        let length = plain.map_err(|_| NotAuthentic)?.len();
        buffer.truncate(length);
        Ok(buffer)
    }

    fn seal_with_nonce(&self, nonce: [u8; NONCE_LEN], associated: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(plain.len() + OVERHEAD);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plain);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce, Aad::from(associated), &mut sealed[NONCE_LEN..])
            .expect("a value that fits in memory is far below the 64 GiB limit of GCM");
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Vector {
        key: &'static str,
        nonce: &'static str,
        associated: &'static str,
        plain: &'static str,
        ciphertext: &'static str,
        tag: &'static str,
    }

    /// D. A. `McGrew` and J. Viega, "The Galois/Counter Mode of Operation (GCM)", appendix B: the
    /// AES-256 cases with a 96-bit nonce.
    const PUBLISHED: [Vector; 4] = [
        // Test case 13.
        Vector {
            key: "0000000000000000000000000000000000000000000000000000000000000000",
            nonce: "000000000000000000000000",
            associated: "",
            plain: "",
            ciphertext: "",
            tag: "530f8afbc74536b9a963b4f1c4cb738b",
        },
        // Test case 14.
        Vector {
            key: "0000000000000000000000000000000000000000000000000000000000000000",
            nonce: "000000000000000000000000",
            associated: "",
            plain: "00000000000000000000000000000000",
            ciphertext: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919",
        },
        // Test case 15.
        Vector {
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            associated: "",
            plain: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                    1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            ciphertext: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
            tag: "b094dac5d93471bdec1a502270e3cc6c",
        },
        // Test case 16.
        Vector {
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
            nonce: "cafebabefacedbaddecaf888",
            associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            plain: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                    1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            ciphertext: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            tag: "76fc6ece0f4e1768cddf8853bb2d551b",
        },
    ];

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        hex_bytes(text).try_into().expect("the vector has this length")
    }

    fn hex_bytes(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text
            .chars()
            .map(|digit| u8::try_from(digit.to_digit(16).expect("hex")).expect("one digit"))
            .collect();
        digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    #[test]
    fn the_published_vectors_come_out_of_the_sealing_code() {
        for vector in &PUBLISHED {
            let cipher = Aes256Gcm::new(&hex(vector.key));
            let (associated, plain) = (hex_bytes(vector.associated), hex_bytes(vector.plain));
            let sealed = cipher.seal_with_nonce(hex(vector.nonce), &associated, &plain);
            let expected = [vector.nonce, vector.ciphertext, vector.tag].concat();
            assert_eq!(sealed, hex_bytes(&expected), "tag {}", vector.tag);
            assert_eq!(cipher.open(&associated, &sealed), Ok(plain));
        }
    }

    #[test]
    fn a_published_tag_with_one_flipped_bit_is_refused() {
        for vector in &PUBLISHED {
            let cipher = Aes256Gcm::new(&hex(vector.key));
            let mut sealed = hex_bytes(&[vector.nonce, vector.ciphertext, vector.tag].concat());
            *sealed.last_mut().expect("a tag") ^= 1;
            let opened = cipher.open(&hex_bytes(vector.associated), &sealed);
            assert_eq!(opened, Err(NotAuthentic));
        }
    }

    #[test]
    fn every_sealing_takes_a_nonce_of_its_own() {
        let cipher = Aes256Gcm::new(&[7; 32]);
        let nonces: std::collections::HashSet<_> =
            (0..1_000).map(|_| cipher.seal(b"", b"")[..NONCE_LEN].to_vec()).collect();
        assert_eq!(nonces.len(), 1_000);
    }
}
