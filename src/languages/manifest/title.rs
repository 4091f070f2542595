use tree_sitter::Node;

use super::super::syntax::{children, text_of};

/// What is known of a test's title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Title {
    /// The title, or its beginning.
    pub(super) text: String,
    /// Whether that is all of it.
    pub(super) whole: bool,
}

impl Title {
    /// The value of a literal; nothing of any other expression is known.
    pub(super) fn of(argument: Node<'_>, text: &str) -> Self {
        match argument.kind() {
            "string" => {
                let raw = text_of(argument, text);
                let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or_default();
                unescaped(inner)
            }
            "template_string" => Self::of_template(argument, text),
            _ => Self { text: String::new(), whole: false },
        }
    }

    fn of_template(template: Node<'_>, text: &str) -> Self {
        let hole = children(template).find(|child| child.kind() == "template_substitution");
        let start = template.start_byte() + 1;
        let end = hole.map_or(template.end_byte().saturating_sub(1), |hole| hole.start_byte());
        // A template's line ends are \n, whatever the file's are.
        let raw =
            text.get(start..end).unwrap_or_default().replace("\r\n", "\n").replace('\r', "\n");
        let title = unescaped(&raw);
        Self { whole: title.whole && hole.is_none(), text: title.text }
    }

    /// What a table leaves alone: up to the first place that it may fill in.
    pub(super) fn before_placeholders(self) -> Self {
        match self.text.find(['%', '$']) {
            Some(at) => Self { text: self.text[..at].to_owned(), whole: false },
            // A repeated title is told apart behind it.
            None => self,
        }
    }
}

/// The value of what is between quotes; up to the first escape that has none: half of a surrogate
/// pair, or octal.
fn unescaped(raw: &str) -> Title {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let Some((value, behind)) = escape(&rest[at + 1..]) else {
            return Title { text, whole: false };
        };
        text.extend(value);
        rest = behind;
    }
    text.push_str(rest);
    Title { text, whole: true }
}

/// The value of the escape that a text begins with, the backslash left out, and what is behind.
/// A line continuation has none.
fn escape(text: &str) -> Option<(Option<char>, &str)> {
    let kind = text.chars().next()?;
    let behind = &text[kind.len_utf8()..];
    let value = match kind {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '0' if !behind.starts_with(|c: char| c.is_ascii_digit()) => '\0',
        '0'..='7' => return None,
        'x' => {
            let (value, behind) = hexadecimal(behind, 2)?;
            return Some((Some(char::from_u32(value)?), behind));
        }
        'u' => {
            let (value, behind) = unicode(behind)?;
            return Some((Some(value), behind));
        }
        '\r' => return Some((None, behind.strip_prefix('\n').unwrap_or(behind))),
        '\n' | '\u{2028}' | '\u{2029}' => return Some((None, behind)),
        other => other,
    };
    Some((Some(value), behind))
}

/// `{1F600}`, `00e9`, or a pair of surrogates `D83D\uDE00`.
fn unicode(text: &str) -> Option<(char, &str)> {
    if let Some(text) = text.strip_prefix('{') {
        let (digits, behind) = text.split_once('}')?;
        return Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, behind));
    }
    let (first, behind) = hexadecimal(text, 4)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, behind));
    }
    let (second, behind) = hexadecimal(behind.strip_prefix("\\u")?, 4)?;
    let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + low)?, behind))
}

fn hexadecimal(text: &str, digits: usize) -> Option<(u32, &str)> {
    let number = text.get(..digits).filter(|n| n.bytes().all(|b| b.is_ascii_hexdigit()))?;
    Some((u32::from_str_radix(number, 16).ok()?, &text[digits..]))
}
