//! Settings: one small struct a concern, each field's doc naming its knob (`section.key`, in
//! `config/*.toml`) or its environment variable (upper case).
//!
//! Nothing in here reads the process environment: `app::environment` hands it in, so that a test
//! can start the whole program with other values.

pub mod constants;
mod environment;
mod gemini;
mod knobs;
mod load;
mod parse;
mod problems;
mod sandbox;
mod server;
mod services;
mod telemetry;
pub mod variables;
mod worker;

use std::path::PathBuf;

pub use environment::{Environment, KnobsFile, Sources};
pub use gemini::GeminiSettings;
pub use problems::{Fault, Flaw, Problem, Problems, Subject};
pub use sandbox::{DockerSettings, EngineChoice, PerRuntime, SandboxSettings};
pub use server::{DeployEnvironment, ListenSettings, ServerSettings};
pub use services::{
    BuiltinSettings, CacheSettings, DataApiSettings, JwtIssuer, RateLimitSettings, RedisSettings,
    StreamSettings, SupabaseSettings, TurnstileSettings, WalletSettings, WorkerClientSettings,
};
pub use telemetry::{LogFormat, TelemetrySettings, TracesSettings};
pub use variables::{Need, Role, Variable};
pub use worker::WorkerSettings;

use crate::crypto::MasterKey;
use crate::domain::ModelCatalog;

/// What both web modes need.
#[derive(Clone, Debug)]
pub struct CommonSettings {
    /// `ENV`.
    pub environment: DeployEnvironment,
    /// How TESTER listens.
    pub server: ServerSettings,
    /// What is logged.
    pub telemetry: TelemetrySettings,
    /// `models.*`, `DEFAULT_GEMINI_MODEL` and `builtin.offered`.
    pub models: ModelCatalog,
    /// When the built-in engine writes.
    pub builtin: BuiltinSettings,
    /// How answers are streamed.
    pub stream: StreamSettings,
    /// The rules of the wallet.
    pub wallet: WalletSettings,
    /// Actions a minute.
    pub rate_limits: RateLimitSettings,
    /// What is cached.
    pub cache: CacheSettings,
}

/// Everything `tester serve` needs, every value checked.
#[derive(Clone, Debug)]
pub struct ServeSettings {
    /// What both web modes need.
    pub common: CommonSettings,
    /// The model.
    pub gemini: GeminiSettings,
    /// Users, history, wallet.
    pub supabase: SupabaseSettings,
    /// `DATA_ENCRYPTION_KEY`.
    pub encryption_key: MasterKey,
    /// `DATA_ENCRYPTION_KEYS_RETIRED`: open rows that were written before the key was changed.
    pub retired_keys: Vec<MasterKey>,
    /// Bots out.
    pub turnstile: TurnstileSettings,
    /// The execution half.
    pub worker: WorkerClientSettings,
    /// `REDIS_URL`, optional.
    pub redis: Option<RedisSettings>,
}

/// All that `tester rotate-keys` needs: the stored rows and the keys.
#[derive(Clone, Debug)]
pub struct RotationSettings {
    /// What is logged.
    pub telemetry: TelemetrySettings,
    /// Where the rows are.
    pub data_api: DataApiSettings,
    /// `DATA_ENCRYPTION_KEY`: what rows are sealed under afterwards.
    pub encryption_key: MasterKey,
    /// `DATA_ENCRYPTION_KEYS_RETIRED`: what they may be sealed under before.
    pub retired_keys: Vec<MasterKey>,
}

/// Everything `tester dev` needs. No field can hold a production dependency but the model.
#[derive(Clone, Debug)]
pub struct DevSettings {
    /// What both web modes need.
    pub common: CommonSettings,
    /// The model, when there is a key.
    pub gemini: Option<GeminiSettings>,
    /// `dev.data_dir`: where the database, the keys and the test frameworks live.
    pub data_dir: PathBuf,
    /// How tests are run.
    pub sandbox: SandboxSettings,
}
