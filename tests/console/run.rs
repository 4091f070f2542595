//! Running tests, in real sandboxes.

use std::sync::Arc;

use serde_json::json;
use tester_peers::gemini::StreamedAnswer;

use super::page::Page;
use super::stage::{Stage, cases};
use super::watch::CLAMP;

cases![
    tests_that_were_generated_run_and_pass,
    each_test_is_listed_when_it_ends,
    a_failure_leads_to_its_line_and_is_gone_once_repaired,
    what_a_test_prints_is_shown_as_it_was_printed,
    a_run_that_does_not_end_is_ended_and_said_so,
    tests_that_do_not_compile_are_said_so,
    a_run_that_exits_early_is_incomplete,
    a_run_that_takes_all_memory_is_ended_and_said_so,
    a_run_can_be_stopped_and_another_begun,
    javascript_runs_as_well,
];

const TWO_TESTS: &str = "def test_inside():\n    assert clamp(5, 0, 10) == 5\n\n\
                         def test_above():\n    assert clamp(11, 0, 10) == 10\n";

async fn tests_that_were_generated_run_and_pass(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    dev.gemini.enqueue(StreamedAnswer::text([TWO_TESTS]));
    let page = stage.page(dev.url()).await;
    page.generate(&format!("{CLAMP}# {}\n", uuid::Uuid::new_v4())).await;
    page.until_step("done").await;
    page.click("#run").await;
    page.until_verdict("passed").await;
    page.until_text("#verdict", "All 2 passed").await;
    assert_eq!(
        results(&page).await,
        [("test_inside", "passed"), ("test_above", "passed")].map(own)
    );
    assert_eq!(page.eval("document.querySelectorAll('#tests-lines .failing').length").await, 0);
    let durations = "[...document.querySelectorAll('#results .duration')].every(it => /\\d ?ms/.test(it.textContent))";
    assert_eq!(page.eval(durations).await, true);
}

async fn each_test_is_listed_when_it_ends(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    // What the banner says at the moment a test is listed.
    page.call(
        "window.listed = [];
         new MutationObserver(() => {
             const {status} = $('#verdict').dataset;
             for (const item of $('#results').children)
                 if (!listed.some(({id}) => id === item.dataset.id)) listed.push({id: item.dataset.id, status});
         }).observe($('#results'), {childList: true});",
        &[],
    )
    .await;
    let slow =
        "import time\n\ndef test_quick():\n    pass\n\ndef test_slow():\n    time.sleep(1.5)\n";
    page.run("python", CLAMP, slow).await;
    page.until("the first test", "listed.length > 0").await;
    page.until_verdict("passed").await;
    let listed = page.eval("listed").await;
    assert_eq!(listed[0], json!({"id": "test_quick", "status": "running"}), "{listed}");
    assert_eq!(listed[1]["id"], "test_slow");
}

async fn a_failure_leads_to_its_line_and_is_gone_once_repaired(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    let wrong = TWO_TESTS.replace("== 10", "== 11");
    page.run("python", CLAMP, &wrong).await;
    page.until_verdict("failed").await;
    page.until_text("#verdict", "1 of 2 failed").await;
    assert_eq!(
        results(&page).await,
        [("test_inside", "passed"), ("test_above", "failed")].map(own)
    );
    page.until_text(".result[data-status=failed] .message", "assert 10 == 11").await;
    let marked = "[...document.querySelectorAll('#tests-lines .line')]
        .flatMap((line, index) => line.classList.contains('failing') ? [index + 1] : [])";
    assert_eq!(page.eval(marked).await, json!([5]));
    page.click(".result[data-status=failed] button").await;
    page.until_focused("#tests").await;
    let chosen = "$('#tests').value.slice($('#tests').selectionStart, $('#tests').selectionEnd)";
    assert_eq!(page.eval(chosen).await, "    assert clamp(11, 0, 10) == 11");
    // Typing there takes the mark away, and a run of what is there now says so.
    page.press("End").await;
    page.press("Backspace").await;
    page.type_text("0").await;
    assert_eq!(page.value("#tests").await, TWO_TESTS);
    assert_eq!(page.eval(marked).await, json!([]));
    page.click("#run").await;
    page.until_verdict("passed").await;
    assert_eq!(
        results(&page).await,
        [("test_inside", "passed"), ("test_above", "passed")].map(own)
    );
}

async fn what_a_test_prints_is_shown_as_it_was_printed(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    let printing =
        "def test_prints():\n    print('one\\ntwo  spaces')\n\ndef test_silent():\n    pass\n";
    page.run("python", CLAMP, printing).await;
    page.until_verdict("passed").await;
    let printed = ".result[data-id=test_prints] details.output";
    assert!(!page.is_shown(&format!("{printed} pre")).await);
    page.click(&format!("{printed} summary")).await;
    page.until_shown(&format!("{printed} pre")).await;
    assert_eq!(page.text(&format!("{printed} pre")).await, "one\ntwo  spaces");
    assert_eq!(page.eval("$('.result[data-id=test_silent] details')").await, json!(null));
}

async fn a_run_that_does_not_end_is_ended_and_said_so(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    page.run("python", CLAMP, "def test_hangs():\n    while True:\n        pass\n").await;
    page.until_verdict("timeout").await;
    page.until_text("#verdict", "Out of time").await;
    assert_eq!(results(&page).await, [("test_hangs", "unfinished")].map(own));
}

async fn tests_that_do_not_compile_are_said_so(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    page.run("python", CLAMP, "def test_broken(:\n    pass\n").await;
    page.until_verdict("error").await;
    page.until_text("#verdict", "Does not run").await;
    page.until_text("#report-text", "SyntaxError").await;
}

async fn a_run_that_exits_early_is_incomplete(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    let exits = "import os\n\ndef test_first():\n    pass\n\ndef test_exits():\n    os._exit(0)\n\n\
                 def test_never():\n    pass\n";
    page.run("python", CLAMP, exits).await;
    page.until_verdict("incomplete").await;
    page.until_text("#verdict", "Incomplete").await;
    assert_eq!(results(&page).await[0], own(("test_first", "passed")));
}

async fn a_run_that_takes_all_memory_is_ended_and_said_so(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    let hungry = "def test_eats():\n    held = []\n    while True:\n        held.append(bytearray(16 << 20))\n";
    page.run("python", CLAMP, hungry).await;
    page.until_verdict("out_of_memory").await;
    page.until_text("#verdict", "Out of memory").await;
    page.until_text("#verdict", "MiB").await;
}

async fn a_run_can_be_stopped_and_another_begun(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    let hangs = "def test_first():\n    pass\n\ndef test_hangs():\n    while True:\n        pass\n";
    page.run("python", CLAMP, hangs).await;
    page.until_shown(".result[data-id=test_first]").await;
    page.click("#run-stop").await;
    page.until_text("#verdict", "Run stopped").await;
    assert!(!page.is_shown("#notice").await, "that is no failure");
    page.run("python", CLAMP, TWO_TESTS).await;
    page.until_verdict("passed").await;
}

async fn javascript_runs_as_well(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    let source = "const double = (x) => 2 * x;\nmodule.exports = { double };\n";
    let tests = "test('doubles', () => {\n  expect(double(2)).toBe(4);\n});\n\n\
                 test('fails', () => {\n  expect(double(2)).toBe(5);\n});\n";
    page.run("javascript", source, tests).await;
    page.until_verdict("failed").await;
    assert_eq!(results(&page).await, [("doubles", "passed"), ("fails", "failed")].map(own));
    let marked = "[...document.querySelectorAll('#tests-lines .line')]
        .findIndex(line => line.classList.contains('failing')) + 1";
    assert_eq!(page.eval(marked).await, 6);
}

/// What is listed: names, and how each ended.
async fn results(page: &Page) -> Vec<(String, String)> {
    let listed = "[...document.querySelectorAll('#results > li')]
        .map(item => [item.querySelector('.name').textContent, item.dataset.status])";
    serde_json::from_value(page.eval(listed).await).expect("a list of pairs")
}

fn own((name, status): (&str, &str)) -> (String, String) {
    (name.to_owned(), status.to_owned())
}
