//! Requests that get no stream: each with its exact answer.

use serde_json::{Value, json};
use tester_peers::Gate;
use tester_peers::gemini::StreamedAnswer;
use tester_peers::supabase::{Fault, Route};

use crate::support::{DevApp, RawClient, TestApp, soon};

fn with(changes: &Value) -> Value {
    let mut body = TestApp::body(1);
    for (name, value) in changes.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

fn without(name: &str) -> Value {
    let mut body = TestApp::body(1);
    body.as_object_mut().expect("an object").remove(name);
    body
}

#[tokio::test]
async fn every_field_that_is_missing_mistyped_or_out_of_range_is_named() {
    let app = TestApp::start().await;
    let long = "x".repeat(100_001);
    let cases = [
        (without("input_code"), "input_code"),
        (without("language"), "language"),
        (with(&json!({"input_code": null})), "input_code"),
        (with(&json!({"input_code": 7})), "input_code"),
        (with(&json!({"input_code": ["def f(): pass"]})), "input_code"),
        (with(&json!({"input_code": "short"})), "input_code"),
        (with(&json!({"input_code": "   123456789   "})), "input_code"),
        (with(&json!({"input_code": long})), "input_code"),
        (with(&json!({"input_code": "def f():\u{0}\n    pass"})), "input_code"),
        (with(&json!({"language": 7})), "language"),
        (with(&json!({"language": "ruby"})), "language"),
        (with(&json!({"language": " python"})), "language"),
        (with(&json!({"language": ""})), "language"),
        (with(&json!({"model": "gpt-5"})), "model"),
        (with(&json!({"model": "../../etc"})), "model"),
        (with(&json!({"model": {}})), "model"),
        (with(&json!({"is_regenerate": "true"})), "is_regenerate"),
        (with(&json!({"is_regenerate": 1})), "is_regenerate"),
        (with(&json!({"description": 1})), "description"),
        (with(&json!({"description": "x".repeat(4_001)})), "description"),
        (with(&json!({"turnstile_token": 1})), "turnstile_token"),
    ];
    for (body, field) in cases {
        let error = app.generate(&body).await.error(422, "INVALID_REQUEST").await;
        assert_eq!(error["detail"]["field"], field, "{body}");
    }
    assert_eq!(app.gemini.requests_seen(), 0);
    assert_eq!(app.turnstile.calls().len(), 0);
}

#[tokio::test]
async fn languages_are_accepted_in_any_case() {
    let app = TestApp::start().await;
    for (number, language) in ["Python", "PYTHON", "pYtHoN"].into_iter().enumerate() {
        let mut body = TestApp::body(number);
        body["language"] = json!(language);
        assert_eq!(app.generate(&body).await.status(), 200, "{language}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let app = TestApp::start().await;
    let nested = format!("{{\"input_code\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: [&[u8]; 9] = [
        b"",
        b"null",
        b"[]",
        b"\"text\"",
        b"{\"input_code\": \"def f(): pass\"",
        b"{\"input_code\": \"\\ud800 lone surrogate\", \"language\": \"python\"}",
        b"{\"input_code\": \"bad \xff\xfe utf-8\", \"language\": \"python\"}",
        b"{\"input_code\": \"a raw \x00 nul\", \"language\": \"python\"}",
        nested.as_bytes(),
    ];
    for body in bodies {
        let answer = app
            .request("POST", "/api/generate")
            .header("authorization", app.authorization())
            .body(body.to_vec())
            .send()
            .await
            .map(crate::support::Answer::new)
            .expect("an answer");
        answer.error(422, "INVALID_REQUEST").await;
    }
}

#[tokio::test]
async fn a_duplicate_key_is_refused_by_name() {
    let app = TestApp::start().await;
    let body = r#"{"input_code": "def f(): pass", "language": "python", "language": "java"}"#;
    let answer = app
        .request("POST", "/api/generate")
        .header("authorization", app.authorization())
        .body(body)
        .send()
        .await
        .map(crate::support::Answer::new)
        .expect("an answer");
    let error = answer.error(422, "INVALID_REQUEST").await;
    assert_eq!(error["detail"]["field"], "language");
}

#[tokio::test]
async fn source_that_is_not_valid_in_its_language_is_refused_with_its_place() {
    let app = TestApp::start().await;
    for (language, source) in [
        ("python", "def f(:\n    return"),
        ("javascript", "function f( {\n  return 1;\n"),
        ("typescript", "function f(a: number {\n  return 1;\n}"),
        ("java", "public class A { int f( { return 1; } }"),
    ] {
        let body = with(&json!({"language": language, "input_code": source}));
        let error = app.generate(&body).await.error(400, "VALIDATION_ERROR").await;
        assert_eq!(error["status"], "validation_error");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("line") && message.contains('1'), "{message}");
    }
    for (language, source) in [
        ("python", "# only a comment\n# and another"),
        ("javascript", "// only a comment\n/* and another */"),
        ("java", "/* only a comment */ // x"),
    ] {
        let body = with(&json!({"language": language, "input_code": source}));
        app.generate(&body).await.error(400, "VALIDATION_ERROR").await;
    }
    assert_eq!(app.turnstile.calls().len(), 0, "a token is not spent on what can't be used");
}

#[tokio::test]
async fn another_language_is_recognised_and_named() {
    let app = TestApp::start().await;
    let java = "public class A {\n    public int f(int a) {\n        return a + 1;\n    }\n}";
    let typescript = "export function f(a: number): string {\n  return `${a}`;\n}";
    let python = "def f(a):\n    return [x for x in a if x]\n";
    for (chosen, source, actual) in [
        ("python", java, "Java"),
        ("javascript", typescript, "TypeScript"),
        ("java", python, "Python"),
        ("typescript", python, "Python"),
    ] {
        let body = with(&json!({"language": chosen, "input_code": source}));
        let error = app.generate(&body).await.error(400, "VALIDATION_ERROR").await;
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(actual), "{chosen}: {message}");
    }
}

#[tokio::test]
async fn messages_are_korean_unless_english_is_preferred() {
    let app = TestApp::start().await;
    for (accept, korean) in
        [(None, true), (Some("fr"), true), (Some("en-US,ko;q=0.5"), false), (Some("ko,en"), true)]
    {
        let mut request = app.request("GET", "/api/history/");
        if let Some(accept) = accept {
            request = request.header("accept-language", accept);
        }
        let answer = request.send().await.map(crate::support::Answer::new).expect("an answer");
        let error = answer.error(401, "UNAUTHORIZED").await;
        let message = error["message"].as_str().expect("a message");
        assert_eq!(message.is_ascii(), !korean, "{accept:?}: {message}");
    }
}

#[tokio::test]
async fn an_empty_wallet_is_said_with_its_numbers() {
    let app = TestApp::start().await;
    app.supabase.set_balance(app.user, 9);
    let error = app.generate(&TestApp::body(1)).await.error(402, "INSUFFICIENT_TOKENS").await;
    assert!(error["message"].as_str().is_some_and(|text| text.starts_with("INSUFFICIENT_TOKENS")));
    assert_eq!(
        (&error["detail"]["required"], &error["detail"]["current"]),
        (&json!(10), &json!(9))
    );
    assert_eq!(app.supabase.balance(app.user), Some(9));
    assert_eq!(app.gemini.requests_seen(), 0);
}

#[tokio::test]
async fn a_wallet_that_cannot_be_asked_closes_the_door() {
    let app = TestApp::start_configured(&[], "supabase.timeout_ms = 200").await;
    let answer = |status: u16, body: &str| Fault::Answer { status, body: body.to_owned() };
    for (fault, status, code) in [
        (answer(500, "{}"), 502, "UPSTREAM_ERROR"),
        (answer(503, "{}"), 503, "UNAVAILABLE"),
        (answer(200, "<html>"), 502, "UPSTREAM_ERROR"),
        (Fault::Hang, 504, "TIMEOUT"),
    ] {
        app.supabase.fail(Route::DeductTokens, fault);
        let answer = app.generate(&TestApp::body(1)).await;
        if code == "UNAVAILABLE" {
            assert!(answer.header("retry-after").is_some());
        }
        answer.error(status, code).await;
    }
    assert_eq!(app.gemini.requests_seen(), 0);
}

#[tokio::test]
async fn the_sixth_request_of_a_minute_is_refused_before_its_body_is_read() {
    let app = TestApp::start_with(&[("RATE_LIMIT_GENERATE_PER_MINUTE", "5")]).await;
    for number in 0..5 {
        assert_eq!(app.generate(&TestApp::body(number)).await.status(), 200);
    }
    let answer = app
        .request("POST", "/api/generate")
        .header("authorization", app.authorization())
        .body("not even JSON")
        .send()
        .await
        .map(crate::support::Answer::new)
        .expect("an answer");
    let wait: u64 = answer.header("retry-after").expect("a wait").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    answer.error(429, "RATE_LIMITED").await;
    let another = format!("Bearer {}", app.tokens.token_for(uuid::Uuid::new_v4()));
    let answer = app
        .request("POST", "/api/generate")
        .header("authorization", another)
        .json(&TestApp::body(9))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200, "the limit is each user's own");
}

#[tokio::test]
async fn a_body_past_the_limit_is_cut_off_declared_or_not() {
    let app = TestApp::start().await;
    let head = format!(
        "POST /api/generate HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n",
        app.authorization()
    );
    let mut declared = RawClient::connect(app.address()).await;
    declared.send(format!("{head}Content-Length: 1048577\r\n\r\n").as_bytes()).await;
    let (status, body) = declared.answer().await;
    assert_eq!(status, 413, "before a byte of it came");
    assert!(body.contains("PAYLOAD_TOO_LARGE"), "{body}");

    let mut streamed = RawClient::connect(app.address()).await;
    streamed.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await;
    let chunk = format!("10000\r\n{}\r\n", "a".repeat(0x10000));
    for _ in 0..17 {
        if !streamed.send_lossy(chunk.as_bytes()).await {
            break;
        }
    }
    let (status, body) = streamed.answer().await;
    assert_eq!(status, 413, "{body}");
    assert!(body.contains("PAYLOAD_TOO_LARGE"), "{body}");
}

#[tokio::test]
async fn a_client_that_never_finishes_its_body_is_let_go_of() {
    let app = TestApp::start_configured(&[], "server.body_timeout_ms = 100").await;
    let mut client = RawClient::connect(app.address()).await;
    let head = format!(
        "POST /api/generate HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\nContent-Length: 100\r\n\r\n{{",
        app.authorization()
    );
    client.send(head.as_bytes()).await;
    let (status, body) = client.answer().await;
    assert_eq!(status, 408, "{body}");
    assert!(body.contains("REQUEST_TIMEOUT"), "{body}");
    client.closed_by_server().await;
}

#[tokio::test]
async fn headers_that_are_not_ascii_are_answered_like_any_other_wrong_ones() {
    let app = TestApp::start().await;
    let mut client = RawClient::connect(app.address()).await;
    client
        .send(
            b"GET /api/history/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xc3\xa9\xff\r\n\
              Accept-Language: \xed\x95\x9c\r\n\r\n",
        )
        .await;
    let (status, body) = client.answer().await;
    assert_eq!(status, 401, "{body}");
    assert!(body.contains("UNAUTHORIZED"), "{body}");
}

#[tokio::test]
async fn unknown_paths_and_methods_have_the_same_envelope() {
    let app = TestApp::start().await;
    for path in ["/api", "/api/nothing", "/api/v1/generate/x", "/api/v2/generate", "/.env"] {
        app.get(path).await.error(404, "NOT_FOUND").await;
    }
    let answer = app.get("/api/generate").await;
    assert_eq!(answer.header("allow").as_deref(), Some("POST"));
    answer.error(405, "METHOD_NOT_ALLOWED").await;
    app.delete("/api/user/status").await.error(405, "METHOD_NOT_ALLOWED").await;
}

#[tokio::test]
async fn whoever_names_a_model_in_dev_without_a_key_is_told_what_is_missing() {
    let app = DevApp::start_with(&[("GEMINI_API_KEY", "")]).await;
    let mut body = TestApp::body(1);
    body["model"] = json!("gemini-3.8-flash");
    let error = app.generate(&body).await.error(503, "UNAVAILABLE").await;
    assert!(error["message"].as_str().is_some_and(|text| text.contains("GEMINI_API_KEY")));
}

#[tokio::test]
async fn whoever_comes_when_all_places_are_taken_is_told_so_at_once_and_pays_nothing() {
    let app = TestApp::start_configured(&[], "server.max_generations = 1").await;
    let gate = Gate::closed();
    gate.release(1);
    app.gemini.enqueue(StreamedAnswer::text(["x = 1\n", "y = 2\n"]).gated(&gate));
    let mut first = app.generate(&TestApp::body(1)).await.events();
    first.chunk().await;
    let balance = app.supabase.balance(app.user);
    let refused = app.generate(&TestApp::body(2)).await;
    assert!(refused.header("retry-after").is_some());
    refused.error(503, "UNAVAILABLE").await;
    assert_eq!(app.supabase.balance(app.user), balance);
    gate.open();
    first.collect().await;
    // The place is free once the task has ended, which is just after its last frame.
    soon("a free place", async { while app.generate(&TestApp::body(3)).await.status() == 503 {} })
        .await;
}

#[tokio::test]
async fn dev_refuses_foreign_hosts_and_origins() {
    let app = DevApp::start_with(&[]).await;
    let own = app.address().to_owned();
    let cases = [
        (own.clone(), None, 200),
        ("evil.example".to_owned(), None, 403),
        (own.clone(), Some("http://evil.example".to_owned()), 403),
        (own.clone(), Some("null".to_owned()), 403),
        (own.clone(), Some(format!("http://{own}")), 200),
    ];
    for (host, origin, status) in cases {
        let mut request = app.request("GET", "/api/languages").header("host", &host);
        if let Some(origin) = &origin {
            request = request.header("origin", origin);
        }
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), status, "{host} {origin:?}");
    }
}
