//! What a failed call means: for the caller, for the database, and for another attempt.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

use crate::repositories::RepositoryError;

/// A call that failed, and whether the database may have changed all the same.
#[derive(Debug)]
pub(super) struct CallError {
    pub(super) error: RepositoryError,
    pub(super) effect: Effect,
    /// What earlier attempts at the same call may have done.
    pub(super) earlier: Effect,
    pub(super) retry: Retry,
}

/// Whether a failed call may have changed the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing changed: the request was never sent, or refused, or rolled back.
    None,
    /// Nobody knows: the answer is lost, late or not understood.
    Unknown,
}

/// Whether the same call may do better a moment later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    /// It would fail again, or there is no time for it.
    Never,
    /// It may.
    AfterBackoff,
    /// It may, and not before this has passed.
    NotBefore(Duration),
}

impl Effect {
    pub(super) const fn or(self, other: Self) -> Self {
        match self {
            Self::None => other,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl CallError {
    pub(super) const fn unknown(error: RepositoryError) -> Self {
        Self::new(error, Effect::Unknown)
    }

    const fn none(error: RepositoryError) -> Self {
        Self::new(error, Effect::None)
    }

    const fn new(error: RepositoryError, effect: Effect) -> Self {
        Self { error, effect, earlier: Effect::None, retry: Retry::Never }
    }

    fn passing(self) -> Self {
        Self { retry: Retry::AfterBackoff, ..self }
    }
}

impl From<CallError> for RepositoryError {
    fn from(failed: CallError) -> Self {
        failed.error
    }
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3); the form with a date is none for gateways.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Says what kind of failure it was, without reqwest's own text: that shows the URL with its query.
pub(super) fn transport_error(error: &reqwest::Error) -> CallError {
    if error.is_connect() {
        let problem = format!("no connection to SUPABASE_URL: {}", root_cause(error));
        return CallError::none(RepositoryError::Unavailable(problem)).passing();
    }
    if error.is_builder() {
        return CallError::none(RepositoryError::Failed("the request can't be built".to_owned()));
    }
    if error.is_timeout() {
        return CallError::unknown(RepositoryError::Timeout);
    }
    CallError::unknown(RepositoryError::Unavailable("the connection broke".to_owned())).passing()
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

/// What a status other than 2xx means; `wait` is its `Retry-After`.
pub(super) fn refusal(status: StatusCode, wait: Option<Duration>, body: &[u8]) -> CallError {
    let code = serde_json::from_slice::<ErrorBody>(body).ok().map(|body| body.code);
    // SQLSTATE has five characters, PostgREST's own codes eight.
    let code = code.filter(|code| {
        (5..=8).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let refused = match code {
        Some(code) => coded_refusal(status, &code),
        None => uncoded_refusal(status),
    };
    match (refused.retry, wait) {
        (Retry::AfterBackoff, Some(wait)) => CallError { retry: Retry::NotBefore(wait), ..refused },
        _ => refused,
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
            return CallError::unknown(RepositoryError::Unavailable(text())).passing();
        }
        // A lost race or a deadlock: rolled back.
        "40001" | "40P01" => {
            return CallError::none(RepositoryError::Unavailable(text())).passing();
        }
        // A statement that took too long, rolled back: it would take as long again. Or a database
        // that takes no writes, as Supabase makes it when its disk is nearly full.
        "57014" | "25006" => RepositoryError::Unavailable(text()),
        _ if code.starts_with("PGRST30") => RepositoryError::Forbidden(text()),
        // Connection lost, out of resources, shutting down.
        _ if ["08", "53", "57"].iter().any(|class| code.starts_with(class)) => {
            return CallError::unknown(RepositoryError::Unavailable(text())).passing();
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
        429 => CallError::none(RepositoryError::Unavailable(text)).passing(),
        500 => CallError::unknown(RepositoryError::Failed(text)),
        502..=504 => CallError::unknown(RepositoryError::Unavailable(text)).passing(),
        501 | 505..=599 => CallError::unknown(RepositoryError::Unavailable(text)),
        // Redirects are not followed; 4xx refuse the request itself.
        _ => CallError::none(RepositoryError::Failed(text)),
    }
}
