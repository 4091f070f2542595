use std::net::IpAddr;

use async_trait::async_trait;

/// Why a request may come from a bot. All of them close the door: the check fails closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BotCheckError {
    /// The request carries no usable token.
    #[error("no usable token")]
    Missing,
    /// The token is wrong, expired or spent, or it was made on another site or for something else.
    #[error("token refused: {codes}")]
    Refused {
        /// The service's error codes, comma-separated, or `hostname-mismatch` or `action-mismatch`.
        codes: String,
    },
    /// The service that knows can't be asked, or our secret is wrong.
    #[error("the check can't be made: {0}")]
    Unavailable(String),
}

/// Tells people from bots. `tester dev` has none; `tester serve` can't be built without one.
#[async_trait]
pub trait BotCheck: Send + Sync {
    /// Spends the token a client solved.
    ///
    /// # Errors
    ///
    /// [`BotCheckError`] unless the service vouches for the token.
    async fn verify(
        &self,
        token: Option<&str>,
        client: Option<IpAddr>,
    ) -> Result<(), BotCheckError>;
}
