//! The gateway against a peer that speaks the true wire format.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;
use tester_peers::Gate;
use tester_peers::gemini::{
    Answer, Breakage, Failure as PeerFailure, GeminiPeer, StreamedAnswer, Usage,
};
use tester_peers::http::Server;

use super::Gemini;
use crate::config::GeminiSettings;
use crate::domain::{Model, ModelName, Sampling, TokenUsage};
use crate::gateways::{LlmDeadline, LlmError, LlmEvent, LlmStream, Prompt};

const KEY: &str = "AQ.the-key";
/// Longer than any step on a busy machine: a test that waits this long has failed.
const NEVER: Duration = Duration::from_mins(1);

fn settings(peer: &GeminiPeer) -> GeminiSettings {
    GeminiSettings {
        api_key: KEY.into(),
        base_url: peer.url().parse().expect("a URL"),
        connect_timeout: NEVER,
        idle_timeout: NEVER,
        total_timeout: NEVER,
        max_attempts: 4,
        backoff_min: Duration::from_millis(1),
        backoff_max: Duration::from_millis(4),
        max_output_tokens: 1_000,
        temperature: 0.5,
    }
}

fn model(sampling: Sampling) -> Model {
    Model { name: ModelName::parse("gemini-x").expect("a valid name"), sampling }
}

fn prompt() -> Prompt {
    Prompt { system: "orders".to_owned(), user: "material".to_owned() }
}

async fn peer() -> GeminiPeer {
    let peer = GeminiPeer::start().await.expect("a free port");
    peer.expect_key(KEY);
    peer
}

async fn open(peer: &GeminiPeer) -> Result<LlmStream, LlmError> {
    let gemini = Gemini::new(settings(peer)).expect("sound settings");
    gemini.generate(&model(Sampling::Fixed), &prompt()).await
}

/// The text of the whole answer and what came after it.
#[derive(Debug, PartialEq)]
struct Outcome {
    text: String,
    end: Result<(Option<String>, TokenUsage), LlmError>,
}

async fn read(stream: LlmStream) -> Outcome {
    let mut events: Vec<_> = stream.collect().await;
    let end = match events.pop() {
        Some(Ok(LlmEvent::Finished { model_version, usage })) => Ok((model_version, usage)),
        Some(Err(error)) => Err(error),
        other => panic!("no last event: {other:?}"),
    };
    let text = events.into_iter().map(|event| match event {
        Ok(LlmEvent::Text(text)) if !text.is_empty() => text,
        other => panic!("an event that is no text before the last: {other:?}"),
    });
    Outcome { text: text.collect(), end }
}

async fn ask(peer: &GeminiPeer) -> Outcome {
    match open(peer).await {
        Ok(stream) => read(stream).await,
        Err(error) => Outcome { text: String::new(), end: Err(error) },
    }
}

/// One answer to one request.
async fn answer_to(answer: impl Into<Answer>) -> Outcome {
    let peer = peer().await;
    peer.enqueue(answer);
    peer.set_default(PeerFailure::new(418, "ABORTED", "one request only"));
    ask(&peer).await
}

fn good(text: &str) -> Outcome {
    let usage =
        TokenUsage { prompt_tokens: 7, output_tokens: 5, thinking_tokens: 0, total_tokens: 12 };
    Outcome { text: text.to_owned(), end: Ok((Some("gemini-x".to_owned()), usage)) }
}

fn failed(text: &str, error: LlmError) -> Outcome {
    Outcome { text: text.to_owned(), end: Err(error) }
}

fn malformed(text: &str, what: &str) -> Outcome {
    failed(text, LlmError::Malformed(what.to_owned()))
}

fn busy(status: u16) -> LlmError {
    LlmError::Busy { status, retry_after: None }
}

fn blocked(reason: &str) -> LlmError {
    LlmError::Blocked { reason: reason.to_owned() }
}

mod requests {
    use super::*;

    #[tokio::test]
    async fn carry_the_prompt_in_the_body_and_the_key_in_its_header_only() {
        let peer = peer().await;
        assert_eq!(ask(&peer).await.end.map(|_| ()), Ok(()));
        let exchange = peer.exchange(0).await;
        let request = exchange.request();
        assert_eq!(request.target, "/v1beta/models/gemini-x:streamGenerateContent?alt=sse");
        assert_eq!(request.header("x-goog-api-key"), Some(KEY));
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert_eq!(
            request.json(),
            json!({
                "systemInstruction": {"parts": [{"text": "orders"}]},
                "contents": [{"role": "user", "parts": [{"text": "material"}]}],
                "generationConfig": {"maxOutputTokens": 1_000},
            })
        );
    }

    #[tokio::test]
    async fn carry_sampling_parameters_only_to_models_that_take_them() {
        let peer = peer().await;
        let gemini = Gemini::new(settings(&peer)).expect("sound settings");
        for (number, sampling, expected) in
            [(0, Sampling::Tunable, Some(0.5)), (1, Sampling::Fixed, None)]
        {
            let stream = gemini.generate(&model(sampling), &prompt()).await.expect("an answer");
            read(stream).await;
            let body = peer.exchange(number).await.request().json();
            let sent =
                body["generationConfig"].get("temperature").and_then(serde_json::Value::as_f64);
            assert_eq!(sent, expected, "{sampling:?}");
        }
    }

    #[tokio::test]
    async fn keep_the_path_of_the_base_url() {
        let peer = peer().await;
        for suffix in ["/proxy", "/proxy/"] {
            let base_url = format!("{}{suffix}", peer.url()).parse().expect("a URL");
            let gemini = Gemini::new(GeminiSettings { base_url, ..settings(&peer) });
            let url = gemini.expect("sound settings").url("models");
            assert_eq!(url.path(), "/proxy/v1beta/models");
        }
    }

    #[tokio::test]
    async fn can_not_be_made_of_a_key_that_is_no_header_value() {
        let peer = peer().await;
        let gemini = Gemini::new(GeminiSettings { api_key: "a\nb".into(), ..settings(&peer) });
        assert_eq!(gemini.map(|_| ()), Err(super::super::GeminiSetupError::Key));
    }
}

mod answers {
    use super::*;

    #[tokio::test]
    async fn come_piece_by_piece_while_they_are_written() {
        let peer = peer().await;
        let gate = Gate::closed();
        peer.enqueue(StreamedAnswer::text(["one", "two"]).gated(&gate));
        gate.release(1);
        let mut stream = open(&peer).await.expect("an answer");
        assert_eq!(stream.next().await, Some(Ok(LlmEvent::Text("one".to_owned()))));
        gate.release(1);
        assert_eq!(stream.next().await, Some(Ok(LlmEvent::Text("two".to_owned()))));
        gate.open();
        assert!(matches!(stream.next().await, Some(Ok(LlmEvent::Finished { .. }))));
        assert_eq!(stream.next().await, None);
    }

    #[tokio::test]
    async fn read_the_same_in_every_legal_form() {
        let answer = StreamedAnswer::text(["한글 ", "🦀\n", "x"]);
        for form in [
            answer.clone(),
            answer.clone().crlf(),
            answer.clone().cr(),
            answer.clone().without_last_blank_line(),
            answer.clone().crlf().without_last_blank_line(),
            answer.clone().stop_on_every_event(),
            answer.clone().thinking(["hm", "aha"]),
            answer.clone().cut_every(1),
            answer.clone().cut_every(7).crlf(),
            answer.clone().cut_at([1, 2, 100, 101]),
            answer.clone().content_type("Text/Event-Stream; charset=utf-8"),
            answer.clone().paced(Duration::from_millis(1)),
        ] {
            assert_eq!(answer_to(form.clone()).await, good("한글 🦀\nx"), "{form:?}");
        }
    }

    #[tokio::test]
    async fn pass_over_what_is_no_output() {
        let noise = [
            json!({}),
            json!({"candidates": []}),
            json!({"candidates": null, "usageMetadata": null}),
            json!({"candidates": [{}]}),
            json!({"candidates": [{"content": {}}]}),
            json!({"candidates": [{"content": {"role": "model"}, "index": 0}]}),
            json!({"candidates": [{"content": {"parts": []}, "finishReason": "FINISH_REASON_UNSPECIFIED"}]}),
            json!({"candidates": [{"content": {"parts": [{}]}}]}),
            json!({"candidates": [{"content": {"parts": [{"text": ""}]}}]}),
            json!({"candidates": [{"content": {"parts": [
                {"text": "thinking", "thought": true},
                {"thoughtSignature": "c2ln"},
                {"functionCall": {"name": "f", "args": {"text": "no"}}},
                {"executableCode": {"language": "PYTHON", "code": "no"}},
                {"inlineData": {"mimeType": "image/png", "data": "no"}},
            ]}}]}),
            json!({"promptFeedback": {}, "somethingNew": [1, {"a": 2}]}),
            json!({"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}}),
            json!({"usageMetadata": {"promptTokenCount": -1, "totalTokenCount": "9"}}),
        ];
        let text = |text| json!({"candidates": [{"content": {"parts": [{"text": text}]}}]});
        let mut answer = StreamedAnswer::events(vec![text("a")]);
        for event in noise {
            answer = answer.then_event(event);
        }
        answer = answer.then_raw("\n\n: comment\n\nid: 7\nretry: 1\n\ndata:\n\nother: x\n\n");
        answer = answer.then_event(json!({
            "candidates": [
                {"content": {"parts": [{"text": "b"}, {"text": "c"}]}, "finishReason": "STOP"},
                {"content": {"parts": [{"text": "another answer"}]}, "index": 1},
            ],
            "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12},
        }));
        assert_eq!(answer_to(answer).await, good("abc"));
    }

    #[tokio::test]
    async fn keep_the_last_usage_and_the_name_the_model_gives_itself() {
        let usage = Usage { prompt: 100, output: 30, thoughts: 20 };
        let answer = StreamedAnswer::text(["a", "b"]).usage(usage).model_version("gemini-y-001");
        // An event without usage changes nothing.
        let answer = answer.then_event(json!({"candidates": []}));
        let expected = TokenUsage {
            prompt_tokens: 100,
            output_tokens: 30,
            thinking_tokens: 20,
            total_tokens: 150,
        };
        assert_eq!(answer_to(answer).await.end, Ok((Some("gemini-y-001".to_owned()), expected)));
    }

    #[tokio::test]
    async fn with_an_unusable_model_name_have_none() {
        let answer = StreamedAnswer::text(["a"]).model_version("../<script>");
        assert_eq!(answer_to(answer).await.end.map(|(name, _)| name), Ok(None));
    }

    #[tokio::test]
    async fn with_text_and_no_reason_at_an_orderly_end_are_complete() {
        let answer = StreamedAnswer::text(["a", "b"]).without_finish_reason();
        assert_eq!(answer_to(answer).await, good("ab"));
    }

    #[tokio::test]
    async fn close_the_connection_when_the_stream_is_dropped() {
        let peer = peer().await;
        peer.enqueue(StreamedAnswer::text(["a"]).then_hang());
        let mut stream = open(&peer).await.expect("an answer");
        assert_eq!(stream.next().await, Some(Ok(LlmEvent::Text("a".to_owned()))));
        drop(stream);
        peer.exchange(0).await.closed_by_caller().await;
    }

    #[tokio::test]
    async fn that_are_no_longer_awaited_close_the_connection() {
        let peer = peer().await;
        for answer in [Answer::Silence, StreamedAnswer::silent().into()] {
            peer.forget_exchanges();
            peer.enqueue(answer);
            let exchange = tokio::select! {
                _ = open(&peer) => panic!("the peer is silent"),
                exchange = peer.exchange(0) => exchange,
            };
            exchange.closed_by_caller().await;
        }
    }
}

mod stopped_answers {
    use super::*;

    #[tokio::test]
    async fn at_the_output_limit_are_truncated_and_keep_their_text() {
        let usage =
            TokenUsage { prompt_tokens: 7, output_tokens: 5, thinking_tokens: 0, total_tokens: 12 };
        let answer = StreamedAnswer::text(["a", "b"]).finish_reason("MAX_TOKENS");
        assert_eq!(answer_to(answer).await, failed("ab", LlmError::Truncated { usage }));
        let answer = StreamedAnswer::text([""]).finish_reason("MAX_TOKENS");
        assert_eq!(answer_to(answer).await, failed("", LlmError::Truncated { usage }));
    }

    #[tokio::test]
    async fn by_the_provider_are_blocked_for_the_reason_it_names() {
        for reason in [
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "OTHER",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "A_REASON_OF_NEXT_YEAR",
        ] {
            let answer = StreamedAnswer::text(["a"]).finish_reason(reason);
            assert_eq!(answer_to(answer).await, failed("a", blocked(reason)));
            let answer = StreamedAnswer::text([""]).finish_reason(reason);
            assert_eq!(answer_to(answer).await, failed("", blocked(reason)));
        }
    }

    #[tokio::test]
    async fn by_the_models_own_mistake_are_malformed() {
        for reason in [
            "MALFORMED_FUNCTION_CALL",
            "MALFORMED_RESPONSE",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE",
        ] {
            let answer = StreamedAnswer::text(["a"]).finish_reason(reason);
            assert_eq!(answer_to(answer).await, malformed("a", reason));
        }
    }

    #[tokio::test]
    async fn stay_stopped_when_a_later_event_says_stop() {
        let stop = json!({"candidates": [{"finishReason": "STOP"}]});
        let answer = StreamedAnswer::text(["a"]).finish_reason("SAFETY").then_event(stop);
        assert_eq!(answer_to(answer).await, failed("a", blocked("SAFETY")));
    }

    #[tokio::test]
    async fn stay_stopped_when_the_connection_breaks_afterwards() {
        let answer = StreamedAnswer::text(["a"]).finish_reason("SAFETY");
        let outcome = answer_to(answer.then_break(Breakage::Close)).await;
        assert_eq!(outcome, failed("a", blocked("SAFETY")));
    }

    #[tokio::test]
    async fn of_a_refused_prompt_are_blocked() {
        for reason in ["SAFETY", "PROHIBITED_CONTENT", "NEW_REASON"] {
            let outcome = answer_to(StreamedAnswer::blocked(reason)).await;
            assert_eq!(outcome, failed("", blocked(reason)));
        }
    }
}

mod broken_answers {
    use super::*;

    fn unreachable(outcome: &Outcome) -> bool {
        matches!(outcome.end, Err(LlmError::Unreachable(_)))
    }

    #[tokio::test]
    async fn without_text_are_errors_and_not_empty_successes() {
        for (answer, what) in [
            (StreamedAnswer::events(vec![]), "it ended without text and without a reason"),
            (StreamedAnswer::raw("\n\n"), "it ended without text and without a reason"),
            (
                StreamedAnswer::text([""]).without_finish_reason(),
                "it ended without text and without a reason",
            ),
            (StreamedAnswer::text([""]), "it has no text"),
        ] {
            assert_eq!(answer_to(answer).await, malformed("", what));
        }
    }

    #[tokio::test]
    async fn after_text_are_errors_also_when_stop_was_said() {
        for breakage in [Breakage::Close, Breakage::Reset] {
            let peer = peer().await;
            let gate = Gate::closed();
            // The gate holds the break back until the text was read: a reset discards what waits.
            let answer = StreamedAnswer::text(["a"]).then_raw(": more\n").gated(&gate);
            peer.enqueue(answer.then_break(breakage));
            gate.release(1);
            let stream = open(&peer).await.expect("an answer");
            gate.open();
            let outcome = read(stream).await;
            assert!(unreachable(&outcome), "{breakage:?}: {outcome:?}");
            assert_eq!(outcome.text, "a");
            assert_eq!(peer.requests_seen(), 1, "no retry after the first token");
        }
    }

    #[tokio::test]
    async fn that_end_in_the_middle_of_an_event_are_errors() {
        let answer = StreamedAnswer::text(["a"]).then_raw(r#"data: {"candidates":[{"con"#);
        let what = "the stream ended in the middle of an event";
        assert_eq!(answer_to(answer).await, malformed("a", what));
    }

    #[tokio::test]
    async fn of_garbage_are_errors() {
        let no_json = StreamedAnswer::text(["a"]).then_raw("data: <html>\n\n");
        assert_eq!(answer_to(no_json).await, malformed("a", "an event can't be read: Syntax"));
        let wrong_type = StreamedAnswer::text(["a"]).then_event(json!({"candidates": 5}));
        assert_eq!(answer_to(wrong_type).await, malformed("a", "an event can't be read: Data"));
        let bare = StreamedAnswer::text(["a"]).then_raw("{\"fine\": \"}\"\n}\n");
        assert_eq!(answer_to(bare).await, malformed("a", "JSON outside of an event"));
        let bytes = StreamedAnswer::raw(vec![0xff, 0xfe, 0, b'\n', 0xef, 0xbb, b'\r']);
        let what = "it ended without text and without a reason";
        assert_eq!(answer_to(bytes).await, malformed("", what));
        let page = StreamedAnswer::raw("<html>sign in</html>").content_type("text/html");
        let what = "its content type is not that of an event stream";
        assert_eq!(answer_to(page).await, malformed("", what));
    }

    #[tokio::test]
    async fn of_too_large_an_event_are_errors_and_close_the_connection() {
        let peer = peer().await;
        let large = "x".repeat(crate::gateways::sse::MAX_EVENT_BYTES);
        peer.enqueue(StreamedAnswer::text(["a"]).then_raw(format!("data: {large}")).then_hang());
        let outcome = ask(&peer).await;
        assert_eq!(outcome, malformed("a", "an event is longer than 1048576 bytes"));
        peer.exchange(0).await.closed_by_caller().await;
    }

    #[tokio::test]
    async fn by_an_error_in_mid_stream_keep_its_status() {
        let failure = PeerFailure::unavailable();
        let text = || StreamedAnswer::text(["a"]);
        for answer in [
            text().then_error(&failure),
            text().then_bare_error(&failure),
            text().then_bare_error(&failure).then_hang(),
            text().then_bare_error(&failure).cut_every(1).crlf(),
            text().without_last_blank_line().then_raw("\n").then_bare_error(&failure),
            text().then_raw(format!("[{}]\r\n", failure.body())),
            text().then_raw(format!("data: [{}]\n\n", failure.body())),
        ] {
            assert_eq!(answer_to(answer.clone()).await, failed("a", busy(503)), "{answer:?}");
        }
        let nameless = json!({"error": {"status": "RESOURCE_EXHAUSTED"}});
        let outcome = answer_to(text().then_event(nameless)).await;
        assert_eq!(outcome, failed("a", busy(429)));
        let refused = PeerFailure::new(400, "INVALID_ARGUMENT", "no");
        let rejected = LlmError::Rejected { status: 400, reason: "INVALID_ARGUMENT".to_owned() };
        assert_eq!(answer_to(text().then_error(&refused)).await, failed("a", rejected));
    }
}

mod refusals {
    use super::*;

    #[tokio::test]
    async fn are_read_in_every_form_the_api_sends_them() {
        let failure = PeerFailure::new(404, "NOT_FOUND", "no such model");
        let rejected = LlmError::Rejected { status: 404, reason: "NOT_FOUND".to_owned() };
        for form in [
            failure.clone(),
            failure.clone().as_array(),
            failure.clone().as_event_stream(),
            failure.as_array().as_event_stream(),
        ] {
            assert_eq!(answer_to(form).await, failed("", rejected.clone()));
        }
        let page = PeerFailure::new(403, "", "").with_text("<html>denied</html>");
        let rejected = LlmError::Rejected { status: 403, reason: String::new() };
        assert_eq!(answer_to(page).await, failed("", rejected));
    }

    #[tokio::test]
    async fn never_show_the_words_that_the_provider_says() {
        let words = format!("key {KEY} is\r\nbad: {}", "x".repeat(1_000));
        let failure = PeerFailure::new(400, &words, &words).detail(json!({"reason": words}));
        let rejected = LlmError::Rejected { status: 400, reason: String::new() };
        assert_eq!(answer_to(failure).await, failed("", rejected));
    }

    #[tokio::test]
    async fn of_a_wrong_key_are_final() {
        let peer = GeminiPeer::start().await.expect("a free port");
        peer.expect_key("another key");
        let outcome = ask(&peer).await;
        let reason = "INVALID_ARGUMENT, API_KEY_INVALID".to_owned();
        assert_eq!(outcome, failed("", LlmError::Rejected { status: 400, reason }));
    }

    #[tokio::test]
    async fn that_trying_again_cannot_change_are_final() {
        for status in [302, 400, 401, 402, 403, 404, 413, 499, 501] {
            let peer = peer().await;
            peer.set_default(PeerFailure::new(status, "NO", "no"));
            let rejected = LlmError::Rejected { status, reason: "NO".to_owned() };
            assert_eq!(ask(&peer).await, failed("", rejected));
            assert_eq!(peer.requests_seen(), 1, "{status}");
        }
    }
}

mod retries {
    use super::*;

    #[tokio::test]
    async fn reach_the_answer_behind_a_failure() {
        for first in [
            Answer::from(PeerFailure::new(408, "", "")),
            PeerFailure::rate_limited().into(),
            PeerFailure::new(500, "INTERNAL", "").into(),
            PeerFailure::new(502, "", "").with_text("<html>").into(),
            PeerFailure::unavailable().into(),
            PeerFailure::new(504, "DEADLINE_EXCEEDED", "").into(),
            PeerFailure::unavailable().retry_delay("3ms").into(),
            PeerFailure::unavailable().header("retry-after", "0").into(),
            StreamedAnswer::events(vec![]).then_error(&PeerFailure::unavailable()).into(),
            StreamedAnswer::text(Vec::<String>::new())
                .thinking(["hm"])
                .then_bare_error(&PeerFailure::unavailable())
                .into(),
            Answer::Break(Breakage::Close),
            Answer::Break(Breakage::Reset),
            StreamedAnswer::events(vec![]).then_break(Breakage::Close).into(),
            StreamedAnswer::events(vec![]).then_break(Breakage::Reset).into(),
        ] {
            let peer = peer().await;
            peer.enqueue(first.clone());
            peer.enqueue(StreamedAnswer::text(["a"]));
            assert_eq!(ask(&peer).await, good("a"), "{first:?}");
            assert_eq!(peer.requests_seen(), 2, "{first:?}");
            let bodies = [peer.exchange(0).await, peer.exchange(1).await];
            assert_eq!(bodies[0].request().body, bodies[1].request().body);
        }
    }

    #[tokio::test]
    async fn end_after_the_attempts_that_are_set() {
        let peer = peer().await;
        peer.set_default(PeerFailure::unavailable());
        assert_eq!(ask(&peer).await, failed("", busy(503)));
        assert_eq!(peer.requests_seen(), 4);
    }

    #[tokio::test]
    async fn never_follow_a_quota_of_the_day() {
        let peer = peer().await;
        let quota = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";
        peer.set_default(PeerFailure::rate_limited().quota(quota).retry_delay("1ms"));
        let retry_after = Some(Duration::from_millis(1));
        assert_eq!(ask(&peer).await, failed("", LlmError::Busy { status: 429, retry_after }));
        assert_eq!(peer.requests_seen(), 1);
    }

    #[tokio::test]
    async fn never_follow_a_delay_past_the_deadline() {
        for (answer, delay) in [
            (PeerFailure::rate_limited().retry_delay("61.5s"), Duration::from_millis(61_500)),
            (PeerFailure::unavailable().header("retry-after", "120"), Duration::from_mins(2)),
        ] {
            let peer = peer().await;
            let status = if delay == Duration::from_mins(2) { 503 } else { 429 };
            peer.set_default(answer);
            let busy = LlmError::Busy { status, retry_after: Some(delay) };
            assert_eq!(ask(&peer).await, failed("", busy));
            assert_eq!(peer.requests_seen(), 1);
        }
    }

    #[tokio::test]
    async fn that_find_nobody_end_in_an_error_that_says_so() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        drop(listener);
        let base_url = format!("http://{address}").parse().expect("a URL");
        let gemini = Gemini::new(GeminiSettings { base_url, ..settings(&peer().await) });
        let gemini = gemini.expect("sound settings");
        let Err(error) = gemini.generate(&model(Sampling::Fixed), &prompt()).await else {
            panic!("nobody listens");
        };
        assert!(matches!(&error, LlmError::Unreachable(cause) if cause.contains("refused")));
        assert!(!error.to_string().contains("v1beta"), "{error}");
    }
}

mod deadlines {
    use super::*;

    /// Enough for the first text to come on a busy machine; what is waited for is the silence
    /// after it. The exact times are held by the paused clock in `stream::tests`.
    const SHORT: Duration = Duration::from_millis(250);

    async fn ask_with(
        answer: impl Into<Answer>,
        change: impl FnOnce(&mut GeminiSettings),
    ) -> Outcome {
        let peer = peer().await;
        peer.enqueue(answer);
        let mut settings = settings(&peer);
        change(&mut settings);
        let gemini = Gemini::new(settings).expect("sound settings");
        let outcome = match gemini.generate(&model(Sampling::Fixed), &prompt()).await {
            Ok(stream) => read(stream).await,
            Err(error) => failed("", error),
        };
        peer.exchange(0).await.closed_by_caller().await;
        assert_eq!(peer.requests_seen(), 1);
        outcome
    }

    #[tokio::test]
    async fn end_an_answer_that_goes_silent_wherever_it_does() {
        for (answer, text) in [
            (Answer::Silence, ""),
            (StreamedAnswer::silent().into(), ""),
            (StreamedAnswer::text(["a"]).then_hang().into(), "a"),
        ] {
            let outcome = ask_with(answer.clone(), |settings| settings.idle_timeout = SHORT).await;
            assert_eq!(outcome, failed(text, LlmError::Timeout(LlmDeadline::Idle)), "{answer:?}");
            let outcome = ask_with(answer, |settings| settings.total_timeout = SHORT).await;
            assert_eq!(outcome, failed(text, LlmError::Timeout(LlmDeadline::Total)));
        }
    }
}

mod model_lists {
    use super::*;

    async fn list(peer: &GeminiPeer, deadline: Duration) -> Result<Vec<String>, LlmError> {
        Gemini::new(settings(peer)).expect("sound settings").list_models(deadline).await
    }

    #[tokio::test]
    async fn name_the_models_without_their_prefix() {
        let peer = peer().await;
        peer.set_models(["gemini-x", "gemini-y"]);
        assert_eq!(list(&peer, NEVER).await, Ok(vec!["gemini-x".into(), "gemini-y".into()]));
    }

    #[tokio::test]
    async fn show_a_wrong_key_at_once() {
        let peer = GeminiPeer::start().await.expect("a free port");
        peer.expect_key("another key");
        let listed = list(&peer, NEVER).await;
        assert!(matches!(listed, Err(LlmError::Rejected { status: 400, .. })), "{listed:?}");
    }

    #[tokio::test]
    async fn that_do_not_come_in_time_are_a_timeout() {
        let silent = Server::start(|_, mut connection| async move {
            connection.closed_by_caller().await;
            Ok(connection)
        });
        let silent = silent.await.expect("a free port");
        let base_url = silent.url().parse().expect("a URL");
        let gemini = Gemini::new(GeminiSettings { base_url, ..settings(&peer().await) });
        let listed = gemini.expect("sound settings").list_models(Duration::from_millis(30)).await;
        assert_eq!(listed, Err(LlmError::Timeout(LlmDeadline::Total)));
    }
}

#[tokio::test]
async fn debug_output_never_shows_the_key() {
    let peer = peer().await;
    let gemini = Gemini::new(settings(&peer)).expect("sound settings");
    assert!(!format!("{gemini:?}").contains(KEY));
}
