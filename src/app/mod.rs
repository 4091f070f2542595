//! The application: its state, how it starts, how it stops, what it reports.
//!
//! The only room that chooses implementations and reads the environment.

mod connection;
mod edge;
pub mod engines;
pub mod environment;
pub mod health;
mod lifecycle;
mod listener;
pub mod liveness;
mod local_data;
pub mod probes;
mod shutdown;
pub mod startup;
mod stores;
pub mod telemetry;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use self::health::HealthCheck;
pub use self::lifecycle::Lifecycle;
use self::telemetry::Metrics;
use crate::config::BuiltinSettings;
use crate::crypto::Pseudonyms;
use crate::domain::ModelCatalog;
use crate::gateways::TokenVerifier;
use crate::sandbox::Runner;
use crate::services::execution::ExecutionService;
use crate::services::generation::GenerationService;
use crate::services::history::HistoryService;
use crate::services::rate_limits::RateLimits;
use crate::services::wallet::WalletService;

/// Who may call this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever has a token (`tester serve`).
    Internet,
    /// Pages and programs of this machine (`tester dev`).
    ThisMachine,
}

/// What every request of either half passes first.
pub struct Front {
    /// Who may call this process.
    pub audience: Audience,
    /// How many entries of `X-Forwarded-For` are our own proxies'.
    pub trusted_proxy_hops: usize,
    /// Web origins besides our own whose pages may call.
    pub allowed_origins: Vec<String>,
    /// Whether this process is on its way out.
    pub lifecycle: Lifecycle,
}

/// Everything a request to `tester worker` can need. Nothing in it knows a user or can reach one.
pub struct WorkerState {
    /// Runs tests.
    pub execution: ExecutionService,
    /// What runs them, for its health.
    pub runner: Runner,
    /// What the web half must show.
    pub auth_token: SecretString,
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
    /// Silence after which a stream gets a comment.
    pub heartbeat: Duration,
    /// Renders the metrics.
    pub metrics: Metrics,
}

/// Everything a request can need: the container, put together once by [`startup`].
pub struct AppState {
    /// Recognises users.
    pub verifier: Arc<dyn TokenVerifier>,
    /// Names them in logs.
    pub pseudonyms: Pseudonyms,
    /// Counts what they do.
    pub rate_limits: RateLimits,
    /// Writes tests.
    pub generation: Arc<GenerationService>,
    /// Runs them.
    pub execution: ExecutionService,
    /// Keeps them.
    pub history: Arc<HistoryService>,
    /// Charges for them.
    pub wallet: Arc<WalletService>,
    /// The models on offer.
    pub models: ModelCatalog,
    /// When the built-in engine writes, and how long it may take.
    pub builtin: BuiltinSettings,
    /// How long a client may take to send a body.
    pub body_timeout: Duration,
    /// Silence after which a stream gets a comment.
    pub heartbeat: Duration,
    /// Opens the ops routes.
    pub internal_secret: Option<SecretString>,
    /// Whether this process is on its way out.
    pub lifecycle: Lifecycle,
    /// Renders the metrics.
    pub metrics: Metrics,
    /// Asks every dependency how it is.
    pub health: HealthCheck,
}
