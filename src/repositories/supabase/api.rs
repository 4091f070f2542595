//! The Data API as such: addresses, credentials, deadline, bounds, repetition.

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use url::Url;

use super::failure::{CallError, Effect, refusal, retry_after, transport_error};
use super::repetition::{Repeat, Schedule};
use crate::config::DataApiSettings;
use crate::gateways::http::{self, Peer};
use crate::repositories::RepositoryError;

const APIKEY: HeaderName = HeaderName::from_static("apikey");
const PREFER: HeaderName = HeaderName::from_static("prefer");

/// The key holds characters that no header can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("SUPABASE_SERVICE_ROLE_KEY has characters that can't stand in an HTTP header")]
pub struct InvalidServiceRoleKey;

/// Most bytes of an answer that are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerBound(pub(super) usize);

impl AnswerBound {
    /// For answers of a few short fields, and for every error.
    pub(super) const SMALL: Self = Self(16 * 1024);
}

/// The Data API of one project.
#[derive(Clone)]
pub(super) struct DataApi {
    client: Client,
    root: Url,
    credentials: HeaderMap,
    deadline: Duration,
}

/// An answer of status 2xx.
pub(super) struct Answer<T> {
    pub(super) body: T,
    /// How many rows there are, when the request asked for it: the total of `Content-Range`.
    pub(super) count: Option<u64>,
    /// What earlier attempts at the same call, whose answers were lost, may have done.
    pub(super) earlier: Effect,
}

impl DataApi {
    pub(super) fn new(
        client: Client,
        settings: &DataApiSettings,
    ) -> Result<Self, InvalidServiceRoleKey> {
        let credentials = credentials(settings.service_role_key.expose_secret())?;
        let mut root = settings.url.clone();
        root.set_path(&format!("{}/rest/v1/", root.path().trim_end_matches('/')));
        Ok(Self { client, root, credentials, deadline: settings.timeout })
    }

    /// Rows of a table.
    pub(super) fn select(&self, table: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.request(Method::GET, table, query)
    }

    /// A new row; the columns in the query's `select` come back.
    pub(super) fn insert(&self, table: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.request(Method::POST, table, query).header(PREFER, "return=representation")
    }

    /// Removes rows; the columns in the query's `select` come back.
    pub(super) fn delete(&self, table: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.request(Method::DELETE, table, query).header(PREFER, "return=representation")
    }

    /// Changes rows; nothing comes back.
    pub(super) fn update(&self, table: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.request(Method::PATCH, table, query).header(PREFER, "return=minimal")
    }

    /// Counts the rows that a query selects; they do not come along.
    pub(super) fn count(&self, table: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.request(Method::HEAD, table, query).header(PREFER, "count=exact")
    }

    /// Removes rows and only counts them, so that the answer is small however many there are.
    pub(super) fn delete_counting(&self, table: &str, query: &[(&str, &str)]) -> RequestBuilder {
        self.request(Method::DELETE, table, query).header(PREFER, "return=minimal, count=exact")
    }

    /// Calls a function with named arguments.
    pub(super) fn call(&self, function: &str, arguments: &serde_json::Value) -> RequestBuilder {
        self.request(Method::POST, &format!("rpc/{function}"), &[]).json(arguments)
    }

    /// Sends the request and reads its answer, all within the deadline.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        bound: AnswerBound,
        repeat: Repeat,
    ) -> Result<Answer<T>, CallError> {
        let Answer { body, count, earlier } = self.fetch(request, bound, repeat).await?;
        // An answer without a body is JSON's null: `return=minimal`.
        let text: &[u8] = if body.is_empty() { b"null" } else { &body };
        let body = serde_json::from_slice(text).map_err(|_| {
            CallError::unknown(RepositoryError::Failed(
                "the answer is not what was asked for".to_owned(),
            ))
        })?;
        Ok(Answer { body, count, earlier })
    }

    /// Like [`Self::send`], the body unread.
    pub(super) async fn fetch(
        &self,
        request: RequestBuilder,
        bound: AnswerBound,
        repeat: Repeat,
    ) -> Result<Answer<Vec<u8>>, CallError> {
        let deadline = Instant::now() + self.deadline;
        let mut schedule = Schedule::new(repeat, deadline);
        let mut earlier = Effect::None;
        loop {
            let attempt = request.try_clone().expect("no body here is a stream");
            let attempted = tokio::time::timeout_at(deadline, exchange(attempt, bound)).await;
            let failed = match attempted {
                Ok(Ok((body, count))) => return Ok(Answer { body, count, earlier }),
                Ok(Err(failed)) => failed,
                Err(_) => CallError::unknown(RepositoryError::Timeout),
            };
            let Some(wait) = schedule.wait_after(&failed) else {
                return Err(CallError { earlier, ..failed });
            };
            earlier = earlier.or(failed.effect);
            tokio::time::sleep(wait).await;
        }
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.root.clone();
        url.set_path(&format!("{}{path}", self.root.path()));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.client.request(method, url).headers(self.credentials.clone())
    }
}

impl fmt::Debug for DataApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataApi").field("root", &self.root.as_str()).finish_non_exhaustive()
    }
}

/// The key as Supabase wants it: new keys (`sb_secret_…`) in `apikey` alone, as bearer tokens they
/// are refused; legacy ones, which are JWTs, in both.
fn credentials(key: &str) -> Result<HeaderMap, InvalidServiceRoleKey> {
    let sensitive = |text: &str| {
        let mut value = HeaderValue::from_str(text).map_err(|_| InvalidServiceRoleKey)?;
        value.set_sensitive(true);
        Ok(value)
    };
    let mut headers = HeaderMap::new();
    headers.insert(APIKEY, sensitive(key)?);
    if !key.starts_with("sb_") {
        headers.insert(AUTHORIZATION, sensitive(&format!("Bearer {key}"))?);
    }
    Ok(headers)
}

/// One attempt.
async fn exchange(
    request: RequestBuilder,
    bound: AnswerBound,
) -> Result<(Vec<u8>, Option<u64>), CallError> {
    let response =
        http::send(Peer::Supabase, request).await.map_err(|error| transport_error(&error))?;
    let status = response.status();
    if !status.is_success() {
        let wait = retry_after(response.headers());
        // What can't be read of an error is as good as nothing.
        let body = read(response, AnswerBound::SMALL).await.unwrap_or_default();
        return Err(refusal(status, wait, &body));
    }
    let count = counted(response.headers());
    Ok((read(response, bound).await?, count))
}

async fn read(mut response: Response, bound: AnswerBound) -> Result<Vec<u8>, CallError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| transport_error(&error))? {
        if body.len() + chunk.len() > bound.0 {
            let problem = format!("the answer is longer than {} bytes", bound.0);
            return Err(CallError::unknown(RepositoryError::Failed(problem)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The total of `Content-Range: 0-9/10` or `*/10`.
fn counted(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(CONTENT_RANGE)?.to_str().ok()?;
    range.rsplit_once('/')?.1.parse().ok()
}
