//! What was generated before.

use std::sync::Arc;

use serde_json::{Value, json};
use tester_peers::gemini::StreamedAnswer;

use super::page::Page;
use super::site::Dev;
use super::stage::{Stage, cases};
use super::support::soon;

cases![
    an_item_is_found_by_its_text_and_restored,
    a_deleted_item_comes_back_or_is_gone_for_good,
    leaving_the_page_makes_a_deletion_last,
    more_than_a_page_is_loaded_when_asked_for,
    a_first_visitor_is_told_what_will_be_here,
];

/// A history of two, and a page that lists it.
async fn alpha_and_beta(stage: &Stage) -> (Dev, Page) {
    let dev = Dev::start().await;
    remember(&dev, ["alpha", "beta"]).await;
    let page = stage.page(dev.url()).await;
    page.click("#history-open").await;
    until_listed(&page, 2).await;
    (dev, page)
}

async fn an_item_is_found_by_its_text_and_restored(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    remember(&dev, ["alpha", "beta", "gamma"]).await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", "def mine():\n    return 1\n").await;
    page.click("#history-open").await;
    until_listed(&page, 3).await;
    assert_eq!(titles(&page).await, ["def gamma():", "def beta():", "def alpha():"]);
    page.fill("#history-search", "test_of_BETA").await;
    until_listed(&page, 1).await;
    page.fill("#history-search", "no such thing").await;
    until_listed(&page, 0).await;
    page.until_text("#history-state", "Nothing").await;
    page.fill("#history-search", "beta").await;
    until_listed(&page, 1).await;
    page.click("#history-list .restore").await;
    page.until_gone("#history").await;
    assert_eq!(page.value("#source").await, program("beta"));
    assert_eq!(page.value("#tests").await, "def test_of_beta():\n    assert beta()\n");
    assert_eq!(page.value("#language").await, "python");
    // What it took the place of is not lost.
    page.click("#undo-button").await;
    assert_eq!(page.value("#source").await, "def mine():\n    return 1\n");
}

async fn a_deleted_item_comes_back_or_is_gone_for_good(stage: Arc<Stage>) {
    let (dev, page) = alpha_and_beta(&stage).await;
    page.click("#history-list li:first-child .delete").await;
    until_listed(&page, 1).await;
    page.click("#undo-button").await;
    until_listed(&page, 2).await;
    assert_eq!(titles(&page).await, ["def beta():", "def alpha():"]);
    assert_eq!(stored(&dev).await.len(), 2);
    page.click("#history-list li:first-child .delete").await;
    until_listed(&page, 1).await;
    // By itself, after a while; the offer goes with it.
    until_stored(&dev, &["alpha"]).await;
    page.until_gone("#undo").await;
    // And when the list is closed, at once.
    page.click("#history-list li:first-child .delete").await;
    page.until_shown("#history-empty").await;
    page.press("Escape").await;
    until_stored(&dev, &[]).await;
}

async fn leaving_the_page_makes_a_deletion_last(stage: Arc<Stage>) {
    let (dev, page) = alpha_and_beta(&stage).await;
    page.click("#history-list li:first-child .delete").await;
    page.until_shown("#undo").await;
    page.reload().await;
    until_stored(&dev, &["alpha"]).await;
}

async fn more_than_a_page_is_loaded_when_asked_for(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let names: Vec<String> = (0..55).map(|number| format!("program_{number:02}")).collect();
    remember(&dev, names.iter().map(String::as_str)).await;
    let page = stage.page(dev.url()).await;
    page.click("#history-open").await;
    until_listed(&page, 50).await;
    page.click("#history-more").await;
    until_listed(&page, 55).await;
    page.until_gone("#history-more").await;
    let titles = titles(&page).await;
    assert_eq!(titles.first().map(String::as_str), Some("def program_54():"));
    assert_eq!(titles.last().map(String::as_str), Some("def program_00():"));
}

async fn a_first_visitor_is_told_what_will_be_here(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.click("#history-open").await;
    page.until_shown("#history-empty").await;
    page.press("Escape").await;
    page.until_gone("#history").await;
    // What is generated meanwhile is there without a reload.
    page.generate("def alpha():\n    return 1\n").await;
    page.until_step("done").await;
    page.click("#history-open").await;
    until_listed(&page, 1).await;
    assert!(!page.is_shown("#history-empty").await);
}

/// Has tests of these programs generated, as another page would.
async fn remember<'a>(dev: &Dev, names: impl IntoIterator<Item = &'a str>) {
    for name in names {
        let tests = format!("def test_of_{name}():\n    assert {name}()\n");
        dev.gemini.enqueue(StreamedAnswer::text([tests]));
        let request = dev.process().request("POST", "/api/generate");
        let answer =
            request.json(&json!({"input_code": program(name), "language": "python"})).send();
        let answer = soon("an answer", answer).await.expect("an answer");
        let text = soon("the body", answer.text()).await.expect("a whole body");
        assert!(text.contains(r#""type":"done""#), "{text}");
    }
}

/// As the server keeps it: without space around it.
fn program(name: &str) -> String {
    format!("def {name}():\n    return '{name}'")
}

/// What the server has, newest first.
async fn stored(dev: &Dev) -> Vec<Value> {
    let answer = dev.process().request("GET", "/api/history/").send().await.expect("an answer");
    serde_json::from_str(&answer.text().await.expect("a whole body")).expect("a list")
}

async fn until_stored(dev: &Dev, names: &[&str]) {
    let expected: Vec<String> = names.iter().map(|name| program(name)).collect();
    soon("the deletion", async {
        while stored(dev).await.iter().map(|item| &item["input_code"]).ne(&expected) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}

async fn until_listed(page: &Page, count: usize) {
    let listed = format!("$('#history-list').children.length === {count}");
    page.until(&format!("{count} items"), &listed).await;
}

async fn titles(page: &Page) -> Vec<String> {
    let titles =
        "[...document.querySelectorAll('#history-list code')].map(title => title.textContent)";
    serde_json::from_value(page.eval(titles).await).expect("a list of texts")
}
