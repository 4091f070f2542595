//! `rediss://`: the server must be trusted, and by a certificate that is for it.

use std::process::Stdio;

use serde_json::Value;
use tester_peers::supabase::SupabasePeer;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::instances::{PATIENT, until};
use crate::case::{Case, cases};
use crate::stack::redis::Redis;
use crate::support::{OPS_KEY, environment, soon};

pub fn cases() -> Vec<Case> {
    cases![a_redis_behind_tls_is_used_if_its_certificate_is_trusted]
}

async fn a_redis_behind_tls_is_used_if_its_certificate_is_trusted() {
    let redis = Redis::start_with_tls().await;
    let certificate = redis.certificate().display().to_string();
    let url = redis.url().replace("redis://", "rediss://");
    let plain = redis.url();
    let elsewhere = url.replace("127.0.0.1", "127.0.0.2");
    let trusted = ("SSL_CERT_FILE", certificate.as_str());
    for (state, url, trust) in [
        ("up", &url, Some(trusted)),
        ("down", &url, None),
        ("down", &elsewhere, Some(trusted)),
        ("down", &plain, Some(trusted)),
    ] {
        let mut variables = vec![("REDIS_URL", url.as_str())];
        variables.extend(trust);
        assert_eq!(state_of_redis(&variables).await, state, "{variables:?}");
    }
}

/// What the real executable finds, which alone has an environment of its own.
async fn state_of_redis(variables: &[(&str, &str)]) -> &'static str {
    let supabase = SupabasePeer::start().await.expect("a free port");
    let (_process, url) = serve(&supabase.url(), variables).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut state = "unknown";
    until("an attempt to connect", async || {
        let sent = client.get(format!("{url}/metrics")).header("x-tester-key", OPS_KEY).send();
        let text = async { sent.await?.text().await };
        let text = soon("the metrics", text).await.expect("an answer");
        if text.contains("tester_redis_up 1") {
            state = "up";
        } else if text.contains("tester_redis_failures_total{reason") {
            state = "down";
        }
        state != "unknown"
    })
    .await;
    state
}

async fn serve(peers: &str, variables: &[(&str, &str)]) -> (Child, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let knobs = folder.path().join("knobs.toml");
    std::fs::write(&knobs, PATIENT).expect("a file");
    let mut process = Command::new(env!("CARGO_BIN_EXE_tester"))
        .args(["serve", "--config"])
        .arg(&knobs)
        .current_dir(folder.path())
        .env_clear()
        .envs(environment(peers, peers, peers))
        .envs(variables.iter().copied())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the executable is built");
    let mut lines = BufReader::new(process.stderr.take().expect("stderr is piped")).lines();
    let url = soon("the ready line", async {
        loop {
            let line = lines.next_line().await.expect("readable output");
            let line = line.expect("the process lives until it is ready");
            let line: Value = serde_json::from_str(&line).expect("logs are JSON");
            if line["message"] == "ready" {
                return format!("http://{}", line["address"].as_str().expect("an address"));
            }
        }
    })
    .await;
    // Whatever else it logs is read to nowhere, so that it never waits for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (process, url)
}
