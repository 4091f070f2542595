//! What a stream's body says while it arrives.

use tester_peers::paced::{STAMP_DIGITS, STAMP_MARK};

/// How much of a body's end is kept to judge and to show it.
const TAIL: usize = 768;

/// What is told while a body arrives.
pub(crate) trait Events {
    /// A chunk of the peer is here; `stamp` is when it left, in nanoseconds since the epoch.
    fn chunk(&mut self, stamp: u64);
    /// An SSE frame is complete.
    fn frame(&mut self);
}

/// The body of one answer.
#[derive(Debug, Default)]
pub(crate) struct Body {
    scanner: Scanner,
    tail: Vec<u8>,
}

impl Body {
    pub(crate) fn take(&mut self, bytes: &[u8], events: &mut impl Events) {
        self.scanner.scan(bytes, events);
        keep_tail(&mut self.tail, bytes);
    }

    /// The last bytes.
    pub(crate) fn tail(&self) -> &[u8] {
        &self.tail
    }
}

fn keep_tail(tail: &mut Vec<u8>, bytes: &[u8]) {
    let fresh = &bytes[bytes.len().saturating_sub(TAIL)..];
    let surplus = (tail.len() + fresh.len()).saturating_sub(TAIL);
    tail.drain(..surplus.min(tail.len()));
    tail.extend_from_slice(fresh);
}

/// Finds stamps and frame ends in a body, however it is cut.
#[derive(Debug, Default)]
struct Scanner {
    digits_to_come: usize,
    stamp: u64,
    at_line_start: bool,
}

impl Scanner {
    fn scan(&mut self, bytes: &[u8], events: &mut impl Events) {
        for &byte in bytes {
            if self.digits_to_come > 0 {
                self.stamp = self.stamp * 10 + u64::from(byte.wrapping_sub(b'0'));
                self.digits_to_come -= 1;
                if self.digits_to_come == 0 {
                    events.chunk(self.stamp);
                }
            } else if byte == STAMP_MARK {
                self.digits_to_come = STAMP_DIGITS;
                self.stamp = 0;
                self.at_line_start = false;
            } else if byte == b'\n' {
                if self.at_line_start {
                    events.frame();
                }
                self.at_line_start = true;
            } else if byte != b'\r' {
                self.at_line_start = false;
            }
        }
    }
}
