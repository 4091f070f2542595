//! What went wrong, in TESTER's terms, and whether trying again may help.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};

use super::wire::ApiError;
use crate::gateways::{LlmDeadline, LlmError};

/// Most characters of a provider's words that go into an error.
const MAX_WORDS: usize = 300;

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
        redactor: &Redactor,
    ) -> Self {
        let retry_after = error.and_then(retry_delay).or(retry_after);
        if !matches!(status, 408 | 429 | 500 | 502 | 503 | 504) {
            let message = error.map(|error| redactor.clean(&error.message)).unwrap_or_default();
            return Self::last(LlmError::Rejected { status, message });
        }
        let retry = match retry_after {
            _ if error.is_some_and(is_quota_of_the_day) => Retry::Never,
            Some(delay) => Retry::NotBefore(delay),
            None => Retry::AfterBackoff,
        };
        Self { error: LlmError::Busy { status, retry_after }, retry }
    }

    /// An error that stands in the stream of a 200.
    pub(super) fn from_stream(error: &ApiError, redactor: &Redactor) -> Self {
        let status = error.code.unwrap_or_else(|| status_of(&error.status));
        Self::from_status(status, None, Some(error), redactor)
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

/// Makes a provider's words fit for a log: short, on one line, free of the key.
#[derive(Debug)]
pub struct Redactor {
    key: SecretString,
}

impl Redactor {
    /// Takes the key to look for.
    #[must_use]
    pub const fn new(key: SecretString) -> Self {
        Self { key }
    }

    pub(super) fn clean(&self, words: &str) -> String {
        // Control characters first: one in the middle must not hide the key.
        let line: String = words
            .chars()
            .map(|char| if char.is_whitespace() { ' ' } else { char })
            .filter(|char| !char.is_control())
            .collect();
        let key = self.key.expose_secret();
        let line = if key.is_empty() { line } else { line.replace(key, "[key]") };
        line.chars().take(MAX_WORDS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::error_in;
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new("AQ.secret".into())
    }

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
            let failure = Failure::from_status(status, None, None, &redactor());
            let listed = [408, 429, 500, 502, 503, 504].contains(&status);
            assert_eq!(failure.retry != Retry::Never, listed, "{status}");
        }
    }

    #[test]
    fn the_words_of_the_provider_come_short_on_one_line_and_without_the_key() {
        let words = format!("bad\u{0}\r\n\tkey AQ.\u{7}secret {}", "x".repeat(1_000));
        let clean = redactor().clean(&words);
        assert!(clean.starts_with("bad   key [key] xxx"), "{clean:?}");
        assert_eq!(clean.chars().count(), MAX_WORDS);
        assert!(!clean.contains("secret"));
    }

    #[test]
    fn an_empty_key_redacts_nothing() {
        assert_eq!(Redactor::new("".into()).clean("word"), "word");
    }

    #[test]
    fn a_strange_error_still_gives_what_can_be_read() {
        let text = br#"{"error":{"code":"x","message":5,"status":"UNAVAILABLE","details":[
            {"@type":"a"},{"retryDelay":7},{"retryDelay":"2s"}]}}"#;
        let error = error_in(text).expect("an error");
        let failure = Failure::from_stream(&error, &redactor());
        assert_eq!(
            failure.error,
            LlmError::Busy { status: 503, retry_after: Some(Duration::from_secs(2)) }
        );
    }
}
