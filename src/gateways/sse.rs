//! Server-sent events in: an adapter in front of `eventsource-stream`.
//!
//! The parser of that crate (0.2.3) panics on a leading BOM, withholds everything after a bad
//! UTF-8 sequence, bounds nothing, and copies its whole buffer for every line of it. So it is
//! given one line at a time, of one complete event, repaired, bounded, and with LF line ends; what
//! it makes of the fields is then the WHATWG rule. The adapter also notices what the rules would
//! drop in silence: an event that the end of the stream cut short, and JSON outside of any event.
//!
//! No I/O in here: bytes are pushed, frames are taken.

use std::collections::VecDeque;
use std::convert::Infallible;

use eventsource_stream::{Event, EventStream};
use futures_util::{FutureExt, StreamExt, stream};

/// Most bytes of one event, its line ends included, and of one line, unless
/// [`Decoder::with_bound`] says otherwise. The model's events are a few hundred bytes; grounding
/// and thought signatures make some of tens of kilobytes.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;

/// Buffers that grew past this are given back after the event, for thousands of streams each keep
/// one.
const KEPT_CAPACITY: usize = 8 * 1024;

/// What comes out of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A complete event.
    Event(Event),
    /// An event that the end of the stream left without its blank line. Whether it is whole is
    /// for its reader to find out.
    Tail(Event),
    /// JSON text that stands in the stream without `data:`, as some errors do.
    Bare(String),
}

/// An event or a line has more bytes than the decoder's bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {max_bytes} bytes")]
pub struct EventTooLarge {
    /// The bound.
    pub max_bytes: usize,
}

/// Splits a byte stream into frames. How the stream is cut into pushes makes no difference to
/// what comes out.
///
/// After [`EventTooLarge`] nothing more comes out. The `id` and `retry` fields are passed over:
/// they serve reconnecting, and an answer of a model or a run can't be resumed.
#[derive(Debug)]
pub struct Decoder {
    max_event_bytes: usize,
    /// The line that has no end yet. At most `max_event_bytes`.
    line: Vec<u8>,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    /// The first line, where a BOM may stand, is over.
    started: bool,
    /// The event that has no blank line yet: its `data` and `event` lines. At most
    /// `max_event_bytes`, times three where bad bytes became U+FFFD.
    event: String,
    bare: Option<BareJson>,
    /// As many frames as the bytes pushed since they were last taken make up.
    frames: VecDeque<Frame>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Overflowed,
    Over,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::with_bound(MAX_EVENT_BYTES)
    }

    /// A decoder of a stream whose events may be longer, or must be shorter.
    #[must_use]
    pub fn with_bound(max_event_bytes: usize) -> Self {
        Self {
            max_event_bytes,
            line: Vec::new(),
            after_cr: false,
            started: false,
            event: String::new(),
            bare: None,
            frames: VecDeque::new(),
            state: State::Open,
        }
    }

    /// Takes in the next bytes. Take the frames out before the next push: they wait in memory.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while self.state == State::Open && !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) && rest[0] == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r');
            let part = &rest[..end.unwrap_or(rest.len())];
            if self.held() + part.len() + usize::from(end.is_some()) > self.max_event_bytes {
                self.overflow();
                return;
            }
            let Some(end) = end else {
                self.line.extend_from_slice(part);
                return;
            };
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if self.line.is_empty() {
                self.end_line(part);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(part);
                self.end_line(&line);
                line.clear();
                line.shrink_to(KEPT_CAPACITY);
                self.line = line;
            }
        }
    }

    /// Says that the stream is over.
    pub fn finish(&mut self) {
        if self.state != State::Open {
            return;
        }
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.end_line(&line);
        }
        if let Some(bare) = self.bare.take() {
            self.frames.push_back(Frame::Bare(bare.text));
        }
        let tail = self.take_event().map(Frame::Tail);
        self.frames.extend(tail);
        self.state = State::Over;
    }

    /// The next frame, `None` when there is none yet.
    pub fn next_frame(&mut self) -> Option<Result<Frame, EventTooLarge>> {
        if let Some(frame) = self.frames.pop_front() {
            return Some(Ok(frame));
        }
        if self.state == State::Overflowed {
            self.state = State::Over;
            return Some(Err(EventTooLarge { max_bytes: self.max_event_bytes }));
        }
        None
    }

    /// Bytes of the event so far.
    fn held(&self) -> usize {
        let bare = self.bare.as_ref().map_or(0, |bare| bare.text.len());
        self.line.len() + self.event.len() + bare
    }

    fn overflow(&mut self) {
        self.state = State::Overflowed;
        self.line = Vec::new();
        self.event = String::new();
        self.bare = None;
    }

    /// Takes in a whole line, its end removed. Bad UTF-8 is repaired here: no sequence spans a
    /// line end, so repairing by lines is repairing the stream.
    fn end_line(&mut self, line: &[u8]) {
        let line =
            if self.started { line } else { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) };
        self.started = true;
        let line = String::from_utf8_lossy(line);
        if let Some(bare) = &mut self.bare {
            bare.add_line(&line);
            self.end_bare();
            return;
        }
        if line.is_empty() {
            let event = self.take_event().map(Frame::Event);
            self.frames.extend(event);
            return;
        }
        match line.split(':').next() {
            Some("data" | "event") => {
                self.event += &line;
                self.event.push('\n');
            }
            _ if line.trim_start().starts_with(['{', '[']) => self.start_bare(&line),
            _ => {}
        }
    }

    fn start_bare(&mut self, line: &str) {
        // The event before it lost its blank line to whatever went wrong.
        let event = self.take_event().map(Frame::Event);
        self.frames.extend(event);
        let mut bare = BareJson::default();
        bare.add_line(line);
        self.bare = Some(bare);
        self.end_bare();
    }

    /// Hands the bare JSON on as soon as its brackets are closed: the stream may stay open.
    fn end_bare(&mut self) {
        if let Some(bare) = self.bare.take_if(|bare| bare.depth == 0) {
            self.frames.push_back(Frame::Bare(bare.text));
        }
    }

    /// Parses the event that is complete now.
    fn take_event(&mut self) -> Option<Event> {
        if self.event.is_empty() {
            return None;
        }
        let lines = self.event.split_inclusive('\n').chain(["\n"]).map(Ok::<_, Infallible>);
        let parsed = EventStream::new(stream::iter(lines)).next().now_or_never();
        self.event.clear();
        self.event.shrink_to(KEPT_CAPACITY);
        // Lines in memory are always ready, and well-formed ones of known fields always parse.
        parsed.flatten()?.ok()
    }
}

/// JSON outside of any event, and how deep in its brackets the text has come.
#[derive(Debug, Default)]
struct BareJson {
    text: String,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl BareJson {
    fn add_line(&mut self, line: &str) {
        self.text += line;
        self.text.push('\n');
        for byte in line.bytes() {
            if std::mem::take(&mut self.escaped) {
                continue;
            }
            match byte {
                b'\\' => self.escaped = self.in_string,
                b'"' => self.in_string = !self.in_string,
                b'{' | b'[' if !self.in_string => self.depth += 1,
                b'}' | b']' if !self.in_string => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
