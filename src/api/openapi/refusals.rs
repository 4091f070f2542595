//! What keeps a request from its result, in groups as the handlers meet them.
//!
//! Every status is one component, for its body is the same wherever it is sent; a route refers to
//! those it can answer.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use serde_json::json;
use utoipa::openapi::schema::AllOf;
use utoipa::openapi::{Content, ObjectBuilder, Ref, RefOr, Response, ResponseBuilder, Type};
use utoipa::{IntoResponses, ToSchema as _};

use super::header;
use crate::api::error::{ErrorBody, ErrorCode};

/// Who is it?
pub(in crate::api) struct Authentication;

impl IntoResponses for Authentication {
    fn responses() -> Refusals {
        refusals(&[ErrorCode::Unauthorized, ErrorCode::Unavailable])
    }
}

/// How often did they come?
pub(in crate::api) struct RateLimit;

impl IntoResponses for RateLimit {
    fn responses() -> Refusals {
        refusals(&[ErrorCode::RateLimited])
    }
}

/// A body is read and taken apart.
pub(in crate::api) struct Body;

impl IntoResponses for Body {
    fn responses() -> Refusals {
        refusals(&[
            ErrorCode::RequestTimeout,
            ErrorCode::PayloadTooLarge,
            ErrorCode::InvalidRequest,
        ])
    }
}

/// A query string is taken apart.
pub(in crate::api) struct Query;

impl IntoResponses for Query {
    fn responses() -> Refusals {
        refusals(&[ErrorCode::InvalidRequest])
    }
}

/// The path names something of the user's.
pub(in crate::api) struct Missing;

impl IntoResponses for Missing {
    fn responses() -> Refusals {
        refusals(&[ErrorCode::NotFound])
    }
}

/// An order is admitted.
pub(in crate::api) struct Generation;

impl IntoResponses for Generation {
    fn responses() -> Refusals {
        refusals(&[
            ErrorCode::ValidationError,
            ErrorCode::TurnstileFailed,
            ErrorCode::InsufficientTokens,
            ErrorCode::InternalError,
            ErrorCode::Unavailable,
        ])
    }
}

/// Tests are run.
pub(in crate::api) struct Execution;

impl IntoResponses for Execution {
    fn responses() -> Refusals {
        refusals(&[
            ErrorCode::RateLimited,
            ErrorCode::InternalError,
            ErrorCode::UpstreamError,
            ErrorCode::Unavailable,
            ErrorCode::Timeout,
        ])
    }
}

/// History or wallet are asked.
pub(in crate::api) struct Storage;

impl IntoResponses for Storage {
    fn responses() -> Refusals {
        refusals(&[
            ErrorCode::InternalError,
            ErrorCode::UpstreamError,
            ErrorCode::Unavailable,
            ErrorCode::Timeout,
        ])
    }
}

/// Is it an operator?
pub(in crate::api) struct OpsKey;

impl IntoResponses for OpsKey {
    fn responses() -> Refusals {
        refusals(&[ErrorCode::Forbidden, ErrorCode::NotFound])
    }
}

/// Responses by status.
type Refusals = BTreeMap<String, RefOr<Response>>;

/// References to the components of these codes.
pub(super) fn refusals(codes: &[ErrorCode]) -> Refusals {
    codes
        .iter()
        .map(|code| {
            let component = Ref::from_response_name(component_name(code.status()));
            (code.status().as_str().to_owned(), component.into())
        })
        .collect()
}

/// The component of every status that an error is sent with.
pub(super) fn components() -> impl Iterator<Item = (String, Response)> {
    let mut by_status: BTreeMap<StatusCode, Vec<ErrorCode>> = BTreeMap::new();
    for code in ErrorCode::ALL {
        by_status.entry(code.status()).or_default().push(code);
    }
    by_status.into_iter().map(|(status, codes)| (component_name(status), component(status, &codes)))
}

/// `Too Many Requests` becomes `TooManyRequests`.
fn component_name(status: StatusCode) -> String {
    let reason = status.canonical_reason().expect("every status of ErrorCode is a registered one");
    reason.split(' ').collect()
}

fn component(status: StatusCode, codes: &[ErrorCode]) -> Response {
    let description: Vec<String> =
        codes.iter().map(|code| format!("`{code}`: {}", code.meaning())).collect();
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(codes.iter().map(|code| json!(code))));
    let schema = AllOf::builder()
        .item(Ref::from_schema_name(ErrorBody::name()))
        .item(ObjectBuilder::new().property("code", code));
    let mut response = ResponseBuilder::new()
        .description(description.join("\n\n"))
        .content("application/json", Content::new(Some(schema)))
        .build();
    for &name in headers_of(status) {
        response.headers.insert(name.to_owned(), header::reference(name));
    }
    response
}

fn headers_of(status: StatusCode) -> &'static [&'static str] {
    match status {
        StatusCode::UNAUTHORIZED => &[header::WWW_AUTHENTICATE],
        StatusCode::METHOD_NOT_ALLOWED => &[header::ALLOW],
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => &[header::RETRY_AFTER],
        _ => &[],
    }
}
