//! What a client gets from the bot check: a stream, or always the same refusal.

use serde_json::{Value, json};
use tester_peers::supabase::Route;
use tester_peers::turnstile::TurnstileAnswer;

use crate::support::{TURNSTILE_SECRET, TestApp};

fn with_token(token: Value) -> Value {
    let mut body = TestApp::body(1);
    body["turnstile_token"] = token;
    body
}

/// Asserts the refusal that every failed check gets, and that nobody pays for it.
async fn assert_refused(app: &TestApp, body: &Value) {
    let error = app.generate(body).await.error(400, "TURNSTILE_FAILED").await;
    let shown = error.to_string();
    for detail in ["mismatch", "duplicate", "siteverify", "hostname", "internal-error"] {
        assert!(!shown.contains(detail), "{shown}");
    }
    assert_eq!(app.supabase.requests_to(Route::DeductTokens).len(), 0);
    assert_eq!(app.gemini.requests_seen(), 0);
}

#[tokio::test]
async fn a_token_that_can_not_pass_is_not_worth_a_call() {
    let app = TestApp::start().await;
    let mut without = TestApp::body(1);
    without.as_object_mut().expect("an object").remove("turnstile_token");
    assert_refused(&app, &without).await;
    for token in [json!(null), json!(""), json!("x".repeat(2_049))] {
        assert_refused(&app, &with_token(token)).await;
    }
    assert_eq!(app.turnstile.calls().len(), 0);
}

#[tokio::test]
async fn everything_but_a_pass_closes_the_door() {
    let app = TestApp::start().await;
    for (answers, calls) in [
        (vec![TurnstileAnswer::Fail(&["invalid-input-response"])], 1),
        (vec![TurnstileAnswer::Fail(&["timeout-or-duplicate"])], 1),
        (vec![TurnstileAnswer::Fail(&["invalid-input-secret"])], 1),
        (vec![TurnstileAnswer::Fail(&["internal-error"]); 2], 2),
        (vec![TurnstileAnswer::Broken; 2], 2),
        (vec![TurnstileAnswer::Raw { status: 200, body: "<html>".to_owned() }], 1),
        (vec![TurnstileAnswer::Raw { status: 500, body: String::new() }], 1),
    ] {
        let before = app.turnstile.calls().len();
        app.turnstile.script(answers.clone());
        assert_refused(&app, &TestApp::body(1)).await;
        assert_eq!(app.turnstile.calls().len() - before, calls, "{answers:?}");
    }
}

#[tokio::test]
async fn a_token_is_good_for_one_request() {
    let app = TestApp::start().await;
    let body = TestApp::body(1);
    assert_eq!(app.generate(&body).await.status(), 200);
    app.generate(&body).await.error(400, "TURNSTILE_FAILED").await;
    assert_eq!(app.gemini.requests_seen(), 1);
}

#[tokio::test]
async fn a_failure_of_the_service_is_tried_again_as_the_same_call() {
    for failure in [TurnstileAnswer::Fail(&["internal-error"]), TurnstileAnswer::Broken] {
        let app = TestApp::start().await;
        app.turnstile.script([failure.clone()]);
        assert_eq!(app.generate(&TestApp::body(1)).await.status(), 200, "{failure:?}");
        let calls = app.turnstile.calls();
        assert_eq!(calls.len(), 2, "{failure:?}");
        assert_eq!(calls[0], calls[1], "{failure:?}");
        assert!(calls[0].idempotency_key.is_some());
        assert_eq!(calls[0].secret.as_deref(), Some(TURNSTILE_SECRET));
    }
}

#[tokio::test]
async fn a_service_that_says_nothing_is_given_up_twice() {
    let app = TestApp::start_configured(&[], "turnstile.timeout_ms = 100").await;
    app.turnstile.script([TurnstileAnswer::Silent, TurnstileAnswer::Silent]);
    assert_refused(&app, &TestApp::body(1)).await;
    assert_eq!(app.turnstile.calls().len(), 2);
}

#[tokio::test]
async fn a_service_that_is_not_there_closes_the_door() {
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}/siteverify", listener.local_addr().expect("a bound address"))
    };
    let app = TestApp::start_with(&[("TURNSTILE_VERIFY_URL", &nobody)]).await;
    assert_refused(&app, &TestApp::body(1)).await;
}

#[tokio::test]
async fn tokens_of_other_sites_and_for_other_actions_are_refused() {
    let app = TestApp::start_with(&[
        ("TURNSTILE_HOSTNAMES", "app.example.com,www.example.com"),
        ("TURNSTILE_ACTION", "generate"),
    ])
    .await;
    for (hostname, action) in [
        (Some("evil.example"), Some("generate")),
        (None, Some("generate")),
        (Some("app.example.com"), Some("sign-in")),
        (Some("app.example.com"), None),
        (None, None),
    ] {
        app.turnstile.set_origin(hostname, action);
        assert_refused(&app, &TestApp::body(1)).await;
    }
    assert_eq!(app.turnstile.calls().len(), 5, "none is asked about again");
    for hostname in ["app.example.com", "WWW.example.com"] {
        app.turnstile.set_origin(Some(hostname), Some("generate"));
        assert_eq!(app.generate(&TestApp::body(1)).await.status(), 200, "{hostname}");
    }
}
