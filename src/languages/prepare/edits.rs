use tree_sitter::Node;

/// Spans of a text and what stands there instead.
#[derive(Default)]
pub(super) struct Edits(Vec<(std::ops::Range<usize>, String)>);

impl Edits {
    /// Spaces stand there instead.
    pub(super) fn blank(&mut self, node: Node<'_>) {
        self.replace(node, String::new());
    }

    /// A text of one line, filled up with spaces, stands there instead.
    pub(super) fn replace(&mut self, node: Node<'_>, with: String) {
        self.0.push((node.byte_range(), with));
    }

    /// Whether a text may stand there and nothing but a comment moves: it is no longer than what it
    /// replaces, or nothing else is behind it on its line.
    pub(super) fn fits(node: Node<'_>, with: &str, text: &str) -> bool {
        let range = node.byte_range();
        let spanned = text.get(range.clone()).unwrap_or_default();
        let first_line = spanned.split(is_line_end).next().unwrap_or_default();
        let behind = text.get(range.end..).unwrap_or_default();
        let behind = behind.split(is_line_end).next().unwrap_or_default().trim_start();
        with.chars().count() <= first_line.chars().count()
            || first_line.len() < spanned.len()
            || behind.is_empty()
            || behind.starts_with("//")
            || behind.starts_with('#')
    }

    pub(super) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(range, _)| range.start);
        let mut edited = String::with_capacity(text.len());
        let mut done = 0;
        for (range, with) in self.0 {
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

/// What any of the four languages ends a line at.
fn is_line_end(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}
