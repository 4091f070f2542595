use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use serde::Serialize;

use crate::command_line;
use crate::worker::Engine;

/// Measures `POST /execute` beside the bare test frameworks and beside `docker run` of them.
#[derive(Debug, Parser)]
#[command(name = "execute")]
pub(crate) struct Options {
    /// Tiny counts: shows that the benchmark works and measures nothing worth keeping.
    #[arg(long, conflicts_with_all = ["write", "check"])]
    smoke: bool,
    /// Write the figures as JSON to this file instead of printing them.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Put the tables into docs/benchmarks.md.
    #[arg(long)]
    pub(crate) write: bool,
    /// Exit with 1 when an aim is missed.
    #[arg(long)]
    pub(crate) check: bool,
    /// Measure only these; without docker, `docker run` is left out too.
    #[arg(long, value_name = "ENGINES", value_delimiter = ',', conflicts_with = "write")]
    only: Vec<Engine>,
    /// Repeat the whole measurement.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: Option<u32>,
}

impl Options {
    pub(crate) fn engines(&self) -> Vec<Engine> {
        let all = Engine::value_variants().iter().copied();
        all.filter(|engine| self.only.is_empty() || self.only.contains(engine)).collect()
    }

    pub(crate) fn needs_docker(&self) -> bool {
        self.engines().contains(&Engine::Docker)
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
    /// Repetitions of everything but the throughput.
    pub(crate) rounds: u32,
    /// Runs of a language in a warm sandbox, an engine and round.
    pub(crate) warm_runs: u32,
    /// Runs of a language in a sandbox that has to be started, an engine and round.
    pub(crate) cold_runs: u32,
    /// Runs of a bare framework, a language and round.
    pub(crate) bare_runs: u32,
    /// Runs of it in a container, a language and round.
    pub(crate) docker_runs: u32,
    /// Runs in flight at one time.
    pub(crate) in_flight: &'static [usize],
    /// How long throughput is watched, once for each number in flight: in the first round.
    #[serde(rename = "window_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) window: Duration,
    /// How long a load runs before it is watched: what was warm at its start must be used up.
    #[serde(rename = "warm_up_ms", serialize_with = "command_line::milliseconds")]
    pub(crate) warm_up: Duration,
}

impl Effort {
    const FULL: Self = Self {
        rounds: 3,
        warm_runs: 8,
        cold_runs: 4,
        bare_runs: 5,
        docker_runs: 3,
        in_flight: &[1, 2, 4, 8],
        window: Duration::from_secs(5),
        warm_up: Duration::from_millis(1500),
    };

    const SMOKE: Self = Self {
        rounds: 1,
        warm_runs: 1,
        cold_runs: 1,
        bare_runs: 1,
        docker_runs: 1,
        in_flight: &[2],
        window: Duration::from_millis(500),
        warm_up: Duration::ZERO,
    };
}
