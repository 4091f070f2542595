//! Text that would like to be more than text.

use std::sync::Arc;

use serde_json::json;
use tester_peers::gemini::StreamedAnswer;

use super::page::Page;
use super::site::Dev;
use super::stage::{Stage, cases};

cases![
    generated_text_stays_text,
    text_of_programs_and_results_stays_text,
    a_megabyte_is_shown_whole,
];

/// Markup, the end of a script, terminal escapes, letters that turn the line around, templates.
const HOSTILE: [&str; 8] = [
    "<img src=x onerror=\"window.taken = 1\">",
    "</textarea></pre><script>window.taken = 2</script>",
    "</script><svg onload=window.taken=3><iframe srcdoc=\"<script>parent.taken=4</script>\">",
    "\u{1b}]8;;http://evil.example\u{7}\u{1b}[31mred\u{1b}[0m \u{8}\u{8}\u{7f}",
    "\u{202e}desrever\u{2066}\u{200f}\u{feff} e\u{301}\u{20dd}",
    "{{constructor.constructor('window.taken = 5')()}} ${window.taken = 6} <%= 7 %>",
    "javascript:window.taken=8 data:text/html,<script>window.taken=9</script>",
    "&lt;img src=x onerror=window.taken=10&gt; &#60;b&#62; \\u003cimg src=x onerror=window.taken=11\\u003e",
];

/// Nothing of it was carried out, became an element or was even refused by the content policy.
async fn nothing_was_taken(page: &Page) {
    assert_eq!(page.eval("window.taken === undefined").await, true);
    assert_eq!(page.eval("witness.refused").await, json!([]));
    let foreign = "document.querySelectorAll('main img, main svg, main iframe, main script, main b, dialog img, dialog svg').length";
    assert_eq!(page.eval(foreign).await, 0);
}

async fn generated_text_stays_text(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let text = HOSTILE.map(|line| format!("# {line}\n")).concat();
    // Cut everywhere, also within a tag and an escape.
    let pieces: Vec<String> =
        text.chars().collect::<Vec<_>>().chunks(7).map(String::from_iter).collect();
    dev.gemini.enqueue(StreamedAnswer::text(pieces));
    let page = stage.page(dev.url()).await;
    let source = format!("def f():\n    return 1\n\n# {}\n", HOSTILE.join("\n# "));
    page.generate(&source).await;
    page.until_step("done").await;
    assert_eq!(page.value("#tests").await, text);
    page.until_tests_are(&text).await;
    assert_eq!(page.value("#source").await, source);
    nothing_was_taken(&page).await;
    // Kept, and given back by the server.
    page.reload().await;
    assert_eq!(page.value("#tests").await, text);
    page.click("#history-open").await;
    page.click("#history-list .restore").await;
    page.until_gone("#history").await;
    assert_eq!(page.value("#tests").await, text);
    nothing_was_taken(&page).await;
}

async fn text_of_programs_and_results_stays_text(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let page = stage.page(dev.url()).await;
    let tests = format!(
        "import pytest\n\nHOSTILE = {hostile}\n\n\
         @pytest.mark.parametrize('text', HOSTILE)\n\
         def test_says(text):\n    print(text)\n    assert text == ''\n",
        hostile = serde_json::to_string(&HOSTILE).expect("texts"),
    );
    page.run("python", &format!("x = {}\n", json!(HOSTILE[0])), &tests).await;
    page.until_verdict("failed").await;
    let results = "document.querySelectorAll('#results > li').length";
    assert_eq!(page.eval(results).await, HOSTILE.len());
    let printed = page.eval("[...document.querySelectorAll('#results details pre')].map(it => it.textContent).join('')").await;
    for text in [HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[5], HOSTILE[6], HOSTILE[7]] {
        assert!(printed.as_str().expect("a text").contains(text), "{printed}");
    }
    page.until_text("#results", "window.taken").await;
    nothing_was_taken(&page).await;
}

async fn a_megabyte_is_shown_whole(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let line = format!("# {}\n", HOSTILE[..3].join(" "));
    let lines = 1_048_576 / line.len() + 1;
    let piece = line.repeat(100);
    let pieces = (0..=lines / 100).map(|_| piece.clone());
    dev.gemini.enqueue(StreamedAnswer::text(pieces));
    let page = stage.page(dev.url()).await;
    page.generate("def f():\n    return 1\n").await;
    page.until_step("done").await;
    let length = page.eval("$('#tests').value.length").await.as_u64().expect("a number");
    assert!(length > 1_048_576, "{length}");
    let same = format!("$('#tests').value === {}.repeat({})", json!(piece), lines / 100 + 1);
    assert_eq!(page.eval(&same).await, true);
    nothing_was_taken(&page).await;
    // It can still be typed into.
    page.call("const tests = $('#tests'); tests.focus(); tests.setSelectionRange(0, 0);", &[])
        .await;
    page.type_text("x").await;
    assert_eq!(page.eval("$('#tests').value.length").await, length + 1);
}
