//! Putting code in: by hand, by file, by example.

use std::fs;
use std::sync::Arc;

use serde_json::json;

use super::site::Dev;
use super::stage::{Stage, cases};
use super::support::soon;

cases![
    a_newcomer_has_tests_after_two_choices,
    the_language_follows_the_text_until_somebody_chooses,
    a_file_that_is_chosen_opens_in_its_language,
    a_file_that_is_dropped_opens_and_can_be_taken_back,
    a_file_that_is_no_text_is_refused_and_what_was_there_stays,
    characters_are_counted_and_the_limit_is_kept,
    the_model_is_told_the_language_and_the_intent_and_is_the_one_chosen,
    what_was_typed_survives_a_reload,
    typing_by_the_page_can_be_undone,
];

/// A program a language, that no other could be.
const PROGRAMS: [(&str, &str); 4] = [
    ("python", "def double(x):\n    return 2 * x\n"),
    ("javascript", "const double = (x) => 2 * x;\nmodule.exports = { double };\n"),
    ("typescript", "export function double(x: number): number {\n  return 2 * x;\n}\n"),
    ("java", "public class Doubler {\n    public static int twice(int x) { return 2 * x; }\n}\n"),
];

async fn a_newcomer_has_tests_after_two_choices(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    assert_eq!(page.client().title().await.expect("a title"), "TESTER");
    // Nothing to sign in to, nothing to pay, nothing in the way.
    assert!(!page.is_shown("#balance").await);
    assert!(!page.is_shown("#notice").await);
    assert!(!page.is_shown("#undo").await);
    let first = page.eval("$('#examples optgroup option').value").await;
    page.choose("#examples", first.as_str().expect("an example")).await;
    page.click("#generate").await;
    page.until_step("done").await;
    assert_eq!(page.value("#tests").await, "def test_it():\n    assert True\n");
    let sent = soon("the request", dev.gemini.exchange(0)).await;
    assert!(sent.user_text().contains(page.value("#source").await.trim()));
}

async fn the_language_follows_the_text_until_somebody_chooses(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    for (language, program) in PROGRAMS.iter().chain(PROGRAMS.iter().rev()) {
        page.fill("#source", program).await;
        let detected = format!("$('#language').value === {}", json!(language));
        page.until(&format!("{language} is detected"), &detected).await;
    }
    page.choose("#language", "java").await;
    page.fill("#source", PROGRAMS[0].1).await;
    // Whatever the page was going to do about it is done when the draft is kept.
    page.until("the draft", "sessionStorage.getItem('tester.draft')?.includes('def double')").await;
    assert_eq!(page.value("#language").await, "java");
    // Every example brings its own.
    for language in PROGRAMS.map(|(language, _)| language) {
        let of_it = format!("$('#examples option[value^=\"{language}:\"]').value");
        let example = page.eval(&of_it).await;
        page.choose("#examples", example.as_str().expect("an example")).await;
        assert_eq!(page.value("#language").await, language);
    }
}

async fn a_file_that_is_chosen_opens_in_its_language(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    // Without a look at the text it could as well be JavaScript.
    let file = page.downloads().join("double.ts");
    fs::write(&file, "const double = (x) => 2 * x;\r\n").expect("a writable folder");
    page.choose_file("#file", &file).await;
    page.until_value("#source", "double").await;
    assert_eq!(page.value("#source").await, "const double = (x) => 2 * x;\n");
    assert_eq!(page.value("#language").await, "typescript");
}

async fn a_file_that_is_dropped_opens_and_can_be_taken_back(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", "def mine():\n    return 1\n").await;
    let file = page.downloads().join("Doubler.java");
    fs::write(&file, PROGRAMS[3].1).expect("a writable folder");
    let place = page.eval("(box => [box.x + box.width / 2, box.y + box.height / 2])($('#source').getBoundingClientRect())").await;
    for kind in ["dragEnter", "dragOver", "drop"] {
        let data = json!({"items": [], "files": [file.clone()], "dragOperationsMask": 1});
        let event = json!({"type": kind, "x": place[0], "y": place[1], "data": data});
        page.devtools("Input.dispatchDragEvent", &event).await;
    }
    page.until_value("#source", "Doubler").await;
    assert_eq!(page.value("#language").await, "java");
    page.click("#undo-button").await;
    assert_eq!(page.value("#source").await, "def mine():\n    return 1\n");
    assert_eq!(page.value("#language").await, "python");
}

async fn a_file_that_is_no_text_is_refused_and_what_was_there_stays(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", "def mine():\n    return 1\n").await;
    for (name, bytes, code) in [
        ("picture.py", vec![0xff, 0xd8, 0xff, 0xe0], "FILE_TYPE"),
        ("zeros.py", vec![0; 16], "FILE_TYPE"),
        ("long.py", vec![b'x'; 400_001], "FILE_SIZE"),
    ] {
        let file = page.downloads().join(name);
        fs::write(&file, bytes).expect("a writable folder");
        page.choose_file("#file", &file).await;
        page.until_notice(code).await;
        page.click("#notice-close").await;
        assert!(!page.is_shown("#notice").await);
        assert_eq!(page.value("#source").await, "def mine():\n    return 1\n");
    }
}

async fn characters_are_counted_and_the_limit_is_kept(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    let can_generate = async || page.eval("!$('#generate').disabled").await == true;
    assert!(!can_generate().await, "there is nothing to test");
    page.fill("#source", "x = 1").await;
    page.until_text("#source-count", "10").await;
    assert!(!can_generate().await, "five characters are too few");
    // Characters, not bytes and not units of UTF-16; without the space around them.
    page.fill("#source", "\n\nx = '🐍🐍🐍🐍'\n").await;
    page.until_text("#source-count", "10 of 100,000").await;
    assert!(can_generate().await);
    page.fill("#source", &format!("x = '{}'", "🐍".repeat(99_994))).await;
    page.until_text("#source-count", "100,000 of 100,000").await;
    assert!(can_generate().await);
    page.press("Control+End").await;
    page.paste("#").await;
    page.until_text("#source-count", "100,001 of 100,000").await;
    page.until_text("#source-count", "1 too many").await;
    assert!(!can_generate().await);
    page.press("Control+Enter").await;
    assert_eq!(dev.gemini.requests_seen(), 0);
}

async fn the_model_is_told_the_language_and_the_intent_and_is_the_one_chosen(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", PROGRAMS[1].1).await;
    page.until("JavaScript is detected", "$('#language').value === 'javascript'").await;
    page.click("#compose summary").await;
    page.fill("#description", "Doubles, also what is negative.").await;
    assert_eq!(page.eval("$('#description').maxLength").await, 4_000);
    let default = page.value("#model").await;
    let another = page
        .eval("[...$('#model').options].map(option => option.value).find(name => name !== $('#model').value)")
        .await;
    let another = another.as_str().expect("a second model");
    page.choose("#model", another).await;
    page.click("#generate").await;
    page.until_step("done").await;
    let sent = soon("the request", dev.gemini.exchange(0)).await;
    assert_eq!(sent.model(), another);
    assert_ne!(sent.model(), default);
    assert!(sent.user_text().contains("Doubles, also what is negative."));
    assert!(sent.system_text().contains("Jest"), "{}", sent.system_text());
}

async fn what_was_typed_survives_a_reload(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", PROGRAMS[2].1).await;
    page.until("TypeScript is detected", "$('#language').value === 'typescript'").await;
    page.click("#compose summary").await;
    page.fill("#description", "Doubles.").await;
    page.fill("#tests", "test('mine', () => {});\n").await;
    page.choose("#theme", "dark").await;
    page.choose("#locale", "ko").await;
    // At once: what is kept is kept when the page goes, not only a while after the last key.
    page.reload().await;
    assert_eq!(page.value("#source").await, PROGRAMS[2].1);
    assert_eq!(page.value("#language").await, "typescript");
    assert_eq!(page.value("#description").await, "Doubles.");
    assert!(page.is_shown("#description").await);
    assert_eq!(page.value("#tests").await, "test('mine', () => {});\n");
    assert_eq!(page.value("#theme").await, "dark");
    assert_eq!(page.eval("document.documentElement.lang").await, "ko");
    assert_eq!(page.text("#generate").await, "테스트 생성");
}

async fn typing_by_the_page_can_be_undone(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#source", "def f():\npass\n").await;
    page.press("Control+Home").await;
    page.press("Down").await;
    page.press("Tab").await;
    assert_eq!(page.value("#source").await, "def f():\n    pass\n");
    page.press("Shift+Tab").await;
    assert_eq!(page.value("#source").await, "def f():\npass\n");
    page.press("Control+z").await;
    assert_eq!(page.value("#source").await, "def f():\n    pass\n");
    page.press("Control+z").await;
    assert_eq!(page.value("#source").await, "def f():\npass\n");
    page.press("Control+z").await;
    assert_eq!(page.value("#source").await, "");
    page.press("Control+Shift+z").await;
    assert_eq!(page.value("#source").await, "def f():\npass\n");
    let lines = page
        .eval("[...document.querySelectorAll('#source-lines .line')].map(line => line.textContent)")
        .await;
    assert_eq!(lines, json!(["def f():", "pass", ""]));
}
