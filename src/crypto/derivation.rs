use ring::hkdf::{HKDF_SHA256, KeyType, Salt};

use super::MasterKey;

/// What a derived key is for. Every purpose has its own label, hence its own key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Sealing stored fields.
    Field,
    /// The public name of the field key.
    FieldKeyId,
    /// Addressing cached values.
    CacheAddress,
    /// Sealing cached values.
    CacheValue,
    /// Naming users in logs.
    UserPseudonym,
}

impl Purpose {
    /// The HKDF `info`. A label never changes: stored values hang on it.
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Field => b"tester/v1/field",
            Self::FieldKeyId => b"tester/v1/field key id",
            Self::CacheAddress => b"tester/v1/cache address",
            Self::CacheValue => b"tester/v1/cache value",
            Self::UserPseudonym => b"tester/v1/user pseudonym",
        }
    }
}

struct Length<const N: usize>;

impl<const N: usize> KeyType for Length<N> {
    fn len(&self) -> usize {
        N
    }
}

/// Derives `N` bytes for one purpose: HKDF-SHA256 (RFC 5869) without a salt, for the master key
/// is uniformly random.
pub(super) fn derive<const N: usize>(master: &MasterKey, purpose: Purpose) -> [u8; N] {
    const { assert!(N <= 255 * 32, "the most that HKDF-SHA256 gives") };
    let mut derived = [0; N];
    Salt::new(HKDF_SHA256, &[])
        .extract(master.expose())
        .expand(&[purpose.label()], Length::<N>)
        .and_then(|output| output.fill(&mut derived))
        .expect("the length is within HKDF's limit and the one asked for");
    derived
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_has_a_key_of_its_own_and_none_is_the_master() {
        let bytes = [7; 32];
        let master = MasterKey::from_bytes(bytes);
        let keys = [
            derive::<32>(&master, Purpose::Field),
            derive::<32>(&master, Purpose::FieldKeyId),
            derive::<32>(&master, Purpose::CacheAddress),
            derive::<32>(&master, Purpose::CacheValue),
            derive::<32>(&master, Purpose::UserPseudonym),
            bytes,
        ];
        for (index, key) in keys.iter().enumerate() {
            assert!(keys[index + 1..].iter().all(|other| other != key), "key {index}");
        }
    }
}
