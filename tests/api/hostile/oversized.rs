//! More of everything than anybody needs.

use serde_json::Value;

use crate::support::{RawClient, TestApp, answered};

use super::Bystander;

/// What a request's head may hold, and how many headers.
const HEAD_MAX_BYTES: usize = 131_072;
const HEADERS_MAX: usize = 96;
const BODY_MAX_BYTES: usize = 1024 * 1024;

#[tokio::test]
async fn a_head_past_its_limits_is_refused_and_the_connection_closed() {
    let app = TestApp::start().await;
    let mut bystander = Bystander::of(app.address()).await;
    // Exactly what is read at most, so that the answer is not lost in a reset.
    let filled = |begin: &str| {
        let mut head = begin.as_bytes().to_vec();
        head.resize(HEAD_MAX_BYTES, b'a');
        head
    };
    let many = |count: usize| {
        let headers = (1..count).map(|number| format!("X-{number}: y\r\n"));
        let headers = headers.collect::<Vec<_>>().concat();
        format!("GET /api/health HTTP/1.1\r\nHost: x\r\n{headers}\r\n").into_bytes()
    };
    for (head, status) in [
        (filled("GET /"), 431),
        (filled("GET /api/health?"), 431),
        (filled("GET /api/health HTTP/1.1\r\nHost: "), 431),
        (filled("GET /api/health HTTP/1.1\r\nHost: x\r\nX-Long: "), 431),
        (filled("GET /api/health HTTP/1.1\r\nHost: x\r\nX-"), 431),
        (filled(""), 431),
        (many(HEADERS_MAX + 1), 431),
        (many(10 * HEADERS_MAX), 431),
    ] {
        let mut client = RawClient::connect(app.address()).await;
        client.send_lossy(&head).await;
        let seen = client.statuses().await;
        let begin = String::from_utf8_lossy(&head[..40]);
        assert_eq!(seen, [status], "{begin:?}");
        bystander.is_served(app.address()).await;
    }
    let mut client = RawClient::connect(app.address()).await;
    client.send(&many(HEADERS_MAX)).await;
    assert_eq!(client.answer().await.0, 200, "as many as are allowed");
}

#[tokio::test]
async fn json_past_all_measure_is_refused_like_any_other_that_is_wrong() {
    let app = TestApp::start().await;
    let mut bystander = Bystander::of(app.address()).await;
    let fill = |begin: &str, fill: &str, end: &str| {
        let times = (BODY_MAX_BYTES - begin.len() - end.len()) / fill.len();
        format!("{begin}{}{end}", fill.repeat(times))
    };
    let half = (BODY_MAX_BYTES - 64) / 2;
    let nested = format!("{{\"language\": {}{}}}", "[".repeat(half), "]".repeat(half));
    let objects = fill("{\"language\": ", "{\"a\":", "1");
    for body in [
        nested,
        objects,
        fill("{\"language\": ", "9", "}"),
        fill("{\"language\": 0.", "9", "}"),
        "{\"language\": 1e999999999}".to_owned(),
        "{\"language\": -1e-999999999}".to_owned(),
        fill("{\"language\": \"", "\\u0000", "\"}"),
        fill("{\"language\": \"", "x", "\"}"),
        fill("{\"language\": [", "0,", "0]}"),
        fill("{", "\"a\":0,", "\"a\":0}"),
        fill("", " ", "{}"),
    ] {
        let begin = body[..body.len().min(40)].to_owned();
        let request = app.request("POST", "/api/generate").body(body);
        let request = request.header("authorization", app.authorization());
        let answer = answered(request).await;
        let error: Value = answer.error(422, "INVALID_REQUEST").await;
        let said = error.to_string();
        assert!(said.len() < 2_000, "{begin:?} is repeated: {} bytes", said.len());
        bystander.is_served(app.address()).await;
    }
    assert_eq!(app.gemini.requests_seen(), 0);
}
