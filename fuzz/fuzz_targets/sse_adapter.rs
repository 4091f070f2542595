//! Any bytes, cut anywhere, give the same frames, none larger than the bound allows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tester::gateways::sse::{Decoder, EventTooLarge, Frame, MAX_EVENT_BYTES};

fuzz_target!(|input: &[u8]| {
    // The first byte says how long the pieces are, the rest is the stream.
    let Some((&size, stream)) = input.split_first() else { return };
    let whole = decode([stream]);
    let cut = decode(stream.chunks(usize::from(size).max(1)));
    assert_eq!(whole, cut, "in pieces of {size} bytes");
    // A bad byte becomes the three bytes of U+FFFD.
    for frame in whole.into_iter().flatten() {
        let length = match frame {
            Frame::Event(event) | Frame::Tail(event) => event.data.len(),
            Frame::Bare(text) => text.len(),
        };
        assert!(length <= 3 * MAX_EVENT_BYTES);
    }
});

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<Frame, EventTooLarge>> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        frames.extend(std::iter::from_fn(|| decoder.next_frame()));
    }
    decoder.finish();
    frames.extend(std::iter::from_fn(|| decoder.next_frame()));
    frames
}
