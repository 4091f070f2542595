//! The built-in engine where no sandbox is needed to tell: who may ask it, for what, and what it says
//! when it can't. What it writes is in `tests/execution`.

use serde_json::{Value, json};
use tester_peers::gemini::{Failure, StreamedAnswer};

use super::support::{DevApp, TestApp, answered};

const NO_KEY: [(&str, &str); 1] = [("GEMINI_API_KEY", "")];

fn order(number: usize) -> Value {
    let mut body = TestApp::body(number);
    body["model"] = json!("builtin");
    body
}

async fn languages(request: reqwest::RequestBuilder) -> Value {
    answered(request).await.json().await
}

#[tokio::test]
async fn dev_without_a_key_has_it_as_its_default() {
    let app = DevApp::start_with(&NO_KEY).await;
    let listed = languages(app.request("GET", "/api/languages")).await;
    assert_eq!(listed["default_model"], "builtin");
    assert_eq!(listed["models"], json!(["builtin"]));
    assert_eq!(listed["builtin"]["languages"], json!(["python", "javascript"]));
    assert_eq!(listed["builtin"]["budget_default_ms"], 10_000);
}

#[tokio::test]
async fn dev_with_a_key_has_it_beside_the_models() {
    let app = DevApp::start_with(&[]).await;
    let listed = languages(app.request("GET", "/api/languages")).await;
    assert_eq!(listed["default_model"], "gemini-3.8-flash");
    let models = listed["models"].as_array().expect("a list");
    assert!(models.len() > 1 && models.last() == Some(&json!("builtin")), "{models:?}");
}

#[tokio::test]
async fn a_language_it_does_not_write_is_refused_with_those_it_writes() {
    let app = DevApp::start_with(&NO_KEY).await;
    for (language, source) in [
        ("typescript", "const twice = (x: number): number => 2 * x;\n"),
        ("java", "class A { static int twice(int x) { return 2 * x; } }\n"),
    ] {
        let body = json!({ "input_code": source, "language": language });
        let error = app.generate(&body).await.error(422, "INVALID_REQUEST").await;
        assert_eq!(error["detail"]["field"], "model");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains("Python, JavaScript"), "{message}");
        assert!(message.contains("GEMINI_API_KEY"), "{message}");
    }
}

#[tokio::test]
async fn serve_does_not_know_it_unless_told_to() {
    let app = TestApp::start().await;
    let error = app.generate(&order(1)).await.error(422, "INVALID_REQUEST").await;
    assert_eq!(error["detail"]["field"], "model");
    let listed = app.get("/api/languages").await.json().await;
    assert_eq!(listed["builtin"], Value::Null);
    app.gemini.set_default(Failure::unavailable());
    let frames = app.generate(&TestApp::body(2)).await.events().rest().await;
    assert_eq!(frames.last().expect("a last frame").data()["code"], "UPSTREAM_BUSY");
}

#[tokio::test]
async fn a_budget_and_a_seed_have_bounds() {
    let app = DevApp::start_with(&NO_KEY).await;
    for (field, value) in [
        ("budget_ms", json!(1_999)),
        ("budget_ms", json!(30_001)),
        ("budget_ms", json!("10000")),
        ("seed", json!(0)),
        ("seed", json!(u64::from(u32::MAX) + 1)),
        ("seed", json!(1.5)),
    ] {
        let mut body = order(1);
        body[field] = value.clone();
        let error = app.generate(&body).await.error(422, "INVALID_REQUEST").await;
        assert_eq!(error["detail"]["field"], field, "{value}");
    }
}

#[tokio::test]
async fn without_a_worker_it_says_so_and_nothing_was_charged() {
    let app = TestApp::start_configured(&[], "builtin.offered = true").await;
    app.get("/api/user/status").await.json().await;
    let balance = app.supabase.balance(app.user);
    let frames = app.generate(&order(1)).await.events().rest().await;
    let last = frames.last().expect("a last frame").data();
    assert_eq!(last["code"], "GENERATION_ERROR");
    assert!(last["message"].as_str().is_some_and(|text| text.contains("sandbox")), "{last}");
    assert_eq!(app.supabase.balance(app.user), balance);
}

#[tokio::test]
async fn a_fallback_without_a_worker_gives_the_price_back_once() {
    let knobs = "builtin.fallback = true\ngemini.max_attempts = 1";
    let app = TestApp::start_configured(&[], knobs).await;
    app.get("/api/user/status").await.json().await;
    let balance = app.supabase.balance(app.user);
    app.gemini.set_default(Failure::unavailable());
    let frames = app.generate(&TestApp::body(1)).await.events().rest().await;
    assert_eq!(frames[0].data()["step"], "falling_back");
    assert_eq!(frames.last().expect("a last frame").event(), Some("error"));
    assert_eq!(app.supabase.balance(app.user), balance);
}

#[tokio::test]
async fn nobody_falls_back_after_the_first_chunk_or_for_a_refusal() {
    let knobs = "builtin.fallback = true\ngemini.max_attempts = 1";
    let app = TestApp::start_configured(&[], knobs).await;
    app.gemini.enqueue(StreamedAnswer::text(["x = 1\n"]).then_error(&Failure::unavailable()));
    app.gemini.enqueue(StreamedAnswer::blocked("SAFETY"));
    for number in 1..=2 {
        let frames = app.generate(&TestApp::body(number)).await.events().rest().await;
        let steps = frames.iter().filter(|frame| frame.event() == Some("status")).count();
        assert_eq!(steps, 0, "{frames:?}");
        assert_eq!(frames.last().expect("a last frame").event(), Some("error"));
    }
}

#[tokio::test]
async fn a_language_it_does_not_write_is_left_to_the_model_that_is_down() {
    let knobs = "builtin.fallback = true\ngemini.max_attempts = 1";
    let app = TestApp::start_configured(&[], knobs).await;
    app.gemini.set_default(Failure::unavailable());
    let mut body = TestApp::body(1);
    body["input_code"] = json!("const twice = (x: number): number => 2 * x;\n");
    body["language"] = json!("typescript");
    let frames = app.generate(&body).await.events().rest().await;
    let [only] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(only.data()["code"], "UPSTREAM_BUSY");
}
