use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use serde::Serialize;

use crate::command_line;
use crate::contender::ContenderKind;

/// Measures `POST /api/generate` beside nginx and beside the bare peer.
#[derive(Debug, Parser)]
#[command(name = "generate")]
pub(crate) struct Options {
    /// Tiny counts: shows that the benchmark works and measures nothing worth keeping.
    #[arg(long, conflicts_with_all = ["write", "check"])]
    smoke: bool,
    /// Write the figures as JSON to this file instead of printing them.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Put the table into docs/benchmarks.md.
    #[arg(long)]
    pub(crate) write: bool,
    /// Exit with 1 when an aim is missed.
    #[arg(long)]
    pub(crate) check: bool,
    /// Measure only these; `peer` is always among them.
    #[arg(long, value_name = "WHAT", value_delimiter = ',', conflicts_with = "write")]
    only: Vec<ContenderKind>,
    /// Repeat the whole measurement; the median counts.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: Option<u32>,
}

impl Options {
    /// What is measured, the peer first: it is the floor of the others.
    pub(crate) fn contenders(&self) -> Vec<ContenderKind> {
        let wanted = |kind: &ContenderKind| {
            self.only.is_empty() || *kind == ContenderKind::Peer || self.only.contains(kind)
        };
        ContenderKind::ALL.into_iter().filter(wanted).collect()
    }

    /// How much is done.
    pub(crate) fn effort(&self) -> Effort {
        let effort = if self.smoke { Effort::SMOKE } else { Effort::FULL };
        Effort { rounds: self.rounds.unwrap_or(effort.rounds), ..effort }
    }
}

/// How much is done, and so how long it takes: every count and wait of the benchmark.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Effort {
    /// Repetitions of everything; the median counts.
    pub(crate) rounds: u32,
    /// Starts with an empty data folder, and as many again with a used one, a round.
    pub(crate) starts: u32,
    /// Streams open at once when memory and latency are measured.
    pub(crate) open_streams: u32,
    /// Time between two chunks of an open stream.
    #[serde(rename = "interval_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) interval: Duration,
    /// How long open streams are watched.
    #[serde(rename = "paced_window_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) paced_window: Duration,
    /// Connections that ask for one short stream after another.
    pub(crate) short_connections: u32,
    /// Chunks of a short stream.
    pub(crate) short_chunks: u32,
    /// Connections that ask for one long unpaced stream after another.
    pub(crate) saturating_connections: u32,
    /// Chunks of a long stream.
    pub(crate) long_chunks: u32,
    /// How long the unpaced loads are watched.
    #[serde(rename = "window_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) window: Duration,
    /// How long a load runs before it is watched.
    #[serde(rename = "warm_up_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) warm_up: Duration,
}

impl Effort {
    const FULL: Self = Self {
        rounds: 3,
        starts: 10,
        open_streams: 500,
        interval: Duration::from_millis(50),
        paced_window: Duration::from_secs(10),
        short_connections: 32,
        short_chunks: 8,
        saturating_connections: 32,
        long_chunks: 500,
        window: Duration::from_secs(5),
        warm_up: Duration::from_secs(1),
    };

    const SMOKE: Self = Self {
        rounds: 1,
        starts: 1,
        open_streams: 8,
        interval: Duration::from_millis(10),
        paced_window: Duration::from_millis(200),
        short_connections: 2,
        short_chunks: 3,
        saturating_connections: 2,
        long_chunks: 50,
        window: Duration::from_millis(200),
        warm_up: Duration::from_millis(50),
    };

    /// Chunks a paced stream needs to outlast opening, warm-up and window twice over.
    pub(crate) fn paced_chunks(&self) -> u32 {
        let seconds = 2 * (self.warm_up + self.paced_window) + Duration::from_secs(20);
        let chunks = seconds.as_millis() / self.interval.as_millis().max(1);
        u32::try_from(chunks).unwrap_or(u32::MAX)
    }
}
