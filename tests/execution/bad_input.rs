//! What is not a job, each with its exact answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::case;
use super::worker::{CANARY, Shared, TOKEN, Test, Worker, soon, test};

/// Stands in the code of every refused job, and in no answer.
const SECRET: &str = "s3cret_of_the_code";
const SOURCE_MAX_CHARS: usize = 100_000;

pub fn tests() -> Vec<Test> {
    vec![
        test("bad_input::without_a_token_nobody_is_served", without_a_token),
        test("bad_input::a_wrong_token_is_refused", wrong_token),
        test("bad_input::other_paths_and_methods_are_named", other_paths),
        test("bad_input::a_body_that_is_too_large_is_refused", too_large),
        test("bad_input::what_is_no_json_object_is_refused", no_object),
        test("bad_input::each_bad_field_is_named", bad_fields),
        test("bad_input::the_longest_code_is_run", longest),
        test("bad_input::unknown_fields_are_ignored", unknown_fields),
        test("bad_input::languages_are_read_in_any_case", any_case),
        test("bad_input::a_body_in_chunks_is_read", chunks),
        test("bad_input::limits_above_the_configured_are_cut_down", generous_limits),
        test("bad_input::a_client_that_never_finishes_is_sent_away", never_finishes),
    ]
}

async fn without_a_token(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let bearers: [Option<&[u8]>; 9] = [
        None,
        Some(b""),
        Some(b"Bearer"),
        Some(b"Bearer "),
        Some(b"Basic dXNlcjpwYXNz"),
        Some(TOKEN.as_bytes()),
        Some("Bearer tökén".as_bytes()),
        Some(b"Bearer \xff\xfe"),
        Some(b"Bearer two words"),
    ];
    for bearer in bearers {
        for path in ["/execute", "/execute/stream"] {
            let mut request = client().post(format!("{}{path}", worker.url())).json(&job());
            if let Some(bearer) = bearer {
                let value = reqwest::header::HeaderValue::from_bytes(bearer).expect("a header");
                request = request.header("authorization", value);
            }
            refused(request, 401, "UNAUTHORIZED", None).await;
        }
    }
    let metrics = client().get(format!("{}/metrics", worker.url()));
    refused(metrics, 401, "UNAUTHORIZED", None).await;
    // Health is for anybody.
    let (status, health) = worker.health().await;
    assert_eq!(status, 200, "{health}");
    assert_eq!(health["status"], "ok", "{health}");
    assert!(!health.to_string().contains(TOKEN));
}

async fn wrong_token(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let (longer, shorter) = (format!("{TOKEN}x"), &TOKEN[..TOKEN.len() - 1]);
    for token in ["wrong", &longer, shorter, &TOKEN.to_uppercase()] {
        for path in ["/execute", "/execute/stream"] {
            let request = client().post(format!("{}{path}", worker.url())).bearer_auth(token);
            refused(request.json(&job()), 403, "FORBIDDEN", None).await;
        }
    }
    // Who it is comes before what it says.
    let request = client().post(format!("{}/execute", worker.url())).bearer_auth("wrong");
    refused(request.body("{"), 403, "FORBIDDEN", None).await;
}

async fn other_paths(shared: Arc<Shared>) {
    let worker = shared.get().await;
    for path in ["/", "/execute/x", "/api/execution/execute", "/api/history/", "/..%2f"] {
        refused(worker.post(path).json(&job()), 404, "NOT_FOUND", None).await;
    }
    let methods = [
        (Method::GET, "/execute", "POST"),
        (Method::DELETE, "/execute", "POST"),
        (Method::PUT, "/execute/stream", "POST"),
        (Method::POST, "/health", "GET"),
        (Method::POST, "/metrics", "GET"),
    ];
    for (method, path, allowed) in methods {
        let request =
            client().request(method, format!("{}{path}", worker.url())).bearer_auth(TOKEN);
        let headers = refused(request, 405, "METHOD_NOT_ALLOWED", None).await;
        let allow = headers.get("allow").and_then(|value| value.to_str().ok());
        let allow = allow.unwrap_or_default();
        assert!(allow.split(", ").any(|method| method == allowed), "{path}: Allow is {allow}");
    }
}

async fn too_large(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let large = vec![b' '; (1 << 20) + 1];
    for path in ["/execute", "/execute/stream"] {
        refused(worker.post(path).body(large.clone()), 413, "PAYLOAD_TOO_LARGE", None).await;
    }
    // Declared only: it is refused before a byte of it was sent.
    let head = format!(
        "POST /execute HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 1048577\r\n\r\n",
        worker.address()
    );
    let answer = raw(worker, &[head.as_bytes()]).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // And without a declared length, as soon as it is more.
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x1_0000));
    let head = head.replace("content-length: 1048577", "transfer-encoding: chunked");
    let mut parts = vec![head.as_bytes()];
    parts.extend(std::iter::repeat_n(chunk.as_bytes(), 17));
    let answer = raw(worker, &parts).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("PAYLOAD_TOO_LARGE"), "{answer}");
    // Exactly 1 MiB is read to its end, and is no JSON.
    let request = worker.post("/execute").body(vec![b' '; 1 << 20]);
    refused(request, 422, "INVALID_REQUEST", None).await;
}

async fn no_object(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let deep = format!("{{\"input_code\":{}", "[".repeat(100_000));
    let bodies: [&[u8]; 14] = [
        b"",
        b" ",
        b"null",
        b"[]",
        b"\"x\"",
        b"{",
        b"{}{}",
        b"{'input_code': 's3cret_of_the_code'}",
        b"{\"input_code\": \"s3cret_of_the_code\", }",
        // Half a pair of surrogates, alone and in front of what is not its other half.
        b"{\"input_code\": \"s3cret_of_the_code \\ud800\", \"test_code\": \"x\", \"language\": \"python\"}",
        b"{\"input_code\": \"s3cret_of_the_code \\ud800\\u0041\", \"test_code\": \"x\", \"language\": \"python\"}",
        // Bytes that are no UTF-8.
        b"{\"input_code\": \"s3cret_of_the_code \xff\", \"test_code\": \"x\", \"language\": \"python\"}",
        b"\xef\xbb\xbf\xfe{}",
        deep.as_bytes(),
    ];
    for body in bodies {
        for path in ["/execute", "/execute/stream"] {
            let request = worker.post(path).header("content-type", "application/json");
            refused(request.body(body.to_vec()), 422, "INVALID_REQUEST", None).await;
        }
    }
}

async fn bad_fields(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let blank = " \n\t ";
    let long = "x".repeat(SOURCE_MAX_CHARS + 1);
    let long_korean = "가".repeat(SOURCE_MAX_CHARS + 1);
    let nul = format!("{SECRET} = 'a\0b'");
    let bad: Vec<(&str, Value)> = vec![
        ("input_code", json!(null)),
        ("input_code", json!("")),
        ("input_code", json!(blank)),
        ("input_code", json!(7)),
        ("input_code", json!(["x"])),
        ("input_code", json!(nul)),
        ("input_code", json!(long)),
        ("input_code", json!(long_korean)),
        ("test_code", json!(null)),
        ("test_code", json!("")),
        ("test_code", json!(blank)),
        ("test_code", json!(true)),
        ("test_code", json!({"a": SECRET})),
        ("test_code", json!(nul)),
        ("test_code", json!(long)),
        ("language", json!(null)),
        ("language", json!("")),
        ("language", json!("cobol")),
        ("language", json!("py thon")),
        ("language", json!("python\0")),
        ("language", json!(3)),
        ("limits", json!("none")),
        ("limits", json!([1])),
        ("limits", json!(5)),
    ];
    for (field, value) in bad {
        let mut body = job();
        body[field] = value;
        for path in ["/execute", "/execute/stream"] {
            refused(worker.post(path).json(&body), 422, "INVALID_REQUEST", Some(field)).await;
        }
    }
    for field in ["input_code", "test_code", "language"] {
        let mut body = job();
        body.as_object_mut().expect("an object").remove(field);
        refused(worker.post("/execute").json(&body), 422, "INVALID_REQUEST", Some(field)).await;
    }
    let twice = format!("{{\"input_code\": \"{SECRET}\", \"input_code\": \"{SECRET}\"}}");
    let request = worker.post("/execute").body(twice);
    refused(request, 422, "INVALID_REQUEST", Some("input_code")).await;
    let limits = [
        ("wall_ms", json!({"wall_ms": 0})),
        ("wall_ms", json!({"wall_ms": -1})),
        ("wall_ms", json!({"wall_ms": 1.5})),
        ("wall_ms", json!({"wall_ms": "1000"})),
        ("output_bytes", json!({"output_bytes": 0})),
        ("memory_bytes", json!({"memory_bytes": 1_u64 << 40})),
        ("network", json!({"wall_ms": 1_000, "network": true})),
    ];
    for (field, value) in limits {
        let mut body = job();
        body["limits"] = value;
        refused(worker.post("/execute").json(&body), 422, "INVALID_REQUEST", Some(field)).await;
    }
}

async fn longest(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let code = "def one():\n    return 1\n";
    // Filled up by what is neither blank nor code.
    let padded = |fill: &str| {
        let room = SOURCE_MAX_CHARS - code.chars().count() - 1;
        format!("{code}#{}", fill.repeat(room))
    };
    for source in [padded("x"), padded("가")] {
        assert_eq!(source.chars().count(), SOURCE_MAX_CHARS);
        let mut body = case::trivial("python");
        body["input_code"] = json!(source);
        assert_eq!(worker.execute(&body).await["status"], "passed");
    }
}

async fn unknown_fields(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let mut body = case::trivial("python");
    body["colour"] = json!({"deep": [1, 2, {"er": null}]});
    body["limits"] = json!({});
    assert_eq!(worker.execute(&body).await["status"], "passed");
    body["limits"] = Value::Null;
    assert_eq!(worker.execute(&body).await["status"], "passed");
}

async fn any_case(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let mut body = case::trivial("python");
    body["language"] = json!("PyThon");
    let verdict = worker.execute(&body).await;
    assert_eq!(verdict["status"], "passed");
    assert_eq!(verdict["language"], "python");
}

async fn chunks(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let text = case::trivial("python").to_string().into_bytes();
    // A byte at a time, so that no boundary is a friendly one.
    let pieces: Vec<std::io::Result<Bytes>> =
        text.iter().map(|&byte| Ok(Bytes::copy_from_slice(&[byte]))).collect();
    let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let request = worker.post("/execute").header("content-type", "application/json").body(body);
    let answer = soon("a verdict", request.send()).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
    let verdict: Value = answer.json().await.expect("a verdict");
    assert_eq!(verdict["status"], "passed", "{verdict:#}");
}

async fn generous_limits(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let mut body = case::trivial("python");
    body["limits"] = json!({"wall_ms": u64::MAX, "output_bytes": u64::MAX});
    assert_eq!(worker.execute(&body).await["status"], "passed");
}

async fn never_finishes(shared: Arc<Shared>) {
    let knobs = "server.body_timeout_ms = 500\nsandbox.python.warm = 0\nsandbox.node.warm = 0\n\
                 sandbox.java.warm = 0\n";
    let worker = Worker::start(shared.engine(), knobs).await;
    let head = format!(
        "POST /execute HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\ncontent-length: 1000\r\n\r\n{{\"input_code\": \"{SECRET}",
        worker.address()
    );
    let chunked = head.replace("content-length: 1000", "transfer-encoding: chunked");
    let chunked = chunked.replace("\r\n\r\n{", "\r\n\r\nff\r\n{");
    for request in [head, chunked] {
        let begun = Instant::now();
        let answer = raw(&worker, &[request.as_bytes()]).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("REQUEST_TIMEOUT"), "{answer}");
        assert!(!answer.contains(SECRET), "{answer}");
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_millis(500), "it answered after {waited:?}");
        assert!(waited < Duration::from_secs(5), "it answered after {waited:?}");
    }
    // It still serves, without anything warm.
    assert_eq!(worker.execute(&case::trivial("python")).await["status"], "passed");
    worker.terminate();
    assert_eq!(worker.ended().await, Some(0));
}

/// A job that is refused for what a test changes in it.
fn job() -> Value {
    json!({
        "input_code": format!("{SECRET} = 1"),
        "test_code": format!("def test_it():\n    assert {SECRET} == 1\n"),
        "language": "python",
    })
}

fn client() -> reqwest::Client {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
    client.build().expect("a client without options")
}

/// Sends it, compares the whole of the answer and gives its headers. `field: None` is not looked at.
async fn refused(
    request: reqwest::RequestBuilder,
    status: u16,
    code: &str,
    field: Option<&str>,
) -> reqwest::header::HeaderMap {
    let answer = soon("an answer", request.send()).await.expect("an answer");
    let (got, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = soon("the body", answer.text()).await.expect("a body");
    assert_eq!(got, status, "{text}");
    for secret in [TOKEN, CANARY, SECRET] {
        assert!(!text.contains(secret), "the answer tells {secret}: {text}");
    }
    let body: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(body["type"], "error", "{text}");
    assert_eq!(body["code"], code, "{text}");
    assert_eq!(body["detail"]["code"], code, "{text}");
    assert_eq!(body["detail"]["message"], body["message"], "{text}");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
    let trace = body["trace_id"].as_str().unwrap_or_default();
    assert!(trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit()), "{text}");
    assert_eq!(headers.get("x-trace-id").and_then(|id| id.to_str().ok()), Some(trace), "{text}");
    if let Some(field) = field {
        assert_eq!(body["detail"]["field"], field, "{text}");
    }
    headers
}

/// Writes these parts and gives what comes back before the connection ends or falls silent. The
/// other side may stop reading in the middle: then its answer is there already.
async fn raw(worker: &Worker, parts: &[&[u8]]) -> String {
    let stream = TcpStream::connect(worker.address()).await.expect("the worker listens");
    let (mut from, mut to) = stream.into_split();
    for part in parts {
        if to.write_all(part).await.is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    soon("an answer", async {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..read]);
            // An error's body is one object, and the last that comes.
            if answer.ends_with(b"}") {
                break;
            }
        }
    })
    .await;
    String::from_utf8_lossy(&answer).into_owned()
}
