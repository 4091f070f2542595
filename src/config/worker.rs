use std::net::IpAddr;

use secrecy::SecretString;

use super::{DeployEnvironment, TelemetrySettings};

/// Everything `tester worker` needs. It runs strangers' code, so it knows no user and no key but
/// its own token: no field can hold one.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// `ENV`.
    pub environment: DeployEnvironment,
    /// `HOST`: the address to bind.
    pub host: IpAddr,
    /// `PORT`: the port to bind; 0 lets the system choose.
    pub port: u16,
    /// What is logged.
    pub telemetry: TelemetrySettings,
    /// `WORKER_AUTH_TOKEN`: what the web half must show.
    pub auth_token: SecretString,
}
