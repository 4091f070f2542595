//! A user's stored generations. Another user's rows do not exist as far as this service can tell.

use std::sync::Arc;

use crate::domain::{
    Generation, GenerationId, HistoryPage, NewGeneration, PageRequest, UnreadableRow, UserId,
};
use crate::repositories::{HistoryRepository, RepositoryError};

/// Reads and deletes a user's generations.
pub struct HistoryService {
    repository: Arc<dyn HistoryRepository>,
}

impl HistoryService {
    /// A history over this store.
    #[must_use]
    pub fn new(repository: Arc<dyn HistoryRepository>) -> Self {
        Self { repository }
    }

    /// Stores a finished pair.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] when the store fails; whether the row exists is then unknown.
    pub async fn save(&self, generation: NewGeneration) -> Result<Generation, RepositoryError> {
        self.repository.insert(generation).await
    }

    /// One page, newest first.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] when the store fails.
    pub async fn page(
        &self,
        user: UserId,
        page: PageRequest,
    ) -> Result<HistoryPage, RepositoryError> {
        let page = self.repository.list(user, page).await?;
        for UnreadableRow { id, reason } in &page.unreadable {
            tracing::error!(row = %id, %reason, "a history row can't be read and was left out");
        }
        Ok(page)
    }

    /// One row, `None` when the user has none of that id.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] when the store fails or the row can't be decrypted.
    pub async fn get(
        &self,
        user: UserId,
        id: GenerationId,
    ) -> Result<Option<Generation>, RepositoryError> {
        self.repository.get(user, id).await
    }

    /// Deletes one row; `false` when the user has none of that id.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] when the store fails.
    pub async fn delete(&self, user: UserId, id: GenerationId) -> Result<bool, RepositoryError> {
        self.repository.delete(user, id).await
    }

    /// Deletes all of a user's rows and counts them.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] when the store fails.
    pub async fn delete_all(&self, user: UserId) -> Result<u64, RepositoryError> {
        self.repository.delete_all(user).await
    }
}
