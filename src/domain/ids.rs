use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who owns a row: the `sub` of a Supabase token, or the local user of `tester dev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One generation: the id of its history row and the reference of its wallet charge, so that a
/// row, its charge and its refund can be matched afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GenerationId(pub Uuid);

impl GenerationId {
    /// A fresh random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for GenerationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id under which one request is found in the logs: 32 lower-case hex digits, as in the W3C
/// trace context.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TraceId(String);

impl TraceId {
    /// A fresh random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4().simple().to_string())
    }

    /// Takes the trace id out of a `traceparent` value (W3C Trace Context §3.2:
    /// `version-traceid-parent-flags`), `None` when it is malformed or all zero.
    #[must_use]
    pub fn from_traceparent(value: &str) -> Option<Self> {
        let mut fields = value.split('-');
        let version = fields.next()?;
        let trace = fields.next()?;
        let parent = fields.next()?;
        let flags = fields.next()?;
        let well_formed = is_lower_hex(version, 2)
            && version != "ff"
            && is_lower_hex(parent, 16)
            && is_lower_hex(flags, 2);
        well_formed.then(|| Self::from_hex(trace)).flatten()
    }

    /// Takes the trace id out of an `X-Cloud-Trace-Context` value (`TRACE/SPAN;o=1`).
    #[must_use]
    pub fn from_cloud_trace_context(value: &str) -> Option<Self> {
        Self::from_hex(value.split(['/', ';']).next()?)
    }

    fn from_hex(trace: &str) -> Option<Self> {
        let usable = is_lower_hex(trace, 32) && trace.bytes().any(|digit| digit != b'0');
        usable.then(|| Self(trace.to_owned()))
    }

    /// The 32 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_well_formed_traceparent_is_taken_over() {
        let value = format!("00-{TRACE}-00f067aa0ba902b7-01");
        assert_eq!(TraceId::from_traceparent(&value).as_ref().map(TraceId::as_str), Some(TRACE));
    }

    #[test]
    fn a_malformed_traceparent_is_ignored() {
        let zero = "0".repeat(32);
        for value in [
            String::new(),
            TRACE.to_owned(),
            format!("ff-{TRACE}-00f067aa0ba902b7-01"),
            format!("00-{TRACE}-00f067aa0ba902b7"),
            format!("00-{zero}-00f067aa0ba902b7-01"),
            format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()),
            format!("00-{TRACE}\n-00f067aa0ba902b7-01"),
        ] {
            assert_eq!(TraceId::from_traceparent(&value), None, "{value:?}");
        }
    }

    #[test]
    fn a_cloud_trace_header_is_taken_over() {
        let value = format!("{TRACE}/123;o=1");
        assert_eq!(
            TraceId::from_cloud_trace_context(&value).as_ref().map(TraceId::as_str),
            Some(TRACE)
        );
        assert_eq!(TraceId::from_cloud_trace_context("short/1"), None);
    }
}
