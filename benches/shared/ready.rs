//! Where a server of TESTER listens, by its own log.

use std::net::SocketAddr;

use anyhow::Context as _;
use serde_json::Value;

/// The address in the line that says that it is ready, once there is one.
pub(crate) fn address(said: &str) -> anyhow::Result<Option<SocketAddr>> {
    let mut events = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let Some(event) = events.find(|event| event["message"] == "ready") else { return Ok(None) };
    Ok(Some(event["address"].as_str().context("ready nowhere")?.parse()?))
}
