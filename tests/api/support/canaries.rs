//! Marked secrets, and the search for them in what comes out.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Bytes at either end that are enough to know a secret by: of one that was cut short, too.
const TELLING: usize = 16;

/// Something that must not come out, in no form.
#[derive(Clone, Debug)]
pub struct Canary {
    name: String,
    forms: Vec<String>,
}

impl Canary {
    /// A text.
    pub fn text(name: &str, value: &str) -> Self {
        let mut forms = Vec::new();
        for part in ends(value) {
            forms.push(part.to_owned());
            forms.extend(spellings(part));
            forms.extend(encodings(part.as_bytes()));
        }
        Self::of(name, forms)
    }

    /// A key, and the text it is configured as.
    pub fn key(name: &str, text: &str) -> Self {
        let bytes = URL_SAFE.decode(text).expect("a key in url-safe base64");
        let mut canary = Self::text(name, text);
        canary.forms.extend(encodings(&bytes));
        Self::of(name, canary.forms)
    }

    fn of(name: &str, mut forms: Vec<String>) -> Self {
        forms.sort_unstable();
        forms.dedup();
        assert!(forms.iter().all(|form| form.len() >= 8), "{name} is too short to be known by");
        Self { name: name.to_owned(), forms }
    }

    /// The form in which it stands in a text.
    pub fn found_in(&self, text: &str) -> Option<&str> {
        self.forms.iter().find(|form| text.contains(form.as_str())).map(String::as_str)
    }
}

/// Each place where a canary stands: in which output, which one, and what is around it.
pub fn leaks<'a>(
    canaries: impl IntoIterator<Item = &'a Canary>,
    output: &str,
    text: &str,
) -> Vec<String> {
    let found = canaries.into_iter().filter_map(|canary| {
        let form = canary.found_in(text)?;
        let line = text.lines().find(|line| line.contains(form)).unwrap_or(text);
        let at = line.find(form).unwrap_or_default();
        let start = line.floor_char_boundary(at.saturating_sub(200));
        let end = line.floor_char_boundary(at + form.len() + 80);
        Some(format!("{} as {form:?} in {output}: …{}…", canary.name, &line[start..end]))
    });
    found.collect()
}

fn ends(value: &str) -> [&str; 2] {
    let head = value.floor_char_boundary(TELLING);
    let tail = value.ceil_char_boundary(value.len().saturating_sub(TELLING));
    [&value[..head], &value[tail..]]
}

/// As it stands in JSON, in Rust's debug output and in a URL.
fn spellings(text: &str) -> [String; 4] {
    let json = serde_json::to_string(text).expect("a text");
    let debug = format!("{text:?}");
    let bytes = text.as_bytes().escape_ascii().to_string();
    let percent = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    let inside = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
    [inside(json), inside(debug), bytes, percent.collect()]
}

/// In base64 wherever the bytes begin in what is encoded, in hexadecimal, and as a list of bytes.
fn encodings(bytes: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for shift in 0..3 {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(bytes);
        // Only groups of three bytes that are all ours encode the same wherever they stand.
        let whole = &shifted[shift.div_ceil(3) * 3..shifted.len() / 3 * 3];
        forms.extend([STANDARD.encode(whole), URL_SAFE.encode(whole)]);
    }
    let hex = hex(bytes);
    forms.extend([hex.to_uppercase(), hex]);
    let list = format!("{:?}", &bytes[..bytes.len().min(TELLING)]);
    forms.push(list[1..list.len() - 1].to_owned());
    forms
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "quoll\"9f2\\Zx8-é-Vt0Xm4Wc9pYs3Am8fKq2L";

    #[test]
    fn every_form_is_found_wherever_it_stands() {
        let canary = Canary::text("secret", SECRET);
        for before in ["", "a", "ab", "Bearer "] {
            let plain = format!("{before}{SECRET} and more");
            let bytes = plain.as_bytes();
            for text in [
                plain.clone(),
                serde_json::to_string(&plain).expect("a text"),
                format!("{plain:?}"),
                bytes.escape_ascii().to_string(),
                STANDARD.encode(bytes),
                URL_SAFE.encode(bytes),
                hex(bytes),
                format!("{bytes:?}"),
                format!("{before}{}", &SECRET[..20]),
            ] {
                assert!(canary.found_in(&text).is_some(), "not found in {text}");
            }
        }
        assert!(canary.found_in("quoll and nothing else").is_none());
    }
}
