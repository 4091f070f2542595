//! What goes wrong on the way, what the page says of it, and that nothing is lost.

use std::sync::Arc;

use serde_json::json;
use tester_peers::Gate;
use tester_peers::gemini::{Breakage, StreamedAnswer};
use tester_peers::supabase::{Fault, Route};

use super::page::Page;
use super::site::{Dev, Serve};
use super::stage::{Stage, cases};
use super::support::soon;
use super::watch::CLAMP;

cases![
    an_empty_wallet_is_said_with_what_is_needed,
    too_many_requests_are_counted_down_to_the_next,
    a_service_that_is_away_is_asked_again_when_somebody_says_so,
    a_run_without_a_worker_is_said,
    a_connection_that_breaks_keeps_what_arrived,
    a_model_that_breaks_off_is_said,
    an_answer_that_was_cut_or_refused_by_the_model_is_said,
    tests_that_could_not_be_saved_are_said_and_stay,
    a_text_in_another_language_is_one_press_away_from_the_right_one,
    a_mistake_in_the_code_is_marked_where_it_is,
    offline_is_said_at_once_and_nothing_is_lost,
    a_page_that_could_not_begin_can_be_begun_again,
];

/// What was typed and what was generated before are as they were.
async fn nothing_is_lost(page: &Page, source: &str, tests: &str) {
    assert_eq!(page.value("#source").await, source);
    assert_eq!(page.value("#tests").await, tests);
    page.reload().await;
    assert_eq!(page.value("#source").await, source);
    assert_eq!(page.value("#tests").await, tests);
}

async fn an_empty_wallet_is_said_with_what_is_needed(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = serve.signed_in(&stage).await;
    serve.peers.supabase.set_balance(serve.peers.user, 3);
    page.fill("#tests", "# mine\n").await;
    page.generate(CLAMP).await;
    page.until_notice("INSUFFICIENT_TOKENS").await;
    page.until_step("failed").await;
    let words = page.text("#notice").await;
    assert!(words.contains("10") && words.contains('3'), "{words}");
    nothing_is_lost(&page, CLAMP, "# mine\n").await;
}

async fn too_many_requests_are_counted_down_to_the_next(stage: Arc<Stage>) {
    let serve = Serve::start_with(&[("RATE_LIMIT_GENERATE_PER_MINUTE", "1")]).await;
    let page = serve.signed_in(&stage).await;
    page.generate(CLAMP).await;
    page.until_step("done").await;
    let tests = page.value("#tests").await;
    page.click("#regenerate").await;
    page.until_notice("RATE_LIMITED").await;
    assert_eq!(page.eval("$('#notice-action').disabled").await, true);
    let then = page.text("#notice-action").await;
    assert!(then.contains(|c: char| c.is_ascii_digit()), "{then}");
    page.until("a second less", &format!("$('#notice-action').textContent !== {}", json!(then)))
        .await;
    nothing_is_lost(&page, CLAMP, &tests).await;
}

async fn a_service_that_is_away_is_asked_again_when_somebody_says_so(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = serve.signed_in(&stage).await;
    serve
        .peers
        .supabase
        .fail(Route::DeductTokens, Fault::Answer { status: 503, body: "{}".into() });
    page.generate(CLAMP).await;
    page.until_notice("UNAVAILABLE").await;
    assert_eq!(page.value("#source").await, CLAMP);
    serve.peers.supabase.heal();
    // It may have to be waited for, as the server said.
    page.click("#notice-action").await;
    page.until_step("done").await;
    assert!(!page.is_shown("#notice").await);
}

async fn a_run_without_a_worker_is_said(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = serve.signed_in(&stage).await;
    page.run("python", CLAMP, "def test_it():\n    assert clamp(1, 0, 2) == 1\n").await;
    page.until("the words", "$('#verdict').dataset.status === 'unavailable' || $('#notice').dataset.code === 'UNAVAILABLE'").await;
    nothing_is_lost(&page, CLAMP, "def test_it():\n    assert clamp(1, 0, 2) == 1\n").await;
}

async fn a_connection_that_breaks_keeps_what_arrived(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let gate = Gate::closed();
    dev.gemini.enqueue(
        StreamedAnswer::text(["def test_first():\n    pass\n", "# the rest"]).gated(&gate),
    );
    let page = stage.page(dev.url()).await;
    page.generate(CLAMP).await;
    gate.release(1);
    page.until_tests_show("test_first").await;
    dev.kill().await;
    page.until_notice("CONNECTION_LOST").await;
    page.until_step("failed").await;
    assert_eq!(page.value("#tests").await, "def test_first():\n    pass\n");
    assert_eq!(page.value("#source").await, CLAMP);
    assert_eq!(page.eval("$('#tests').readOnly").await, false);
    // And nobody is there when it is tried again.
    page.click("#notice-action").await;
    page.until_notice("UNREACHABLE").await;
    assert_eq!(page.value("#tests").await, "def test_first():\n    pass\n");
}

async fn a_model_that_breaks_off_is_said(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let gate = Gate::closed();
    let cut = StreamedAnswer::text(["def test_first():\n    pass\n", "# the rest"]).gated(&gate);
    dev.gemini.enqueue(cut.without_finish_reason().then_break(Breakage::Reset));
    let page = stage.page(dev.url()).await;
    page.generate(CLAMP).await;
    gate.release(1);
    page.until_tests_show("test_first").await;
    gate.open();
    page.until_notice("GENERATION_ERROR").await;
    assert!(page.value("#tests").await.starts_with("def test_first():"));
    page.click("#notice-action").await;
    page.until_step("done").await;
    assert_eq!(page.value("#tests").await, "def test_it():\n    assert True\n");
}

async fn an_answer_that_was_cut_or_refused_by_the_model_is_said(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    let half = "def test_first():\n    pass\n";
    dev.gemini.enqueue(StreamedAnswer::text([half]).finish_reason("MAX_TOKENS"));
    page.generate(CLAMP).await;
    page.until_notice("GENERATION_TRUNCATED").await;
    assert_eq!(page.value("#tests").await, half, "the code so far stays");
    dev.gemini.enqueue(StreamedAnswer::blocked("SAFETY"));
    page.click("#regenerate").await;
    page.until_notice("GENERATION_BLOCKED").await;
    page.until_step("failed").await;
}

async fn tests_that_could_not_be_saved_are_said_and_stay(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = serve.signed_in(&stage).await;
    serve
        .peers
        .supabase
        .fail(Route::InsertHistory, Fault::Answer { status: 500, body: "{}".into() });
    page.generate(CLAMP).await;
    page.until_step("done").await;
    page.until_notice("NOT_SAVED").await;
    nothing_is_lost(&page, CLAMP, "def test_it():\n    assert True\n").await;
}

async fn a_text_in_another_language_is_one_press_away_from_the_right_one(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", CLAMP).await;
    page.choose("#language", "java").await;
    page.click("#generate").await;
    page.until_notice("VALIDATION_ERROR").await;
    page.until_text("#notice-action", "Python").await;
    page.click("#notice-action").await;
    page.until_step("done").await;
    assert_eq!(page.value("#language").await, "python");
}

async fn a_mistake_in_the_code_is_marked_where_it_is(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", "\n\ndef f(x):\n    return x +\n").await;
    page.choose("#language", "python").await;
    page.click("#generate").await;
    page.until_notice("VALIDATION_ERROR").await;
    let marked = "[...document.querySelectorAll('#source-lines .line')]
        .findIndex(line => line.classList.contains('failing')) + 1";
    assert_eq!(page.eval(marked).await, 4, "{}", page.text("#notice").await);
    page.click("#notice-action").await;
    page.until_focused("#source").await;
    // Repairing it takes the mark away.
    page.press("End").await;
    page.type_text(" 1").await;
    assert_eq!(page.eval(marked).await, 0);
    page.click("#generate").await;
    page.until_step("done").await;
}

async fn offline_is_said_at_once_and_nothing_is_lost(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", CLAMP).await;
    page.fill("#tests", "# mine\n").await;
    page.set_offline(true).await;
    page.until_shown("#offline").await;
    page.click("#generate").await;
    page.until_notice("OFFLINE").await;
    assert_eq!(page.value("#source").await, CLAMP);
    assert_eq!(page.value("#tests").await, "# mine\n");
    page.set_offline(false).await;
    page.until_gone("#offline").await;
    page.click("#generate").await;
    page.until_step("done").await;
    assert!(!page.is_shown("#notice").await);
}

async fn a_page_that_could_not_begin_can_be_begun_again(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.browser().await;
    page.devtools("Network.enable", &json!({})).await;
    page.devtools("Network.setBlockedURLs", &json!({"urls": ["*/api/languages"]})).await;
    page.visit(dev.url()).await;
    page.until_notice("UNREACHABLE").await;
    page.devtools("Network.setBlockedURLs", &json!({"urls": []})).await;
    page.click("#notice-action").await;
    page.until("the console", "document.documentElement.dataset.ready === 'true'").await;
    page.generate(CLAMP).await;
    page.until_step("done").await;
    soon("the request", dev.gemini.exchange(0)).await;
}
