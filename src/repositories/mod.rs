//! Stored data: a user's history and wallet. Repositories encrypt on the way in and decrypt on
//! the way out; nothing above them sees an envelope, nothing below them sees source code.

#[cfg(test)]
mod behaviour;
mod sealed;
mod sqlite;
mod supabase;

use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

pub use sqlite::{OpenError, Sqlite};
pub use supabase::{
    InvalidServiceRoleKey, MIGRATIONS, Migration, ROTATION_PAGE_MAX, Rotation, RotationMode,
    RotationReport, SCHEMA_VERSION, Supabase,
};

use crate::domain::{
    Charge, Deduction, Generation, GenerationId, HistoryPage, NewGeneration, PageRequest, Refund,
    UserId, WalletBalance, WalletGifts,
};

/// Why stored data could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The store can't be reached or is overloaded.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The store did not answer in time; whether a write happened is unknown.
    #[error("the store did not answer in time")]
    Timeout,
    /// The store refuses our credentials.
    #[error("the store refuses the service's credentials: {0}")]
    Forbidden(String),
    /// A table or function is missing.
    #[error("the schema is not applied: {0}")]
    SchemaMissing(String),
    /// The row contradicts one that is there.
    #[error("the store reports a conflict: {0}")]
    Conflict(String),
    /// A stored value can't be decrypted.
    #[error("row {id} can't be read: {reason}")]
    Unreadable {
        /// The row.
        id: GenerationId,
        /// The cipher's verdict; never a value.
        reason: String,
    },
    /// The store answered something that makes no sense, or failed inside.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// A user's generations.
#[async_trait]
pub trait HistoryRepository: Send + Sync {
    /// Stores a pair under its own id. Storing the same id twice is a [`RepositoryError::Conflict`].
    async fn insert(&self, generation: NewGeneration) -> Result<Generation, RepositoryError>;

    /// One page, newest first. Rows that can't be decrypted are named in the page, not an error.
    async fn list(&self, user: UserId, page: PageRequest) -> Result<HistoryPage, RepositoryError>;

    /// One row, `None` when it does not exist or is another user's.
    async fn get(
        &self,
        user: UserId,
        id: GenerationId,
    ) -> Result<Option<Generation>, RepositoryError>;

    /// Deletes one row; `false` when it does not exist or is another user's.
    async fn delete(&self, user: UserId, id: GenerationId) -> Result<bool, RepositoryError>;

    /// Deletes all rows of a user and counts them.
    async fn delete_all(&self, user: UserId) -> Result<u64, RepositoryError>;
}

/// Users' tokens. Every method is atomic: a balance and its transaction log never disagree.
#[async_trait]
pub trait WalletRepository: Send + Sync {
    /// Opens the wallet if there is none (welcome gift), claims the bonus of `now`'s UTC day if it
    /// is unclaimed, and reads the balance.
    async fn open(
        &self,
        user: UserId,
        gifts: WalletGifts,
        now: OffsetDateTime,
    ) -> Result<WalletBalance, RepositoryError>;

    /// Takes the charge if the wallet exists and its balance covers it.
    /// A reference that is charged already is a [`RepositoryError::Conflict`].
    ///
    /// The charge is open until it is settled or refunded. A future dropped half-way may have
    /// charged; what nobody closes is given back as abandoned.
    async fn deduct(&self, charge: Charge) -> Result<Deduction, RepositoryError>;

    /// Closes a charge for good: the user got what was paid for. Refunding it later does nothing.
    async fn settle(&self, charge: Charge) -> Result<(), RepositoryError>;

    /// Gives a charge back, at most once, however often and by whomever it is asked for.
    async fn refund(&self, charge: Charge) -> Result<Refund, RepositoryError>;

    /// Gives back charges that are open for longer than any generation takes: whoever made them
    /// died. Counts them; there may be more.
    async fn refund_abandoned(&self, older_than: Duration) -> Result<u64, RepositoryError>;
}
