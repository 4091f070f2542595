use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// A frame without what these tests don't look at.
#[derive(Debug, PartialEq)]
enum Got {
    Event(String),
    Tail(String),
    Bare(String),
    TooLarge,
}

fn take(decoder: &mut Decoder, got: &mut Vec<Got>) {
    while let Some(frame) = decoder.next_frame() {
        got.push(match frame {
            Ok(Frame::Event(event)) => Got::Event(event.data),
            Ok(Frame::Tail(event)) => Got::Tail(event.data),
            Ok(Frame::Bare(text)) => Got::Bare(text),
            Err(EventTooLarge { .. }) => Got::TooLarge,
        });
    }
}

fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Got> {
    let mut decoder = Decoder::new();
    let mut got = Vec::new();
    for piece in pieces {
        decoder.push(piece);
        take(&mut decoder, &mut got);
    }
    decoder.finish();
    take(&mut decoder, &mut got);
    got
}

fn events<const N: usize>(data: [&str; N]) -> Vec<Got> {
    data.into_iter().map(|data| Got::Event(data.to_owned())).collect()
}

#[test]
fn fields_follow_the_whatwg_rules() {
    for (stream, expected) in [
        ("data: a\n\n", vec!["a"]),
        ("data:a\n\ndata:  b\n\n", vec!["a", " b"]),
        ("data: a\ndata: b\n\n", vec!["a\nb"]),
        ("data\n\ndata\ndata\n\n", vec!["", "\n"]),
        ("data: a: b\n\n", vec!["a: b"]),
        ("\n\n\ndata: a\n\n\n\n", vec!["a"]),
        (": comment\ndata: a\n:\nother: x\nid: 1\u{0}\nretry: 5\n\n", vec!["a"]),
        ("Data: a\n data: b\ndatas: c\n\ndata: d\n\n", vec!["d"]),
        ("event: x\n\ndata: a\n\n", vec!["a"]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|it| Got::Event(it.to_owned())).collect();
        assert_eq!(decode([stream.as_bytes()]), expected, "{stream:?}");
    }
}

#[test]
fn an_event_keeps_its_name() {
    let mut decoder = Decoder::new();
    decoder.push(b"event: result\ndata: a\n\ndata: b\n\n");
    let mut name = || match decoder.next_frame() {
        Some(Ok(Frame::Event(event))) => event.event,
        other => panic!("no event: {other:?}"),
    };
    assert_eq!([name(), name()], ["result", "message"]);
}

#[test]
fn all_line_ends_are_one_also_when_split() {
    for end in ["\n", "\r", "\r\n"] {
        let stream = format!("data: a{end}data: b{end}{end}data: c{end}{end}");
        assert_eq!(decode([stream.as_bytes()]), events(["a\nb", "c"]), "{end:?}");
        assert_eq!(decode(stream.as_bytes().chunks(1)), events(["a\nb", "c"]), "{end:?}");
    }
}

#[test]
fn an_event_is_out_as_soon_as_its_blank_line_is_also_when_that_is_a_carriage_return() {
    let mut decoder = Decoder::new();
    decoder.push(b"data: a\r\r");
    assert!(matches!(decoder.next_frame(), Some(Ok(Frame::Event(_)))));
    decoder.push(b"\ndata: b\r\n\r");
    assert!(matches!(decoder.next_frame(), Some(Ok(Frame::Event(_)))));
    assert_eq!(decoder.next_frame(), None);
}

#[test]
fn one_leading_bom_is_dropped_and_no_other() {
    let bom = "\u{feff}";
    assert_eq!(decode([format!("{bom}data: a\n\n").as_bytes()]), events(["a"]));
    assert_eq!(decode(format!("{bom}data: a\n\n").as_bytes().chunks(1)), events(["a"]));
    assert_eq!(decode([format!("{bom}{bom}data: a\n\n").as_bytes()]), []);
    let later = format!("data: a\n\n{bom}data: b\n\ndata: {bom}c\n\n");
    assert_eq!(decode([later.as_bytes()]), events(["a", "\u{feff}c"]));
    assert_eq!(decode([b"\xEF\xBB".as_slice()]), []);
}

#[test]
fn bad_utf8_is_replaced_and_withholds_nothing() {
    let stream = b"data: a\xFFb\n\ndata: \xE2\x82\n\ndata: \xED\x95\x9C\n\n";
    let expected = events(["a\u{fffd}b", "\u{fffd}", "한"]);
    assert_eq!(decode([stream.as_slice()]), expected);
    assert_eq!(decode(stream.chunks(1)), expected);
}

#[test]
fn a_tail_without_its_blank_line_is_handed_on_as_such() {
    for stream in ["data: a\n\ndata: b", "data: a\n\ndata: b\n", "data: a\n\ndata: b\r"] {
        let expected = vec![Got::Event("a".to_owned()), Got::Tail("b".to_owned())];
        assert_eq!(decode([stream.as_bytes()]), expected, "{stream:?}");
    }
}

#[test]
fn json_outside_of_an_event_is_noticed_as_soon_as_it_is_complete() {
    let json = "{\n  \"a\": \"}\\\"}\",\n\n  \"b\": [{}]\n}";
    let mut decoder = Decoder::new();
    decoder.push(format!("data: a\n\n{json}\n").as_bytes());
    let mut got = Vec::new();
    take(&mut decoder, &mut got);
    assert_eq!(got, [Got::Event("a".to_owned()), Got::Bare(format!("{json}\n"))]);
    // The stream goes on as if nothing had been.
    decoder.push(b"data: b\n\n");
    got.clear();
    take(&mut decoder, &mut got);
    assert_eq!(got, events(["b"]));
}

#[test]
fn json_outside_of_an_event_is_noticed_at_the_end_when_it_is_cut() {
    let cut = "data: a\n{\"error\": {\n  \"code\": 503";
    let bare = Got::Bare("{\"error\": {\n  \"code\": 503\n".to_owned());
    assert_eq!(decode([cut.as_bytes()]), [Got::Event("a".to_owned()), bare]);
}

#[test]
fn an_event_of_the_largest_size_passes_and_one_byte_more_ends_the_stream() {
    let largest = format!("data:{}", "x".repeat(MAX_EVENT_BYTES - "data:\n\n".len()));
    let whole = format!("{largest}\n\n");
    assert_eq!(decode([whole.as_bytes()]).len(), 1);
    for stream in [
        format!("data: a\n\n{largest}x\n\ndata: b\n\n"),
        format!("data: a\n\n{largest}xxx"),
        format!("data: a\n\n:{}\n", "x".repeat(MAX_EVENT_BYTES)),
        format!("data: a\n\n{}\n\n", "data\n".repeat(MAX_EVENT_BYTES / 5 + 1)),
        format!("data: a\n\n[{}", "\n".repeat(MAX_EVENT_BYTES)),
    ] {
        let expected = [Got::Event("a".to_owned()), Got::TooLarge];
        assert!(decode([stream.as_bytes()]) == expected, "{:?}…", &stream[..20]);
        assert!(decode(stream.as_bytes().chunks(1_000)) == expected, "{:?}…", &stream[..20]);
    }
}

#[test]
fn what_is_not_kept_may_go_on_without_bound() {
    let mut decoder = Decoder::new();
    let comments = ": keep-alive\n\n".repeat(1_000);
    for _ in 0..(3 * MAX_EVENT_BYTES / comments.len()) {
        decoder.push(comments.as_bytes());
    }
    decoder.push(b"data: a\n\n");
    assert!(matches!(decoder.next_frame(), Some(Ok(Frame::Event(_)))));
}

#[test]
fn an_event_of_two_hundred_thousand_lines_is_read_at_once() {
    // The parser behind the adapter copies its whole buffer a line: given this in one piece it
    // would move 100 GB.
    let stream = "data\n".repeat(MAX_EVENT_BYTES / 5 - 1) + "\n";
    assert_eq!(decode([stream.as_bytes()]).len(), 1);
}

/// Pieces of streams, so that random text is not only noise.
fn stream_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"data: ".to_vec()),
        Just(b"data".to_vec()),
        Just(b"event:x".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n\n".to_vec()),
        Just(b"\xEF\xBB\xBF".to_vec()),
        Just(b"{\"error\":{\"code\":503}}".to_vec()),
        Just("한글🦀".as_bytes().to_vec()),
        prop::sample::select(b"{}[]\",:\\ a\0\xff".to_vec()).prop_map(|byte| vec![byte]),
        vec(any::<u8>(), 0..8),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn cut<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

proptest! {
    #[test]
    fn any_split_of_any_bytes_gives_the_same_frames(
        bytes in stream_text(),
        cuts in vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let whole = decode([bytes.as_slice()]);
        prop_assert_eq!(&decode(cut(&bytes, &cuts)), &whole);
        prop_assert_eq!(&decode(bytes.chunks(1)), &whole);
    }

    #[test]
    fn what_is_written_as_events_is_read_back(
        data in vec("[^\r\n\u{feff}]{0,20}(\n[^\r\n]{0,20}){0,2}", 0..8),
        end in prop::sample::select(vec!["\n", "\r", "\r\n"]),
        cuts in vec(any::<prop::sample::Index>(), 0..10),
    ) {
        let mut stream = String::new();
        for data in &data {
            for line in data.split('\n') {
                stream += &format!("data: {line}{end}");
            }
            stream += end;
        }
        let expected: Vec<_> = data.into_iter().map(Got::Event).collect();
        prop_assert_eq!(decode(cut(stream.as_bytes(), &cuts)), expected);
    }
}
