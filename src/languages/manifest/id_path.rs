use super::Pattern;

/// Ids are cut at 500 characters when they are reported, wherever a character is counted as what.
/// What is longer than this is known by its beginning alone.
const KNOWN_MAX_CHARS: usize = 400;
/// The beginning.
const PREFIX_CHARS: usize = 200;

/// What is known of an id while the text is walked down: titles, classes, functions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct IdPath {
    text: String,
    /// Something of it is not known, so nothing behind that matters.
    open: bool,
}

impl IdPath {
    /// One step down. `separator` stands between steps only.
    pub(super) fn then(&self, separator: &str, step: &str, step_is_whole: bool) -> Self {
        if self.open {
            return self.clone();
        }
        let mut text = self.text.clone();
        if !text.is_empty() {
            text.push_str(separator);
        }
        text.push_str(step);
        if text.chars().count() > KNOWN_MAX_CHARS {
            let text: String = text.chars().take(PREFIX_CHARS).collect();
            return Self { text, open: true };
        }
        Self { text, open: !step_is_whole }
    }

    pub(super) fn exact(self) -> Pattern {
        if self.open { Pattern::Prefix(self.text) } else { Pattern::Exact(self.text) }
    }

    pub(super) fn parametrised(self) -> Pattern {
        if self.open { Pattern::Prefix(self.text) } else { Pattern::Parametrised(self.text) }
    }

    pub(super) fn prefix(self) -> Pattern {
        Pattern::Prefix(self.text)
    }

    /// The same, of several that differ behind it.
    pub(super) fn opened(self) -> Self {
        Self { open: true, ..self }
    }
}
