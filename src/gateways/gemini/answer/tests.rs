use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

type Events = Vec<Result<LlmEvent, Failure>>;

fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Events {
    let mut parser = AnswerParser::new();
    let mut events = Vec::new();
    for piece in pieces {
        parser.push(piece);
        events.extend(std::iter::from_fn(|| parser.next_event()));
    }
    parser.finish();
    events.extend(std::iter::from_fn(|| parser.next_event()));
    assert_eq!(parser.next_event(), None);
    events
}

fn event(json: &str) -> Vec<u8> {
    format!("data: {json}\n\n").into_bytes()
}

fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

/// What a stream may be made of, the true and the broken.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        "[a-z한🦀\"\\\\\n]{0,6}".prop_map(|text| {
            let part = serde_json::json!({"text": text});
            event(&format!(r#"{{"candidates":[{{"content":{{"parts":[{part}]}}}}]}}"#))
        }),
        prop::sample::select(vec!["STOP", "MAX_TOKENS", "SAFETY", "NEW", ""]).prop_map(|reason| {
            event(&format!(r#"{{"candidates":[{{"finishReason":"{reason}"}}]}}"#))
        }),
        Just(event(r#"{"usageMetadata":{"promptTokenCount":3},"modelVersion":"models/m"}"#)),
        Just(event(r#"{"error":{"code":429,"details":[{"retryDelay":"2s"}]}}"#)),
        Just(event(r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#)),
        Just(event("{}")),
        Just(event("[]")),
        Just(b"{\n \"error\": {\"status\": \"UNAVAILABLE\"}\n}\n".to_vec()),
        Just(br#"data: {"candidates":[{"content":{"parts":[{"text":"tail"}]}}]}"#.to_vec()),
        vec(any::<u8>(), 0..12),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_events_and_the_last_is_the_only_end(
        bytes in stream(),
        cuts in vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let whole = parse([bytes.as_slice()]);
        let is_text =
            |event: &Result<_, _>| matches!(event, Ok(LlmEvent::Text(text)) if !text.is_empty());
        let (last, before) = whole.split_last().expect("there is always an end");
        prop_assert!(!is_text(last) && before.iter().all(is_text), "{whole:?}");
        prop_assert_eq!(&parse(cut(&bytes, &cuts)), &whole);
        prop_assert_eq!(&parse(bytes.chunks(1)), &whole);
    }

    #[test]
    fn no_json_whatever_its_shape_stops_the_parser(
        json in r#"(\{|\[|\}|\]|,|:|"[a-z]{0,3}"|"candidates"|"parts"|"error"|null|[0-9]{1,3}){0,24}"#,
    ) {
        parse([event(&json).as_slice()]);
    }
}

#[test]
fn nesting_too_deep_to_read_is_an_error() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for json in [deep.clone(), format!(r#"{{"unknown":{deep}}}"#)] {
        let events = parse([event(&json).as_slice()]);
        assert!(matches!(events[..], [Err(Failure { error: LlmError::Malformed(_), .. })]));
    }
    let bare = parse([deep.as_bytes()]);
    assert!(matches!(bare[..], [Err(Failure { error: LlmError::Malformed(_), .. })]));
}

#[test]
fn a_break_is_unreachable_unless_the_reason_was_given() {
    let broken = |reason: &str| {
        let mut parser = AnswerParser::new();
        parser.push(&event(&format!(r#"{{"candidates":[{{"finishReason":"{reason}"}}]}}"#)));
        assert_eq!(parser.next_event(), None);
        let failure = parser.broken("reset".to_owned());
        assert_eq!(parser.next_event(), None);
        failure.error
    };
    assert_eq!(broken("STOP"), LlmError::Unreachable("reset".to_owned()));
    assert!(matches!(broken("MAX_TOKENS"), LlmError::Truncated { .. }));
    assert!(matches!(broken("SAFETY"), LlmError::Blocked { .. }));
}
