//! Every way in which the project can fail, and what the user gets: never its words, never a result
//! that is lost, never tokens that are.

use serde_json::{Value, json};
use tester_peers::supabase::{Fault, Route};

use crate::support::{Frame, TestApp};

/// The deadline of a call to the project, so that a test need not sit the real one out.
const HASTY: &str = "supabase.timeout_ms = 500";

fn coded(status: u16, code: &str) -> Fault {
    let body = json!({ "code": code, "message": "SECRET", "details": "SECRET", "hint": null });
    Fault::Answer { status, body: body.to_string() }
}

fn plain(status: u16, body: &str) -> Fault {
    Fault::Answer { status, body: body.to_owned() }
}

/// Each with the answer to whoever reads, and whether coming back is worth a try.
fn faults() -> Vec<(&'static str, Fault, u16, &'static str)> {
    vec![
        ("key refused", plain(401, r#"{"message":"SECRET"}"#), 502, "UPSTREAM_ERROR"),
        ("role refused", coded(403, "42501"), 502, "UPSTREAM_ERROR"),
        ("token refused", coded(401, "PGRST301"), 502, "UPSTREAM_ERROR"),
        ("no table", coded(404, "PGRST205"), 502, "UPSTREAM_ERROR"),
        ("no function", coded(404, "PGRST202"), 502, "UPSTREAM_ERROR"),
        ("conflict", coded(409, "23505"), 500, "INTERNAL_ERROR"),
        ("too many", plain(429, "SECRET"), 503, "UNAVAILABLE"),
        ("come back in an hour", Fault::RetryAfter { seconds: 3_600 }, 503, "UNAVAILABLE"),
        ("failure", coded(500, "XX000"), 502, "UPSTREAM_ERROR"),
        ("statement too slow", coded(500, "57014"), 503, "UNAVAILABLE"),
        ("database away", coded(503, "PGRST002"), 503, "UNAVAILABLE"),
        ("gateway", plain(502, "<html>SECRET</html>"), 503, "UNAVAILABLE"),
        ("no answer", Fault::Hang, 504, "TIMEOUT"),
        ("broken", Fault::Break, 503, "UNAVAILABLE"),
        ("garbage", plain(200, "SECRET"), 502, "UPSTREAM_ERROR"),
        ("another answer", plain(200, r#"{"SECRET":1}"#), 502, "UPSTREAM_ERROR"),
        ("endless", Fault::Flood, 502, "UPSTREAM_ERROR"),
    ]
}

fn assert_silent(error: &Value, name: &str) {
    assert!(!error.to_string().contains("SECRET"), "{name}: {error}");
}

#[tokio::test]
async fn a_reader_gets_each_fault_as_its_status_and_never_its_words() {
    let app = TestApp::start_configured(&[], HASTY).await;
    for (name, fault, status, code) in faults() {
        app.supabase.fail(Route::SelectHistory, fault.clone());
        let answer = app.get("/api/history/").await;
        // A page may be long: whether an endless one meets its bound or its deadline first is the
        // machine's business.
        let (status_of_page, code_of_page) = match answer.status() {
            504 if name == "endless" => (504, "TIMEOUT"),
            _ => (status, code),
        };
        let error = answer.error(status_of_page, code_of_page).await;
        assert_silent(&error, name);
        app.supabase.heal();
        app.supabase.fail(Route::ClaimDailyBonus, fault);
        let answer = app.get("/api/user/status").await;
        let come_back = answer.header("retry-after").is_some();
        assert_eq!(come_back, status == 503, "{name}");
        assert_silent(&answer.error(status, code).await, name);
        app.supabase.heal();
    }
    assert_eq!(app.get("/api/history/").await.status(), 200, "all is well again");
}

#[tokio::test]
async fn whoever_deletes_gets_each_fault_as_its_status() {
    let app = TestApp::start_configured(&[], HASTY).await;
    for (name, fault, status, code) in faults() {
        app.supabase.fail(Route::DeleteHistory, fault);
        let path = format!("/api/history/{}", uuid::Uuid::new_v4());
        let error = app.delete(&path).await.error(status, code).await;
        assert_silent(&error, name);
    }
}

#[tokio::test]
async fn without_the_wallet_nothing_is_written_and_nothing_is_charged() {
    let app = TestApp::start_configured(&[], HASTY).await;
    app.supabase.set_balance(app.user, 1_000);
    for (number, (name, fault, status, code)) in faults().into_iter().enumerate() {
        app.supabase.fail(Route::DeductTokens, fault);
        let answer = app.generate(&TestApp::body(number)).await;
        assert_silent(&answer.error(status, code).await, name);
    }
    assert_eq!(app.gemini.requests_seen(), 0, "the model was never asked");
    assert_eq!(app.supabase.balance(app.user), Some(1_000));
}

#[tokio::test]
async fn a_result_that_cannot_be_stored_reaches_the_user_with_a_warning() {
    let app = TestApp::start_configured(&[], HASTY).await;
    app.supabase.set_balance(app.user, 1_000);
    for (number, (name, fault, ..)) in faults().into_iter().enumerate() {
        app.supabase.fail(Route::InsertHistory, fault);
        let (code, frames) = app.generate(&TestApp::body(number)).await.events().collect().await;
        assert!(code.contains("assert"), "{name}: {code}");
        let events: Vec<_> = frames.iter().filter_map(Frame::event).collect();
        assert_eq!(events, ["status", "warning", "message"], "{name}");
        assert_eq!(frames[2].data()["history_id"], Value::Null, "{name}");
        assert!(!format!("{frames:?}").contains("SECRET"), "{name}");
    }
    assert_eq!(app.supabase.rows(), []);
    let charged = 1_000 - 10 * i64::try_from(faults().len()).expect("a few");
    assert_eq!(app.supabase.balance(app.user), Some(charged), "each was delivered and paid for");
}

#[tokio::test]
async fn a_fault_that_passes_is_not_noticed_and_nothing_is_done_twice() {
    let app = TestApp::start().await;
    app.supabase.set_balance(app.user, 100);
    for route in [
        Route::DeductTokens,
        Route::InsertHistory,
        Route::SettleCharge,
        Route::SelectHistory,
        Route::ClaimDailyBonus,
    ] {
        app.supabase.fail_times(route, Fault::LoseAnswer, 2);
    }
    let (_, frames) = app.generate(&TestApp::body(1)).await.events().collect().await;
    let events: Vec<_> = frames.iter().filter_map(Frame::event).collect();
    assert_eq!(events, ["status", "message"]);
    let page = app.get("/api/history/").await.json().await;
    assert_eq!(page.as_array().map(Vec::len), Some(1), "{page}");
    let status = app.get("/api/user/status").await.json().await;
    assert_eq!(status["token_info"]["current_tokens"], 120, "100 - 10 + 30");
}
