//! What operators see: log lines, metrics, traces.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tester_peers::http::{Request, Server};

use crate::support::{OPS_KEY, Peers, Process, TestApp, answered};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

async fn generate(process: &Process, peers: &Peers, number: usize) {
    let request = process.request("POST", "/api/generate").json(&TestApp::body(number));
    let request = request.header("authorization", peers.authorization());
    let request = request.header("traceparent", format!("00-{TRACE}-{CALLER}-01"));
    answered(request).await.events().collect().await;
}

#[tokio::test]
async fn a_request_is_one_line_with_the_fields_of_cloud_logging() {
    let peers = Peers::start().await;
    let project = [("GOOGLE_CLOUD_PROJECT", "my-project-123")];
    let (process, log) = Process::serve(&peers, &project).await;
    generate(&process, &peers, 1).await;
    let missing = answered(process.request("GET", "/api/secret-in-a-path?token=hush")).await;
    assert_eq!(missing.status(), 404);
    drop(missing);
    let lines = log.until("request", 2).await;
    assert_eq!(lines.len(), 2, "{lines:?}");

    let line = lines.iter().find(|line| line["httpRequest"]["status"] == 200).expect("a stream");
    let request = &line["httpRequest"];
    assert_eq!(request["requestMethod"], "POST");
    assert_eq!(request["requestUrl"], "/api/generate");
    assert_eq!(request["protocol"], "HTTP/1.1");
    let size: u64 = request["responseSize"].as_str().and_then(|s| s.parse().ok()).expect("a size");
    assert!(size > 100, "{line}");
    assert!(request["latency"].as_str().is_some_and(|latency| latency.ends_with('s')), "{line}");
    assert_eq!(line["severity"], "INFO");
    assert_eq!(line["end"], "complete");
    let trace = format!("projects/my-project-123/traces/{TRACE}");
    assert_eq!(line["logging.googleapis.com/trace"], trace);
    let span = line["logging.googleapis.com/spanId"].as_str().expect("a span");
    assert!(span.len() == 16 && span != CALLER, "{line}");
    let user = line["user"].as_str().expect("a user");
    assert!(user.len() == 16 && !peers.user.to_string().contains(user), "{line}");
    let ended = log.events("generation ended");
    assert_eq!(ended[0]["logging.googleapis.com/trace"], trace, "{ended:?}");

    let line = lines.iter().find(|line| line["httpRequest"]["status"] == 404).expect("a refusal");
    assert_eq!(line["httpRequest"]["requestUrl"], "unmatched");
    assert!(line.get("user").is_none_or(Value::is_null), "{line}");
    assert_eq!(process.terminate().await, Some(0));
    let all = log.lines().concat();
    assert!(!all.contains(&peers.user.to_string()) && !all.contains("hush"), "{all}");
}

#[tokio::test]
async fn a_client_that_leaves_is_told_from_one_that_has_all() {
    let peers = Peers::start().await;
    let (process, log) = Process::serve(&peers, &[]).await;
    let silent = tester_peers::Gate::closed();
    silent.release(1);
    let answer = tester_peers::gemini::StreamedAnswer::text(["x = 1\n", "y = 2\n"]);
    peers.gemini.enqueue(answer.gated(&silent));
    let request = process.request("POST", "/api/generate").json(&TestApp::body(1));
    let request = request.header("authorization", peers.authorization());
    let mut stream = answered(request).await.events();
    stream.chunk().await;
    drop(stream);
    let lines = log.until("request", 1).await;
    assert_eq!(lines[0]["end"], "client left", "{lines:?}");
    assert_eq!(process.terminate().await, Some(0));
}

#[tokio::test]
async fn metrics_tell_of_all_that_operators_watch() {
    let peers = Peers::start().await;
    let (process, _) = Process::serve(&peers, &[]).await;
    generate(&process, &peers, 1).await;
    let request = process.request("GET", "/api/user/status");
    answered(request.header("authorization", peers.authorization())).await.text().await;
    answered(process.request("GET", "/health").header("x-tester-key", OPS_KEY)).await.text().await;
    let metrics = process.request("GET", "/metrics").header("x-tester-key", OPS_KEY);
    let text = answered(metrics).await.text().await;
    for series in [
        "tester_http_requests_total{method=\"POST\",route=\"/api/generate\",status=\"200\"} 1",
        "tester_http_request_seconds_count{method=\"POST\",route=\"/api/generate\"} 1",
        "tester_streams_open{kind=\"generate\"} 0",
        "tester_generations_running 0",
        "tester_generations_total{language=\"python\",outcome=\"complete\"} 1",
        "tester_first_chunk_seconds_count{language=\"python\"} 1",
        "tester_model_tokens_total{kind=\"output\",language=\"python\"}",
        "tester_cache_lookups_total{cache=\"answer\",outcome=\"miss\"} 1",
        "tester_rate_limit_decisions_total{action=\"generate\",outcome=\"admitted\"} 1",
        "tester_rate_limit_decisions_total{action=\"status\",outcome=\"admitted\"} 1",
        "tester_wallet_operations_total{operation=\"deduct\",outcome=\"ok\"} 1",
        "tester_wallet_operations_total{operation=\"settle\",outcome=\"ok\"} 1",
        "tester_wallet_operations_total{operation=\"open\",outcome=\"ok\"} 1",
        "tester_dependency_requests_total{dependency=\"gemini\",outcome=\"ok\"} 1",
        "tester_dependency_requests_total{dependency=\"turnstile\",outcome=\"ok\"} 1",
        "tester_dependency_requests_total{dependency=\"supabase\",outcome=\"ok\"}",
        "tester_dependency_request_seconds_count{dependency=\"gemini\"} 1",
        "tester_dependency_up{dependency=\"gemini\"} 1",
        "tester_dependency_up{dependency=\"worker_1\"} 0",
        "tester_build_info{version=\"",
        "process_resident_memory_bytes ",
        "process_open_fds ",
    ] {
        assert!(text.contains(series), "{series} is missing from:\n{text}");
    }
    assert_eq!(process.terminate().await, Some(0));
}

#[tokio::test]
async fn labels_stay_bounded_whatever_clients_send() {
    let peers = Peers::start().await;
    let (process, _) = Process::serve(&peers, &[]).await;
    for number in 0..20 {
        let path = format!("/api/made-up-{number}/{number}");
        answered(process.request(&format!("MADEUP{number}"), &path)).await.text().await;
        let path = format!("/api/history/{}", uuid::Uuid::new_v4());
        answered(process.request("GET", &path)).await.text().await;
    }
    let metrics = process.request("GET", "/metrics").header("x-tester-key", OPS_KEY);
    let text = answered(metrics).await.text().await;
    let series = text.lines().filter(|line| line.starts_with("tester_http_requests_total{"));
    let series: Vec<_> = series.collect();
    assert_eq!(series.len(), 2, "{series:?}");
    assert!(!text.contains("made-up") && !text.contains("MADEUP"), "{text}");
    assert_eq!(process.terminate().await, Some(0));
}

/// An OpenTelemetry collector that keeps what it is sent.
async fn collector() -> (Server, Arc<Mutex<Vec<Request>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&seen);
    let server = Server::start(move |request, mut connection| {
        keep.lock().expect("no test panics with it").push(request);
        async move {
            connection.respond(200, &[("content-type", "application/x-protobuf")], b"").await?;
            Ok(connection)
        }
    });
    (server.await.expect("a free port"), seen)
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
    digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect()
}

#[tokio::test]
async fn traces_reach_a_collector_with_the_callers_trace_and_no_secret() {
    let (collector, seen) = collector().await;
    let peers = Peers::start().await;
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=collector%20key".to_owned()),
        // A quiet log is no reason to miss traces.
        ("RUST_LOG", "warn,tester::cli=info".to_owned()),
    ];
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, &value[..])).collect();
    let (process, _) = Process::serve(&peers, &variables).await;
    generate(&process, &peers, 1).await;
    let answer = answered(process.request("GET", "/api/health")).await;
    let own = answer.header("x-trace-id").expect("a trace id");
    drop(answer);
    assert_eq!(process.terminate().await, Some(0));

    let seen = seen.lock().expect("no test panics with it").clone();
    assert!(!seen.is_empty(), "the last traces are sent before the end");
    for request in &seen {
        assert_eq!((&request.method[..], request.path()), ("POST", "/v1/traces"));
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        assert_eq!(request.header("x-api-key"), Some("collector key"));
    }
    let sent: Vec<u8> = seen.iter().flat_map(|request| request.body.clone()).collect();
    for part in [
        &bytes_of(TRACE)[..],
        &bytes_of(CALLER)[..],
        &bytes_of(&own)[..],
        b"tester-serve",
        b"POST /api/generate",
        b"GET /api/health",
        b"http.response.status_code",
    ] {
        assert!(contains(&sent, part), "{:?}", String::from_utf8_lossy(part));
    }
    let token = peers.authorization();
    for secret in [peers.user.to_string(), token["Bearer ".len()..].to_owned()] {
        assert!(!contains(&sent, secret.as_bytes()));
    }
}

#[tokio::test]
async fn a_collector_that_is_away_harms_nobody() {
    let peers = Peers::start().await;
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")];
    let (process, log) = Process::serve(&peers, &variables).await;
    generate(&process, &peers, 1).await;
    log.until("request", 1).await;
    assert_eq!(process.terminate().await, Some(0));
}

#[tokio::test]
async fn both_halves_log_under_one_trace() {
    let (seen, worker) = {
        let seen = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&seen);
        let server = Server::start(move |request, mut connection| {
            let traceparent = request.header("traceparent").map(str::to_owned);
            *keep.lock().expect("no test panics with it") = traceparent;
            async move {
                connection.respond(503, &[], b"{}").await?;
                Ok(connection)
            }
        });
        (seen, server.await.expect("a free port"))
    };
    let peers = Peers::start().await;
    let (process, _) = Process::serve(&peers, &[("WORKER_URL", &worker.url())]).await;
    let body = serde_json::json!({"code": "x = 1", "test_code": "y = 2", "language": "python"});
    let request = process.request("POST", "/api/execution/execute").json(&body);
    let request = request.header("authorization", peers.authorization());
    let request = request.header("traceparent", format!("00-{TRACE}-{CALLER}-00"));
    answered(request).await.error(503, "UNAVAILABLE").await;
    let handed_on = seen.lock().expect("no test panics with it").clone().expect("a traceparent");
    assert!(handed_on.starts_with(&format!("00-{TRACE}-")), "{handed_on}");
    assert!(!handed_on.contains(CALLER), "{handed_on}");
    assert_eq!(process.terminate().await, Some(0));
}
