//! How a process ends, by real signals.

use tester_peers::Gate;
use tester_peers::gemini::StreamedAnswer;

use crate::support::{EventStream, Log, Peers, Process, TestApp, answered, soon};

async fn generate(process: &Process, peers: &Peers, number: usize) -> EventStream {
    let request = process.request("POST", "/api/generate").json(&TestApp::body(number));
    let request = request.header("authorization", peers.authorization());
    answered(request.header("accept-language", "en")).await.events()
}

fn phases(log: &Log) -> Vec<u64> {
    let lines = log.lines();
    let events = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
    events.filter_map(|event: serde_json::Value| event["phase"].as_u64()).collect()
}

#[tokio::test]
async fn a_quiet_process_goes_through_the_phases_and_ends_well() {
    let peers = Peers::start().await;
    let (process, log) = Process::serve(&peers, &[]).await;
    assert_eq!(process.terminate().await, Some(0));
    assert_eq!(phases(&log), [1, 2, 5]);
}

#[tokio::test]
async fn while_it_drains_new_work_is_sent_away_and_open_streams_end_well() {
    let peers = Peers::start().await;
    let (process, log) = Process::serve(&peers, &[]).await;
    let gate = Gate::closed();
    gate.release(1);
    peers.gemini.enqueue(StreamedAnswer::text(["x = 1\n", "y = 2\n"]).gated(&gate));
    let mut stream = generate(&process, &peers, 1).await;
    stream.chunk().await;
    process.ask_to_end().await;
    log.until("shutting down: running work may go on", 1).await;

    let health = answered(process.request("GET", "/api/health")).await;
    assert_eq!(health.header("connection").as_deref(), Some("close"));
    assert_eq!((health.status(), &health.json().await["status"]), (503, &"draining".into()));
    let request = process.request("POST", "/api/generate").json(&TestApp::body(2));
    let refused = answered(request.header("authorization", peers.authorization())).await;
    assert!(refused.header("retry-after").is_some());
    assert_eq!(refused.header("connection").as_deref(), Some("close"));
    refused.error(503, "UNAVAILABLE").await;

    gate.open();
    let (_, others) = stream.collect().await;
    assert_eq!(others.last().and_then(|frame| frame.event()), Some("message"), "its last frame");
    assert_eq!(process.ended().await, Some(0));
    assert_eq!(phases(&log), [1, 2, 5]);
    assert_eq!(peers.supabase.rows().len(), 1);
}

#[tokio::test]
async fn what_outlasts_the_grace_time_is_cut_off_refunded_and_told() {
    let peers = Peers::start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let knobs = folder.path().join("knobs.toml");
    std::fs::write(&knobs, "server.shutdown_grace_ms = 100\n").expect("a writable folder");
    let (process, log) =
        Process::serve_with(&peers, &["--config".as_ref(), knobs.as_os_str()], &[]).await;
    let gate = Gate::closed();
    gate.release(1);
    peers.gemini.enqueue(StreamedAnswer::text(["x = 1\n", "y = 2\n"]).gated(&gate));
    let mut stream = generate(&process, &peers, 1).await;
    stream.chunk().await;
    let before = peers.supabase.balance(peers.user);
    process.ask_to_end().await;
    let (_, others) = stream.collect().await;
    assert_eq!(others.last().and_then(|frame| frame.event()), Some("error"));
    assert_eq!(peers.supabase.balance(peers.user), before.map(|balance| balance + 10));
    assert_eq!(process.ended().await, Some(0));
    assert_eq!(phases(&log), [1, 2, 3, 5]);
}

#[tokio::test]
async fn asked_twice_it_ends_at_once() {
    let peers = Peers::start().await;
    let (process, log) = Process::serve(&peers, &[]).await;
    let silent = Gate::closed();
    peers.gemini.enqueue(StreamedAnswer::text(["x = 1\n"]).gated(&silent));
    let stream = generate(&process, &peers, 1).await;
    soon("the request upstream", peers.gemini.exchange(0)).await;
    process.ask_to_end().await;
    log.until("shutting down: running work may go on", 1).await;
    process.ask_to_end().await;
    assert_eq!(process.ended().await, Some(1));
    drop(stream);
}

#[tokio::test]
async fn a_draining_server_is_not_well_and_one_that_serves_is() {
    let peers = Peers::start().await;
    let (process, log) = Process::serve(&peers, &[]).await;
    let address = process.url().trim_start_matches("http://").to_owned();
    let ask = || {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tester"));
        command.args(["healthcheck", "--address", &address]).env_clear();
        let output = command.output();
        async { soon("the answer", output).await.expect("it runs") }
    };
    let well = ask().await;
    assert_eq!(well.status.code(), Some(0), "{well:?}");
    let gate = Gate::closed();
    peers.gemini.enqueue(StreamedAnswer::text(["x = 1\n"]).gated(&gate));
    let stream = generate(&process, &peers, 1).await;
    process.ask_to_end().await;
    log.until("shutting down: running work may go on", 1).await;
    let draining = ask().await;
    assert_eq!(draining.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&draining.stderr).contains("it is shutting down"));
    gate.open();
    stream.collect().await;
    assert_eq!(process.ended().await, Some(0));
    assert_eq!(ask().await.status.code(), Some(1), "nobody is there");
}
