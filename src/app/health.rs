//! `GET /health`: every dependency of this process, by the same probes as `check-env --online`.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::probes::{Condition, Dependency, PROBE_DEADLINE, Probe, Prober};
use crate::config::{GeminiSettings, ServeSettings};
use crate::domain::ModelCatalog;
use crate::repositories::Sqlite;
use crate::sandbox::Runner;

/// Knows whom to ask.
pub enum HealthCheck {
    /// The dependencies of `tester serve`.
    Serve(Box<ServeSettings>),
    /// The dependencies of `tester dev`.
    Dev {
        /// The database in the data folder.
        database: Sqlite,
        /// The model, when there is a key.
        gemini: Option<Box<(GeminiSettings, ModelCatalog)>>,
        /// What runs tests.
        runner: Runner,
    },
}

/// How this process is, all in all. The worse, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Every dependency is up.
    Healthy,
    /// The main job works, something beside it does not.
    Degraded,
    /// The main job does not work.
    Unhealthy,
}

/// The answer to an operator.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HealthReport {
    /// All in all.
    pub status: Health,
    /// Each dependency.
    pub dependencies: Vec<DependencyReport>,
}

/// How one dependency is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DependencyReport {
    /// Its name.
    pub name: String,
    /// `up`, `degraded` or `down`.
    pub state: &'static str,
    /// How long it took to find out.
    pub latency_ms: u64,
    /// Why it is not up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

impl HealthCheck {
    /// Asks all dependencies side by side, each with a deadline.
    pub async fn run(&self) -> HealthReport {
        let ask = Prober::new(PROBE_DEADLINE);
        match self {
            Self::Serve(settings) => report(ask.ask_all(settings).await),
            Self::Dev { database, gemini, runner } => {
                let mut probes = vec![ask.database(database).await, sandbox(runner)];
                if let Some(gemini) = gemini {
                    probes.push(ask.model(&gemini.0, &gemini.1).await);
                }
                report(probes)
            }
        }
    }
}

/// How tests are run here. Nobody is asked: the runner knows.
fn sandbox(runner: &Runner) -> Probe {
    let health = runner.health();
    let condition = match health.problems.first() {
        Some(problem) => Condition::Degraded(problem.clone()),
        None if health.engine == "reduced" => Condition::Degraded(
            "tests run in the reduced mode: no namespaces here, and no Docker".to_owned(),
        ),
        None => Condition::Up,
    };
    Probe { dependency: Dependency::Sandbox, condition, latency: Duration::ZERO }
}

fn report(probes: Vec<Probe>) -> HealthReport {
    for probe in &probes {
        let up = i32::from(!matches!(probe.condition, Condition::Down(_)));
        let dependency = probe.dependency.to_string();
        metrics::gauge!("tester_dependency_up", "dependency" => dependency).set(up);
    }
    let status = probes.iter().map(weigh).max().unwrap_or(Health::Healthy);
    HealthReport { status, dependencies: probes.into_iter().map(DependencyReport::from).collect() }
}

/// Without the model, the database, the wallet or the bot check nothing is generated; the rest is
/// beside.
fn weigh(probe: &Probe) -> Health {
    match (&probe.condition, probe.dependency.is_vital()) {
        (Condition::Up, _) => Health::Healthy,
        (Condition::Degraded(_), _) | (Condition::Down(_), false) => Health::Degraded,
        (Condition::Down(_), true) => Health::Unhealthy,
    }
}

impl From<Probe> for DependencyReport {
    fn from(probe: Probe) -> Self {
        let (state, reason) = match probe.condition {
            Condition::Up => ("up", None),
            Condition::Degraded(reason) => ("degraded", Some(reason)),
            Condition::Down(reason) => ("down", Some(reason)),
        };
        Self {
            name: probe.dependency.to_string(),
            state,
            latency_ms: u64::try_from(probe.latency.as_millis()).unwrap_or(u64::MAX),
            reason,
        }
    }
}
