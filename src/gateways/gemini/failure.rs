//! What went wrong, in TESTER's terms, and whether trying again may help.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::wire::ApiError;
use crate::gateways::{LlmDeadline, LlmError};

/// Longest name of a reason that is believed to be one; the API's have up to 40 characters.
const NAME_MAX_LENGTH: usize = 64;

/// A failed attempt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// What the caller is told.
    pub error: LlmError,
    /// Whether another attempt may help, as long as no text was handed on.
    pub retry: Retry,
}

/// Whether another attempt may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It would fail the same way.
    Never,
    /// It may, after a wait of our own choice.
    AfterBackoff,
    /// It may, but not before the provider's wait is over.
    NotBefore(Duration),
}

impl Failure {
    pub(super) const fn last(error: LlmError) -> Self {
        Self { error, retry: Retry::Never }
    }

    pub(super) fn malformed(what: impl Into<String>) -> Self {
        Self::last(LlmError::Malformed(what.into()))
    }

    pub(super) const fn timeout(deadline: LlmDeadline) -> Self {
        Self::last(LlmError::Timeout(deadline))
    }

    /// The connection can't be had or broke.
    pub(super) fn unreachable(cause: impl Into<String>) -> Self {
        Self { error: LlmError::Unreachable(cause.into()), retry: Retry::AfterBackoff }
    }

    /// An error status, or an error in mid-stream. `retry_after` is the header's word, which a
    /// `RetryInfo` in the error outranks.
    pub(super) fn from_status(
        status: u16,
        retry_after: Option<Duration>,
        error: Option<&ApiError>,
    ) -> Self {
        let retry_after = error.and_then(retry_delay).or(retry_after);
        if !matches!(status, 408 | 429 | 500 | 502 | 503 | 504) {
            let reason = error.map(reasons).unwrap_or_default();
            return Self::last(LlmError::Rejected { status, reason });
        }
        let retry = match retry_after {
            _ if error.is_some_and(is_quota_of_the_day) => Retry::Never,
            Some(delay) => Retry::NotBefore(delay),
            None => Retry::AfterBackoff,
        };
        Self { error: LlmError::Busy { status, retry_after }, retry }
    }

    /// An error that stands in the stream of a 200.
    pub(super) fn from_stream(error: &ApiError) -> Self {
        let status = error.code.unwrap_or_else(|| status_of(&error.status));
        Self::from_status(status, None, Some(error))
    }
}

/// The HTTP status of a canonical name (`google/rpc/code.proto`), for an error that gives no code.
fn status_of(name: &str) -> u16 {
    match name {
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => 400,
        "UNAUTHENTICATED" => 401,
        "PERMISSION_DENIED" => 403,
        "NOT_FOUND" => 404,
        "RESOURCE_EXHAUSTED" => 429,
        "UNAVAILABLE" => 503,
        "DEADLINE_EXCEEDED" => 504,
        _ => 500,
    }
}

fn retry_delay(error: &ApiError) -> Option<Duration> {
    error.details.iter().find_map(|detail| parse_delay(detail.retry_delay.as_deref()?))
}

/// A quota of the day comes back tomorrow: no wait inside a request helps.
fn is_quota_of_the_day(error: &ApiError) -> bool {
    let mut violations = error.details.iter().flat_map(|detail| &detail.violations);
    violations.any(|violation| violation.quota_id.contains("PerDay"))
}

/// Reads `"34.4s"` and `"250ms"`.
pub(super) fn parse_delay(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s')?, 1.0),
    };
    let seconds = number.parse::<f64>().ok()? * unit;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Reads `Retry-After` in seconds. Its other form, a date, no Google service sends.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What the provider calls the error: its canonical name, then the reasons in its details.
fn reasons(error: &ApiError) -> String {
    let given = error.details.iter().map(|detail| detail.reason.as_str());
    let names = std::iter::once(error.status.as_str()).chain(given).filter(|text| is_name(text));
    names.collect::<Vec<_>>().join(", ")
}

/// A provider's name for a reason, if it is one.
pub(super) fn name(text: &str) -> String {
    if is_name(text) { text.to_owned() } else { "a reason without a name".to_owned() }
}

/// Whether it is a name as the API has them, `RESOURCE_EXHAUSTED`. Whatever else a provider says is
/// not passed on: it may quote the prompt, which is a user's, or the key.
fn is_name(text: &str) -> bool {
    let fits = (1..=NAME_MAX_LENGTH).contains(&text.len());
    fits && text.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::super::wire::error_in;
    use super::*;

    #[test]
    fn delays_are_read_in_both_units_and_nonsense_is_none() {
        for (text, expected) in [
            ("34.4s", Some(Duration::from_millis(34_400))),
            ("250ms", Some(Duration::from_millis(250))),
            ("0s", Some(Duration::ZERO)),
            ("-1s", None),
            ("infs", None),
            ("NaNs", None),
            ("1e300s", None),
            ("5", None),
            ("5m", None),
            ("s", None),
            ("", None),
        ] {
            assert_eq!(parse_delay(text), expected, "{text:?}");
        }
    }

    #[test]
    fn only_the_statuses_of_the_list_may_be_tried_again() {
        for status in 300..600 {
            let failure = Failure::from_status(status, None, None);
            let listed = [408, 429, 500, 502, 503, 504].contains(&status);
            assert_eq!(failure.retry != Retry::Never, listed, "{status}");
        }
    }

    #[test]
    fn only_names_of_the_provider_are_passed_on() {
        for text in ["SAFETY", "API_KEY_INVALID", "REASON_2"] {
            assert_eq!(name(text), text);
        }
        for text in ["", "Safety", "def secret():", "A B", "A\nB", "한", &"X".repeat(65)] {
            assert_eq!(name(text), "a reason without a name", "{text:?}");
        }
    }

    #[test]
    fn a_strange_error_still_gives_what_can_be_read() {
        let text = br#"{"error":{"code":"x","message":5,"status":"UNAVAILABLE","details":[
            {"@type":"a"},{"retryDelay":7},{"retryDelay":"2s"}]}}"#;
        let error = error_in(text).expect("an error");
        let failure = Failure::from_stream(&error);
        assert_eq!(
            failure.error,
            LlmError::Busy { status: 503, retry_after: Some(Duration::from_secs(2)) }
        );
    }
}
