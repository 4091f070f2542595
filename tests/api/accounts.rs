//! Who is let in, and what they find: tokens, status, history, ops.

use serde_json::{Value, json};
use tester_peers::supabase::{Fault, Route};
use tester_peers::tokens::{HS256_HEADER, TokenMint};
use tester_peers::turnstile::TurnstileAnswer;
use uuid::Uuid;

use crate::support::{Answer, DevApp, JWT_SECRET, OPS_KEY, TestApp};

async fn status_with(app: &TestApp, authorization: &str) -> Answer {
    app.request("GET", "/api/user/status")
        .header("authorization", authorization)
        .send()
        .await
        .map(Answer::new)
        .expect("an answer")
}

#[tokio::test]
async fn every_bad_token_gets_the_same_answer_and_no_hint() {
    let app = TestApp::start().await;
    let issuer = format!("{}/auth/v1", app.supabase.url());
    let claims = || app.tokens.claims_for(app.user);
    let sign = |claims: String| app.tokens.sign(HS256_HEADER, &claims);
    let good = app.tokens.token_for(app.user);
    let (head, signature) = good.rsplit_once('.').expect("three parts");
    let bearer = |token: String| format!("Bearer {token}");
    let none = |alg: &str| {
        let unsigned = app.tokens.sign(&format!(r#"{{"alg":"{alg}"}}"#), &claims().to_string());
        format!("{}.", unsigned.rsplit_once('.').expect("three parts").0)
    };
    let duplicate = claims().to_string().replacen('{', r#"{"role":"service_role","#, 1);
    let refused = [
        good.clone(),
        format!("Basic {good}"),
        format!("Token {good}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        bearer(String::new()),
        bearer(none("none")),
        bearer(none("None")),
        bearer(none("NONE")),
        bearer(app.tokens.sign(r#"{"alg":"RS256"}"#, &claims().to_string())),
        bearer(app.tokens.sign(r#"{"alg":"HS512"}"#, &claims().to_string())),
        bearer(
            TokenMint::new("another-secret-of-more-than-32-bytes-000", &issuer).token_for(app.user),
        ),
        bearer(TokenMint::new(JWT_SECRET, "https://evil.example/auth/v1").token_for(app.user)),
        bearer(sign(claims().with("exp", json!(1_000_000_000)).to_string())),
        bearer(sign(claims().with("nbf", json!(4_000_000_000_u64)).to_string())),
        bearer(sign(claims().without("exp").to_string())),
        bearer(sign(claims().with("iss", json!(format!("{issuer}/"))).to_string())),
        bearer(sign(claims().with("aud", json!("anon")).to_string())),
        bearer(sign(claims().with("aud", json!([])).to_string())),
        bearer(sign(claims().with("role", json!("service_role")).to_string())),
        bearer(sign(claims().with("sub", json!("admin")).to_string())),
        bearer(sign(claims().without("sub").to_string())),
        bearer(sign(duplicate)),
        bearer(format!("{head}.{signature}=")),
        bearer(format!("{head}.{}", &signature[..signature.len() - 1])),
        bearer("a".repeat(9 * 1024)),
        bearer(format!("{good}, Bearer {good}")),
    ];
    let mut bodies = Vec::new();
    for authorization in &refused {
        let answer = status_with(&app, authorization).await;
        assert_eq!(answer.header("www-authenticate").as_deref(), Some("Bearer"));
        let mut body = answer.error(401, "UNAUTHORIZED").await;
        body["trace_id"] = Value::Null;
        bodies.push(body);
    }
    let missing = app.request("GET", "/api/user/status").send().await.map(Answer::new);
    let mut body = missing.expect("an answer").error(401, "UNAUTHORIZED").await;
    body["trace_id"] = Value::Null;
    bodies.push(body);
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(status_with(&app, &bearer(good)).await.status(), 200, "and a good one is let in");
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    let app = TestApp::start().await;
    let answer = app
        .request("GET", "/api/user/status")
        .header("authorization", app.authorization())
        .header("authorization", app.authorization())
        .send()
        .await
        .map(Answer::new)
        .expect("an answer");
    answer.error(401, "UNAUTHORIZED").await;
}

#[tokio::test]
async fn nobody_is_asked_for_a_body_before_they_are_recognised() {
    let app = TestApp::start().await;
    let answer =
        app.request("POST", "/api/generate").body(vec![b' '; 2 * 1024 * 1024]).send().await;
    // The server may close while the client still sends; what it must not do is read on.
    if let Ok(answer) = answer {
        assert_eq!(answer.status(), 401);
    }
}

#[tokio::test]
async fn status_opens_the_wallet_claims_the_bonus_once_and_counts_the_quota() {
    let app = TestApp::start_with(&[("RATE_LIMIT_GENERATE_PER_MINUTE", "5")]).await;
    let status = app.get("/api/user/status").await.json().await;
    assert_eq!(status["user"], json!({"id": app.user, "email": "ada@example.com"}));
    assert_eq!(
        status["token_info"],
        json!({"current_tokens": 80, "daily_bonus_claimed": true, "cost_per_generation": 10})
    );
    assert_eq!(status["quota"], json!({"limit": 5, "used": 0, "remaining": 5}));
    app.generate(&TestApp::body(1)).await.events().collect().await;
    let status = app.get("/api/user/status").await.json().await;
    assert_eq!(status["token_info"]["current_tokens"], 70);
    assert_eq!(status["quota"], json!({"limit": 5, "used": 1, "remaining": 4}));
}

#[tokio::test]
async fn status_is_limited_too() {
    let app = TestApp::start_with(&[("RATE_LIMIT_STATUS_PER_MINUTE", "2")]).await;
    for _ in 0..2 {
        assert_eq!(app.get("/api/user/status").await.status(), 200);
    }
    app.get("/api/user/status").await.error(429, "RATE_LIMITED").await;
}

#[tokio::test]
async fn a_new_user_who_generates_first_gets_a_wallet_first() {
    let app = TestApp::start().await;
    app.generate(&TestApp::body(1)).await.events().collect().await;
    assert_eq!(app.supabase.balance(app.user), Some(70));
}

#[tokio::test]
async fn in_dev_a_generation_costs_nothing_and_the_status_says_so() {
    let app = DevApp::start_with(&[]).await;
    app.generate(&TestApp::body(1)).await.events().collect().await;
    let answer = app.request("GET", "/api/user/status").send().await.map(Answer::new);
    let status = answer.expect("an answer").json().await;
    assert_eq!(status["token_info"]["cost_per_generation"], 0);
    assert_eq!(status["token_info"]["current_tokens"], 80);
}

#[tokio::test]
async fn history_is_paged_newest_first_and_deleted_by_its_owner_only() {
    let app = TestApp::start().await;
    app.supabase.set_balance(app.user, 1_000);
    for number in 0..5 {
        app.generate(&TestApp::body(number)).await.events().collect().await;
    }
    let mut path = "/api/history/?limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let answer = app.get(&path).await;
        let link = answer.header("link");
        let page = answer.json().await;
        seen.extend(page.as_array().expect("an array").clone());
        let Some(link) = link else { break };
        let (url, rest) = link.split_once('>').expect("a link");
        assert_eq!(rest, "; rel=\"next\"");
        path = url.trim_start_matches('<').to_owned();
    }
    assert_eq!(seen.len(), 5);
    let times: Vec<&str> = seen.iter().filter_map(|item| item["created_at"].as_str()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    let mut names: Vec<&String> = seen[0].as_object().expect("an object").keys().collect();
    names.sort();
    assert_eq!(names, ["created_at", "generated_code", "id", "input_code", "language", "model"]);

    let id = seen[0]["id"].as_str().expect("an id");
    let foreign = format!("Bearer {}", app.tokens.token_for(Uuid::new_v4()));
    for method in ["GET", "DELETE"] {
        let answer = app
            .request(method, &format!("/api/history/{id}"))
            .header("authorization", &foreign)
            .send()
            .await
            .map(Answer::new)
            .expect("an answer");
        answer.error(404, "NOT_FOUND").await;
    }
    assert_eq!(app.delete(&format!("/api/history/{id}")).await.status(), 204);
    app.get(&format!("/api/history/{id}")).await.error(404, "NOT_FOUND").await;
    app.delete(&format!("/api/history/{id}")).await.error(404, "NOT_FOUND").await;
    app.get("/api/history/not-an-id").await.error(404, "NOT_FOUND").await;
    let answer = app
        .request("DELETE", "/api/history/")
        .header("authorization", &foreign)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 204, "nothing of one's own to delete");
    assert_eq!(app.supabase.rows().len(), 4);
    assert_eq!(app.delete("/api/history/").await.status(), 204);
    assert!(app.supabase.rows().is_empty());
}

#[tokio::test]
async fn bad_paging_is_refused_by_field() {
    let app = TestApp::start().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=1e1", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
    ] {
        let path = format!("/api/history/?{query}");
        let error = app.get(&path).await.error(422, "INVALID_REQUEST").await;
        assert_eq!(error["detail"]["field"], field, "{query}");
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named_and_the_others_are_served() {
    let app = TestApp::start().await;
    for number in 0..2 {
        app.generate(&TestApp::body(number)).await.events().collect().await;
    }
    let mut rows = app.supabase.rows();
    let moved = rows[0].generated_code.clone();
    rows[1].generated_code = moved;
    let damaged = rows[1].id;
    app.supabase.set_rows(rows);
    let answer = app.get("/api/history/").await;
    assert_eq!(answer.header("x-unreadable-items"), Some(damaged.to_string()));
    assert_eq!(answer.json().await.as_array().map(Vec::len), Some(1));
    app.get(&format!("/api/history/{damaged}")).await.error(500, "INTERNAL_ERROR").await;
}

#[tokio::test]
async fn a_store_that_fails_is_an_answer_without_its_cause() {
    let app = TestApp::start().await;
    let body = r#"{"code":"42P01","message":"relation secret_table does not exist"}"#;
    app.supabase.fail(Route::SelectHistory, Fault::Answer { status: 404, body: body.to_owned() });
    let error = app.get("/api/history/").await.error(502, "UPSTREAM_ERROR").await;
    assert!(!error.to_string().contains("secret_table"));
}

#[tokio::test]
async fn ops_routes_open_with_the_key_only() {
    let app = TestApp::start().await;
    for path in ["/health", "/metrics"] {
        app.get(path).await.error(403, "FORBIDDEN").await;
        let request = app.request("GET", path).header("x-tester-key", "wrong");
        let answer = request.send().await.map(Answer::new).expect("an answer");
        answer.error(403, "FORBIDDEN").await;
        let request = app.request("GET", path).header("x-tester-key", OPS_KEY);
        assert_ne!(request.send().await.expect("an answer").status(), 403);
    }
    let closed = TestApp::start_with(&[("TESTER_INTERNAL_SECRET", "")]).await;
    for path in ["/health", "/metrics"] {
        closed.get(path).await.error(404, "NOT_FOUND").await;
    }
}

#[tokio::test]
async fn health_tells_each_dependency_and_weighs_the_vital_ones() {
    let app = TestApp::start().await;
    let health = || async {
        let request = app.request("GET", "/health").header("x-tester-key", OPS_KEY);
        let answer = Answer::new(request.send().await.expect("an answer"));
        (answer.status(), answer.json().await)
    };
    let state = |report: &Value, name: &str| {
        let dependencies = report["dependencies"].as_array().expect("a list");
        let found = dependencies.iter().find(|dependency| dependency["name"] == name);
        found.unwrap_or_else(|| panic!("{name} in {report}"))["state"].clone()
    };
    // Nobody listens at the worker's address: beside the main job, so degraded.
    let (status, report) = health().await;
    assert_eq!((status, &report["status"]), (200, &json!("degraded")), "{report}");
    assert_eq!(state(&report, "supabase_table"), "up");
    assert_eq!(state(&report, "turnstile"), "up");
    assert_eq!(state(&report, "worker_1"), "down");
    app.turnstile.script([TurnstileAnswer::Fail(&["invalid-input-secret"])]);
    let (status, report) = health().await;
    assert_eq!((status, &report["status"]), (503, &json!("unhealthy")), "{report}");
    assert_eq!(state(&report, "turnstile"), "down");
    let broken = Fault::Answer { status: 500, body: "{}".to_owned() };
    app.supabase.fail(Route::SelectHistory, broken);
    let (status, report) = health().await;
    assert_eq!((status, &report["status"]), (503, &json!("unhealthy")), "{report}");
    assert_eq!(state(&report, "supabase_table"), "down");
}

#[tokio::test]
async fn health_in_dev_asks_the_database_the_sandboxes_and_the_model() {
    let app = DevApp::start_with(&[("TESTER_INTERNAL_SECRET", OPS_KEY)]).await;
    app.gemini.set_models(["gemini-3.8-flash"]);
    let request = app.request("GET", "/health").header("x-tester-key", OPS_KEY);
    let answer = Answer::new(request.send().await.expect("an answer"));
    let report = answer.json().await;
    assert_eq!(report["status"], "healthy", "{report}");
    let names: Vec<&Value> = report["dependencies"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|dependency| &dependency["name"])
        .collect();
    assert_eq!(names, ["database", "sandbox", "gemini"]);
}

#[tokio::test]
async fn metrics_count_what_happened_under_bounded_labels() {
    let app = TestApp::start().await;
    app.generate(&TestApp::body(1)).await.events().collect().await;
    app.get("/api/history/00000000-0000-0000-0000-000000000000")
        .await
        .error(404, "NOT_FOUND")
        .await;
    let request = app.request("GET", "/metrics").header("x-tester-key", OPS_KEY);
    let text = Answer::new(request.send().await.expect("an answer")).text().await;
    for name in [
        "tester_generations_total{language=\"python\",outcome=\"complete\"}",
        "tester_first_chunk_seconds",
        "tester_http_requests_total",
        "/api/history/{id}",
    ] {
        assert!(text.contains(name), "{name} in {text}");
    }
    assert!(!text.contains("00000000-0000"), "{text}");
}

#[tokio::test]
async fn liveness_asks_nobody_and_languages_tell_what_a_form_needs() {
    let app = TestApp::start().await;
    app.supabase.fail_all(&Fault::Hang);
    let answer = app.request("GET", "/api/health").send().await.map(Answer::new);
    let health = answer.expect("an answer").json().await;
    assert_eq!((&health["status"], &health["service"]), (&json!("ok"), &json!("tester")));
    // What every start looks after is no answer to anybody.
    let upkeep = [Route::RefundAbandonedCharges, Route::Jwks];
    for route in Route::ALL.into_iter().filter(|route| !upkeep.contains(route)) {
        assert_eq!(app.supabase.requests_to(route).len(), 0, "{route:?}");
    }
    let answer = app.request("GET", "/api/v1/languages").send().await.map(Answer::new);
    let languages = answer.expect("an answer").json().await;
    let codes: Vec<&Value> = languages["languages"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| &item["code"])
        .collect();
    assert_eq!(codes, ["python", "javascript", "typescript", "java"]);
    assert_eq!(languages["limits"]["input_code_max_chars"], 100_000);
}

#[tokio::test]
async fn pages_of_allowed_origins_may_read_answers_also_refusals() {
    let origin = "https://app.example.com";
    let app = TestApp::start_with(&[("ALLOWED_ORIGINS", origin)]).await;
    let preflight = app
        .request("OPTIONS", "/api/generate")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type")
        .send()
        .await
        .map(Answer::new)
        .expect("an answer");
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.header("access-control-allow-origin").as_deref(), Some(origin));
    let read = |origin: &str| app.request("GET", "/api/history/").header("origin", origin).send();
    let refusal = Answer::new(read(origin).await.expect("an answer"));
    assert_eq!(refusal.header("access-control-allow-origin").as_deref(), Some(origin));
    refusal.error(401, "UNAUTHORIZED").await;
    let foreign = Answer::new(read("https://evil.example").await.expect("an answer"));
    assert_eq!(foreign.header("access-control-allow-origin"), None);
}
