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
}
