use std::path::PathBuf;

use secrecy::SecretString;

use super::{
    DeployEnvironment, ListenSettings, SandboxSettings, StreamSettings, TelemetrySettings,
};

/// Everything `tester worker` needs. It runs strangers' code, so it knows no user and no key but
/// its own token: no field can hold one.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// `ENV`.
    pub environment: DeployEnvironment,
    /// How it listens.
    pub listen: ListenSettings,
    /// What is logged.
    pub telemetry: TelemetrySettings,
    /// How events are streamed.
    pub stream: StreamSettings,
    /// `WORKER_AUTH_TOKEN`: what the web half must show.
    pub auth_token: SecretString,
    /// `dev.data_dir`: where the namespace engine keeps the test frameworks.
    pub data_dir: PathBuf,
    /// How tests are run.
    pub sandbox: SandboxSettings,
}
