//! stub
use crate::config::*;
use serde::Serialize;
/// x
pub struct Probes;
impl Probes {
    /// x
    pub fn of_serve(_: &ServeSettings) -> Self {
        Self
    }
    /// x
    pub fn of_dev(_: &DevSettings) -> Self {
        Self
    }
}
/// x
#[derive(Serialize)]
pub struct Report;
/// x
pub enum Health {
    Healthy,
    Degraded,
    Unhealthy,
}
impl Report {
    /// x
    pub fn status(&self) -> Health {
        Health::Healthy
    }
}
/// x
pub async fn run(_: &Probes) -> Report {
    Report
}
