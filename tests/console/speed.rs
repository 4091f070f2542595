//! What the page costs: bytes before it is there, and time while it works.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tester_peers::gemini::StreamedAnswer;

use super::page::Page;
use super::site::{Dev, Serve};
use super::stage::{Stage, cases};
use super::watch::CLAMP;

cases![
    the_page_is_there_after_less_than_100_kb,
    a_second_visit_loads_nothing_anew,
    two_thousand_chunks_are_shown_in_small_pieces,
];

/// All that came over the network, heads and bodies as they were sent.
const TRANSFERRED: &str =
    "['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind))
    .map(({name, transferSize, encodedBodySize, decodedBodySize}) =>
        ({name: new URL(name).pathname, transferSize, encodedBodySize, decodedBodySize}))";

async fn the_page_is_there_after_less_than_100_kb(stage: Arc<Stage>) {
    let (dev, serve) = (Dev::start().await, Serve::start().await);
    for url in [dev.url(), serve.url()] {
        let page = stage.page(url).await;
        let entries = page.eval(TRANSFERRED).await;
        let total = sum(&entries, "transferSize");
        assert!(total > 10_000, "it was not loaded from the network: {entries:#}");
        assert!(total < 100_000, "{total} bytes: {entries:#}");
        let compressed =
            entries.as_array().expect("a list").iter().filter(|entry| {
                entry["encodedBodySize"].as_u64() < entry["decodedBodySize"].as_u64()
            });
        assert!(compressed.count() > 5, "{entries:#}");
        // A third origin would hide its sizes, and be none of ours but for the bot check.
        let origins = page
            .eval("[...new Set(performance.getEntriesByType('resource').map(({name}) => new URL(name).origin))]")
            .await;
        let foreign: Vec<&str> = origins
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(Value::as_str)
            .filter(|origin| *origin != url && *origin != "https://challenges.cloudflare.com")
            .collect();
        assert_eq!(foreign, Vec::<&str>::new());
    }
}

async fn a_second_visit_loads_nothing_anew(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    page.reload().await;
    let entries = page.eval(TRANSFERRED).await;
    let total = sum(&entries, "transferSize");
    // Heads, and what is never kept: the settings and the catalogue.
    assert!(total < 20_000, "{total} bytes: {entries:#}");
}

fn sum(entries: &Value, field: &str) -> u64 {
    entries.as_array().expect("a list").iter().filter_map(|entry| entry[field].as_u64()).sum()
}

/// Most characters that are put into the page at one time, with what moves to make place for them.
/// `lines.js` shows 4 096 of a stream in a frame.
const AT_ONE_TIME: u64 = 3 * 4_096;

/// A time says as much of the machine as of the page, so it is told and not judged: what a task is
/// made of is bounded here.
async fn two_thousand_chunks_are_shown_in_small_pieces(stage: Arc<Stage>) {
    let dev = Dev::start().await;
    let page = stage.page(dev.url()).await;
    for pace in [Duration::from_millis(1), Duration::ZERO] {
        let (most, tasks) = pieces(&dev, &page, pace).await;
        assert!(most > 0 && most <= AT_ONE_TIME, "{most} characters at one time");
        eprintln!("2 000 chunks, {pace:?} apart: tasks of more than 50 ms: {tasks}");
    }
}

/// Streams 2 000 chunks into the page; gives the most characters that were put into it at one time,
/// and how long the tasks took that took longer than 50 ms.
async fn pieces(dev: &Dev, page: &Page, interval: Duration) -> (u64, Value) {
    // A few tokens each, as models send them: 400 tests, 1 600 lines.
    let chunks = (0..2_000).map(|number| match number % 5 {
        0 => format!("def test_case_{number}():\n"),
        1 => "    result = clamp(".to_owned(),
        2 => format!("{number}, 0, 10)\n"),
        3 => "    assert result == ".to_owned(),
        _ => format!("min({number}, 10), \"at most ten\"\n\n"),
    });
    let answer = StreamedAnswer::text(chunks);
    dev.gemini.enqueue(if interval.is_zero() { answer } else { answer.paced(interval) });
    page.fill("#source", &format!("{CLAMP}# {}\n", uuid::Uuid::new_v4())).await;
    page.call(
        "if (window.tasks === undefined) {
             new PerformanceObserver(list => {
                 tasks.push(...list.getEntries().map(({duration}) => duration));
             }).observe({type: 'longtask'});
             new MutationObserver(records => {
                 const added = records.flatMap(({addedNodes}) => [...addedNodes]);
                 const shown = added.filter(node => node.classList?.contains('line') || node.classList?.contains('block'));
                 most = Math.max(most, shown.reduce((sum, {textContent}) => sum + textContent.length, 0));
             }).observe(document.getElementById('tests-lines'), {childList: true, subtree: true});
         }
         window.tasks = [];
         window.most = 0;",
        &[],
    )
    .await;
    page.click("#generate").await;
    page.until_step("done").await;
    // Two frames later the last of it is painted, and told.
    page.client()
        .execute_async(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)));",
            Vec::new(),
        )
        .await
        .expect("frames go on");
    assert!(page.value("#tests").await.contains("test_case_1995"));
    let most = page.eval("most").await.as_u64().expect("a count");
    (most, page.eval("tasks").await)
}
