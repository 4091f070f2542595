//! Without a mouse.

use std::sync::Arc;

use serde_json::json;
use tester_peers::Gate;
use tester_peers::gemini::StreamedAnswer;

use super::page::Page;
use super::site::{Dev, EMAIL, PASSWORD, Serve};
use super::stage::{Stage, cases};
use super::support::soon;

cases![
    from_an_empty_page_to_a_passing_run_without_a_click,
    every_control_is_reached_and_the_focus_is_seen,
    an_editor_indents_and_can_be_left,
    shortcuts_stop_what_is_going_on,
    dialogs_keep_the_focus_and_give_it_back,
    the_focus_is_never_on_a_control_that_is_gone,
    signing_in_needs_no_mouse,
];

/// More than there are controls.
const MANY: usize = 60;

/// On to the next control, also out of an editor.
async fn next(page: &Page) {
    if page.eval("document.activeElement.closest('.code') !== null").await == true {
        page.press("Escape").await;
    }
    page.press("Tab").await;
}

/// Presses Tab until what this selects has the focus.
async fn tab_to(page: &Page, css: &str) {
    for _ in 0..MANY {
        if page.eval(&format!("document.activeElement.matches({})", json!(css))).await == true {
            return;
        }
        next(page).await;
    }
    panic!("Tab does not lead to {css}");
}

async fn from_an_empty_page_to_a_passing_run_without_a_click(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    dev.gemini.enqueue(StreamedAnswer::text(["def test_halves():\n    assert half(4) == 2\n"]));
    let page = stage.page(dev.url()).await;
    // The first stop leads past everything else.
    page.press("Tab").await;
    page.press("Enter").await;
    page.until_focused("#source").await;
    page.type_text(&format!("def half(x):\nreturn x / 2  # {}", uuid::Uuid::new_v4())).await;
    page.press("Home").await;
    page.press("Tab").await;
    page.press("Control+Enter").await;
    page.until_step("done").await;
    page.press("Control+Shift+Enter").await;
    page.until_verdict("passed").await;
    assert!(page.value("#source").await.starts_with("def half(x):\n    return x / 2"));
}

async fn every_control_is_reached_and_the_focus_is_seen(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", "def half(x):\n    return x / 2\n").await;
    page.fill("#tests", "def test_half():\n    assert half(4) == 2\n").await;
    for theme in ["light", "dark"] {
        page.choose("#theme", theme).await;
        // So that Tab begins at the beginning.
        page.reload().await;
        let mut reached = Vec::new();
        for _ in 0..MANY {
            next(&page).await;
            let seen = page.eval(
                "(element => {
                     const own = getComputedStyle(element);
                     const frame = element.closest('.code') ? getComputedStyle(element.closest('.pane')) : own;
                     const outlined = style => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
                     const box = element.getBoundingClientRect();
                     return {
                         id: element.id || element.className || element.tagName,
                         visible: outlined(own) || outlined(frame) || own.boxShadow !== 'none' || frame.boxShadow !== 'none',
                         inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
                     };
                 })(document.activeElement)",
            )
            .await;
            let id = seen["id"].as_str().expect("a name").to_owned();
            if id == "BODY" || reached.first() == Some(&id) {
                break;
            }
            assert_eq!(seen["visible"], true, "the focus on {id} is not seen in {theme}");
            assert_eq!(seen["inside"], true, "{id} is not scrolled to");
            reached.push(id);
        }
        for id in [
            "history-open",
            "account-open",
            "locale",
            "theme",
            "help-open",
            "language",
            "model",
            "examples",
            "file-open",
            "source",
            "generate",
            "regenerate",
            "copy",
            "download",
            "tests",
            "run",
        ] {
            assert!(reached.iter().any(|it| it == id), "{id} is not among {reached:?}");
        }
    }
}

async fn an_editor_indents_and_can_be_left(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    for css in ["#source", "#tests"] {
        page.fill(css, "if x:\ny = 1\nz = 2").await;
        page.press("Control+Home").await;
        page.press("Down").await;
        page.press("Shift+Down").await;
        page.press("Shift+End").await;
        page.press("Tab").await;
        assert_eq!(page.value(css).await, "if x:\n    y = 1\n    z = 2");
        page.press("Shift+Tab").await;
        assert_eq!(page.value(css).await, "if x:\ny = 1\nz = 2");
        page.until_focused(css).await;
        page.press("Escape").await;
        page.press("Tab").await;
        page.until(
            &format!("out of {css}"),
            &format!("!document.activeElement.matches({})", json!(css)),
        )
        .await;
        page.press("Shift+Tab").await;
        page.until_focused(css).await;
        page.press("Escape").await;
        page.press("Shift+Tab").await;
        page.until(
            &format!("out of {css}"),
            &format!("!document.activeElement.matches({})", json!(css)),
        )
        .await;
        assert_eq!(page.value(css).await, "if x:\ny = 1\nz = 2");
    }
}

async fn shortcuts_stop_what_is_going_on(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let gate = Gate::closed();
    dev.gemini.enqueue(StreamedAnswer::text(["# one\n", "# two\n"]).gated(&gate));
    let page = stage.page(dev.url()).await;
    page.fill("#source", "def half(x):\n    return x / 2\n").await;
    page.press("Control+Enter").await;
    gate.release(1);
    page.until_tests_show("# one").await;
    page.press("Control+.").await;
    page.until_step("stopped").await;
    soon(
        "the end of the call",
        soon("the request", dev.gemini.exchange(0)).await.closed_by_caller(),
    )
    .await;
}

async fn dialogs_keep_the_focus_and_give_it_back(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    for (opener, dialog) in
        [("#history-open", "#history"), ("#account-open", "#account"), ("#help-open", "#help")]
    {
        tab_to(&page, opener).await;
        page.press("Enter").await;
        page.until_shown(dialog).await;
        for _ in 0..8 {
            page.press("Tab").await;
            let inside = format!(
                "document.activeElement === document.body || document.activeElement.closest('dialog')?.matches({})",
                json!(dialog),
            );
            assert_eq!(page.eval(&inside).await, true, "Tab leads out of {dialog}");
        }
        page.press("Escape").await;
        page.until_gone(dialog).await;
        page.until_focused(opener).await;
    }
    // From wherever one is, and back there.
    page.fill("#source", "def half(x):\n    return x / 2\n").await;
    page.press("F1").await;
    page.until_shown("#help").await;
    page.until_text("#help", "Ctrl + Shift + Enter").await;
    page.press("Escape").await;
    page.until_focused("#source").await;
}

async fn the_focus_is_never_on_a_control_that_is_gone(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    let has_focus = "document.activeElement !== document.body && document.activeElement.checkVisibility() && !document.activeElement.disabled";
    let gate = Gate::closed();
    dev.gemini.enqueue(StreamedAnswer::text(["# one\n", "# two\n"]).gated(&gate));
    page.fill("#source", "def half(x):\n    return x / 2\n").await;
    tab_to(&page, "#generate").await;
    page.press("Enter").await;
    soon("the request", dev.gemini.exchange(0)).await;
    page.until_shown("#stop").await;
    page.until("the focus is somewhere", has_focus).await;
    tab_to(&page, "#stop").await;
    page.press("Enter").await;
    page.until_step("stopped").await;
    page.until("the focus is somewhere", has_focus).await;
    page.press("Control+Enter").await;
    page.until_step("done").await;
    tab_to(&page, "#history-open").await;
    page.press("Enter").await;
    tab_to(&page, ".restore").await;
    page.press("Enter").await;
    page.until_gone("#history").await;
    page.until("the focus is somewhere", has_focus).await;
    tab_to(&page, "#history-open").await;
    page.press("Enter").await;
    tab_to(&page, ".delete").await;
    page.press("Enter").await;
    page.until_shown("#undo").await;
    page.until("the focus is in the dialog", "document.activeElement.closest('dialog') !== null")
        .await;
    tab_to(&page, "#undo-button").await;
    page.press("Enter").await;
    page.until_focused(".delete").await;
}

async fn signing_in_needs_no_mouse(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = stage.page(serve.url()).await;
    tab_to(&page, "#account-open").await;
    page.press("Enter").await;
    page.until_shown("#email").await;
    for (css, text) in [("#email", EMAIL), ("#password", PASSWORD)] {
        tab_to(&page, css).await;
        page.type_text(text).await;
    }
    page.press("Enter").await;
    page.until_gone("#account").await;
    page.until_text("#balance", "80").await;
    page.until_focused("#account-open").await;
}
