//! Requests that are none, or that two readers could read differently: the connection ends with the
//! refusal, and what follows on it is never taken for a request.

use crate::support::{RawClient, TestApp};

use super::Bystander;

/// What a smuggler hopes to see answered.
const SMUGGLED: &str = "GET /api/languages HTTP/1.1\r\nHost: x\r\n\r\n";

/// A body of this many bytes as its declaration has it, and as chunks.
const CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";

async fn statuses(app: &TestApp, request: &[u8]) -> Vec<u16> {
    let mut client = RawClient::connect(app.address()).await;
    client.send(&[request, SMUGGLED.as_bytes()].concat()).await;
    client.statuses().await
}

fn post(headers: &str, body: &str) -> Vec<u8> {
    format!("POST /api/generate HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_the_connection_closed() {
    let app = TestApp::start().await;
    let mut bystander = Bystander::of(app.address()).await;
    let requests: [&[u8]; 26] = [
        b"GET /api/health\r\n\r\n",
        b"GET /api/health HTTP/1.2\r\nHost: x\r\n\r\n",
        b"GET /api/health HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /api/health HTTP/11\r\nHost: x\r\n\r\n",
        b"GET /api/health http/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/health HTTP/1.1 x\r\nHost: x\r\n\r\n",
        b"GET  /api/health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"G\x00ET /api/health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"G(T /api/health HTTP/1.1\r\nHost: x\r\n\r\n",
        b" GET /api/health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/\x00health HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/he alth HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-Folded: a\r\n b\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\n X-Leading: a\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-Space : a\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-None\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-Nul: a\x00b\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\nX\x00Nul: a\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-Cr: a\rb\r\n\r\n",
        b"GET /api/health HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n",
        b"\r\n\r\nGET /api/he(\x7falth HTTP/1.1\r\nHost: x\r\nX\x7f: y\r\n\r\n",
    ];
    for request in requests {
        let seen = statuses(&app, request).await;
        assert_eq!(seen, [400], "{:?}", String::from_utf8_lossy(request));
        bystander.is_served(app.address()).await;
    }
}

#[tokio::test]
async fn a_length_that_two_could_read_differently_is_refused() {
    let app = TestApp::start().await;
    let mut bystander = Bystander::of(app.address()).await;
    let headers = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 0\r\nTransfer-Encoding: chunked",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 0x5",
        "Content-Length: 5 5",
        "Content-Length: 5;",
        "Content-Length: five",
        "Content-Length:",
        "Content-Length: 18446744073709551616",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunkedx",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding:",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding: xchunked\r\nContent-Length: 5",
        "Transfer-Encoding:\r\n chunked",
    ];
    for headers in headers {
        let seen = statuses(&app, &post(headers, CHUNKS)).await;
        assert_eq!(seen, [400], "{headers:?}");
        bystander.is_served(app.address()).await;
    }
    let older = b"POST /api/generate HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(statuses(&app, older).await, [400], "HTTP/1.0 knows no chunks");
    assert_eq!(app.gemini.requests_seen(), 0);
}

#[tokio::test]
async fn chunks_that_are_malformed_end_the_connection_with_their_request() {
    let app = TestApp::start().await;
    let mut bystander = Bystander::of(app.address()).await;
    let headers = format!("Authorization: {}\r\nTransfer-Encoding: chunked", app.authorization());
    let bodies = [
        "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "5 5\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\nX: y\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
    ];
    for body in bodies {
        let seen = statuses(&app, &post(&headers, body)).await;
        assert!(matches!(seen[..], [400 | 422]), "{body:?}: {seen:?}");
        bystander.is_served(app.address()).await;
    }
    assert_eq!(app.gemini.requests_seen(), 0);
}

#[tokio::test]
async fn what_follows_a_body_that_was_not_read_is_not_taken_for_a_request() {
    let app = TestApp::start().await;
    let mut bystander = Bystander::of(app.address()).await;
    // Refused before their bodies are read, which hold a request.
    for (request, status) in [
        ("POST /api/generate HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n", 401),
        ("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n", 404),
        ("GET /api/generate HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n", 405),
        (
            "GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\n\
             Upgrade: websocket\r\n\r\n",
            200,
        ),
        ("CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ] {
        let seen = statuses(&app, request.as_bytes()).await;
        assert_eq!(seen, [status], "{request:?}");
        bystander.is_served(app.address()).await;
    }
}

#[tokio::test]
async fn what_is_unusual_and_allowed_is_read_in_the_one_way_there_is() {
    let app = TestApp::start().await;
    let last = "GET /api/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for first in [
        // Empty lines before a request, and lines that end without a carriage return.
        "\r\n\r\nGET /api/health HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /api/health HTTP/1.1\nHost: x\n\n",
        "GET http://elsewhere.example/api/health HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /api/health HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        "GET /api/health HTTP/1.1\r\nHost: x\r\nX-Any: é\r\n\r\n",
    ] {
        let mut client = RawClient::connect(app.address()).await;
        client.send(format!("{first}{last}").as_bytes()).await;
        assert_eq!(client.statuses().await, [200, 200], "{first:?}");
    }
    // A method nobody knows is a method.
    let mut client = RawClient::connect(app.address()).await;
    let brew = "BREW /api/health HTTP/1.1\r\nHost: x\r\n\r\n";
    client.send(format!("{brew}{last}").as_bytes()).await;
    assert_eq!(client.statuses().await, [405, 200]);
}
