//! Every way a request can fail before its first byte: one table from variant to status, code and
//! words.
//!
//! A handler returns the variant; the outermost middleware turns it into a body, for only it knows
//! the request's language and trace id. A 5xx tells the client a code and the trace id, and the log
//! the cause.

use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use super::context::RequestContext;
use crate::domain::{Locale, Tokens};
use crate::gateways::AuthError;
use crate::languages::SourceProblem;
use crate::repositories::RepositoryError;
use crate::services::generation::Refusal;
use crate::services::rate_limits::LimitReached;

/// How soon to come back when a dependency does not say: long enough for a restart.
const RETRY_UNAVAILABLE: Duration = Duration::from_secs(5);

/// A request that gets no result.
#[derive(Debug)]
pub enum ApiError {
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
    /// 502: a dependency answered, but not usefully. The cause is for the log.
    Upstream(String),
    /// 503: a dependency can't be reached. The cause is for the log.
    Unavailable(String),
    /// 503: no model is configured.
    NoModel,
    /// 503: shutting down.
    Draining,
    /// 504: a dependency did not answer in time. The cause is for the log.
    Timeout(String),
    /// 500: our own fault. The cause is for the log.
    Internal(String),
}

/// Why a caller may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prohibition {
    /// `tester dev` serves this machine only; the `Host` or `Origin` is another's.
    ForeignOrigin,
    /// The ops key is missing or wrong.
    OpsKey,
}

/// What is wrong with a request's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestProblem {
    /// The field, where one is to blame.
    pub field: Option<String>,
    /// What is wrong, in the languages of [`Locale`].
    pub korean: String,
    /// The same in English.
    pub english: String,
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

/// The caller's view of an error.
struct Answer {
    status: StatusCode,
    code: &'static str,
    message: String,
    retry_after: Option<Duration>,
    /// Members of `detail` besides code and message.
    detail: Map<String, Value>,
}

impl ApiError {
    /// The code a client switches on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidSource(_) => "VALIDATION_ERROR",
            Self::BotCheck(_) => "TURNSTILE_FAILED",
            Self::Unauthorized(_) => "UNAUTHORIZED",
            Self::InsufficientTokens { .. } => "INSUFFICIENT_TOKENS",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed { .. } => "METHOD_NOT_ALLOWED",
            Self::BodyTimeout => "REQUEST_TIMEOUT",
            Self::BodyTooLarge { .. } => "PAYLOAD_TOO_LARGE",
            Self::InvalidRequest(_) => "INVALID_REQUEST",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Upstream(_) => "UPSTREAM_ERROR",
            Self::Unavailable(_) | Self::NoModel | Self::Draining => "UNAVAILABLE",
            Self::Timeout(_) => "TIMEOUT",
            Self::Internal(_) => "INTERNAL_ERROR",
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::InvalidSource(_) | Self::BotCheck(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::InsufficientTokens { .. } => StatusCode::PAYMENT_REQUIRED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InvalidRequest(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Upstream(_) => StatusCode::BAD_GATEWAY,
            Self::Unavailable(_) | Self::NoModel | Self::Draining => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => Some(*retry_after),
            Self::Unavailable(_) | Self::Draining => Some(RETRY_UNAVAILABLE),
            _ => None,
        }
    }

    fn message(&self, locale: Locale) -> String {
        let fixed = match self {
            Self::InvalidSource(problem) => return problem.message(locale),
            Self::InsufficientTokens { required, current } => {
                return match locale {
                    Locale::Korean => format!(
                        "INSUFFICIENT_TOKENS: 토큰이 부족합니다. 필요: {required}, 보유: {current}"
                    ),
                    Locale::English => format!(
                        "INSUFFICIENT_TOKENS: not enough tokens. Required: {required}, current: {current}"
                    ),
                };
            }
            Self::BodyTooLarge { limit } => {
                let kib = limit / 1024;
                return match locale {
                    Locale::Korean => {
                        format!("요청 본문이 너무 큽니다. 최대 {kib} KiB까지 보낼 수 있습니다.")
                    }
                    Locale::English => {
                        format!("The request body is too large; at most {kib} KiB are accepted.")
                    }
                };
            }
            Self::RateLimited { retry_after } => {
                let seconds = whole_seconds(*retry_after);
                return match locale {
                    Locale::Korean => {
                        format!("요청이 너무 많습니다. {seconds}초 후에 다시 시도해 주세요.")
                    }
                    Locale::English => format!("Too many requests. Try again in {seconds} s."),
                };
            }
            Self::InvalidRequest(problem) => {
                return locale.pick(&problem.korean, &problem.english).clone();
            }
            Self::BotCheck(_) => locale.pick(
                "사람인지 확인하지 못했습니다. 인증을 다시 진행해 주세요.",
                "The bot check did not pass. Solve it again and retry.",
            ),
            Self::Unauthorized(_) => locale.pick("로그인이 필요합니다.", "Sign in to continue."),
            Self::Forbidden(Prohibition::ForeignOrigin) => locale.pick(
                "이 서버는 이 컴퓨터에서 연 페이지의 요청만 받습니다.",
                "This server answers only pages opened on this machine.",
            ),
            Self::Forbidden(Prohibition::OpsKey) => locale
                .pick("X-TESTER-KEY가 올바르지 않습니다.", "The X-TESTER-KEY is missing or wrong."),
            Self::NotFound => locale.pick("찾을 수 없습니다.", "Not found."),
            Self::MethodNotAllowed { .. } => locale.pick(
                "이 경로에서 지원하지 않는 메서드입니다.",
                "This path does not support that method.",
            ),
            Self::BodyTimeout => locale.pick(
                "요청 본문을 받는 데 너무 오래 걸렸습니다.",
                "The request body took too long to arrive.",
            ),
            Self::Upstream(_) => locale.pick(
                "외부 서비스가 올바르게 응답하지 않았습니다. 잠시 후 다시 시도해 주세요.",
                "A service this one depends on answered wrongly. Try again shortly.",
            ),
            Self::Unavailable(_) => locale.pick(
                "외부 서비스를 사용할 수 없습니다. 잠시 후 다시 시도해 주세요.",
                "A service this one depends on is unavailable. Try again shortly.",
            ),
            Self::NoModel => locale.pick(
                "모델이 설정되지 않았습니다. GEMINI_API_KEY를 설정하고 다시 시작해 주세요.",
                "No model is configured. Set GEMINI_API_KEY and start again.",
            ),
            Self::Draining => locale.pick(
                "서버가 다시 시작되는 중입니다. 잠시 후 다시 시도해 주세요.",
                "The server is restarting. Try again shortly.",
            ),
            Self::Timeout(_) => locale.pick(
                "외부 서비스가 제시간에 응답하지 않았습니다. 다시 시도해 주세요.",
                "A service this one depends on did not answer in time. Try again.",
            ),
            Self::Internal(_) => locale.pick(
                "서버에 문제가 생겼습니다. 추적 번호와 함께 알려 주세요.",
                "Something went wrong on our side. Tell us the trace id.",
            ),
        };
        fixed.to_owned()
    }

    fn detail(&self) -> Map<String, Value> {
        let members = match self {
            Self::InsufficientTokens { required, current } => {
                json!({ "required": required, "current": current })
            }
            Self::InvalidRequest(RequestProblem { field: Some(field), .. }) => {
                json!({ "field": field })
            }
            Self::InvalidSource(problem) => problem.detail(),
            _ => Value::Null,
        };
        match members {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }

    fn answer(&self, locale: Locale) -> Answer {
        Answer {
            status: self.status(),
            code: self.code(),
            message: self.message(locale),
            retry_after: self.retry_after(),
            detail: self.detail(),
        }
    }

    /// Puts the cause into the log, once, at the level it deserves.
    fn log(&self) {
        let code = self.code();
        match self {
            Self::Internal(cause) | Self::Upstream(cause) => {
                tracing::error!(code, %cause, "request failed");
            }
            Self::Unavailable(cause) | Self::Timeout(cause) | Self::BotCheck(cause) => {
                tracing::warn!(code, %cause, "request failed");
            }
            Self::Unauthorized(cause) => tracing::info!(code, %cause, "request refused"),
            _ => tracing::debug!(code, "request refused"),
        }
    }

    /// The complete answer for a request.
    pub(super) fn respond(&self, context: &RequestContext) -> HttpResponse {
        self.log();
        let answer = self.answer(context.locale);
        let mut detail = answer.detail;
        detail.insert("code".to_owned(), answer.code.into());
        detail.insert("message".to_owned(), answer.message.as_str().into());
        let mut body = json!({
            "type": "error",
            "code": answer.code,
            "message": answer.message,
            "detail": detail,
            "trace_id": context.trace_id.as_str(),
        });
        if let Self::InvalidSource(_) = self {
            body["status"] = "validation_error".into();
        }
        let mut response = HttpResponse::build(answer.status);
        if let Some(wait) = answer.retry_after {
            response.insert_header((header::RETRY_AFTER, whole_seconds(wait).to_string()));
        }
        if answer.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        if let Self::MethodNotAllowed { allow } = self {
            response.insert_header((header::ALLOW, allow.clone()));
        }
        response.json(body)
    }
}

/// `Retry-After` counts whole seconds; rounded up, so that whoever obeys is not early.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        // Without a body: `observe`, the outermost middleware, writes it.
        HttpResponse::new(self.status())
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
        }
    }
}
