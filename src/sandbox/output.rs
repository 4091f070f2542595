//! What user code printed, on its way from the sandbox.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The bytes of an `output` frame. Frames come from our own supervisor; one that can't be read has
/// none.
pub(super) fn decode(data: &str) -> Vec<u8> {
    STANDARD.decode(data).unwrap_or_default()
}

/// The text of printed bytes, safe to show: what is no UTF-8 becomes U+FFFD, and so do control
/// characters (NUL, terminal escapes) but tabs and line ends, which would act on whoever reads.
pub(super) fn text(bytes: &[u8]) -> String {
    tame(&String::from_utf8_lossy(bytes))
}

/// The same for text that code under test may have had a hand in: names, messages.
pub(super) fn tame(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && !matches!(c, '\t' | '\n' | '\r') { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_on_a_reader_is_replaced() {
        assert_eq!(
            text(b"a\tb\r\n\x1b[31mred\x00\x07\xff\xc3\xa9"),
            "a\tb\r\n\u{fffd}[31mred\u{fffd}\u{fffd}\u{fffd}é"
        );
    }

    #[test]
    fn a_frame_that_is_no_base64_has_no_bytes() {
        assert_eq!(decode("aGk="), b"hi");
        assert_eq!(decode("?"), b"");
    }
}
