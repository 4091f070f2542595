use std::fmt;

use ring::hmac;

use super::MasterKey;
use super::derivation::{Purpose, derive};
use crate::domain::UserId;

/// Names users in logs by HMAC-SHA256: the same user has the same name in all lines of a
/// deployment, and who reads the log can't tell who it is, nor test a guess.
#[derive(Clone)]
pub struct Pseudonyms(hmac::Key);

impl Pseudonyms {
    /// How much of the tag is kept: 64 bits, so that among a million users two seldom share a name.
    const BYTES: usize = 8;

    /// Derives the key.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        let key = derive::<32>(master, Purpose::UserPseudonym);
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// The user's name in logs: 16 hex digits.
    #[must_use]
    pub fn name(&self, user: UserId) -> String {
        let tag = hmac::sign(&self.0, user.0.as_bytes());
        let bytes = tag.as_ref()[..Self::BYTES].try_into().expect("the tag has 32 bytes");
        format!("{:016x}", u64::from_be_bytes(bytes))
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_name_is_the_users_and_the_deployments_and_tells_neither() {
        let (one, other) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let names = Pseudonyms::new(&MasterKey::from_bytes([7; 32]));
        assert_eq!(names.name(one), names.name(one));
        assert_ne!(names.name(one), names.name(other));
        assert_ne!(names.name(one), Pseudonyms::new(&MasterKey::from_bytes([8; 32])).name(one));
        assert_eq!(names.name(one).len(), 16);
        assert!(!format!("{names:?}").contains('7'));
    }
}
