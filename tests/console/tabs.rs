//! The same person in two tabs.

use std::sync::Arc;

use serde_json::json;
use tester_peers::Gate;
use tester_peers::gemini::StreamedAnswer;

use super::site::{Dev, EMAIL, PASSWORD, Serve};
use super::stage::{Stage, cases};
use super::support::soon;
use super::watch::CLAMP;

cases![
    each_tab_keeps_what_was_typed_in_it_and_a_new_one_begins_with_the_last,
    each_tab_gets_its_own_tests,
    who_signs_in_or_out_does_so_in_all_tabs,
    tabs_renew_a_session_without_taking_it_from_each_other,
];

const OTHER: &str = "def other():\n    return 'other'\n";

async fn each_tab_keeps_what_was_typed_in_it_and_a_new_one_begins_with_the_last(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", CLAMP).await;
    page.until("the draft", "localStorage.getItem('tester.draft')?.includes('clamp')").await;
    let first = page.open_tab(dev.url()).await;
    assert_eq!(page.value("#source").await, CLAMP, "what was last typed anywhere");
    page.fill("#source", OTHER).await;
    page.reload().await;
    assert_eq!(page.value("#source").await, OTHER);
    page.switch_to(&first).await;
    assert_eq!(page.value("#source").await, CLAMP);
    page.reload().await;
    assert_eq!(page.value("#source").await, CLAMP);
}

async fn each_tab_gets_its_own_tests(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let (one, two) = (Gate::closed(), Gate::closed());
    dev.gemini
        .enqueue(StreamedAnswer::text(["# of the first\n", "# end of the first\n"]).gated(&one));
    dev.gemini
        .enqueue(StreamedAnswer::text(["# of the second\n", "# end of the second\n"]).gated(&two));
    let page = stage.page(dev.url()).await;
    page.generate(CLAMP).await;
    soon("the first request", dev.gemini.exchange(0)).await;
    let first = page.open_tab(dev.url()).await;
    page.generate(OTHER).await;
    soon("the second request", dev.gemini.exchange(1)).await;
    one.release(1);
    two.release(1);
    page.until_tests_show("# of the second").await;
    // One is stopped, the other goes on.
    page.click("#stop").await;
    page.until_step("stopped").await;
    let second = page.switch_to(&first).await;
    page.until_tests_show("# of the first").await;
    one.open();
    page.until_step("done").await;
    assert_eq!(page.value("#tests").await, "# of the first\n# end of the first\n");
    page.switch_to(&second).await;
    assert_eq!(page.value("#tests").await, "# of the second\n");
}

async fn who_signs_in_or_out_does_so_in_all_tabs(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = stage.page(serve.url()).await;
    let first = page.open_tab(serve.url()).await;
    page.sign_in(EMAIL, PASSWORD).await;
    page.until_text("#balance", "80").await;
    let second = page.switch_to(&first).await;
    page.until_text("#balance", "80").await;
    page.click("#account-open").await;
    page.click("#sign-out").await;
    page.until_gone("#balance").await;
    page.switch_to(&second).await;
    page.until_gone("#balance").await;
    assert_eq!(page.text("#account-open").await, "Sign in");
}

async fn tabs_renew_a_session_without_taking_it_from_each_other(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    // Every call of either finds its token all but expired, and refresh tokens are for one use.
    serve.peers.supabase.set_token_lifetime(30);
    let page = serve.signed_in(&stage).await;
    let mut other = page.open_tab(serve.url()).await;
    page.until_text("#balance", "80").await;
    for number in 0..2 {
        for tab in 0..2 {
            other = page.switch_to(&other).await;
            page.generate(&format!("{CLAMP}# {number} {tab}\n")).await;
        }
        for _ in 0..2 {
            other = page.switch_to(&other).await;
            page.until_step("done").await;
            assert!(!page.is_shown("#notice").await);
        }
    }
    assert_eq!(page.eval("localStorage.getItem('tester.session') !== null").await, json!(true));
}
