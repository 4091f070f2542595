use std::fmt;
use std::io;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

/// A layer that writes one JSON object a line, as Cloud Logging reads it. The fields of the
/// enclosing spans come along.
///
/// <https://cloud.google.com/logging/docs/structured-logging#structured_logging_special_fields>:
/// `trace_id` and `span_id` become the fields that join lines to a trace, and `httpRequest.…` one
/// object of that name.
pub(super) struct JsonLines<W> {
    write: W,
    /// What stands before a trace id, so that Cloud Logging finds the trace.
    trace_prefix: String,
}

impl<W> JsonLines<W> {
    pub(super) fn new(write: W, project: Option<&str>) -> Self {
        let trace_prefix =
            project.map_or_else(String::new, |project| format!("projects/{project}/traces/"));
        Self { write, trace_prefix }
    }
}

/// A span's fields, kept for the events inside of it.
struct SpanFields(Map<String, Value>);

impl<S, W, O> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    W: Fn() -> O + 'static,
    O: io::Write,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields.0));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(SpanFields(known)) = span.extensions_mut().get_mut() {
            known.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Map::new();
        let now = OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default();
        line.insert("time".to_owned(), now.into());
        line.insert("severity".to_owned(), severity(*event.metadata().level()).into());
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(SpanFields(fields)) = span.extensions().get() {
                line.extend(fields.clone());
            }
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        line.extend(fields.0);
        if let Some(Value::String(trace)) = line.remove("trace_id") {
            let trace = format!("{}{trace}", self.trace_prefix);
            line.insert("logging.googleapis.com/trace".to_owned(), trace.into());
        }
        if let Some(span) = line.remove("span_id") {
            line.insert("logging.googleapis.com/spanId".to_owned(), span);
        }
        line.insert("target".to_owned(), event.metadata().target().into());
        let mut text = Value::Object(line).to_string();
        text.push('\n');
        // One write a line, so that lines of threads don't mix. A log that can't be written has
        // nowhere to say so.
        let _ = (self.write)().write_all(text.as_bytes());
    }
}

/// Cloud Logging's names for levels.
const fn severity(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG | Level::TRACE => "DEBUG",
    }
}

/// Collects an event's or a span's fields as JSON.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        // For the exporter of traces only.
        if name.starts_with("otel.") {
            return;
        }
        let Some(part) = name.strip_prefix("httpRequest.") else {
            self.0.insert(name.to_owned(), value.into());
            return;
        };
        let request = self.0.entry("httpRequest").or_insert_with(|| Map::new().into());
        if let Value::Object(request) = request {
            request.insert(part.to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// Where a test's log lines go.
    #[derive(Clone, Default)]
    pub(in crate::app::telemetry) struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Sink {
        pub(in crate::app::telemetry) fn text(&self) -> String {
            let bytes = self.0.lock().expect("no test panics with the lock").clone();
            String::from_utf8(bytes).expect("a log is text")
        }
    }

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no test panics with the lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_json_object_with_cloud_logging_fields() {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = JsonLines::new(move || writer.clone(), Some("my-project"));
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!(
                "request",
                otel.kind = "server",
                trace_id = tracing::field::Empty,
                span_id = "def"
            );
            span.record("trace_id", "abc");
            span.in_scope(|| {
                tracing::warn!(
                    httpRequest.status = 503_u64,
                    httpRequest.latency = "0.2s",
                    "two\nlines \"quoted\""
                );
            });
        });
        let text = sink.text();
        assert_eq!(text.matches('\n').count(), 1);
        let line: Value = serde_json::from_str(&text).expect("one JSON object");
        assert_eq!(line["severity"], "WARNING");
        assert_eq!(line["message"], "two\nlines \"quoted\"");
        assert_eq!(line["httpRequest"], serde_json::json!({"status": 503, "latency": "0.2s"}));
        assert_eq!(line["logging.googleapis.com/trace"], "projects/my-project/traces/abc");
        assert_eq!(line["logging.googleapis.com/spanId"], "def");
        for name in ["trace_id", "span_id", "otel.kind", "httpRequest.status"] {
            assert!(line.get(name).is_none(), "{name}");
        }
    }
}
