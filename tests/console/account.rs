//! Signing in, staying in, signing out; the wallet; the bot check.

use std::sync::Arc;

use serde_json::json;
use tester_peers::supabase::{Fault, Route};
use tester_peers::tokens::TokenMint;
use tester_peers::turnstile::TurnstileAnswer;

use super::page::Page;
use super::site::{EMAIL, PASSWORD, Serve};
use super::stage::{Stage, cases};
use super::support::{JWT_SECRET, soon};
use super::watch::CLAMP;

cases![
    signing_in_by_password_shows_the_wallet_and_each_generation_costs,
    a_wrong_password_is_said_and_the_right_one_then_taken,
    somebody_new_signs_up_and_goes_on_at_once,
    an_address_to_be_confirmed_is_confirmed_by_the_link_in_the_mail,
    a_link_by_mail_signs_in,
    a_provider_signs_in_and_what_was_typed_is_still_there,
    a_provider_that_is_refused_is_no_dead_end,
    a_session_is_renewed_before_it_ends,
    a_token_that_the_server_refuses_is_renewed_and_the_call_made_again,
    a_session_that_ended_loses_nothing_and_goes_on_after_signing_in,
    a_session_that_the_server_never_takes_is_said_to_have_ended,
    an_auth_server_that_is_away_signs_nobody_out,
    signing_out_ends_the_session_here_and_there,
    each_generation_is_checked_by_a_token_of_its_own,
    a_failed_check_is_said_and_made_again,
    a_check_that_cannot_be_loaded_is_said,
];

const TESTS: &str = "def test_it():\n    assert True\n";

async fn signing_in_by_password_shows_the_wallet_and_each_generation_costs(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = stage.page(serve.url()).await;
    page.fill("#source", CLAMP).await;
    assert!(!page.is_shown("#balance").await);
    page.sign_in(EMAIL, PASSWORD).await;
    // The welcome and the first day's bonus.
    page.until_text("#balance", "80").await;
    page.click("#account-open").await;
    page.until_text("#who", EMAIL).await;
    page.until_text("#wallet", "One generation costs 10").await;
    assert_eq!(page.value("#password").await, "");
    page.press("Escape").await;
    page.click("#generate").await;
    page.until_step("done").await;
    assert_eq!(page.value("#tests").await, TESTS);
    page.until_text("#balance", "70").await;
    // The session outlives a reload.
    page.reload().await;
    page.until_text("#balance", "70").await;
}

async fn a_wrong_password_is_said_and_the_right_one_then_taken(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = stage.page(serve.url()).await;
    page.click("#account-open").await;
    page.fill("#email", EMAIL).await;
    page.fill("#password", "something else").await;
    page.click("#sign-in").await;
    page.until_text("#account-state", "Invalid login credentials").await;
    assert_eq!(page.value("#email").await, EMAIL);
    page.fill("#password", PASSWORD).await;
    page.press("Enter").await;
    page.until_gone("#account").await;
    page.until_text("#balance", "80").await;
}

async fn somebody_new_signs_up_and_goes_on_at_once(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = stage.page(serve.url()).await;
    // Whoever asks for tests before signing in gets them after.
    page.generate(CLAMP).await;
    page.until_shown("#account").await;
    page.fill("#email", "grace@example.com").await;
    page.fill("#password", "short").await;
    page.click("#sign-up").await;
    page.until_text("#account-state", "six").await;
    page.fill("#password", "long enough").await;
    page.click("#sign-up").await;
    page.until_gone("#account").await;
    page.until_step("done").await;
    assert_eq!(page.value("#tests").await, TESTS);
    let id = serve.peers.supabase.account("grace@example.com").expect("an account");
    assert_eq!(serve.peers.supabase.balance(id), Some(70));
}

async fn an_address_to_be_confirmed_is_confirmed_by_the_link_in_the_mail(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    serve.peers.supabase.require_confirmation();
    let page = stage.page(serve.url()).await;
    page.click("#account-open").await;
    page.fill("#email", "grace@example.com").await;
    page.fill("#password", "long enough").await;
    page.click("#sign-up").await;
    page.until_text("#account-state", "mailbox").await;
    follow_mail(&serve, &page, "grace@example.com").await;
    signed_in_as(&page, "grace@example.com").await;
}

async fn a_link_by_mail_signs_in(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = stage.page(serve.url()).await;
    page.click("#account-open").await;
    page.click("#magic-link").await;
    // Without an address there is nowhere to send it.
    page.until_focused("#email").await;
    page.fill("#email", EMAIL).await;
    page.click("#magic-link").await;
    page.until_text("#account-state", "mailbox").await;
    follow_mail(&serve, &page, EMAIL).await;
    signed_in_as(&page, EMAIL).await;
}

async fn follow_mail(serve: &Serve, page: &Page, email: &str) {
    let link = serve.peers.supabase.mailed_link(email, &format!("{}/", serve.url()));
    page.open(&link.expect("a mail")).await;
}

async fn signed_in_as(page: &Page, email: &str) {
    page.until_shown("#balance").await;
    page.click("#account-open").await;
    page.until_text("#who", email).await;
    let address = page.client().current_url().await.expect("an address");
    assert_eq!(address.query(), None, "the code is out of the address");
}

async fn a_provider_signs_in_and_what_was_typed_is_still_there(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = stage.page(serve.url()).await;
    page.fill("#source", CLAMP).await;
    page.click("#account-open").await;
    page.until_shown("button.provider[data-provider=google]").await;
    let offered =
        "[...document.querySelectorAll('button.provider')].map(it => it.dataset.provider).sort()";
    assert_eq!(page.eval(offered).await, json!(["github", "google"]), "what the project has");
    page.click("button.provider[data-provider=github]").await;
    page.until(
        "back again",
        "document.documentElement.dataset.ready && $('#balance')?.checkVisibility()",
    )
    .await;
    signed_in_as(&page, "github@example.com").await;
    page.press("Escape").await;
    assert_eq!(page.value("#source").await, CLAMP);
    page.click("#generate").await;
    page.until_step("done").await;
}

async fn a_provider_that_is_refused_is_no_dead_end(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    serve.peers.supabase.refuse_consent();
    let page = stage.page(serve.url()).await;
    page.fill("#source", CLAMP).await;
    page.click("#account-open").await;
    page.click("button.provider[data-provider=github]").await;
    page.until_text("#account-state", "denied").await;
    let address = page.client().current_url().await.expect("an address");
    assert_eq!(address.query(), None);
    page.click("button.provider[data-provider=github]").await;
    page.until(
        "back again",
        "document.documentElement.dataset.ready && $('#balance')?.checkVisibility()",
    )
    .await;
    assert_eq!(page.value("#source").await, CLAMP);
}

async fn a_session_is_renewed_before_it_ends(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let supabase = &serve.peers.supabase;
    supabase.set_token_lifetime(1);
    let page = serve.signed_in(&stage).await;
    supabase.set_token_lifetime(3_600);
    let before = renewals(&serve);
    page.generate(CLAMP).await;
    page.until_step("done").await;
    assert_eq!(renewals(&serve), before + 1, "once, and then it is good for an hour");
    assert!(!page.is_shown("#notice").await);
}

async fn a_token_that_the_server_refuses_is_renewed_and_the_call_made_again(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = serve.signed_in(&stage).await;
    // As after a change of the project's secret, or with a clock that is wrong.
    page.call(
        "const session = JSON.parse(localStorage.getItem('tester.session'));
         session.access_token = session.access_token.split('.').with(2, 'AAAA').join('.');
         localStorage.setItem('tester.session', JSON.stringify(session));",
        &[],
    )
    .await;
    page.reload().await;
    page.until_text("#balance", "80").await;
    assert_eq!(renewals(&serve), 1);
    page.generate(CLAMP).await;
    page.until_step("done").await;
    assert_eq!(renewals(&serve), 1);
}

async fn a_session_that_ended_loses_nothing_and_goes_on_after_signing_in(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let supabase = &serve.peers.supabase;
    supabase.set_token_lifetime(1);
    let page = serve.signed_in(&stage).await;
    supabase.end_sessions();
    page.fill("#tests", "# mine\n").await;
    page.generate(CLAMP).await;
    page.until_notice("UNAUTHORIZED").await;
    page.until_text("#notice", "nothing you typed is lost").await;
    assert_eq!(page.value("#source").await, CLAMP);
    assert_eq!(page.value("#tests").await, "# mine\n");
    assert_eq!(serve.peers.gemini.requests_seen(), 0);
    supabase.set_token_lifetime(3_600);
    page.click("#notice-action").await;
    page.sign_in(EMAIL, PASSWORD).await;
    page.until_step("done").await;
    assert_eq!(page.value("#tests").await, TESTS);
    assert!(!page.is_shown("#notice").await);
}

async fn a_session_that_the_server_never_takes_is_said_to_have_ended(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let supabase = &serve.peers.supabase;
    let issuer = format!("{}/auth/v1", supabase.url());
    supabase.set_mint(TokenMint::new(&JWT_SECRET.replace("test", "rest"), &issuer));
    let page = stage.page(serve.url()).await;
    page.fill("#source", CLAMP).await;
    page.sign_in(EMAIL, PASSWORD).await;
    page.until_notice("UNAUTHORIZED").await;
    assert_eq!(page.value("#source").await, CLAMP);
    assert!(renewals(&serve) <= 2, "it is not tried for ever");
    supabase.set_mint(serve.mint());
    page.click("#notice-action").await;
    page.until_shown("#sign-in").await;
    page.sign_in(EMAIL, PASSWORD).await;
    page.until_text("#balance", "80").await;
}

async fn an_auth_server_that_is_away_signs_nobody_out(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let supabase = &serve.peers.supabase;
    supabase.set_token_lifetime(1);
    let page = serve.signed_in(&stage).await;
    supabase.set_token_lifetime(3_600);
    supabase.fail(Route::Token, Fault::Break);
    page.generate(CLAMP).await;
    page.until_shown("#notice").await;
    supabase.heal();
    page.click("#notice-action").await;
    page.until_step("done").await;
}

async fn signing_out_ends_the_session_here_and_there(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = serve.signed_in(&stage).await;
    page.generate(CLAMP).await;
    page.until_step("done").await;
    page.click("#account-open").await;
    page.click("#sign-out").await;
    page.until_shown("#sign-in").await;
    page.until_gone("#balance").await;
    let signed_out = |request: &tester_peers::http::Request| request.path() == "/auth/v1/logout";
    soon(
        "the end of the session",
        serve.peers.supabase.until(|peer| peer.requests_to(Route::Accounts).iter().any(signed_out)),
    )
    .await;
    assert_eq!(page.eval("localStorage.getItem('tester.session')").await, json!(null));
    // What belongs to the one is not shown to the next.
    page.fill("#email", "grace@example.com").await;
    page.fill("#password", "long enough").await;
    page.click("#sign-up").await;
    page.until_text("#balance", "80").await;
    page.click("#history-open").await;
    page.until_shown("#history-empty").await;
}

async fn each_generation_is_checked_by_a_token_of_its_own(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = stage.page(serve.url()).await;
    page.sign_in(EMAIL, PASSWORD).await;
    page.generate(CLAMP).await;
    page.until_step("done").await;
    page.click("#regenerate").await;
    page.until(
        "the second answer",
        "witness.steps.filter(({step}) => step === 'done').length === 2",
    )
    .await;
    let calls = serve.peers.turnstile.calls();
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[0].response, calls[1].response);
    assert!(!page.is_shown("#notice").await);
}

async fn a_failed_check_is_said_and_made_again(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = serve.signed_in(&stage).await;
    serve.peers.turnstile.script([TurnstileAnswer::Fail(&["invalid-input-response"])]);
    page.generate(CLAMP).await;
    page.until_notice("TURNSTILE_FAILED").await;
    page.click("#notice-action").await;
    page.until_step("done").await;
    assert_eq!(serve.peers.supabase.balance(serve.peers.user), Some(70), "charged once");
}

async fn a_check_that_cannot_be_loaded_is_said(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    // As with a blocker in the browser.
    let page = stage.browser().await;
    page.devtools("Network.enable", &json!({})).await;
    let blocked = json!({"urls": ["*://challenges.cloudflare.com/*"]});
    page.devtools("Network.setBlockedURLs", &blocked).await;
    page.open(serve.url()).await;
    page.sign_in(EMAIL, PASSWORD).await;
    page.generate(CLAMP).await;
    page.until_notice("TURNSTILE").await;
    assert_eq!(page.value("#source").await, CLAMP);
    page.devtools("Network.setBlockedURLs", &json!({"urls": []})).await;
    page.click("#notice-action").await;
    page.until_step("done").await;
}

/// How often sessions were renewed.
fn renewals(serve: &Serve) -> usize {
    let requests = serve.peers.supabase.requests_to(Route::Token);
    let renewed = requests
        .iter()
        .filter(|request| request.query("grant_type").as_deref() == Some("refresh_token"));
    renewed.count()
}
