//! Every way a request can fail before its first byte: from variant to code and status, words and body.
//!
//! A handler returns the variant; the outermost middleware turns it into a body, for only it knows
//! the request's language and trace id. A 5xx tells the client a code and the trace id, and the log
//! the cause.

mod body;
mod code;
mod messages;

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value};

pub(super) use self::body::ErrorBody;
use self::body::{ErrorDetail, ErrorKind, ErrorStatus};
pub(super) use self::code::ErrorCode;
use super::context::RequestContext;
use crate::domain::Tokens;
use crate::gateways::{AuthError, ExecutorError};
use crate::languages::SourceProblem;
use crate::repositories::RepositoryError;
use crate::services::generation::Refusal;
use crate::services::rate_limits::LimitReached;

/// How soon to come back when a dependency does not say: long enough for a restart.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(5);

/// A request that gets no result.
#[derive(Debug)]
pub(super) enum ApiError {
    /// 400: the source is not valid in its language.
    InvalidSource(SourceProblem),
    /// 400: the bot check did not pass. The cause is for the log.
    BotCheck(String),
    /// 401: nobody was recognised.
    Unauthorized(AuthError),
    /// 402: the wallet holds too little.
    InsufficientTokens {
        /// The price.
        required: Tokens,
        /// What the wallet holds.
        current: Tokens,
    },
    /// 403: this caller may not.
    Forbidden(Prohibition),
    /// 404: nothing here.
    NotFound,
    /// 405: the path exists, the method does not.
    MethodNotAllowed {
        /// The methods there are.
        allow: HeaderValue,
    },
    /// 408: the client took too long to send its body.
    BodyTimeout,
    /// 413: the body is larger than accepted.
    BodyTooLarge {
        /// Bytes accepted.
        limit: usize,
    },
    /// 422: the request does not have the form of this route.
    InvalidRequest(RequestProblem),
    /// 429: too often.
    RateLimited {
        /// How long until it is allowed again.
        retry_after: Duration,
    },
    /// 429: as many runs wait as may, whoever asks.
    Busy {
        /// How long until it is worth coming back.
        retry_after: Duration,
    },
    /// 502: a dependency answered, but not usefully. The cause is for the log.
    Upstream(String),
    /// 503: a dependency can't be reached. The cause is for the log.
    Unavailable(String),
    /// 503: no model is configured.
    NoModel,
    /// 503: shutting down.
    Draining,
    /// 503: as much is generated as one process may.
    Crowded,
    /// 504: a dependency did not answer in time. The cause is for the log.
    Timeout(String),
    /// 500: our own fault. The cause is for the log.
    Internal(String),
}

/// Why a caller may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prohibition {
    /// `tester dev` serves this machine only; the `Host` or `Origin` is another's.
    ForeignOrigin,
    /// The ops key is missing or wrong.
    OpsKey,
    /// The worker's token is another one.
    WorkerToken,
}

/// What is wrong with a request's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestProblem {
    /// The field, where one is to blame.
    pub(super) field: Option<String>,
    /// What is wrong, in the languages of [`Locale`](crate::domain::Locale).
    pub(super) korean: String,
    /// The same in English.
    pub(super) english: String,
}

impl RequestProblem {
    pub(super) fn body(korean: impl Into<String>, english: impl Into<String>) -> Self {
        Self { field: None, korean: korean.into(), english: english.into() }
    }

    pub(super) fn field(
        field: &str,
        korean: impl Into<String>,
        english: impl Into<String>,
    ) -> Self {
        Self { field: Some(field.to_owned()), korean: korean.into(), english: english.into() }
    }
}

impl ApiError {
    /// The code a client switches on.
    pub(super) const fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidSource(_) => ErrorCode::ValidationError,
            Self::BotCheck(_) => ErrorCode::TurnstileFailed,
            Self::Unauthorized(_) => ErrorCode::Unauthorized,
            Self::InsufficientTokens { .. } => ErrorCode::InsufficientTokens,
            Self::Forbidden(_) => ErrorCode::Forbidden,
            Self::NotFound => ErrorCode::NotFound,
            Self::MethodNotAllowed { .. } => ErrorCode::MethodNotAllowed,
            Self::BodyTimeout => ErrorCode::RequestTimeout,
            Self::BodyTooLarge { .. } => ErrorCode::PayloadTooLarge,
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest,
            Self::RateLimited { .. } | Self::Busy { .. } => ErrorCode::RateLimited,
            Self::Upstream(_) => ErrorCode::UpstreamError,
            Self::Unavailable(_) | Self::NoModel | Self::Draining | Self::Crowded => {
                ErrorCode::Unavailable
            }
            Self::Timeout(_) => ErrorCode::Timeout,
            Self::Internal(_) => ErrorCode::InternalError,
        }
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } | Self::Busy { retry_after } => Some(*retry_after),
            Self::Unavailable(_) | Self::Draining | Self::Crowded => Some(RETRY_UNAVAILABLE),
            _ => None,
        }
    }

    /// The body that tells the client.
    fn body(&self, context: &RequestContext) -> ErrorBody {
        let code = self.code();
        let message = self.message(context.locale);
        let mut detail = ErrorDetail::new(code, message.clone());
        let mut status = None;
        match self {
            Self::InsufficientTokens { required, current } => {
                detail.required = Some(*required);
                detail.current = Some(*current);
            }
            Self::InvalidRequest(problem) => detail.field.clone_from(&problem.field),
            Self::InvalidSource(problem) => {
                detail.source = members(problem.detail());
                status = Some(ErrorStatus::ValidationError);
            }
            _ => {}
        }
        ErrorBody {
            code,
            detail,
            message,
            status,
            trace_id: context.trace.trace_id.to_string(),
            kind: ErrorKind::Error,
        }
    }

    /// Puts the cause into the log, once, at the level it deserves.
    pub(super) fn log(&self) {
        let code = self.code();
        match self {
            Self::Internal(cause) | Self::Upstream(cause) => {
                tracing::error!(%code, %cause, "request failed");
            }
            Self::Unavailable(cause) | Self::Timeout(cause) | Self::BotCheck(cause) => {
                tracing::warn!(%code, %cause, "request failed");
            }
            Self::Unauthorized(cause) => tracing::info!(%code, %cause, "request refused"),
            _ => tracing::debug!(%code, "request refused"),
        }
    }

    /// The complete answer for a request.
    pub(super) fn respond(&self, context: &RequestContext) -> HttpResponse {
        self.log();
        let status = self.status_code();
        let mut response = HttpResponse::build(status);
        if let Some(wait) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, whole_seconds(wait).to_string()));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        if let Self::MethodNotAllowed { allow } = self {
            response.insert_header((header::ALLOW, allow.clone()));
        }
        response.json(self.body(context))
    }
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// `Retry-After` counts whole seconds; rounded up, so that whoever obeys is not early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.code().fmt(f)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code().status()
    }

    fn error_response(&self) -> HttpResponse {
        // Without a body: `observe`, the outermost middleware, writes it.
        HttpResponse::new(self.status_code())
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused(_) => Self::Unauthorized(error),
            AuthError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}

impl From<LimitReached> for ApiError {
    fn from(reached: LimitReached) -> Self {
        Self::RateLimited { retry_after: reached.retry_after }
    }
}

impl From<RepositoryError> for ApiError {
    fn from(error: RepositoryError) -> Self {
        let cause = error.to_string();
        match error {
            RepositoryError::Unavailable(_) => Self::Unavailable(cause),
            RepositoryError::Timeout => Self::Timeout(cause),
            RepositoryError::Forbidden(_)
            | RepositoryError::SchemaMissing(_)
            | RepositoryError::Failed(_) => Self::Upstream(cause),
            RepositoryError::Conflict(_) | RepositoryError::Unreadable { .. } => {
                Self::Internal(cause)
            }
        }
    }
}

impl From<ExecutorError> for ApiError {
    fn from(error: ExecutorError) -> Self {
        match error {
            ExecutorError::Busy { retry_after } => Self::Busy { retry_after },
            ExecutorError::Unavailable(_) => Self::Unavailable(error.to_string()),
            ExecutorError::Timeout => Self::Timeout(error.to_string()),
            ExecutorError::Failed(_) => Self::Upstream(error.to_string()),
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidSource(problem) => Self::InvalidSource(problem),
            Refusal::Bot(error) => Self::BotCheck(error.to_string()),
            Refusal::InsufficientTokens { required, current } => {
                Self::InsufficientTokens { required, current }
            }
            Refusal::Wallet(error) => error.into(),
            Refusal::NoModel => Self::NoModel,
            Refusal::Draining => Self::Draining,
            Refusal::Crowded => Self::Crowded,
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody as _;

    use super::*;
    use crate::domain::{Locale, TraceContext};

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn respond(error: &ApiError, locale: Locale) -> HttpResponse {
        let trace = TraceContext::from_cloud_trace_context(TRACE).expect("32 hex digits");
        error.respond(&RequestContext { trace, locale, client: None })
    }

    fn text(response: HttpResponse) -> String {
        let bytes = response.into_body().try_into_bytes().unwrap_or_else(|_| panic!("no stream"));
        String::from_utf8(bytes.to_vec()).expect("JSON is text")
    }

    #[test]
    fn the_body_has_the_form_existing_clients_parse() {
        let limit = RequestProblem::field("limit", "숫자", "a number");
        let malformed = RequestProblem::body("깨짐", "broken");
        for (error, locale, expected) in [
            (
                ApiError::InsufficientTokens { required: 10, current: 3 },
                Locale::English,
                r#"{"code":"INSUFFICIENT_TOKENS","detail":{"code":"INSUFFICIENT_TOKENS","current":3,"message":"INSUFFICIENT_TOKENS: not enough tokens. Required: 10, current: 3","required":10},"message":"INSUFFICIENT_TOKENS: not enough tokens. Required: 10, current: 3","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","type":"error"}"#,
            ),
            (
                ApiError::InvalidRequest(limit),
                Locale::Korean,
                r#"{"code":"INVALID_REQUEST","detail":{"code":"INVALID_REQUEST","field":"limit","message":"숫자"},"message":"숫자","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","type":"error"}"#,
            ),
            (
                ApiError::InvalidRequest(malformed),
                Locale::English,
                r#"{"code":"INVALID_REQUEST","detail":{"code":"INVALID_REQUEST","message":"broken"},"message":"broken","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","type":"error"}"#,
            ),
        ] {
            assert_eq!(text(respond(&error, locale)), expected);
        }
    }
}
