use async_trait::async_trait;
use uuid::Uuid;

use super::{AuthError, TokenVerifier};
use crate::config::DevSettings;
use crate::domain::{AuthenticatedUser, UserId};

/// Owns everything that `tester dev` stores. The same on every machine and for ever, or a user's
/// rows would be lost: the version 5 UUID (RFC 9562 §5.5) of `localhost` in the DNS namespace.
pub const LOCAL_USER_ID: UserId =
    UserId(Uuid::from_u128(0xcd8f_5f9f_e3e8_569f_87ef_f03c_6cfc_29bc));

const LOCAL_USER_EMAIL: &str = "local@localhost";

/// Takes every request for one of the person at the keyboard, whatever credentials it carries.
/// `tester dev` keeps strangers out by listening on loopback and refusing foreign `Host` and
/// `Origin` headers.
#[derive(Debug)]
pub struct LocalUser(());

impl LocalUser {
    /// Takes the settings as proof of the mode: `tester serve` has no [`DevSettings`].
    #[must_use]
    pub const fn new(_: &DevSettings) -> Self {
        Self(())
    }
}

#[async_trait]
impl TokenVerifier for LocalUser {
    async fn authenticate(&self, _: Option<&[u8]>) -> Result<AuthenticatedUser, AuthError> {
        Ok(AuthenticatedUser { id: LOCAL_USER_ID, email: Some(LOCAL_USER_EMAIL.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_request_is_the_one_local_users() {
        let verifier = LocalUser(());
        for credentials in [None, Some(&b"Bearer nonsense"[..]), Some(&b"\xff"[..])] {
            let user = verifier.authenticate(credentials).await.expect("nobody is refused");
            assert_eq!(user.id.to_string(), "cd8f5f9f-e3e8-569f-87ef-f03c6cfc29bc");
            assert_eq!(user.email.as_deref(), Some("local@localhost"));
        }
    }
}
