use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use serde::Serialize;

use crate::command_line;

/// Holds many streams open, spikes, soaks in mixed traffic, and counts in the database what came of
/// it.
#[derive(Debug, Parser)]
#[command(name = "load")]
pub(crate) struct Options {
    /// Tiny counts and seconds: shows that all of it works and measures nothing worth keeping.
    #[arg(long, conflicts_with = "write")]
    smoke: bool,
    /// Write the figures as JSON to this file instead of printing them.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Put the table into docs/benchmarks.md.
    #[arg(long)]
    pub(crate) write: bool,
    /// How long the mixed traffic goes on.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(4..=86_400))]
    soak_seconds: Option<u64>,
}

impl Options {
    /// How much is done.
    pub(crate) fn effort(&self) -> Effort {
        let effort = if self.smoke { Effort::SMOKE } else { Effort::FULL };
        let soak = self.soak_seconds.map_or(effort.soak, Duration::from_secs);
        Effort { soak, ..effort }
    }
}

/// How much is done, and so how long it takes: every count and wait of the benchmark.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Effort {
    /// Users with a wallet. Each may begin five generations a minute while streams are held.
    pub(crate) users: usize,
    /// Streams each of them holds open.
    pub(crate) held_each: usize,
    /// Over how long these begin.
    #[serde(rename = "ramp_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) ramp: Duration,
    /// How long all of them are open.
    #[serde(rename = "hold_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) hold: Duration,
    /// Streams each of them asks for after that.
    pub(crate) spike_each: usize,
    /// Within how long, and how long the shortest of these is.
    #[serde(rename = "spike_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) spike: Duration,
    /// Between two chunks of a stream.
    #[serde(rename = "pace_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) pace: Duration,
    /// Clients of the mixed traffic, each doing one thing after another.
    pub(crate) clients: usize,
    /// How long a client rests between two.
    #[serde(rename = "rest_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) rest: Duration,
    /// How long the mixed traffic goes on.
    #[serde(rename = "soak_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) soak: Duration,
}

impl Effort {
    const FULL: Self = Self {
        users: 200,
        held_each: 5,
        ramp: Duration::from_secs(20),
        // A little more than the minute of the rate limit: the spike finds it open again.
        hold: Duration::from_secs(62),
        spike_each: 10,
        spike: Duration::from_secs(10),
        pace: Duration::from_millis(250),
        clients: 24,
        rest: Duration::from_millis(100),
        soak: Duration::from_mins(10),
    };

    const SMOKE: Self = Self {
        users: 12,
        held_each: 2,
        ramp: Duration::from_millis(500),
        hold: Duration::from_secs(2),
        spike_each: 6,
        spike: Duration::from_secs(1),
        pace: Duration::from_millis(100),
        clients: 6,
        rest: Duration::from_millis(50),
        soak: Duration::from_secs(8),
    };
}
