//! Clients that leave, processes that stop: who pays, and what is let go of.

use std::time::{Duration, Instant};

use tester_peers::Gate;
use tester_peers::gemini::StreamedAnswer;
use tester_peers::supabase::{Fault, Route};

use crate::support::{TestApp, soon};

/// The contract's bound for letting go of the model.
const LET_GO: Duration = Duration::from_secs(1);

fn slow_answer(gate: &Gate) -> StreamedAnswer {
    StreamedAnswer::text(["def test_x():\n", "    pass\n"]).gated(gate)
}

#[tokio::test]
async fn a_client_that_leaves_before_the_first_chunk_is_refunded() {
    let app = TestApp::start().await;
    app.supabase.set_balance(app.user, 10);
    app.gemini.enqueue(slow_answer(&Gate::closed()));
    let stream = app.generate(&TestApp::body(1)).await.events();
    let exchange = soon("the request upstream", app.gemini.exchange(0)).await;
    assert_eq!(app.supabase.balance(app.user), Some(0));
    let left = Instant::now();
    drop(stream);
    soon("the close upstream", exchange.closed_by_caller()).await;
    assert!(left.elapsed() < LET_GO, "took {:?}", left.elapsed());
    soon("the refund", app.supabase.until(|peer| peer.balance(app.user) == Some(10))).await;
}

#[tokio::test]
async fn a_client_that_leaves_after_the_first_chunk_pays() {
    let app = TestApp::start().await;
    app.supabase.set_balance(app.user, 10);
    let gate = Gate::closed();
    gate.release(1);
    app.gemini.enqueue(slow_answer(&gate));
    let mut stream = app.generate(&TestApp::body(1)).await.events();
    stream.chunk().await;
    let exchange = app.gemini.exchange(0).await;
    let left = Instant::now();
    drop(stream);
    soon("the close upstream", exchange.closed_by_caller()).await;
    assert!(left.elapsed() < LET_GO, "took {:?}", left.elapsed());
    let mut app = app;
    app.begin_stop();
    let (supabase, user) = app.ended().await;
    assert_eq!(supabase.balance(user), Some(0));
    assert!(supabase.rows().is_empty(), "half a result is not history");
}

#[tokio::test]
async fn a_client_that_leaves_while_it_is_charged_is_refunded() {
    let app = TestApp::start().await;
    app.supabase.set_balance(app.user, 10);
    let gate = Gate::closed();
    app.supabase.fail(Route::DeductTokens, Fault::Hold(gate.clone()));
    let waiting = tokio::spawn(
        app.request("POST", "/api/generate")
            .header("authorization", app.authorization())
            .json(&TestApp::body(1))
            .send(),
    );
    soon("the deduction", app.supabase.requested(Route::DeductTokens, 1)).await;
    waiting.abort();
    assert!(waiting.await.is_err(), "the client left");
    gate.open();
    soon("the refund", app.supabase.until(|peer| peer.balance(app.user) == Some(10))).await;
    assert_eq!(app.gemini.requests_seen(), 0);
}

#[tokio::test]
async fn a_result_that_is_complete_is_saved_though_the_client_left() {
    let app = TestApp::start().await;
    app.supabase.set_balance(app.user, 10);
    let gate = Gate::closed();
    app.supabase.fail(Route::InsertHistory, Fault::Hold(gate.clone()));
    let mut stream = app.generate(&TestApp::body(1)).await.events();
    while stream.expect().await.event() != Some("status") {}
    soon("the insert", app.supabase.requested(Route::InsertHistory, 1)).await;
    drop(stream);
    gate.open();
    let mut app = app;
    app.begin_stop();
    let (supabase, user) = app.ended().await;
    assert_eq!(supabase.rows().len(), 1);
    assert_eq!(supabase.balance(user), Some(0));
}

#[tokio::test]
async fn a_stop_refuses_new_work_cuts_streams_off_and_refunds() {
    let mut app = TestApp::start().await;
    app.supabase.set_balance(app.user, 10);
    app.gemini.enqueue(slow_answer(&Gate::closed()));
    let stream = app.generate(&TestApp::body(1)).await.events();
    soon("the request upstream", app.gemini.exchange(0)).await;
    app.begin_stop();
    let frames = stream.rest().await;
    let last = frames.last().expect("a last frame");
    assert_eq!(last.event(), Some("error"));
    assert_eq!(last.data()["code"], "GENERATION_ERROR");
    let (supabase, user) = app.ended().await;
    assert_eq!(supabase.balance(user), Some(10));
    assert_eq!(supabase.requests_to(Route::RefundTokens).len(), 1);
}

#[tokio::test]
async fn a_stream_that_ends_within_the_grace_time_is_not_disturbed() {
    let mut app = TestApp::start_configured(&[], "server.shutdown_grace_ms = 30000").await;
    let gate = Gate::closed();
    gate.release(1);
    app.gemini.enqueue(slow_answer(&gate));
    let mut stream = app.generate(&TestApp::body(1)).await.events();
    stream.chunk().await;
    app.begin_stop();
    gate.open();
    let frames = stream.rest().await;
    assert_eq!(frames.last().and_then(|frame| frame.event()), Some("message"));
    let (supabase, _) = app.ended().await;
    assert_eq!(supabase.rows().len(), 1);
}
