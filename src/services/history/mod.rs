//! A user's stored generations. Another user's rows do not exist as far as this service can tell.

mod pages;

use std::sync::Arc;

pub use self::pages::HistoryPages;
use self::pages::Lookup;
use crate::domain::{
    Generation, GenerationId, HistoryPage, NewGeneration, PageRequest, UnreadableRow, UserId,
};
use crate::repositories::{HistoryRepository, RepositoryError};

/// Reads and changes a user's generations.
pub struct HistoryService {
    repository: Arc<dyn HistoryRepository>,
    pages: Option<Arc<HistoryPages>>,
}

impl HistoryService {
    /// A history over this store. Its pages are cached only where all instances share them.
    #[must_use]
    pub fn new(repository: Arc<dyn HistoryRepository>, pages: Option<HistoryPages>) -> Self {
        Self { repository, pages: pages.map(Arc::new) }
    }

    /// Stores a finished pair.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] when the store fails; whether the row exists is then unknown.
    pub async fn save(&self, generation: NewGeneration) -> Result<Generation, RepositoryError> {
        let repository = Arc::clone(&self.repository);
        self.change(generation.user, async move { repository.insert(generation).await }).await
    }

    /// One page, newest first.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] when the store fails.
    pub async fn page(
        &self,
        user: UserId,
        request: PageRequest,
    ) -> Result<HistoryPage, RepositoryError> {
        let Some(pages) = &self.pages else { return self.read(user, request).await };
        let place = match pages.get(user, request).await {
            Lookup::Hit(page) => return Ok(page),
            Lookup::Miss(place) => place,
        };
        let page = self.read(user, request).await?;
        if let Some(place) = place {
            pages.put(place, &page).await;
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
    /// [`RepositoryError`] when the store fails; whether the row is gone is then unknown.
    pub async fn delete(&self, user: UserId, id: GenerationId) -> Result<bool, RepositoryError> {
        let repository = Arc::clone(&self.repository);
        self.change(user, async move { repository.delete(user, id).await }).await
    }

    /// Deletes all of a user's rows and counts them.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] when the store fails; whether the rows are gone is then unknown.
    pub async fn delete_all(&self, user: UserId) -> Result<u64, RepositoryError> {
        let repository = Arc::clone(&self.repository);
        self.change(user, async move { repository.delete_all(user).await }).await
    }

    async fn read(
        &self,
        user: UserId,
        request: PageRequest,
    ) -> Result<HistoryPage, RepositoryError> {
        let page = self.repository.list(user, request).await?;
        for UnreadableRow { id, reason } in &page.unreadable {
            tracing::error!(row = %id, %reason, "a history row can't be read and was left out");
        }
        Ok(page)
    }

    /// Makes a change, and sees to it that no cached page hides it.
    async fn change<T: Send + 'static>(
        &self,
        user: UserId,
        change: impl Future<Output = Result<T, RepositoryError>> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        match &self.pages {
            None => change.await,
            Some(pages) => Arc::clone(pages).see_through(user, change).await,
        }
    }
}
