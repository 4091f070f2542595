//! Takes Markdown fences off an answer while it streams.
//!
//! Models are told to answer with raw code and sometimes put it between fences all the same. What
//! is dropped is only what can't be code in its place:
//!
//! - an opening fence (three or more backticks or tildes, up to three spaces before, an info string
//!   after) when it is the first line of the answer that is not blank; the blank lines before it go
//!   with it;
//! - a closing fence (the same, without info string) when nothing but white space follows it to the
//!   end of the answer, also where there was no opening one; that white space goes with it.
//!
//! A fence in the middle stays, for it may stand in a docstring or a template literal, and so do
//! several blocks one after another: where one block ends and the next begins can't be told from
//! code. Everything else passes byte for byte and at once.
//!
//! Held back are only: the blank start of an answer and its first line while it may become a fence
//! (at most [`OPENING_MAX_BYTES`]), and a line in the middle that may be the closing fence with the
//! white space behind it (at most [`CLOSING_MAX_BYTES`]). What grows past that is code.

/// Longest opening that is held back: blank lines and a fence with its info string are far shorter.
const OPENING_MAX_BYTES: usize = 256;
/// Longest closing that is held back, trailing white space included.
const CLOSING_MAX_BYTES: usize = 1024;
/// Fewest fence characters (`CommonMark` 0.31 §4.5).
const FENCE_MIN: usize = 3;
/// Most spaces before a fence (same section); more make it indented text.
const INDENT_MAX: usize = 3;

/// The filter. Push the pieces of an answer, then finish; what comes out does not depend on how the
/// answer was cut into pieces.
#[derive(Debug)]
pub(super) struct FenceStripper {
    place: Place,
    /// What came and is not passed on yet.
    held: String,
}

/// Where in the answer the held text starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the start of the answer.
    Opening,
    /// In the code, at the start of a line.
    LineStart,
    /// In the code, inside a line.
    InLine,
}

/// What a line can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// A fence.
    Fence,
    /// A fence once more of it has come, or code.
    Open,
    /// Code.
    Code,
}

impl FenceStripper {
    pub(super) const fn new() -> Self {
        Self { place: Place::Opening, held: String::new() }
    }

    /// Takes the next piece and gives what can be passed on.
    pub(super) fn push(&mut self, text: &str) -> String {
        let mut text = std::mem::take(&mut self.held) + text;
        if self.place == Place::Opening {
            match judge_opening(&text) {
                (Verdict::Open, _) => {
                    self.held = text;
                    return String::new();
                }
                (Verdict::Fence, length) => drop(text.drain(..length)),
                (Verdict::Code, _) => {}
            }
            self.place = Place::LineStart;
        }
        let keep = self.closing_start(&text);
        self.held = text.split_off(keep);
        if !text.is_empty() {
            self.place = if text.ends_with('\n') { Place::LineStart } else { Place::InLine };
        }
        text
    }

    /// The answer is over: gives what was held back and is no fence.
    pub(super) fn finish(self) -> String {
        let line = self.held.trim_matches(|char: char| char == '\n' || char == '\r');
        let verdict = match self.place {
            Place::Opening => judge_line(line, Info::Allowed),
            Place::LineStart | Place::InLine => judge_line(line.trim_end(), Info::Refused),
        };
        if verdict == Verdict::Fence { String::new() } else { self.held }
    }

    /// Where in the text begins what may be the closing fence: the last line that is not blank, with
    /// the white space behind it, or a last line of few spaces. The text's end if there is none.
    fn closing_start(&self, text: &str) -> usize {
        let may_close = |start: usize| {
            let at_line_start = start > 0 || self.place == Place::LineStart;
            at_line_start && text.len() - start <= CLOSING_MAX_BYTES
        };
        let line_start = |end: usize| text[..end].rfind('\n').map_or(0, |newline| newline + 1);
        let content_end = text.trim_end().len();
        let start = line_start(content_end);
        let (line, after) = text[start..].split_at(content_end - start);
        let verdict = judge_line(line, Info::Refused);
        let open = verdict == Verdict::Fence || (verdict == Verdict::Open && after.is_empty());
        if open && may_close(start) {
            return start;
        }
        let last = line_start(text.len());
        let is_indent = judge_line(&text[last..], Info::Refused) == Verdict::Open;
        if is_indent && may_close(last) { last } else { text.len() }
    }
}

/// Judges the start of an answer; a fence comes with its length, the blank lines before it and its
/// line end included.
fn judge_opening(text: &str) -> (Verdict, usize) {
    let mut length = 0;
    for line in text.split_inclusive('\n') {
        length += line.len();
        let ended = line.ends_with('\n');
        if length > OPENING_MAX_BYTES {
            return (Verdict::Code, 0);
        }
        if line.trim().is_empty() {
            continue;
        }
        return match judge_line(line.trim_end_matches(['\n', '\r']), Info::Allowed) {
            Verdict::Fence if ended => (Verdict::Fence, length),
            Verdict::Open if ended => (Verdict::Code, 0),
            Verdict::Fence | Verdict::Open => (Verdict::Open, 0),
            Verdict::Code => (Verdict::Code, 0),
        };
    }
    (Verdict::Open, 0)
}

/// Whether text may stand behind the fence's characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Info {
    Allowed,
    Refused,
}

/// Judges a line without its end. `Open` is a line that has too few fence characters as yet.
fn judge_line(line: &str, info: Info) -> Verdict {
    let rest = line.trim_start_matches(' ');
    if line.len() - rest.len() > INDENT_MAX {
        return Verdict::Code;
    }
    let Some(mark) = rest.chars().next() else { return Verdict::Open };
    if !matches!(mark, '`' | '~') {
        return Verdict::Code;
    }
    let behind = rest.trim_start_matches(mark);
    match (rest.len() - behind.len(), behind) {
        (FENCE_MIN.., "") => Verdict::Fence,
        // An info string has no backtick (same section): a template literal may start like this.
        (FENCE_MIN.., behind)
            if info == Info::Allowed && !(mark == '`' && behind.contains('`')) =>
        {
            Verdict::Fence
        }
        (_, "") => Verdict::Open,
        _ => Verdict::Code,
    }
}

#[cfg(test)]
mod tests;
