//! Processes killed in the middle of their work.

use rusqlite::Connection;
use serde_json::Value;
use tester_peers::Gate;
use tester_peers::gemini::{GeminiPeer, StreamedAnswer};

use crate::support::{Answer, EventStream, GEMINI_KEY, Process, TestApp, soon};

const WELCOME_AND_DAILY: i64 = 80;
const COST: i64 = 10;

async fn start(folder: &tempfile::TempDir, gemini: &GeminiPeer) -> Process {
    let variables = [
        ("WALLET_ENABLED", "true"),
        ("GEMINI_API_KEY", GEMINI_KEY),
        ("GEMINI_BASE_URL", &gemini.url()),
    ];
    Process::dev(folder.path(), &variables).await
}

async fn get(process: &Process, path: &str) -> Value {
    let answer = process.request("GET", path).send().await.map(Answer::new).expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("x-unreadable-items"), None);
    answer.json().await
}

async fn generate(process: &Process, number: usize) -> EventStream {
    let request = process.request("POST", "/api/generate").json(&TestApp::body(number));
    request.send().await.map(Answer::new).expect("an answer").events()
}

/// Reads the wallet behind the program's back.
fn balance_and_log(folder: &tempfile::TempDir) -> (i64, i64) {
    let database =
        Connection::open(folder.path().join("tester.sqlite3")).expect("an intact database");
    let read = |query: &str| database.query_row(query, [], |row| row.get(0)).expect("a number");
    (read("SELECT balance FROM user_tokens"), read("SELECT sum(amount) FROM token_transactions"))
}

#[tokio::test]
async fn kill_minus_nine_in_mid_stream_loses_neither_history_nor_tokens() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let gemini = GeminiPeer::start().await.expect("a free port");
    let process = start(&folder, &gemini).await;
    generate(&process, 1).await.collect().await;
    let silent = Gate::closed();
    gemini.enqueue(StreamedAnswer::text(["x = 1\n", "y = 2\n"]).gated(&silent));
    let halfway = Gate::closed();
    halfway.release(1);
    gemini.enqueue(StreamedAnswer::text(["x = 1\n", "y = 2\n"]).gated(&halfway));
    let before_the_first = generate(&process, 2).await;
    soon("the request upstream", gemini.exchange(1)).await;
    let mut in_the_middle = generate(&process, 3).await;
    in_the_middle.chunk().await;
    process.kill().await;
    drop((before_the_first, in_the_middle));

    let process = start(&folder, &gemini).await;
    let history = get(&process, "/api/history/").await;
    assert_eq!(history.as_array().map(Vec::len), Some(1), "the finished one, and no half one");
    let status = get(&process, "/api/user/status").await;
    let expected = WELCOME_AND_DAILY - COST;
    assert_eq!(status["token_info"]["current_tokens"], expected, "both cut-off ones are refunded");
    generate(&process, 4).await.collect().await;
    assert_eq!(process.terminate().await, Some(0));
    assert_eq!(balance_and_log(&folder), (expected - COST, expected - COST));
}

#[tokio::test]
async fn killed_again_and_again_the_wallet_never_disagrees_with_its_log() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let gemini = GeminiPeer::start().await.expect("a free port");
    let mut paid = 0;
    for round in 0..4 {
        let process = start(&folder, &gemini).await;
        let (_, others) = generate(&process, 10 * round).await.collect().await;
        assert_eq!(others.last().and_then(|frame| frame.event()), Some("message"));
        paid += 1;
        // Each round is killed one segment further: before the first, after it, at the end.
        let gate = Gate::closed();
        gate.release(round);
        gemini.enqueue(StreamedAnswer::text(["x = 1\n", "y = 2\n"]).gated(&gate));
        let cut_off = generate(&process, 10 * round + 1).await;
        soon("the request upstream", gemini.exchange(2 * round + 1)).await;
        process.kill().await;
        drop(cut_off);
        let (balance, log) = balance_and_log(&folder);
        assert_eq!(balance, log, "round {round}");
    }
    let process = start(&folder, &gemini).await;
    let history = get(&process, "/api/history/").await;
    let rows = history.as_array().map(Vec::len).expect("a list");
    assert!(rows >= paid, "{rows} rows for {paid} finished generations");
    let status = get(&process, "/api/user/status").await;
    let balance = status["token_info"]["current_tokens"].as_i64().expect("a number");
    assert_eq!(process.terminate().await, Some(0));
    assert_eq!(balance_and_log(&folder), (balance, balance));
}
