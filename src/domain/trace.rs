use std::fmt;

use uuid::Uuid;

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

    /// Takes an id over. `None` when it is not 32 lower-case hex digits, or all zero.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        is_id(text, 32).then(|| Self(text.to_owned()))
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

/// One step of a trace: 16 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpanId(String);

impl SpanId {
    /// A fresh random id.
    #[must_use]
    pub fn random() -> Self {
        let mut digits = Uuid::new_v4().simple().to_string();
        // The first half: all but four of its bits are random, so it is never zero.
        digits.truncate(16);
        Self(digits)
    }

    /// Takes an id over. `None` when it is not 16 lower-case hex digits, or all zero.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        is_id(text, 16).then(|| Self(text.to_owned()))
    }

    /// The 16 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A place in a trace: where a request comes from, or what it hands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace_id: TraceId,
    /// The step in it.
    pub span_id: SpanId,
    /// Whether whoever began the trace records it.
    pub sampled: bool,
}

impl TraceContext {
    /// The first step of a trace that nobody else knows of.
    #[must_use]
    pub fn random() -> Self {
        Self { trace_id: TraceId::random(), span_id: SpanId::random(), sampled: false }
    }

    /// Another step of the same trace.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { span_id: SpanId::random(), ..self.clone() }
    }

    /// Reads a `traceparent` value (W3C Trace Context §3.2: `version-traceid-parent-flags`), `None`
    /// when it is malformed or an id is all zero.
    #[must_use]
    pub fn from_traceparent(value: &str) -> Option<Self> {
        let mut fields = value.split('-');
        let (version, trace) = (fields.next()?, fields.next()?);
        let (parent, flags) = (fields.next()?, fields.next()?);
        if !is_lower_hex(version, 2) || version == "ff" || !is_lower_hex(flags, 2) {
            return None;
        }
        let sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        Some(Self {
            trace_id: TraceId::from_hex(trace)?,
            span_id: SpanId::from_hex(parent)?,
            sampled,
        })
    }

    /// Reads an `X-Cloud-Trace-Context` value (`TRACE/SPAN;o=1`, the span a decimal number). One
    /// without a usable span begins at a random one.
    #[must_use]
    pub fn from_cloud_trace_context(value: &str) -> Option<Self> {
        let (ids, options) = value.split_once(';').unwrap_or((value, ""));
        let (trace, span) = ids.split_once('/').unwrap_or((ids, ""));
        let span = span.parse().ok().filter(|span: &u64| *span != 0);
        Some(Self {
            trace_id: TraceId::from_hex(trace)?,
            span_id: span.map_or_else(SpanId::random, |span| SpanId(format!("{span:016x}"))),
            sampled: options == "o=1",
        })
    }

    /// The value of `traceparent` for whoever is called from this step.
    #[must_use]
    pub fn to_traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

/// W3C Trace Context §3.2.2.3: all zero is no id.
fn is_id(text: &str, length: usize) -> bool {
    is_lower_hex(text, length) && text.bytes().any(|digit| digit != b'0')
}

fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_well_formed_traceparent_is_taken_over_and_handed_on() {
        for (flags, sampled) in [("00", false), ("01", true), ("03", true), ("02", false)] {
            let value = format!("00-{TRACE}-{SPAN}-{flags}");
            let context = TraceContext::from_traceparent(&value).expect("well-formed");
            assert_eq!(context.trace_id.as_str(), TRACE);
            assert_eq!(context.span_id.as_str(), SPAN);
            assert_eq!(context.sampled, sampled, "{flags}");
            let written = TraceContext::from_traceparent(&context.to_traceparent());
            assert_eq!(written, Some(context));
        }
    }

    #[test]
    fn a_later_version_may_have_more_fields() {
        let value = format!("01-{TRACE}-{SPAN}-01-what-is-to-come");
        assert!(TraceContext::from_traceparent(&value).is_some());
    }

    #[test]
    fn a_malformed_traceparent_is_ignored() {
        let zero = "0".repeat(32);
        for value in [
            String::new(),
            TRACE.to_owned(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{zero}-{SPAN}-01"),
            format!("00-{TRACE}-0000000000000000-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}\n-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-0g"),
        ] {
            assert_eq!(TraceContext::from_traceparent(&value), None, "{value:?}");
        }
    }

    #[test]
    fn a_cloud_trace_header_is_taken_over() {
        let context = TraceContext::from_cloud_trace_context(&format!("{TRACE}/255;o=1"));
        let context = context.expect("well-formed");
        assert_eq!(context.trace_id.as_str(), TRACE);
        assert_eq!(context.span_id.as_str(), "00000000000000ff");
        assert!(context.sampled);
        for value in [TRACE.to_owned(), format!("{TRACE}/0;o=0"), format!("{TRACE}/x")] {
            let context = TraceContext::from_cloud_trace_context(&value).expect("a trace id");
            assert!(!context.sampled, "{value}");
            assert!(SpanId::from_hex(context.span_id.as_str()).is_some(), "{value}");
        }
        assert_eq!(TraceContext::from_cloud_trace_context("short/1"), None);
    }

    #[test]
    fn random_ids_are_ids() {
        let context = TraceContext::random();
        assert_eq!(TraceId::from_hex(context.trace_id.as_str()), Some(context.trace_id.clone()));
        assert_eq!(SpanId::from_hex(context.span_id.as_str()), Some(context.span_id.clone()));
        assert_ne!(context.next().span_id, context.span_id);
        assert_eq!(context.next().trace_id, context.trace_id);
    }
}
