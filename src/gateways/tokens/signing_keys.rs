//! The project's public signing keys: fetched from its key set, and kept.
//!
//! They are believed for ten minutes, and after that for as long as Supabase can't be asked: a key
//! is withdrawn by an answer, not by silence. Nobody waits for a refresh of keys that are there. Who
//! needs a key that is not there waits for one fetch, together with all who need one; when it fails,
//! the door stays closed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{Client, StatusCode};
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::key::VerificationKey;
use super::key_set::{KeySet, NoKeySet};
use crate::gateways::AuthError;
use crate::gateways::http::{self, BodyError, Peer};

/// Longest key set that is read. Supabase's have about 1 KiB.
const ANSWER_MAX_BYTES: usize = 64 * 1024;
/// How long a fetch may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long keys are believed before they are asked for again: as long as Supabase lets them be
/// cached.
const FRESH: Duration = Duration::from_mins(10);
/// How soon an answer is followed by a fetch for the sake of an id that is not in it. Anybody can
/// make ids up.
const UNKNOWN_ID_PAUSE: Duration = Duration::from_mins(1);
/// How soon a failed fetch is followed by the next, doubled with each further failure.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_mins(1);

/// The keys of one project, shared by all who check tokens.
#[derive(Debug)]
pub(super) struct SigningKeys(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    url: Url,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answered: Option<Answered>,
    /// The failures since then.
    failed: Option<Failed>,
    /// Cancelled when the fetch under way has ended.
    fetching: Option<CancellationToken>,
}

#[derive(Debug)]
struct Answered {
    keys: KeySet,
    at: Instant,
}

#[derive(Debug)]
struct Failed {
    in_a_row: u32,
    at: Instant,
    reason: String,
}

/// What came of looking for a key.
enum LookUp {
    Found(Arc<VerificationKey>),
    /// Whoever waits for this may look again.
    Coming(CancellationToken),
    Absent(AuthError),
}

/// Why a fetch brought no keys.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("no answer within {} s", DEADLINE.as_secs())]
    Late,
    #[error("{0}")]
    Broken(String),
    #[error("the answer has status {0}")]
    Status(StatusCode),
    #[error("the answer is longer than {ANSWER_MAX_BYTES} bytes")]
    TooLarge,
    #[error("the answer is no key set: {0}")]
    NoKeySet(#[from] NoKeySet),
    #[error("the fetch was given up")]
    Abandoned,
}

impl SigningKeys {
    /// The keys that the project at this root publishes. Nothing is fetched yet.
    pub(super) fn new(client: Client, project: &Url) -> Self {
        let mut url = project.clone();
        let root = project.path().trim_end_matches('/');
        url.set_path(&format!("{root}/auth/v1/.well-known/jwks.json"));
        Self(Arc::new(Shared { client, url, state: Mutex::default() }))
    }

    /// Fetches the keys before they are needed, without anybody waiting. On a tokio runtime.
    pub(super) fn warm(&self) {
        let fetch = self.0.begin_fetch(&mut self.0.state(), FRESH);
        spawn(fetch);
    }

    /// The key of this id among those that were fetched. Asks nobody.
    pub(super) fn held(&self, id: &str) -> Option<Arc<VerificationKey>> {
        self.0.state().key(id)
    }

    /// The key of this id, fetched if need be.
    pub(super) async fn find(&self, id: &str) -> Result<Arc<VerificationKey>, AuthError> {
        match self.look_up(id) {
            LookUp::Found(key) => Ok(key),
            LookUp::Absent(error) => Err(error),
            LookUp::Coming(fetch) => {
                fetch.cancelled().await;
                let state = self.0.state();
                state.key(id).ok_or_else(|| state.absence())
            }
        }
    }

    fn look_up(&self, id: &str) -> LookUp {
        let mut state = self.0.state();
        let key = state.key(id);
        let age = if key.is_some() { FRESH } else { UNKNOWN_ID_PAUSE };
        let fetch = self.0.begin_fetch(&mut state, age);
        let found = match (key, &state.fetching) {
            (Some(key), _) => LookUp::Found(key),
            (None, Some(fetching)) => LookUp::Coming(fetching.clone()),
            (None, None) => LookUp::Absent(state.absence()),
        };
        // Not under the lock: a fetch that can't start ends, and its end takes the lock.
        drop(state);
        spawn(fetch);
        found
    }
}

/// A fetch is a task of its own: who waits for it may leave, and it goes on for the others.
fn spawn(fetch: Option<Fetch>) {
    if let Some(fetch) = fetch {
        tokio::spawn(fetch.run());
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done in there, whoever panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A fetch to run, if there is none and one is due for keys of this age.
    fn begin_fetch(self: &Arc<Self>, state: &mut State, age: Duration) -> Option<Fetch> {
        if state.fetching.is_some() || !state.is_due(age, Instant::now()) {
            return None;
        }
        let ended = CancellationToken::new();
        state.fetching = Some(ended.clone());
        let outcome = Err(FetchError::Abandoned);
        Some(Fetch { shared: Arc::clone(self), outcome, _ended: ended.drop_guard() })
    }

    async fn ask(&self) -> Result<KeySet, FetchError> {
        let broken = |error| FetchError::Broken(http::describe(error));
        let request = self.client.get(self.url.clone());
        let response = http::send(Peer::SigningKeys, request).await.map_err(broken)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status()));
        }
        let body = http::read_limited(response, ANSWER_MAX_BYTES).await?;
        Ok(KeySet::parse(&body)?)
    }
}

impl State {
    fn key(&self, id: &str) -> Option<Arc<VerificationKey>> {
        self.answered.as_ref()?.keys.get(id)
    }

    /// Whether to fetch for the sake of who wants keys no older than this.
    fn is_due(&self, age: Duration, now: Instant) -> bool {
        match (&self.failed, &self.answered) {
            (Some(failed), _) => now >= failed.at + failed.pause(),
            (None, Some(answered)) => now >= answered.at + age,
            (None, None) => true,
        }
    }

    /// Why there is no key of some id. While the last fetch failed nobody knows whether there is
    /// one: the token may be good.
    fn absence(&self) -> AuthError {
        match &self.failed {
            None => AuthError::Refused("kid is not among the project's keys"),
            Some(failed) => {
                AuthError::Unavailable(format!("no signing keys to be had: {}", failed.reason))
            }
        }
    }

    fn settle(&mut self, outcome: Result<KeySet, FetchError>, now: Instant) {
        self.fetching = None;
        match outcome {
            Ok(keys) => {
                tracing::debug!(keys = keys.len(), "signing keys fetched");
                self.answered = Some(Answered { keys, at: now });
                self.failed = None;
            }
            Err(error) => {
                let before = self.failed.as_ref().map_or(0, |failed| failed.in_a_row);
                let failures = before.saturating_add(1);
                tracing::warn!(%error, failures, "the signing keys can't be fetched");
                let reason = error.to_string();
                self.failed = Some(Failed { in_a_row: failures, at: now, reason });
            }
        }
    }
}

impl Failed {
    fn pause(&self) -> Duration {
        let doublings = self.in_a_row.saturating_sub(1);
        RETRY_MIN.saturating_mul(2_u32.saturating_pow(doublings)).min(RETRY_MAX)
    }
}

/// A fetch under way. However it ends, even by the end of the runtime it is on, its outcome is
/// settled and then all who wait for it go on.
struct Fetch {
    shared: Arc<Shared>,
    outcome: Result<KeySet, FetchError>,
    /// Dropped after [`Fetch::drop`] has run.
    _ended: DropGuard,
}

impl Fetch {
    async fn run(mut self) {
        let asked = timeout(DEADLINE, self.shared.ask()).await;
        self.outcome = asked.unwrap_or(Err(FetchError::Late));
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        let outcome = std::mem::replace(&mut self.outcome, Err(FetchError::Abandoned));
        let label = outcome.as_ref().map_or_else(FetchError::as_str, |_| "answered");
        metrics::counter!("tester_signing_key_fetches_total", "outcome" => label).increment(1);
        self.shared.state().settle(outcome, Instant::now());
    }
}

impl FetchError {
    /// The outcome as metrics name it.
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Broken(_) => "broken",
            Self::Status(_) => "status",
            Self::TooLarge => "too_large",
            Self::NoKeySet(_) => "no_key_set",
            Self::Abandoned => "abandoned",
        }
    }
}

impl From<BodyError> for FetchError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { .. } => Self::TooLarge,
            BodyError::Broken(reason) => Self::Broken(reason),
        }
    }
}

#[cfg(test)]
mod tests;
