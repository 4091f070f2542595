use secrecy::SecretString;
use url::Url;

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line with Cloud Logging's field names.
    Json,
    /// For people.
    Text,
}

/// What is logged and how.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// `LOG_FORMAT`: `json` (default of `serve`) or `text` (default of `dev`).
    pub format: LogFormat,
    /// `RUST_LOG`: a tracing-subscriber filter.
    pub filter: String,
    /// `GOOGLE_CLOUD_PROJECT`: the project that traces belong to, so that Cloud Logging finds the
    /// lines of one.
    pub project: Option<String>,
    /// Where spans go, if anywhere.
    pub traces: Option<TracesSettings>,
}

/// How spans are exported (OTLP over HTTP, protobuf).
#[derive(Clone, Debug)]
pub struct TracesSettings {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the root of the collector; `/v1/traces` is appended.
    pub endpoint: Url,
    /// `OTEL_EXPORTER_OTLP_HEADERS`: what the collector wants to see, by header; values are secret.
    pub headers: Vec<(String, SecretString)>,
    /// `telemetry.traces_sampled`: the share of traces that is exported, from 0 to 1.
    pub sampled: f64,
}
