use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::ErrorCode;
use crate::domain::Tokens;

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ErrorBody {
    pub(super) code: ErrorCode,
    pub(super) detail: ErrorDetail,
    /// For a person, in the language that `Accept-Language` prefers of Korean and English.
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(inline, nullable = false)]
    pub(super) status: Option<ErrorStatus>,
    /// The id that `X-Trace-ID` repeats and the log knows.
    #[schema(pattern = "^[0-9a-f]{32}$")]
    pub(super) trace_id: String,
    #[serde(rename = "type")]
    #[schema(inline)]
    pub(super) kind: ErrorKind,
}

/// The error once more, with what the code has to add.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct ErrorDetail {
    code: ErrorCode,
    /// Tokens in the wallet (`INSUFFICIENT_TOKENS`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32, required = false)]
    pub(super) current: Option<Tokens>,
    /// The member of the body or the query that is to blame (`INVALID_REQUEST`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) field: Option<String>,
    message: String,
    /// Tokens that a generation costs (`INSUFFICIENT_TOKENS`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = u32, required = false)]
    pub(super) required: Option<Tokens>,
    /// What is wrong with the source, and where (`VALIDATION_ERROR`).
    #[serde(flatten)]
    pub(super) source: Map<String, Value>,
}

impl ErrorDetail {
    pub(super) fn new(code: ErrorCode, message: String) -> Self {
        Self { code, current: None, field: None, message, required: None, source: Map::new() }
    }
}

/// Tells an error from the other things a client reads.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorKind {
    Error,
}

/// Beside the code `VALIDATION_ERROR` only: what clients of the first version look for instead.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ErrorStatus {
    ValidationError,
}
