use std::fmt;

use actix_web::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// What a client switches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(in crate::api) enum ErrorCode {
    ValidationError,
    TurnstileFailed,
    Unauthorized,
    InsufficientTokens,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    PayloadTooLarge,
    InvalidRequest,
    RateLimited,
    InternalError,
    UpstreamError,
    Unavailable,
    Timeout,
}

impl ErrorCode {
    /// Every code, by status.
    pub(in crate::api) const ALL: [Self; 15] = [
        Self::ValidationError,
        Self::TurnstileFailed,
        Self::Unauthorized,
        Self::InsufficientTokens,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::PayloadTooLarge,
        Self::InvalidRequest,
        Self::RateLimited,
        Self::InternalError,
        Self::UpstreamError,
        Self::Unavailable,
        Self::Timeout,
    ];

    /// The status it is sent with.
    pub(in crate::api) const fn status(self) -> StatusCode {
        match self {
            Self::ValidationError | Self::TurnstileFailed => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::InsufficientTokens => StatusCode::PAYMENT_REQUIRED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::InvalidRequest => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::UpstreamError => StatusCode::BAD_GATEWAY,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// When it is sent, for the reader of the API's description.
    pub(in crate::api) const fn meaning(self) -> &'static str {
        match self {
            Self::ValidationError => {
                "The source is not valid in that language, or is in another language."
            }
            Self::TurnstileFailed => {
                "The Turnstile token is missing, spent or wrong, or the check could not be made."
            }
            Self::Unauthorized => {
                "The access token is missing, malformed or expired, or breaks another rule."
            }
            Self::InsufficientTokens => {
                "The wallet holds too little; `detail` has `required` and `current`."
            }
            Self::Forbidden => {
                "This caller may not: the `X-TESTER-KEY` of an operator's route is missing or wrong, \
                 a worker's token is wrong, or `tester dev` was called with the `Host` or `Origin` of another machine."
            }
            Self::NotFound => {
                "Nothing is here, or it belongs to somebody else, or operators' routes are closed."
            }
            Self::MethodNotAllowed => {
                "The path exists and the method does not; `Allow` names those that do."
            }
            Self::RequestTimeout => "The body took too long to arrive.",
            Self::PayloadTooLarge => "The body is larger than accepted, declared or streamed.",
            Self::InvalidRequest => {
                "The JSON or the query is malformed, or a member is missing, mistyped or out of \
                 range; `detail.field` names it."
            }
            Self::RateLimited => {
                "Too many requests of this user in a minute, or as many runs wait as may."
            }
            Self::InternalError => "Our own fault. The cause is in the log under `trace_id`.",
            Self::UpstreamError => "A service this one depends on answered wrongly.",
            Self::Unavailable => {
                "A service this one depends on can't be reached, no model is configured, or this \
                 server is shutting down."
            }
            Self::Timeout => "A service this one depends on did not answer in time.",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
