use url::{Host, Url};

/// Texts that stand in for a value in examples and tutorials. `.env.example` holds nothing else.
const WORDS: [&str; 10] = [
    "changeme",
    "change-me",
    "change_me",
    "dummy",
    "example",
    "fixme",
    "placeholder",
    "replace-me",
    "replace_me",
    "todo",
];

/// Whether the text stands in for a value: `your-…`, `<…>`, `xxx`, `…`, or one of [`WORDS`] alone
/// or followed by more words.
pub(super) fn is_placeholder(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let only_crosses = text.contains('x') && text.bytes().all(|byte| b"x-_.".contains(&byte));
    text.starts_with("your-")
        || text.starts_with("your_")
        || (text.starts_with('<') && text.ends_with('>'))
        || text.contains("...")
        || text.contains('…')
        || only_crosses
        || WORDS.iter().any(|word| begins_with_word(&text, word))
}

/// Whether a URL's host stands in for one, as in `https://your-project.supabase.co`.
pub(super) fn has_placeholder_host(url: &Url) -> bool {
    let Some(Host::Domain(domain)) = url.host() else { return false };
    domain.split('.').next().is_some_and(is_placeholder)
}

/// A word followed by a letter or digit may be the beginning of a random secret.
fn begins_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tutorials_write_is_a_placeholder() {
        for text in [
            "your-gemini-api-key",
            "YOUR_KEY",
            "<from the dashboard>",
            "changeme",
            "ChangeMe123",
            "xxx",
            "xxxx-xxxx-xxxx",
            "AIza...",
            "sb_secret_…",
            "TODO",
            "todo: ask Ann",
            "example",
            "example-key",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn what_is_random_is_no_placeholder() {
        for text in ["AIzaSyD", "todoQ7x", "examples", "0x4AAAAAAA", "yourself", "-"] {
            assert!(!is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn a_host_is_a_placeholder_by_its_first_label() {
        let placeholder = |text| has_placeholder_host(&Url::parse(text).expect("a URL"));
        assert!(placeholder("https://your-project.supabase.co"));
        assert!(placeholder("https://example.com"));
        assert!(!placeholder("https://abcdefghijkl.supabase.co"));
        assert!(!placeholder("http://10.0.0.2:8080"));
    }
}
