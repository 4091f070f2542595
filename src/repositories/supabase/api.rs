//! The Data API as such: addresses, credentials, deadline, bounds, and what its errors mean.

use std::fmt;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_RANGE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::config::SupabaseSettings;
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

/// A call that failed, and whether the database may have changed all the same.
#[derive(Debug)]
pub(super) struct CallError {
    pub(super) error: RepositoryError,
    pub(super) effect: Effect,
}

/// Whether a failed call may have changed the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing changed: the request was never sent, or refused, or rolled back.
    None,
    /// Nobody knows: the answer is lost, late or not understood.
    Unknown,
}

impl CallError {
    pub(super) fn unknown(error: RepositoryError) -> Self {
        Self { error, effect: Effect::Unknown }
    }

    fn none(error: RepositoryError) -> Self {
        Self { error, effect: Effect::None }
    }
}

impl From<CallError> for RepositoryError {
    fn from(failed: CallError) -> Self {
        failed.error
    }
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
}

impl DataApi {
    pub(super) fn new(
        client: Client,
        settings: &SupabaseSettings,
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
    ) -> Result<Answer<T>, CallError> {
        let (bytes, count) = self.fetch(request, bound).await?;
        // An answer without a body is JSON's null: `return=minimal`.
        let text: &[u8] = if bytes.is_empty() { b"null" } else { &bytes };
        let body = serde_json::from_slice(text).map_err(|_| {
            CallError::unknown(RepositoryError::Failed(
                "the answer is not what was asked for".to_owned(),
            ))
        })?;
        Ok(Answer { body, count })
    }

    /// Like [`Self::send`], the body unread.
    pub(super) async fn fetch(
        &self,
        request: RequestBuilder,
        bound: AnswerBound,
    ) -> Result<(Vec<u8>, Option<u64>), CallError> {
        let exchange = async {
            let response = request.send().await.map_err(|error| transport_error(&error))?;
            let status = response.status();
            if !status.is_success() {
                // What can't be read of an error is as good as nothing.
                let body = read(response, AnswerBound::SMALL).await.unwrap_or_default();
                return Err(refusal(status, &body));
            }
            let count = counted(response.headers());
            Ok((read(response, bound).await?, count))
        };
        match tokio::time::timeout(self.deadline, exchange).await {
            Ok(outcome) => outcome,
            Err(_) => Err(CallError::unknown(RepositoryError::Timeout)),
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

/// Says what kind of failure it was, without reqwest's own text: that shows the URL with its query.
fn transport_error(error: &reqwest::Error) -> CallError {
    if error.is_connect() {
        let problem = format!("no connection to SUPABASE_URL: {}", root_cause(error));
        return CallError::none(RepositoryError::Unavailable(problem));
    }
    if error.is_builder() {
        return CallError::none(RepositoryError::Failed("the request can't be built".to_owned()));
    }
    if error.is_timeout() {
        return CallError::unknown(RepositoryError::Timeout);
    }
    CallError::unknown(RepositoryError::Unavailable("the connection broke".to_owned()))
}

/// The innermost reason: "connection refused", an unknown certificate, a name without an address.
fn root_cause(error: &dyn std::error::Error) -> String {
    let reasons = std::iter::successors(error.source(), |reason| reason.source());
    reasons.last().map_or_else(|| "unknown reason".to_owned(), ToString::to_string)
}

/// The body of an error. Only the code is used: `message` and `details` may quote values.
#[derive(Deserialize)]
struct ErrorBody {
    code: String,
}

/// What a status other than 2xx means.
fn refusal(status: StatusCode, body: &[u8]) -> CallError {
    let code = serde_json::from_slice::<ErrorBody>(body).ok().map(|body| body.code);
    // SQLSTATE has five characters, PostgREST's own codes eight.
    let code = code.filter(|code| {
        (5..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    match code {
        Some(code) => coded_refusal(status, &code),
        None => uncoded_refusal(status),
    }
}

/// An answer of PostgREST itself: the statement was refused or rolled back.
fn coded_refusal(status: StatusCode, code: &str) -> CallError {
    let text = || format!("code {code}, status {}", status.as_u16());
    let error = match code {
        "23505" | "23503" => RepositoryError::Conflict(text()),
        "42501" => RepositoryError::Forbidden(text()),
        // Undefined table, column or function; or PostgREST does not know them (yet).
        "42P01" | "42703" | "42883" | "PGRST202" | "PGRST204" | "PGRST205" => {
            RepositoryError::SchemaMissing(format!("{}; apply the migrations", text()))
        }
        // PostgREST lost its database: a statement may have got through.
        "PGRST000" | "PGRST001" | "PGRST002" | "PGRST003" => {
            return CallError::unknown(RepositoryError::Unavailable(text()));
        }
        // A statement that took too long, a deadlock, a lost race: rolled back.
        "57014" | "40001" | "40P01" => RepositoryError::Unavailable(text()),
        _ if code.starts_with("PGRST30") => RepositoryError::Forbidden(text()),
        // Connection lost, out of resources, shutting down.
        _ if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            return CallError::unknown(RepositoryError::Unavailable(text()));
        }
        _ => return by_status(status, text()),
    };
    CallError::none(error)
}

/// An answer of something in front of PostgREST: a gateway, a proxy, a wrong address.
fn uncoded_refusal(status: StatusCode) -> CallError {
    by_status(status, format!("status {}", status.as_u16()))
}

fn by_status(status: StatusCode, text: String) -> CallError {
    match status.as_u16() {
        401 | 403 => CallError::none(RepositoryError::Forbidden(text)),
        404 => {
            let hint = format!("{text}; is SUPABASE_URL the root of the project?");
            CallError::none(RepositoryError::Failed(hint))
        }
        409 => CallError::none(RepositoryError::Conflict(text)),
        429 => CallError::none(RepositoryError::Unavailable(text)),
        500 => CallError::unknown(RepositoryError::Failed(text)),
        501..=599 => CallError::unknown(RepositoryError::Unavailable(text)),
        // Redirects are not followed; 4xx refuse the request itself.
        _ => CallError::none(RepositoryError::Failed(text)),
    }
}
