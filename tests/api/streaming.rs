//! The stream of a generation, frame by frame.

use serde_json::{Value, json};
use tester_peers::Gate;
use tester_peers::gemini::{Answer, Breakage, Failure, StreamedAnswer, Usage};
use tester_peers::supabase::{Fault, Route};

use crate::support::{DevApp, EventStream, Frame, TestApp, soon};

const CODE: &str = "import pytest\n\n\ndef test_adds():\n    assert add_1(1, 2) == 4\n";

/// The one error frame that must end the stream.
fn error_code(frames: &[Frame]) -> Value {
    let last = frames.last().expect("an error frame");
    assert_eq!(last.event(), Some("error"), "{frames:?}");
    assert_eq!(last.data()["type"], "error");
    assert!(last.data()["message"].as_str().is_some_and(|text| !text.is_empty()));
    last.data()["code"].clone()
}

#[tokio::test]
async fn frames_come_in_the_order_of_the_contract() {
    let app = TestApp::start().await;
    let usage = Usage { prompt: 11, output: 7, thoughts: 3 };
    let pieces = ["import pytest\n\n\ndef test", "_adds():\n    assert add_1(1, 2)", " == 4\n"];
    app.gemini
        .enqueue(StreamedAnswer::text(pieces).usage(usage).model_version("gemini-3.8-flash-002"));
    let answer = app.generate(&TestApp::body(1)).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.header("content-type").as_deref(), Some("text/event-stream"));
    assert_eq!(answer.header("cache-control").as_deref(), Some("no-cache, no-transform"));
    assert_eq!(answer.header("x-accel-buffering").as_deref(), Some("no"));
    assert_eq!(answer.header("content-encoding"), None);
    assert!(answer.header("x-trace-id").is_some_and(|trace| trace.len() == 32));
    let frames = answer.events().rest().await;
    let kinds: Vec<Option<&str>> = frames.iter().map(Frame::event).collect();
    assert_eq!(kinds, [None, None, None, Some("status"), Some("message")]);
    for (frame, piece) in frames.iter().zip(pieces) {
        assert_eq!(frame.data(), &json!({"type": "chunk", "content": piece}));
    }
    assert_eq!(
        frames[3].data(),
        &json!({"step": "saving_history", "message": "Saving to your history."})
    );
    let rows = app.supabase.rows();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        frames[4].data(),
        &json!({
            "type": "done",
            "history_id": rows[0].id,
            "cached": false,
            "model": "gemini-3.8-flash-002",
            "usage": {
                "prompt_tokens": 11,
                "output_tokens": 7,
                "thinking_tokens": 3,
                "total_tokens": 21,
            },
        })
    );
}

#[tokio::test]
async fn the_same_routes_are_served_under_v1_and_with_a_trailing_slash() {
    let app = TestApp::start().await;
    for (number, path) in ["/api/v1/generate", "/api/generate/"].into_iter().enumerate() {
        let (code, _) = app.post(path, &TestApp::body(number)).await.events().collect().await;
        assert!(!code.is_empty());
    }
}

#[tokio::test]
async fn what_is_streamed_is_what_is_saved_and_no_plain_text_is_stored() {
    let app = TestApp::start().await;
    let text = "def test_한글():\n    assert \"\\u0000 \u{1F600}\" != '''\n```\n'''\n";
    for cut in [1, 2, 3, 7] {
        app.gemini.enqueue(StreamedAnswer::text([text]).cut_every(cut));
        let mut body = TestApp::body(cut);
        body["is_regenerate"] = json!(true);
        let (code, others) = app.generate(&body).await.events().collect().await;
        assert_eq!(code, text);
        let id = others.last().expect("the done frame").data()["history_id"].clone();
        let path = format!("/api/history/{}", id.as_str().expect("an id"));
        let item = app.get(&path).await.json().await;
        assert_eq!(item["generated_code"], text);
        assert_eq!(item["input_code"], body["input_code"].as_str().expect("text").trim());
    }
    for row in app.supabase.rows() {
        let stored = format!("{row:?}");
        assert!(!stored.contains("test_") && !stored.contains("def add"), "{stored}");
    }
}

#[tokio::test]
async fn fences_are_stripped_at_every_split_point() {
    let app = TestApp::start_with(&[("WALLET_ENABLED", "false")]).await;
    let fenced = format!("```python\n{CODE}```\n");
    for split in 1..fenced.len() {
        let (head, tail) = fenced.split_at(split);
        app.gemini.enqueue(StreamedAnswer::text([head, tail]));
        let (code, others) = app.generate(&TestApp::body(split)).await.events().collect().await;
        assert_eq!(code, CODE, "split at {split}");
        assert_eq!(others.last().and_then(Frame::event), Some("message"));
    }
}

#[tokio::test]
async fn thoughts_are_no_output_and_crlf_and_a_missing_blank_line_change_nothing() {
    let app = TestApp::start().await;
    let answers = [
        StreamedAnswer::text([CODE]).thinking(["Let me think.", "Done."]),
        StreamedAnswer::text([CODE]).crlf(),
        StreamedAnswer::text([CODE]).without_last_blank_line(),
        StreamedAnswer::text([CODE]).crlf().without_last_blank_line().cut_every(1),
        StreamedAnswer::text(["import pytest\n\n\n", &CODE["import pytest\n\n\n".len()..]])
            .stop_on_every_event(),
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        app.gemini.enqueue(answer);
        let (code, others) = app.generate(&TestApp::body(number)).await.events().collect().await;
        assert_eq!(code, CODE, "answer {number}");
        assert_eq!(others.last().and_then(Frame::event), Some("message"));
    }
}

#[tokio::test]
async fn every_stream_error_code_is_one_last_frame_and_refunds_once() {
    let app = TestApp::start().await;
    app.supabase.set_balance(app.user, 1_000);
    let half = || StreamedAnswer::text(["def test_half():\n", "    assert True\n"]);
    let quota = || {
        Failure::rate_limited().quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier").into()
    };
    let cases: Vec<(Answer, &str)> = vec![
        (StreamedAnswer::blocked("SAFETY").into(), "GENERATION_BLOCKED"),
        (half().finish_reason("RECITATION").into(), "GENERATION_BLOCKED"),
        (half().finish_reason("SAFETY").into(), "GENERATION_BLOCKED"),
        (half().finish_reason("MAX_TOKENS").into(), "GENERATION_TRUNCATED"),
        (half().then_break(Breakage::Close).into(), "GENERATION_ERROR"),
        (half().then_break(Breakage::Reset).into(), "GENERATION_ERROR"),
        (half().then_error(&Failure::new(500, "INTERNAL", "x")).into(), "GENERATION_ERROR"),
        (half().then_error(&Failure::unavailable()).into(), "UPSTREAM_BUSY"),
        (half().then_bare_error(&Failure::unavailable()).into(), "UPSTREAM_BUSY"),
        (StreamedAnswer::events(Vec::new()).into(), "GENERATION_ERROR"),
        (StreamedAnswer::text(["```python\n", "```\n"]).into(), "GENERATION_ERROR"),
        (Failure::invalid_key().into(), "GENERATION_ERROR"),
        (Failure::new(404, "NOT_FOUND", "no such model").into(), "GENERATION_ERROR"),
        (quota(), "UPSTREAM_BUSY"),
    ];
    for (number, (answer, code)) in cases.into_iter().enumerate() {
        let what = format!("{answer:?}");
        app.gemini.enqueue(answer);
        let frames = app.generate(&TestApp::body(number)).await.events().rest().await;
        assert_eq!(error_code(&frames), code, "{what}");
        assert_eq!(app.supabase.balance(app.user), Some(1_000), "{what}");
    }
    assert!(app.supabase.rows().is_empty());
    let refunds = app.supabase.transactions(app.user);
    let count = |kind: &str| refunds.iter().filter(|entry| entry.kind.contains(kind)).count();
    assert_eq!(count("refund"), 14, "{refunds:?}");
}

#[tokio::test]
async fn a_truncated_answer_keeps_the_code_so_far() {
    let app = TestApp::start().await;
    app.gemini.enqueue(StreamedAnswer::text([CODE, "def test_cut"]).finish_reason("MAX_TOKENS"));
    let (code, others) = app.generate(&TestApp::body(1)).await.events().collect().await;
    assert_eq!(code, format!("{CODE}def test_cut"));
    assert_eq!(error_code(&others), "GENERATION_TRUNCATED");
}

#[tokio::test]
async fn a_busy_model_is_asked_again_before_the_first_token_only() {
    let app = TestApp::start().await;
    app.gemini.enqueue(Failure::unavailable());
    app.gemini.enqueue(Failure::rate_limited());
    app.gemini.enqueue(StreamedAnswer::text([CODE]));
    let (code, _) = app.generate(&TestApp::body(1)).await.events().collect().await;
    assert_eq!(code, CODE);
    assert_eq!(app.gemini.requests_seen(), 3);
    app.gemini.set_default(Failure::unavailable());
    let frames = app.generate(&TestApp::body(2)).await.events().rest().await;
    assert_eq!(error_code(&frames), "UPSTREAM_BUSY");
    assert_eq!(app.gemini.requests_seen(), 7, "four attempts, no more");
}

#[tokio::test]
async fn a_silent_model_times_out() {
    let app = TestApp::start_configured(&[], "gemini.idle_timeout_ms = 100").await;
    app.supabase.set_balance(app.user, 10);
    let gate = Gate::closed();
    gate.release(1);
    app.gemini.enqueue(StreamedAnswer::text(["def test_x():\n", "    pass\n"]).gated(&gate));
    let frames = app.generate(&TestApp::body(1)).await.events().rest().await;
    assert_eq!(error_code(&frames), "TIMEOUT");
    assert_eq!(app.supabase.balance(app.user), Some(10));
    let exchange = app.gemini.exchange(0).await;
    soon("the close upstream", exchange.closed_by_caller()).await;
}

#[tokio::test]
async fn silence_is_filled_with_comments_before_and_between_chunks() {
    let app = TestApp::start_configured(&[], "stream.heartbeat_ms = 50").await;
    let gate = Gate::closed();
    app.gemini.enqueue(StreamedAnswer::text(["def test_x():\n", "    pass\n"]).gated(&gate));
    let mut events = app.generate(&TestApp::body(1)).await.events();
    let heartbeat = Frame::Comment("keep-alive".to_owned());
    assert_eq!(events.expect().await, heartbeat);
    assert_eq!(events.expect().await, heartbeat);
    gate.release(1);
    assert_eq!(skip_comments(&mut events).await.data()["content"], "def test_x():\n");
    assert_eq!(events.expect().await, heartbeat);
    gate.open();
    assert_eq!(skip_comments(&mut events).await.data()["content"], "    pass\n");
}

async fn skip_comments(events: &mut EventStream) -> Frame {
    loop {
        match events.expect().await {
            Frame::Comment(_) => {}
            frame @ Frame::Data { .. } => return frame,
        }
    }
}

#[tokio::test]
async fn chunks_are_passed_on_one_by_one_as_they_come() {
    let app = TestApp::start().await;
    let gate = Gate::closed();
    app.gemini.enqueue(StreamedAnswer::text(["a = 1\n", "b = 2\n", "c = 3\n"]).gated(&gate));
    let mut events = app.generate(&TestApp::body(1)).await.events();
    for expected in ["a = 1\n", "b = 2\n", "c = 3\n"] {
        gate.release(1);
        assert_eq!(events.chunk().await, expected);
    }
}

#[tokio::test]
async fn the_second_answer_comes_from_the_cache_and_costs_nothing() {
    let app = TestApp::start().await;
    app.supabase.set_balance(app.user, 10);
    app.gemini.enqueue(StreamedAnswer::text([CODE]).model_version("gemini-3.8-flash-002"));
    let mut body = TestApp::body(1);
    let (first, _) = app.generate(&body).await.events().collect().await;
    assert_eq!(app.supabase.balance(app.user), Some(0));
    body["turnstile_token"] = json!("another-token");
    let (second, others) = app.generate(&body).await.events().collect().await;
    assert_eq!(first, second);
    let done = others.last().expect("a done frame").data().clone();
    assert_eq!(done["cached"], true);
    assert_eq!(done["model"], "gemini-3.8-flash-002");
    assert_eq!(done["usage"]["total_tokens"], 0);
    assert_eq!(app.gemini.requests_seen(), 1);
    assert_eq!(app.supabase.rows().len(), 2, "a cached answer belongs into the history too");
}

#[tokio::test]
async fn whatever_changes_the_question_misses_the_cache() {
    let app = TestApp::start().await;
    let base = TestApp::body(1);
    app.generate(&base).await.events().collect().await;
    let variants = [
        json!({"description": "adds"}),
        json!({"model": "gemini-3.7-flash"}),
        json!({"input_code": "def add_1(a, b):\n    return a + b + 2"}),
        json!({"is_regenerate": true}),
    ];
    for (number, change) in variants.iter().enumerate() {
        let mut body = base.clone();
        body["turnstile_token"] = json!(format!("token-{number}"));
        for (name, value) in change.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let (_, others) = app.generate(&body).await.events().collect().await;
        assert_eq!(others.last().expect("a done frame").data()["cached"], false, "{change}");
    }
    assert_eq!(app.gemini.requests_seen(), 5);
}

#[tokio::test]
async fn a_regenerate_request_asks_the_model_differently() {
    let app = TestApp::start().await;
    let mut body = TestApp::body(1);
    app.generate(&body).await.events().collect().await;
    body["is_regenerate"] = json!(true);
    body["turnstile_token"] = json!("another-token");
    app.generate(&body).await.events().collect().await;
    let prompt =
        |exchange: &tester_peers::gemini::Exchange| (exchange.system_text(), exchange.user_text());
    let exchanges = app.gemini.exchanges();
    assert_ne!(prompt(&exchanges[0]), prompt(&exchanges[1]));
}

#[tokio::test]
async fn the_user_gets_the_code_and_a_warning_when_saving_fails() {
    let app = TestApp::start().await;
    app.supabase.fail(Route::InsertHistory, Fault::Answer { status: 500, body: "{}".to_owned() });
    app.gemini.enqueue(StreamedAnswer::text([CODE]));
    let (code, others) = app.generate(&TestApp::body(1)).await.events().collect().await;
    assert_eq!(code, CODE);
    let kinds: Vec<Option<&str>> = others.iter().map(Frame::event).collect();
    assert_eq!(kinds, [Some("status"), Some("warning"), Some("message")]);
    assert!(others[1].data()["message"].as_str().is_some_and(|text| !text.is_empty()));
    assert_eq!(others[2].data()["history_id"], Value::Null);
}

#[tokio::test]
async fn the_key_travels_in_its_header_and_a_retired_model_is_replaced() {
    let app = TestApp::start().await;
    let mut body = TestApp::body(1);
    body["model"] = json!("gemini-2.5-flash");
    app.generate(&body).await.events().collect().await;
    let exchange = app.gemini.exchange(0).await;
    assert_ne!(exchange.model(), "gemini-2.5-flash");
    assert!(!exchange.request().target.contains(crate::support::GEMINI_KEY));
    assert_eq!(exchange.request().header("x-goog-api-key"), Some(crate::support::GEMINI_KEY));
}

#[tokio::test]
async fn the_description_reaches_the_model_as_intent() {
    let app = TestApp::start().await;
    let mut body = TestApp::body(1);
    body["description"] = json!("Returns the sum of both plus one, never negative.");
    app.generate(&body).await.events().collect().await;
    let exchange = app.gemini.exchange(0).await;
    assert!(exchange.user_text().contains("Returns the sum of both plus one, never negative."));
}

#[tokio::test]
async fn dev_streams_and_stores_without_any_other_service() {
    let app = DevApp::start_with(&[]).await;
    app.gemini.enqueue(StreamedAnswer::text([CODE]));
    let (code, others) = app.generate(&TestApp::body(1)).await.events().collect().await;
    assert_eq!(code, CODE);
    assert_eq!(others.last().and_then(Frame::event), Some("message"));
    let folder = app.stop().await;
    let app = DevApp::start_in(folder, &[]).await;
    let items: Value = app
        .request("GET", "/api/history/")
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("a list");
    assert_eq!(items[0]["generated_code"], CODE, "the history outlives the process");
}
