//! What every answer carries, whichever it is.

use crate::support::{Answer, DevApp, RawClient, TestApp, answered};

const ORIGIN: &str = "https://app.example.com";

fn is_guarded(answer: &Answer, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "content-security-policy",
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ] {
        assert_eq!(answer.header(name).as_deref(), Some(value), "{name} of {what}");
    }
    let trace = answer.header("x-trace-id").unwrap_or_default();
    assert_eq!(trace.len(), 32, "{what}: {trace:?}");
}

#[tokio::test]
async fn every_answer_carries_the_headers_and_a_trace_id() {
    let app = TestApp::start_with(&[("ALLOWED_ORIGINS", ORIGIN)]).await;
    let stream = app.generate(&TestApp::body(1)).await;
    assert_eq!(stream.header("cache-control").as_deref(), Some("no-cache, no-transform"));
    is_guarded(&stream, "a stream");
    for (method, path, status) in [
        ("GET", "/api/health", 200),
        ("HEAD", "/api/health", 405),
        ("GET", "/api/v1/languages/", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/api/nowhere", 404),
        ("PATCH", "/api/history/", 405),
        ("GET", "/api/user/status", 401),
        ("GET", "/health", 403),
    ] {
        let answer = answered(app.request(method, path)).await;
        assert_eq!(answer.status(), status, "{method} {path}");
        is_guarded(&answer, &format!("{method} {path}"));
        let age = answer.header("strict-transport-security");
        assert!(age.is_some_and(|age| age.starts_with("max-age=63072000")), "{method} {path}");
        assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"), "{method} {path}");
    }
}

#[tokio::test]
async fn preflights_are_answered_like_any_request() {
    let app = TestApp::start_with(&[("ALLOWED_ORIGINS", ORIGIN)]).await;
    let ask = |origin: &'static str, method: &'static str| {
        let request = app.request("OPTIONS", "/api/generate").header("origin", origin);
        answered(request.header("access-control-request-method", method))
    };
    let allowed = ask(ORIGIN, "POST").await;
    assert_eq!(allowed.status(), 200);
    assert_eq!(allowed.header("access-control-allow-origin").as_deref(), Some(ORIGIN));
    is_guarded(&allowed, "a preflight");
    for (origin, method) in [("https://evil.example", "POST"), (ORIGIN, "PATCH")] {
        let refused = ask(origin, method).await;
        assert_ne!(refused.status(), 200, "{origin}");
        is_guarded(&refused, "a refused preflight");
        let body = refused.json().await;
        assert_eq!(body["type"], "error", "{body}");
    }
}

#[tokio::test]
async fn the_local_server_does_not_bind_its_host_to_https() {
    let app = DevApp::start_with(&[]).await;
    let answer = answered(app.request("GET", "/api/health")).await;
    assert_eq!(answer.header("strict-transport-security"), None);
    is_guarded(&answer, "dev");
    let refused = answered(app.request("GET", "/api/health").header("host", "evil.example")).await;
    assert_eq!(refused.status(), 403);
    is_guarded(&refused, "a foreign host");
}

#[tokio::test]
async fn a_trace_that_a_caller_began_goes_on() {
    let app = TestApp::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for (name, value) in [
        ("traceparent", format!("00-{trace}-00f067aa0ba902b7-01")),
        ("x-cloud-trace-context", format!("{trace}/123;o=1")),
    ] {
        let answer = answered(app.request("GET", "/api/health").header(name, value)).await;
        assert_eq!(answer.header("x-trace-id").as_deref(), Some(trace), "{name}");
    }
    let forged = format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32));
    let answer = answered(app.request("GET", "/api/health").header("traceparent", forged)).await;
    assert_ne!(answer.header("x-trace-id"), Some("0".repeat(32)));
}

#[tokio::test]
async fn answers_keep_their_length() {
    let app = TestApp::start().await;
    let mut client = RawClient::connect(app.address()).await;
    for _ in 0..2 {
        // On one connection: were the length missing, the first body would have no end.
        client.send(b"GET /api/health HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let (status, body) = client.answer().await;
        assert_eq!(status, 200);
        assert!(body.starts_with('{') && body.ends_with('}'), "{body:?}");
    }
}
