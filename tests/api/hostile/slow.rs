//! Clients that take all the time in the world.

use crate::support::{RawClient, TestApp};

use super::{Bystander, HEALTH};

/// What nothing but the bound under test ends.
const PATIENT: &str = "server.head_timeout_ms = 600000\nserver.body_timeout_ms = 600000\n\
                       server.keep_alive_ms = 600000\nserver.write_timeout_ms = 600000\n";

/// The server's waits, one of them short.
fn all_but(short: &str) -> String {
    let knob = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
    let shortened: Vec<String> = short.lines().map(knob).collect();
    let others = PATIENT.lines().filter(|line| !shortened.contains(&knob(line)));
    others.chain(short.lines()).collect::<Vec<_>>().join("\n")
}

/// The bound of everything else, and what must not exceed it.
fn write_timeout(milliseconds: u32) -> String {
    format!(
        "server.write_timeout_ms = {milliseconds}\nserver.keep_alive_ms = {milliseconds}\nstream.heartbeat_ms = {milliseconds}\n\
         worker.connect_timeout_ms = {milliseconds}\nworker.total_timeout_ms = {milliseconds}\n"
    )
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_not_waited_for() {
    // By a clock that actix looks at twice a second, so that it may be half a second less.
    let app = TestApp::start_configured(&[], &all_but("server.head_timeout_ms = 1500")).await;
    let mut bystander = Bystander::of(app.address()).await;
    bystander.is_served(app.address()).await;
    for head in [&b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-Endless: "[..], b"G", b"\r\n"] {
        let mut client = RawClient::connect(app.address()).await;
        client.send(head).await;
        let answer = client.trickle(b"a").await;
        assert!(
            answer.starts_with("HTTP/1.1 408 ") || answer.starts_with("HTTP/1.1 400 "),
            "{answer:?}"
        );
        bystander.is_served(app.address()).await;
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_at_all_is_not_waited_for() {
    let app = TestApp::start_configured(&[], &all_but("server.head_timeout_ms = 1500")).await;
    let mut client = RawClient::connect(app.address()).await;
    assert_eq!(client.statuses().await, [408]);
}

#[tokio::test]
async fn a_kept_connection_on_which_nothing_comes_is_closed() {
    let app = TestApp::start_configured(&[], &all_but("server.keep_alive_ms = 300")).await;
    let mut client = RawClient::connect(app.address()).await;
    client.send(HEALTH).await;
    assert_eq!(client.statuses().await, [200]);
}

#[tokio::test]
async fn a_later_head_that_comes_byte_by_byte_is_not_waited_for() {
    let app = TestApp::start_configured(&[], &all_but(&write_timeout(400))).await;
    let mut client = RawClient::connect(app.address()).await;
    client.send(HEALTH).await;
    client.answer().await;
    client.send(b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-Endless: ").await;
    assert_eq!(client.trickle(b"a").await, "", "nothing is answered");
    Bystander::of(app.address()).await.is_served(app.address()).await;
}

#[tokio::test]
async fn a_body_that_comes_byte_by_byte_is_not_waited_for() {
    // Chunks that still come after the answer are read until that is too long ago.
    let knobs = all_but(&format!("server.body_timeout_ms = 300\n{}", write_timeout(3_000)));
    let app = TestApp::start_configured(&[], &knobs).await;
    let head = format!(
        "POST /api/generate HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n",
        app.authorization()
    );
    for (framing, bytes) in [
        ("Content-Length: 1000000\r\n\r\n", &b" "[..]),
        ("Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        ("Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    ] {
        let mut client = RawClient::connect(app.address()).await;
        client.send(format!("{head}{framing}").as_bytes()).await;
        let answer = client.trickle(bytes).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{framing:?}: {answer:?}");
        assert!(answer.contains("REQUEST_TIMEOUT"), "{framing:?}: {answer:?}");
        Bystander::of(app.address()).await.is_served(app.address()).await;
    }
}

#[tokio::test]
async fn a_body_without_an_end_that_nobody_reads_is_not_taken_for_ever() {
    let app = TestApp::start_configured(&[], &all_but(&write_timeout(400))).await;
    for (path, status) in [("/api/generate", 401), ("/nowhere", 404)] {
        let mut client = RawClient::connect(app.address()).await;
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        client.send(head.as_bytes()).await;
        let answer = client.trickle(b"1\r\n \r\n").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{path}: {answer:?}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{path}: {answer:?}");
    }
}
