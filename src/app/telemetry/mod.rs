//! Logs, metrics and traces of this process.
//!
//! In `json` form one object a line with Cloud Logging's special fields, so that a request's lines
//! are found under its trace. What a line may hold is one rule for all of them: ids, counts, times
//! and names from closed lists; never code, tokens, keys, addresses or names of users.

mod log_lines;
mod metrics;
mod traces;

use std::io::{self, IsTerminal as _};

use tracing::Level;
use tracing_subscriber::filter::{FilterExt as _, FilterFn, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use self::log_lines::JsonLines;
pub use self::metrics::{Metrics, metrics};
pub use self::traces::{TracesError, begin, describe, flush};
use crate::config::{LogFormat, TelemetrySettings};

/// Why logging can't start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter is no tracing-subscriber filter.
    #[error("RUST_LOG can't be read: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Another subscriber is in place.
    #[error("logging is set up already: {0}")]
    Taken(#[from] tracing_subscriber::util::TryInitError),
    /// The collector can't be used.
    #[error(transparent)]
    Traces(#[from] TracesError),
}

/// Sends this process's logs to standard error and, if a collector is configured, its traces to
/// that, under the name of this service. Call once, from the command line's edge, on the runtime.
///
/// # Errors
///
/// [`TelemetryError`] when the filter is malformed or logging is set up already.
pub fn init(settings: &TelemetrySettings, service: &'static str) -> Result<(), TelemetryError> {
    let filter = EnvFilter::try_new(&settings.filter)?.and(quiet_libraries());
    let traces = match &settings.traces {
        Some(traces) => Some(traces::layer(traces, service)?),
        None => None,
    };
    // The filter is the log's alone: a quiet log is no reason to miss traces.
    let registry = tracing_subscriber::registry().with(traces);
    match settings.format {
        LogFormat::Json => {
            let lines = JsonLines::new(io::stderr, settings.project.as_deref());
            registry.with(lines.with_filter(filter)).try_init()?;
        }
        LogFormat::Text => {
            let lines = tracing_subscriber::fmt::layer()
                .with_writer(io::stderr)
                .with_ansi(io::stderr().is_terminal())
                .with_target(false);
            registry.with(lines.with_filter(filter)).try_init()?;
        }
    }
    Ok(())
}

/// Below info, libraries tell of what passes through them: headers, bodies, commands, and with them
/// keys, tokens and users' texts. So only what this program says itself is logged there, whatever
/// `RUST_LOG` asks for.
fn quiet_libraries() -> FilterFn {
    filter_fn(|metadata| {
        let target = metadata.target();
        let ours = target == "tester" || target.starts_with("tester::");
        ours || *metadata.level() <= Level::INFO
    })
}

#[cfg(test)]
mod tests {
    use super::log_lines::tests::Sink;
    use super::*;

    #[test]
    fn libraries_say_no_more_than_information_whatever_is_asked_of_them() {
        let sink = Sink::default();
        let writer = sink.clone();
        let filter = EnvFilter::new("trace,hyper=trace").and(quiet_libraries());
        let lines = JsonLines::new(move || writer.clone(), None).with_filter(filter);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::trace!(target: "hyper::proto", "a header");
            tracing::debug!(target: "testers", "a body");
            tracing::info!(target: "actix_server", "a thread");
            tracing::trace!(target: "tester::api", "our own");
        });
        let text = sink.text();
        let said: Vec<bool> =
            ["a header", "a body", "a thread", "our own"].map(|words| text.contains(words)).into();
        assert_eq!(said, [false, false, true, true], "{text}");
    }
}
