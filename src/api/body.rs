//! Request bodies: bounded in size and time while they are read, then taken apart field by field,
//! so that every refusal names the field.

use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{BytesMut, Payload};
use actix_web::{HttpRequest, error::PayloadError};
use futures_util::StreamExt as _;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::error::{ApiError, RequestProblem};
use crate::config::constants::http::BODY_LIMIT_BYTES;

/// Reads a JSON object, refusing as soon as too much came or too slowly.
pub(super) async fn read_object(
    request: &HttpRequest,
    payload: Payload,
    timeout: Duration,
) -> Result<Fields, ApiError> {
    refuse_declared_size(request)?;
    let bytes = tokio::time::timeout(timeout, read_bounded(payload))
        .await
        .map_err(|_| ApiError::BodyTimeout)??;
    parse_object(&bytes)
}

fn refuse_declared_size(request: &HttpRequest) -> Result<(), ApiError> {
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if declared.is_some_and(|length| length > BODY_LIMIT_BYTES as u64) {
        return Err(ApiError::BodyTooLarge { limit: BODY_LIMIT_BYTES });
    }
    Ok(())
}

async fn read_bounded(mut payload: Payload) -> Result<BytesMut, ApiError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| unreadable(&error))?;
        if body.len() + chunk.len() > BODY_LIMIT_BYTES {
            return Err(ApiError::BodyTooLarge { limit: BODY_LIMIT_BYTES });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreadable(error: &PayloadError) -> ApiError {
    tracing::debug!(%error, "the body broke off");
    ApiError::InvalidRequest(RequestProblem::body(
        "요청 본문을 끝까지 읽지 못했습니다.",
        "The request body could not be read to its end.",
    ))
}

fn parse_object(bytes: &[u8]) -> Result<Fields, ApiError> {
    let object: Object = serde_json::from_slice(bytes).map_err(|error| {
        // Position and kind are ours to tell; serde_json's text could quote the body.
        let (line, column) = (error.line(), error.column());
        ApiError::InvalidRequest(RequestProblem::body(
            format!("요청 본문은 JSON 객체여야 합니다({line}행 {column}열)."),
            format!("The request body must be a JSON object (line {line}, column {column})."),
        ))
    })?;
    match object.duplicate {
        Some(field) => Err(ApiError::InvalidRequest(RequestProblem::field(
            &field,
            format!("{field} 필드가 두 번 나옵니다."),
            format!("The field {field} appears twice."),
        ))),
        None => Ok(Fields(object.members)),
    }
}

/// The members of a request's body.
#[derive(Debug)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// A required text.
    pub(super) fn text(&mut self, name: &'static str) -> Result<String, ApiError> {
        self.optional_text(name)?.ok_or_else(|| {
            ApiError::InvalidRequest(RequestProblem::field(
                name,
                format!("{name} 필드가 필요합니다."),
                format!("The field {name} is required."),
            ))
        })
    }

    /// A text that may be missing or null.
    pub(super) fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(mistyped(name, "문자열", "a string")),
        }
    }

    /// A whole number that may be missing or null, at least 1.
    pub(super) fn optional_count(&mut self, name: &'static str) -> Result<Option<u64>, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) if number > 0 => Ok(Some(number)),
                _ => Err(mistyped(name, "1 이상의 정수", "a whole number from 1")),
            },
        }
    }

    /// An object that may be missing or null.
    pub(super) fn optional_object(&mut self, name: &'static str) -> Result<Option<Self>, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(members)) => Ok(Some(Self(members))),
            Some(_) => Err(mistyped(name, "객체", "an object")),
        }
    }

    /// Refuses whatever was not taken out: for objects in which a misspelt name must not pass
    /// unnoticed.
    pub(super) fn end(self) -> Result<(), ApiError> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(ApiError::InvalidRequest(RequestProblem::field(
                name,
                format!("알 수 없는 필드입니다: {name}"),
                format!("There is no field {name} here."),
            ))),
        }
    }

    /// A truth value that may be missing or null.
    pub(super) fn optional_flag(&mut self, name: &'static str) -> Result<Option<bool>, ApiError> {
        match self.0.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(mistyped(name, "true 또는 false", "true or false")),
        }
    }
}

fn mistyped(name: &str, korean: &str, english: &str) -> ApiError {
    ApiError::InvalidRequest(RequestProblem::field(
        name,
        format!("{name} 필드는 {korean}이어야 합니다."),
        format!("The field {name} must be {english}."),
    ))
}

/// A JSON object that remembers whether a name came twice: two readers of such a body could
/// disagree about what it says.
struct Object {
    members: Map<String, Value>,
    duplicate: Option<String>,
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut object = Object { members: Map::new(), duplicate: None };
                while let Some(name) = map.next_key::<String>()? {
                    if object.members.contains_key(&name) {
                        map.next_value::<IgnoredAny>()?;
                        object.duplicate = Some(name);
                    } else {
                        object.members.insert(name, map.next_value()?);
                    }
                }
                Ok(object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(bytes: &[u8]) -> RequestProblem {
        match parse_object(bytes) {
            Err(ApiError::InvalidRequest(problem)) => problem,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn a_duplicate_member_is_refused_by_name() {
        let problem = problem(br#"{"language":"java","language":"python"}"#);
        assert_eq!(problem.field.as_deref(), Some("language"));
    }

    #[test]
    fn what_is_no_json_object_is_refused_with_its_position() {
        let nested = vec![b'['; 100_000];
        let texts: [&[u8]; 7] =
            [b"", b"[]", b"\"x\"", b"{\"a\":\"\\ud800\"}", b"{\"a\":\"\xff\"}", b"{} {}", &nested];
        for text in texts {
            assert_eq!(problem(text).field, None);
        }
    }

    #[test]
    fn a_member_of_another_type_is_refused_by_name() {
        let mut fields =
            parse_object(br#"{"language":7,"is_regenerate":"yes"}"#).expect("an object");
        assert!(fields.text("language").is_err());
        assert!(fields.optional_flag("is_regenerate").is_err());
        assert!(fields.text("input_code").is_err());
    }
}
