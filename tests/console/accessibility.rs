//! What axe-core finds: nothing that is serious or critical, in any state of the page.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use tester_peers::Gate;
use tester_peers::gemini::StreamedAnswer;

use super::page::Page;
use super::site::{Dev, Serve};
use super::stage::{Stage, cases};
use super::watch::CLAMP;

cases![
    there_are_no_barriers_while_tests_are_written_and_after,
    there_are_no_barriers_when_a_run_failed,
    there_are_no_barriers_in_dialogs,
    there_are_no_barriers_in_signing_in,
    the_page_is_as_wide_as_a_small_phone,
];

const PHONE: (u32, u32) = (360, 740);
const DESK: (u32, u32) = (1280, 900);

/// Looks at the page in both themes, both languages, on a desk and on a phone.
async fn look_everywhere(page: &Page, what: &str) {
    for (width, height) in [DESK, PHONE] {
        page.set_screen(width, height).await;
        for theme in ["light", "dark"] {
            for locale in ["en", "ko"] {
                for (css, value) in [("#theme", theme), ("#locale", locale)] {
                    // Behind a dialog they can't be reached by hand.
                    let set = "const choice = $(arguments[0]); choice.value = arguments[1];
                               choice.dispatchEvent(new Event('change'));";
                    page.call(set, &[json!(css), json!(value)]).await;
                }
                assert_eq!(
                    barriers(page).await,
                    json!([]),
                    "{what}, {width} px, {theme}, {locale}"
                );
            }
        }
    }
}

/// What axe-core finds serious or critical, and where.
async fn barriers(page: &Page) -> Value {
    if page.eval("typeof axe").await == "undefined" {
        let script = installed();
        let axe = std::fs::read_to_string(&script).unwrap_or_else(|error| {
            panic!("{}: {error} (scripts/axe-core installs it)", script.display())
        });
        page.client().execute(&axe, Vec::new()).await.expect("axe-core loads");
    }
    let looked = page.client().execute_async(
        "const done = arguments[0];
         axe.run(document, {resultTypes: ['violations']}).then(
             ({violations}) => done(violations
                 .filter(({impact}) => impact === 'serious' || impact === 'critical')
                 .map(({id, help, nodes}) => ({id, help, where: nodes.map(({target, failureSummary}) => `${target}: ${failureSummary}`)}))),
             error => done(String(error)));",
        Vec::new(),
    );
    looked.await.expect("axe-core runs")
}

fn installed() -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("axe-core/node_modules/axe-core/axe.min.js")
}

async fn there_are_no_barriers_while_tests_are_written_and_after(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let gate = Gate::closed();
    let tests = ["def test_inside():\n    assert clamp(5, 0, 10) == 5  # in\n", "\n# end\n"];
    dev.gemini.enqueue(StreamedAnswer::text(tests).gated(&gate));
    let page = stage.page(dev.url()).await;
    look_everywhere(&page, "empty").await;
    page.generate(CLAMP).await;
    gate.release(1);
    page.until_tests_show("test_inside").await;
    look_everywhere(&page, "writing").await;
    gate.open();
    page.until_step("done").await;
    page.choose("#language", "java").await;
    page.click("#generate").await;
    page.until_notice("VALIDATION_ERROR").await;
    look_everywhere(&page, "with a notice").await;
}

async fn there_are_no_barriers_when_a_run_failed(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    let tests = "import pytest\n\ndef test_fails():\n    print('said')\n    assert clamp(1, 2, 3) == 1\n\n\
                 def test_passes():\n    pass\n\n@pytest.mark.skip\ndef test_left_out():\n    pass\n";
    page.run("python", CLAMP, tests).await;
    page.until_verdict("failed").await;
    page.click("#results summary").await;
    look_everywhere(&page, "a failed run").await;
}

async fn there_are_no_barriers_in_dialogs(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.generate(CLAMP).await;
    page.until_step("done").await;
    for (opener, dialog) in
        [("#history-open", "#history"), ("#account-open", "#account"), ("#help-open", "#help")]
    {
        page.set_screen(DESK.0, DESK.1).await;
        page.click(opener).await;
        page.until_shown(dialog).await;
        if dialog == "#history" {
            page.click("#history-list .delete").await;
            page.click("#undo-button").await;
        }
        look_everywhere(&page, dialog).await;
        page.press("Escape").await;
        page.until_gone(dialog).await;
    }
}

async fn there_are_no_barriers_in_signing_in(stage: Arc<Stage>) {
    let serve = Serve::start().await;
    let page = stage.page(serve.url()).await;
    page.click("#account-open").await;
    page.until_shown("button.provider").await;
    page.click("#sign-in").await;
    look_everywhere(&page, "signing in").await;
}

async fn the_page_is_as_wide_as_a_small_phone(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let wide =
        format!("def test_wide():\n    assert clamp(1, 0, 2) == 1  # {}\n", "wide ".repeat(60));
    dev.gemini.enqueue(StreamedAnswer::text([wide]));
    let page = stage.browser().await;
    page.set_screen(PHONE.0, PHONE.1).await;
    page.open(dev.url()).await;
    for locale in ["en", "ko"] {
        page.choose("#locale", locale).await;
        page.generate(&format!("{CLAMP}# {locale}\n")).await;
        page.until_step("done").await;
        let beyond = page
            .eval(
                "[document.documentElement.scrollWidth > innerWidth,
                  ...[...document.querySelectorAll('button, select, input, summary, p, h2')]
                      .filter(it => it.checkVisibility() && !it.matches('.skip, .hidden') && !it.closest('.code'))
                      .filter(it => it.getBoundingClientRect().right > innerWidth + 1)
                      .map(it => it.id || it.textContent)]",
            )
            .await;
        assert_eq!(beyond, json!([false]), "in {locale}");
        // As high as a thumb needs.
        let small = "[...document.querySelectorAll('button, select')]
            .filter(it => it.checkVisibility() && it.getBoundingClientRect().height < 24).map(it => it.id)";
        assert_eq!(page.eval(small).await, json!([]));
    }
}
