use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::SecretString;

/// A fresh secret of this many random bytes, in base64url without padding: safe in a `.env` file,
/// a header and a URL.
#[must_use]
pub fn random_secret(bytes: usize) -> SecretString {
    let mut secret = vec![0; bytes];
    fill(&mut secret);
    SecretString::from(URL_SAFE_NO_PAD.encode(secret))
}

pub(super) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill(&mut bytes);
    bytes
}

fn fill(bytes: &mut [u8]) {
    // getrandom(2) fails only where the kernel has no random source; nothing safe can be done then.
    SystemRandom::new().fill(bytes).expect("the operating system gives random bytes");
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_random_secret_holds_the_bytes_asked_for_and_never_comes_twice() {
        let (one, other) = (random_secret(32), random_secret(32));
        assert_ne!(one.expose_secret(), other.expose_secret());
        let bytes = URL_SAFE_NO_PAD.decode(one.expose_secret()).expect("base64url");
        assert_eq!(bytes.len(), 32);
    }
}
