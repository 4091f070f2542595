//! Watching tests being written, and what can be done with them.

use std::fs;
use std::sync::Arc;

use serde_json::json;
use tester_peers::Gate;
use tester_peers::gemini::{StreamedAnswer, Usage};

use super::page::Page;
use super::site::Dev;
use super::stage::{Stage, cases};
use super::support::soon;

cases![
    tests_appear_while_they_are_written_and_each_step_is_said_in_words,
    stop_closes_the_connection_to_the_model,
    an_answer_from_before_is_there_at_once_and_regenerating_asks_the_model_again,
    an_edited_result_is_what_is_copied_and_downloaded,
    a_download_is_named_as_the_language_wants_it,
    edited_tests_are_given_back_when_others_took_their_place,
];

pub const CLAMP: &str = "def clamp(x, low, high):\n    return max(low, min(x, high))\n";

const TESTS: [&str; 3] = [
    "def test_inside():\n    assert clamp(5, 0, 10) == 5\n",
    "\n\ndef test_below():\n    assert clamp(-1, 0, 10) == 0\n",
    "\n\ndef test_above():\n    assert clamp(11, 0, 10) == 10\n",
];

async fn tests_appear_while_they_are_written_and_each_step_is_said_in_words(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let gate = Gate::closed();
    let usage = Usage { prompt: 1_200, output: 30, thoughts: 4 };
    dev.gemini.enqueue(StreamedAnswer::text(TESTS).usage(usage).gated(&gate));
    let page = stage.page(dev.url()).await;
    page.generate(CLAMP).await;
    soon("the request", dev.gemini.exchange(0)).await;
    page.until_step("waiting").await;
    assert!(page.is_shown("#stop").await);
    gate.release(1);
    page.until_tests_show("clamp(5, 0, 10)").await;
    page.until_step("writing").await;
    assert_eq!(page.eval("$('#tests').readOnly").await, true, "nobody types into a stream");
    assert!(!page.text("#tests-lines").await.contains("test_below"));
    assert!(page.text("#elapsed").await.contains(|c: char| c.is_ascii_digit()));
    // The clock runs.
    let then = page.text("#elapsed").await;
    page.until(
        "the clock goes on",
        &format!("$('#elapsed').textContent.trim() !== {}", json!(then)),
    )
    .await;
    gate.release(1);
    page.until_tests_show("test_below").await;
    gate.open();
    page.until_step("done").await;
    assert_eq!(page.value("#tests").await, TESTS.concat());
    page.until_tests_are(&TESTS.concat()).await;
    assert_eq!(page.eval("$('#tests').readOnly").await, false);
    assert!(!page.is_shown("#stop").await);
    assert!(page.text("#usage").await.contains("1,234"), "{}", page.text("#usage").await);
    let steps = page.steps().await;
    let all = ["checking", "waiting", "writing", "saving", "done"];
    let seen: Vec<&str> =
        steps.iter().map(String::as_str).filter(|step| all.contains(step)).collect();
    assert_eq!(seen, all, "{steps:?}");
    assert_eq!(page.eval("witness.steps.every(({words}) => words.length > 3)").await, true);
    // Coloured, by elements and never by markup in the text.
    assert_ne!(page.eval("document.querySelectorAll('#tests-lines .line span').length").await, 0);
}

async fn stop_closes_the_connection_to_the_model(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let gate = Gate::closed();
    dev.gemini.enqueue(StreamedAnswer::text(TESTS).gated(&gate));
    let page = stage.page(dev.url()).await;
    page.generate(CLAMP).await;
    gate.release(1);
    page.until_tests_show("clamp(5, 0, 10)").await;
    page.click("#stop").await;
    let exchange = soon("the request", dev.gemini.exchange(0)).await;
    soon("the end of the call", exchange.closed_by_caller()).await;
    page.until_step("stopped").await;
    assert_eq!(page.value("#tests").await, TESTS[0], "what was written stays");
    assert!(!page.is_shown("#notice").await, "that is no failure");
    page.click("#generate").await;
    page.until_step("done").await;
    assert_eq!(page.value("#tests").await, "def test_it():\n    assert True\n");
}

async fn an_answer_from_before_is_there_at_once_and_regenerating_asks_the_model_again(
    stage: Arc<Stage>,
) {
    let dev = Dev::start().await;
    dev.gemini.enqueue(StreamedAnswer::text(TESTS));
    dev.gemini.enqueue(StreamedAnswer::text([TESTS[2].trim_start()]));
    let page = stage.page(dev.url()).await;
    page.generate(CLAMP).await;
    page.until_step("done").await;
    page.click("#generate").await;
    page.until_text("#progress", "cost nothing").await;
    assert_eq!(page.value("#tests").await, TESTS.concat());
    assert_eq!(dev.gemini.requests_seen(), 1);
    page.click("#regenerate").await;
    page.until("the second answer", "$('#tests').value.startsWith('def test_above')").await;
    page.until_step("done").await;
    assert_eq!(dev.gemini.requests_seen(), 2);
}

async fn an_edited_result_is_what_is_copied_and_downloaded(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    dev.gemini.enqueue(StreamedAnswer::text(TESTS));
    let page = stage.page(dev.url()).await;
    let permissions = json!({
        "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": dev.url(),
    });
    page.devtools("Browser.grantPermissions", &permissions).await;
    page.generate(CLAMP).await;
    page.until_step("done").await;
    page.call("const tests = $('#tests'); tests.focus(); tests.setSelectionRange(0, 0);", &[])
        .await;
    page.paste("# mine: 한글\n").await;
    let edited = format!("# mine: 한글\n{}", TESTS.concat());
    assert_eq!(page.value("#tests").await, edited);
    page.click("#copy").await;
    page.until_text("#copy", "Copied").await;
    let copied = page.client().execute_async(
        "const done = arguments[0]; navigator.clipboard.readText().then(done, error => done(String(error)));",
        Vec::new(),
    );
    assert_eq!(copied.await.expect("a clipboard"), edited);
    assert_eq!(download(&page).await, ("test_code.py".to_owned(), edited));
}

async fn a_download_is_named_as_the_language_wants_it(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    let languages = dev.process().request("GET", "/api/languages").send().await;
    let languages = languages.expect("an answer").text().await.expect("a whole body");
    let languages: serde_json::Value = serde_json::from_str(&languages).expect("JSON");
    for language in languages["languages"].as_array().expect("a list") {
        let code = language["code"].as_str().expect("a code");
        page.fill("#source", language["placeholder"].as_str().expect("a program")).await;
        page.choose("#language", code).await;
        // A public class of Java stands in a file of its name.
        let (tests, name) = match code {
            "java" => ("class SumsTest {}", "SumsTest.java"),
            _ => ("// tests", language["file_name"].as_str().expect("a name")),
        };
        page.fill("#tests", tests).await;
        assert_eq!(download(&page).await, (name.to_owned(), tests.to_owned()));
    }
}

async fn edited_tests_are_given_back_when_others_took_their_place(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.fill("#tests", "def test_mine():\n    assert True\n").await;
    page.generate(CLAMP).await;
    page.until_step("done").await;
    assert!(page.value("#tests").await.contains("test_it"));
    page.click("#undo-button").await;
    assert_eq!(page.value("#tests").await, "def test_mine():\n    assert True\n");
}

/// Presses the button; gives name and text of the one file that comes, and takes it away.
async fn download(page: &Page) -> (String, String) {
    let folder = page.downloads().to_owned();
    let behaviour = json!({"behavior": "allow", "downloadPath": folder});
    page.devtools("Browser.setDownloadBehavior", &behaviour).await;
    page.click("#download").await;
    soon("the download", async {
        loop {
            let mut files = fs::read_dir(&folder).expect("it is there").flatten();
            // Under another name until it is whole.
            let whole = files.find(|file| {
                file.path().extension().is_some_and(|kind| kind != "crdownload")
                    && !file.file_name().to_string_lossy().starts_with('.')
            });
            if let Some(file) = whole {
                let text = fs::read_to_string(file.path()).expect("a text");
                fs::remove_file(file.path()).expect("it is ours");
                return (file.file_name().to_string_lossy().into_owned(), text);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}
