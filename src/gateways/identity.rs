use async_trait::async_trait;

use crate::domain::AuthenticatedUser;

/// Why nobody was recognised. For the log only: a client is never told which rule its token broke.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The request names nobody, or the token breaks a rule.
    #[error("token refused: {0}")]
    Refused(&'static str),
    /// The keys to check the token with can't be had.
    #[error("the token can't be checked: {0}")]
    Unavailable(String),
}

/// Turns a request's credentials into a user.
#[async_trait]
pub trait TokenVerifier: Send + Sync {
    /// Checks the raw value of the `Authorization` header, `None` when there is none.
    ///
    /// # Errors
    ///
    /// [`AuthError`] unless the token passes every rule.
    async fn authenticate(
        &self,
        authorization: Option<&[u8]>,
    ) -> Result<AuthenticatedUser, AuthError>;
}
