use tree_sitter::Node;

/// Most characters that a text may grow by: far more than honest tests need, and too few to make a
/// job too large to send.
const GROWTH_MAX: usize = 16 * 1024;

/// Spans of a text and what stands there instead.
#[derive(Default)]
pub(super) struct Edits {
    spans: Vec<(std::ops::Range<usize>, String)>,
    growth: usize,
}

impl Edits {
    /// Spaces stand there instead.
    pub(super) fn blank(&mut self, node: Node<'_>) {
        self.spans.push((node.byte_range(), String::new()));
    }

    /// A text of one line, filled up with spaces, stands there instead, if it fits: it is no longer
    /// than what it replaces, or nothing but a comment is behind it on its line.
    pub(super) fn replace(&mut self, node: Node<'_>, with: String, text: &str) {
        let range = node.byte_range();
        let spanned = text.get(range.clone()).unwrap_or_default();
        let first_line = spanned.split(is_line_end).next().unwrap_or_default();
        let longer = with.chars().count().saturating_sub(first_line.chars().count());
        let fits = longer == 0
            || first_line.len() < spanned.len()
            || text.get(range.end..).is_some_and(is_idle_to_line_end);
        if fits && self.growth + longer <= GROWTH_MAX {
            self.growth += longer;
            self.spans.push((range, with));
        }
    }

    pub(super) fn apply(mut self, text: &str) -> String {
        self.spans.sort_by_key(|(range, _)| range.start);
        let mut edited = String::with_capacity(text.len());
        let mut done = 0;
        for (range, with) in self.spans {
            let (Some(before), Some(spanned)) =
                (text.get(done..range.start), text.get(range.clone()))
            else {
                continue;
            };
            edited.push_str(before);
            edited.push_str(&with);
            let mut covered = with.chars().count();
            for character in spanned.chars() {
                if is_line_end(character) {
                    covered = 0;
                    edited.push(character);
                } else if covered > 0 {
                    covered -= 1;
                } else {
                    edited.push(' ');
                }
            }
            done = range.end;
        }
        edited.push_str(text.get(done..).unwrap_or_default());
        edited
    }
}

/// Looks no further than the first character that tells.
fn is_idle_to_line_end(behind: &str) -> bool {
    let next = behind.find(|c: char| is_line_end(c) || !c.is_whitespace());
    let behind = next.map_or("", |next| &behind[next..]);
    behind.is_empty()
        || behind.starts_with(is_line_end)
        || behind.starts_with("//")
        || behind.starts_with('#')
}

/// What any of the four languages ends a line at.
fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}
