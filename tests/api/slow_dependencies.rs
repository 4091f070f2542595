//! A slow dependency slows those who need it and nobody else.

use std::time::{Duration, Instant};

use tester_peers::Gate;
use tester_peers::gemini::StreamedAnswer;
use tester_peers::supabase::{Fault, Route};
use tester_peers::turnstile::TurnstileAnswer;

use crate::support::{TestApp, soon};

#[tokio::test]
async fn open_streams_and_health_go_on_while_supabase_does_not_answer() {
    // One worker thread: whatever blocks it blocks everybody.
    let app = TestApp::start().await;
    app.supabase.set_balance(app.user, 1_000);
    let gate = Gate::closed();
    let pieces: Vec<String> = (0..20).map(|number| format!("x = {number}\n")).collect();
    app.gemini.enqueue(StreamedAnswer::text(pieces.clone()).gated(&gate));
    let mut stream = app.generate(&TestApp::body(1)).await.events();
    let held = Gate::closed();
    for route in Route::ALL {
        app.supabase.fail(route, Fault::Hold(held.clone()));
    }
    let waiting: Vec<_> = (2..10)
        .map(|number| {
            let request = app
                .request("POST", "/api/generate")
                .header("authorization", app.authorization())
                .json(&TestApp::body(number));
            tokio::spawn(request.send())
        })
        .collect();
    soon("the held requests", app.supabase.requested(Route::DeductTokens, 2)).await;
    for piece in pieces {
        gate.release(1);
        assert_eq!(stream.chunk().await, piece);
    }
    let health = app.get("/api/health").await;
    assert_eq!(health.status(), 200);
    assert!(waiting.iter().all(|request| !request.is_finished()), "all still wait for the wallet");
    held.open();
    for request in waiting {
        let answer = soon("the held answer", request).await.expect("no panic");
        assert_eq!(answer.expect("an answer").status(), 200);
    }
}

#[tokio::test]
async fn a_store_that_takes_a_second_delays_its_own_request_only() {
    let app = TestApp::start().await;
    let second = Duration::from_secs(1);
    app.supabase.fail(Route::InsertHistory, Fault::Delay(second));
    let gate = Gate::closed();
    app.gemini.enqueue(StreamedAnswer::text(["a = 1\n", "b = 2\n"]).gated(&gate));
    let mut watched = app.generate(&TestApp::body(1)).await.events();
    let started = Instant::now();
    let saving = app.generate(&TestApp::body(2)).await.events();
    let saving = tokio::spawn(saving.collect());
    soon("the insert", app.supabase.requested(Route::InsertHistory, 1)).await;
    gate.release(1);
    watched.chunk().await;
    assert!(!saving.is_finished(), "the insert still takes its second");
    saving.await.expect("no panic");
    assert!(started.elapsed() >= second);
}

#[tokio::test]
async fn a_bot_check_that_takes_its_time_holds_up_its_own_request_only() {
    let app = TestApp::start().await;
    let gate = Gate::closed();
    app.turnstile.script([TurnstileAnswer::Held(gate.clone())]);
    let held = app
        .request("POST", "/api/generate")
        .header("authorization", app.authorization())
        .json(&TestApp::body(1));
    let held = tokio::spawn(held.send());
    soon("the bot check", app.turnstile.called(1)).await;
    assert_eq!(app.generate(&TestApp::body(2)).await.status(), 200);
    assert!(!held.is_finished(), "nobody has vouched for it yet");
    gate.open();
    let answer = soon("the held answer", held).await.expect("no panic");
    assert_eq!(answer.expect("an answer").status(), 200);
    assert_eq!(app.turnstile.calls().len(), 2);
}
