//! Any bytes, cut anywhere, give the same answer: texts that are not empty, then exactly one end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tester::gateways::LlmEvent;
use tester::gateways::gemini::{AnswerParser, Failure};

fuzz_target!(|input: &[u8]| {
    // The first byte says how long the pieces are, the rest is the stream.
    let Some((&size, stream)) = input.split_first() else { return };
    let whole = parse([stream]);
    let cut = parse(stream.chunks(usize::from(size).max(1)));
    assert_eq!(whole, cut, "in pieces of {size} bytes");
    let is_text =
        |event: &Result<_, _>| matches!(event, Ok(LlmEvent::Text(text)) if !text.is_empty());
    let (last, before) = whole.split_last().expect("an answer has an end");
    assert!(!is_text(last) && before.iter().all(is_text), "{whole:?}");
});

fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<LlmEvent, Failure>> {
    let mut parser = AnswerParser::new();
    let mut events = Vec::new();
    for piece in pieces {
        parser.push(piece);
        events.extend(std::iter::from_fn(|| parser.next_event()));
    }
    parser.finish();
    events.extend(std::iter::from_fn(|| parser.next_event()));
    events
}
