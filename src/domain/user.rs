use super::UserId;

/// A person whose token was verified. Only a `TokenVerifier` makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthenticatedUser {
    /// The owner of everything this person stores.
    pub id: UserId,
    /// The address of the account, when the token carries one. Shown back to its owner only.
    pub email: Option<String>,
}
