//! Pages that were read before, for as long as the user's list does not change.
//!
//! Only where all instances share them: one that kept pages of its own would not hear of the
//! changes that others make. Whoever makes a change has the pages forgotten before the client is
//! told, so no client finds less than it was told of. [`SharedPages`] says what happens where that
//! can't be done at once, and how old a page can get at worst.
//!
//! Pages are found by an HMAC of user and request, and sealed to that and to the version of the
//! list: whoever reads the store learns nothing, and whoever moves values about in it is noticed.
//! Failure policy: open. Without the store, and whenever a page is not what it should be, the
//! database is read.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::crypto::{CacheCipher, CacheKeyer};
use crate::domain::{
    CacheKey, Generation, GenerationId, HistoryPage, PageCursor, PageRequest, UserId,
};
use crate::repositories::RepositoryError;
use crate::services::lookups::{self, CacheName};
use crate::stores::{Certainty, PageVersion, SharedPages};

/// Changes with the form of a stored page, so that no release reads another's.
const FORM: &[u8] = b"history page 1";

/// The cache of pages.
pub struct HistoryPages {
    pages: SharedPages,
    keyer: CacheKeyer,
    cipher: CacheCipher,
    tasks: TaskTracker,
}

/// What is known of a page.
pub(super) enum Lookup {
    Hit(HistoryPage),
    /// It must be read anew. If there is a place, it can be kept there.
    Miss(Option<Place>),
}

/// Where a page that is read from now on can be kept.
pub(super) struct Place {
    page: CacheKey,
    version: PageVersion,
    seal: CacheKey,
}

/// A page as it is kept.
#[derive(Serialize, Deserialize)]
struct StoredPage<'a> {
    rows: Vec<StoredRow<'a>>,
    next: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredRow<'a> {
    id: Uuid,
    input_code: Cow<'a, str>,
    generated_code: Cow<'a, str>,
    language: Cow<'a, str>,
    model: Cow<'a, str>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

impl HistoryPages {
    /// A cache of pages in this store. `tasks` knows the changes under way, for shutdown to wait
    /// for.
    #[must_use]
    pub const fn new(
        pages: SharedPages,
        keyer: CacheKeyer,
        cipher: CacheCipher,
        tasks: TaskTracker,
    ) -> Self {
        Self { pages, keyer, cipher, tasks }
    }

    pub(super) async fn get(&self, user: UserId, request: PageRequest) -> Lookup {
        let page = self.address(user, request);
        let found = self.pages.get(&self.owner(user), &page).await;
        let place = found.as_ref().map(|found| Place {
            page,
            version: found.version,
            seal: self.keyer.key(&[b"history page of version", &page.0, found.version.as_bytes()]),
        });
        let sealed = found.and_then(|found| found.page);
        let hit = sealed.zip(place.as_ref()).and_then(|(sealed, place)| self.open(place, &sealed));
        lookups::count(CacheName::History, hit.as_ref());
        hit.map_or(Lookup::Miss(place), Lookup::Hit)
    }

    pub(super) async fn put(&self, place: Place, page: &HistoryPage) {
        // What is missing may be readable again soon, with another key.
        if !page.unreadable.is_empty() {
            return;
        }
        let json = serde_json::to_vec(&StoredPage::from(page)).expect("texts and times serialise");
        let sealed = self.cipher.seal(&place.seal, &json);
        self.pages.put(place.page, place.version, &sealed).await;
    }

    /// Makes a change and has the user's pages forgotten, also when the client leaves in the
    /// middle: the database may go on with what it was sent.
    pub(super) async fn see_through<T: Send + 'static>(
        self: Arc<Self>,
        user: UserId,
        change: impl Future<Output = Result<T, RepositoryError>> + Send + 'static,
    ) -> Result<T, RepositoryError> {
        let tasks = self.tasks.clone();
        let seen_through = async move {
            let outcome = change.await;
            let certainty = if outcome.is_ok() { Certainty::Ended } else { Certainty::Unknown };
            self.pages.forget(self.owner(user), certainty).await;
            outcome
        };
        tasks
            .spawn(seen_through.in_current_span())
            .await
            .expect("a change does not panic and is never aborted")
    }

    fn owner(&self, user: UserId) -> CacheKey {
        self.keyer.key(&[b"history of", user.0.as_bytes()])
    }

    fn address(&self, user: UserId, request: PageRequest) -> CacheKey {
        let limit = request.limit.to_be_bytes();
        let after = request.after.map(|cursor| cursor.encode()).unwrap_or_default();
        self.keyer.key(&[FORM, user.0.as_bytes(), &limit, after.as_bytes()])
    }

    fn open(&self, place: &Place, sealed: &[u8]) -> Option<HistoryPage> {
        let opened = self
            .cipher
            .open(&place.seal, sealed)
            .map_err(|error| tracing::warn!(%error, "a cached page can't be opened"))
            .ok()?;
        serde_json::from_slice::<StoredPage<'_>>(&opened).ok()?.into_page()
    }
}

impl<'a> From<&'a HistoryPage> for StoredPage<'a> {
    fn from(page: &'a HistoryPage) -> Self {
        let rows = page.rows.iter().map(|row| StoredRow {
            id: row.id.0,
            input_code: Cow::from(&row.input_code),
            generated_code: Cow::from(&row.generated_code),
            language: Cow::from(&row.language),
            model: Cow::from(&row.model),
            created_at: row.created_at,
        });
        Self { rows: rows.collect(), next: page.next.map(|cursor| cursor.encode()) }
    }
}

impl StoredPage<'_> {
    fn into_page(self) -> Option<HistoryPage> {
        let next = self.next.map(|text| PageCursor::decode(&text)).transpose().ok()?;
        let rows = self.rows.into_iter().map(|row| Generation {
            id: GenerationId(row.id),
            input_code: row.input_code.into_owned(),
            generated_code: row.generated_code.into_owned(),
            language: row.language.into_owned(),
            model: row.model.into_owned(),
            created_at: row.created_at,
        });
        Some(HistoryPage { rows: rows.collect(), next, ..HistoryPage::default() })
    }
}
