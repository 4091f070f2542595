//! Users whose tokens are signed with keys that the project publishes.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tester_peers::Gate;
use tester_peers::supabase::{Fault, Route, SupabasePeer};
use tester_peers::tokens::{SigningKey, TokenMint, key_set};
use uuid::Uuid;

use crate::support::{Answer, OPS_KEY, RawClient, TestApp, soon};

/// More worker threads than one, as in production: each has a runtime of its own.
const FOUR_WORKERS: &str = "server.workers = 4";

fn mint(app: &TestApp, key: &Arc<SigningKey>) -> TokenMint {
    TokenMint::with_key(key, &format!("{}/auth/v1", app.supabase.url()))
}

fn elliptic() -> Arc<SigningKey> {
    Arc::new(SigningKey::p256("elliptic"))
}

/// A project that publishes these keys.
async fn project(keys: &[Arc<SigningKey>]) -> SupabasePeer {
    let project = SupabasePeer::start().await.expect("a free port");
    project.set_jwks(key_set(keys.iter().map(|key| key.jwk())));
    project
}

async fn status(app: &TestApp, token: &str) -> Answer {
    app.request("GET", "/api/user/status")
        .header("authorization", format!("Bearer {token}"))
        .send()
        .await
        .map(Answer::new)
        .expect("an answer")
}

/// A call on a connection of its own, under way.
async fn calling(app: &TestApp, token: &str) -> RawClient {
    let mut client = RawClient::connect(app.address()).await;
    let call = format!(
        "GET /api/user/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    client.send(call.as_bytes()).await;
    client
}

#[tokio::test]
async fn users_of_every_published_key_and_of_the_secret_are_let_in() {
    let keys = [elliptic(), Arc::new(SigningKey::rsa_2048("rsa"))];
    let app = TestApp::start_beside(project(&keys).await, &[], "").await;
    for key in &keys {
        let user = Uuid::new_v4();
        let body = status(&app, &mint(&app, key).token_for(user)).await.json().await;
        assert_eq!(body["user"]["id"], json!(user), "{key:?}");
    }
    assert_eq!(status(&app, &app.tokens.token_for(app.user)).await.status(), 200);

    let answer = app
        .request("POST", "/api/generate")
        .header("authorization", format!("Bearer {}", mint(&app, &keys[0]).token_for(app.user)))
        .json(&TestApp::body(1))
        .send()
        .await
        .map(Answer::new)
        .expect("an answer");
    answer.events().collect().await;
    assert_eq!(app.supabase.rows()[0].user_id, app.user);
    assert_eq!(app.supabase.requests_to(Route::Jwks).len(), 1);

    let metrics = app.request("GET", "/metrics").header("x-tester-key", OPS_KEY);
    let metrics = metrics.send().await.map(Answer::new).expect("an answer").text().await;
    let counted = r#"tester_signing_key_fetches_total{outcome="answered"}"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn a_forger_who_knows_the_public_keys_gets_the_answer_everybody_gets() {
    let key = elliptic();
    let app = TestApp::start_beside(project(std::slice::from_ref(&key)).await, &[], "").await;
    let issuer = format!("{}/auth/v1", app.supabase.url());
    let good = mint(&app, &key);
    assert_eq!(status(&app, &good.token_for(app.user)).await.status(), 200);
    let claims = good.claims_for(app.user).to_string();
    let header = |alg: &str, further: &str| {
        format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"elliptic"{further}}}"#)
    };
    let unsigned = |token: &str| format!("{}.", token.rsplit_once('.').expect("three parts").0);
    let public =
        |secret: &[u8]| TokenMint::with_secret(secret, &issuer).sign(&header("HS256", ""), &claims);
    let other = Arc::new(SigningKey::p256("elliptic"));
    let attacker = format!(r#","jwk":{}"#, other.jwk());
    let fetched = r#","jku":"https://evil.example/jwks.json""#;
    let mut bodies = Vec::new();
    for token in [
        public(&key.public_der()),
        public(key.jwk().to_string().as_bytes()),
        public(b""),
        app.tokens.sign(&header("HS256", ""), &claims),
        mint(&app, &other).token_for(app.user),
        mint(&app, &other).sign(&header("ES256", &attacker), &claims),
        good.sign(&header("ES256", &attacker), &claims),
        good.sign(&header("ES256", fetched), &claims),
        good.sign(&header("ES256", r#","crit":["exp"]"#), &claims),
        good.sign(&header("RS256", ""), &claims),
        good.sign(&header("ES384", ""), &claims),
        good.sign(r#"{"alg":"ES256","typ":"JWT"}"#, &claims),
        good.sign(r#"{"alg":"ES256","typ":"JWT","kid":"made up"}"#, &claims),
        unsigned(&good.sign(&header("none", ""), &claims)),
        unsigned(&good.sign(&header("ES256", ""), &claims)),
    ] {
        let mut body = status(&app, &token).await.error(401, "UNAUTHORIZED").await;
        body["trace_id"] = Value::Null;
        bodies.push(body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(app.supabase.requests_to(Route::Jwks).len(), 1);
}

#[tokio::test]
async fn while_no_keys_can_be_had_only_users_of_the_secret_are_let_in() {
    let key = elliptic();
    let project = project(std::slice::from_ref(&key)).await;
    project.fail(Route::Jwks, Fault::Answer { status: 503, body: "<html>".to_owned() });
    let app = TestApp::start_beside(project, &[], "").await;
    let published = mint(&app, &key).token_for(app.user);
    let answer = status(&app, &published).await;
    assert_eq!(answer.header("retry-after").as_deref(), Some("5"));
    answer.error(503, "UNAVAILABLE").await;
    assert_eq!(status(&app, &app.tokens.token_for(app.user)).await.status(), 200);

    app.supabase.heal();
    soon("the recovery", async {
        // The next fetch is due within seconds, and nothing tells when.
        while status(&app, &published).await.status() != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    app.supabase.fail(Route::Jwks, Fault::Break);
    assert_eq!(status(&app, &published).await.status(), 200, "the keys are known");
}

#[tokio::test]
async fn a_storm_on_a_cold_start_asks_for_the_keys_once() {
    let key = elliptic();
    let project = project(std::slice::from_ref(&key)).await;
    let gate = Gate::closed();
    project.fail(Route::Jwks, Fault::Hold(gate.clone()));
    let app = TestApp::start_beside(project, &[], FOUR_WORKERS).await;
    let mint = mint(&app, &key);
    let made_up = Arc::new(SigningKey::p256("made up"));
    let made_up = TokenMint::with_key(&made_up, &format!("{}/auth/v1", app.supabase.url()));
    let mut waiting = Vec::new();
    for number in 0..200 {
        let mint = if number % 4 == 0 { &made_up } else { &mint };
        waiting.push(calling(&app, &mint.token_for(Uuid::new_v4())).await);
    }
    soon("the fetch", app.supabase.requested(Route::Jwks, 1)).await;
    // Nobody else is held up, and some who wait leave.
    assert_eq!(status(&app, &app.tokens.token_for(app.user)).await.status(), 200);
    waiting.truncate(160);
    gate.open();
    for (number, mut client) in waiting.into_iter().enumerate() {
        let (status, body) = client.answer().await;
        assert_eq!(status, if number % 4 == 0 { 401 } else { 200 }, "{number}: {body}");
    }
    for _ in 0..20 {
        let answer = status(&app, &made_up.token_for(app.user)).await;
        answer.error(401, "UNAUTHORIZED").await;
    }
    assert_eq!(app.supabase.requests_to(Route::Jwks).len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_key_set_lets_nobody_in_and_harms_nobody() {
    let key = elliptic();
    let huge = json!({"keys": [key.jwk()], "padding": "x".repeat(64 * 1024)}).to_string();
    let many = json!({"keys": vec![key.jwk(); 33]}).to_string();
    let answer = |body: String| Fault::Answer { status: 200, body };
    for fault in [
        Fault::Flood,
        Fault::CutAnswer,
        Fault::Break,
        answer(huge),
        answer(many),
        answer("<html>".to_owned()),
        answer("[".repeat(10_000)),
    ] {
        let project = project(std::slice::from_ref(&key)).await;
        project.fail(Route::Jwks, fault.clone());
        let app = TestApp::start_beside(project, &[], "").await;
        let answer = status(&app, &mint(&app, &key).token_for(app.user)).await;
        assert_eq!(answer.status(), 503, "{fault:?}");
        let answer = status(&app, &app.tokens.token_for(app.user)).await;
        assert_eq!(answer.status(), 200, "{fault:?}");
    }
}
