use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use serde::Serialize;

use crate::command_line;

/// Measures requests for a user's data, the encryption of fields, and what an outage of Redis adds.
#[derive(Debug, Parser)]
#[command(name = "data")]
pub(crate) struct Options {
    /// Tiny counts: shows that the benchmark works and measures nothing worth keeping.
    #[arg(long, conflicts_with = "write")]
    smoke: bool,
    /// Write the figures as JSON to this file instead of printing them.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Put the tables into docs/benchmarks.md.
    #[arg(long)]
    pub(crate) write: bool,
    /// Repeat the whole measurement; the median counts.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: Option<u32>,
}

impl Options {
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
    /// Users who were here before.
    pub(crate) users: usize,
    /// Users who come once, a round.
    pub(crate) new_users: usize,
    /// Connections that ask for one answer after another.
    pub(crate) connections: u32,
    /// How long they are watched, a question.
    #[serde(rename = "window_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) window: Duration,
    /// How long a load runs before it is watched.
    #[serde(rename = "warm_up_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) warm_up: Duration,
    /// Connections a route when latencies are taken.
    pub(crate) paced_connections: u32,
    /// Time between two requests of one of these.
    #[serde(rename = "interval_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) interval: Duration,
    /// How long they are watched, a state of Redis.
    #[serde(rename = "paced_window_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) paced_window: Duration,
    /// How long a cipher works, a size and direction.
    #[serde(rename = "cipher_window_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) cipher_window: Duration,
}

impl Effort {
    const FULL: Self = Self {
        rounds: 3,
        users: 2_000,
        new_users: 30_000,
        connections: 32,
        window: Duration::from_millis(2_500),
        warm_up: Duration::from_millis(700),
        paced_connections: 16,
        interval: Duration::from_millis(80),
        paced_window: Duration::from_secs(6),
        cipher_window: Duration::from_millis(150),
    };

    const SMOKE: Self = Self {
        rounds: 1,
        users: 20,
        new_users: 200,
        connections: 2,
        window: Duration::from_millis(150),
        warm_up: Duration::from_millis(50),
        paced_connections: 2,
        interval: Duration::from_millis(20),
        paced_window: Duration::from_secs(1),
        cipher_window: Duration::from_millis(5),
    };
}
