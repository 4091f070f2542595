//! What the command lines of all benchmarks share.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

/// The options on the command line, without the word that cargo adds for every benchmark.
pub(crate) fn parse<Options: Parser>() -> Options {
    Options::parse_from(std::env::args_os().filter(|argument| argument != "--bench"))
}

/// Tells of an error, if there is one.
pub(crate) fn end(benchmark: &str, outcome: anyhow::Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        eprintln!("bench {benchmark}: {error:#}");
        ExitCode::FAILURE
    })
}

/// Writes a wait of the effort into JSON, in milliseconds.
pub(crate) fn milliseconds<S: serde::Serializer>(
    time: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(time.as_millis())
}
