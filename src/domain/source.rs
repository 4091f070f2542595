/// Fewest characters of source worth testing, after trimming (contract).
pub const SOURCE_MIN_CHARS: usize = 10;
/// Most characters of source accepted, after trimming (contract).
pub const SOURCE_MAX_CHARS: usize = 100_000;
/// Most characters of a description accepted (contract).
pub const DESCRIPTION_MAX_CHARS: usize = 4_000;

/// Source code as it may enter TESTER: trimmed, of a sane length, free of NUL.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SourceCode(String);

/// A text that is run: kept to the byte, for line numbers refer to it; not blank, of a sane length,
/// free of NUL.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProgramText(String);

impl ProgramText {
    /// Checks the text.
    ///
    /// # Errors
    ///
    /// [`TextProblem`] says which bound is broken.
    pub fn parse(text: String) -> Result<Self, TextProblem> {
        bounded(&text, 1, SOURCE_MAX_CHARS)?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Never the text itself: it is the user's property and has no place in a log.
impl std::fmt::Debug for ProgramText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProgramText({} bytes)", self.0.len())
    }
}

/// Why a text is no acceptable source or description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextProblem {
    /// Fewer characters than `min` after trimming.
    #[error("has {actual} characters after trimming, at least {min} are needed")]
    TooShort {
        /// The bound.
        min: usize,
        /// What came.
        actual: usize,
    },
    /// More characters than `max` after trimming.
    #[error("has {actual} characters after trimming, at most {max} are accepted")]
    TooLong {
        /// The bound.
        max: usize,
        /// What came.
        actual: usize,
    },
    /// A NUL character: no editor produces one, and tools downstream cut text at it.
    #[error("contains a NUL character")]
    Nul,
}

impl SourceCode {
    /// Trims and checks the text.
    ///
    /// # Errors
    ///
    /// [`TextProblem`] says which bound is broken.
    pub fn parse(text: &str) -> Result<Self, TextProblem> {
        bounded(text, SOURCE_MIN_CHARS, SOURCE_MAX_CHARS).map(Self)
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Never the text itself: source is the user's property and has no place in a log.
impl std::fmt::Debug for SourceCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SourceCode({} bytes)", self.0.len())
    }
}

/// What the code is meant to do, in the user's words: the intent that tests follow where code and
/// intent disagree.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Description(String);

impl Description {
    /// Trims and checks the text; an empty one is no description.
    ///
    /// # Errors
    ///
    /// [`TextProblem`] says which bound is broken.
    pub fn parse(text: &str) -> Result<Option<Self>, TextProblem> {
        let text = bounded(text, 0, DESCRIPTION_MAX_CHARS)?;
        Ok((!text.is_empty()).then_some(Self(text)))
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Description({} bytes)", self.0.len())
    }
}

fn bounded(text: &str, min: usize, max: usize) -> Result<String, TextProblem> {
    let text = text.trim();
    if text.contains('\0') {
        return Err(TextProblem::Nul);
    }
    let actual = text.chars().count();
    if actual < min {
        return Err(TextProblem::TooShort { min, actual });
    }
    if actual > max {
        return Err(TextProblem::TooLong { max, actual });
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_count_characters_after_trimming() {
        assert!(
            SourceCode::parse("  0123456789\n").is_ok_and(|code| code.as_str() == "0123456789")
        );
        assert_eq!(
            SourceCode::parse("   012345678   "),
            Err(TextProblem::TooShort { min: 10, actual: 9 })
        );
        assert!(SourceCode::parse(&"한".repeat(SOURCE_MAX_CHARS)).is_ok());
        assert_eq!(
            SourceCode::parse(&"x".repeat(SOURCE_MAX_CHARS + 1)),
            Err(TextProblem::TooLong { max: SOURCE_MAX_CHARS, actual: SOURCE_MAX_CHARS + 1 })
        );
    }

    #[test]
    fn nul_is_refused() {
        assert_eq!(SourceCode::parse("0123456789\0 x"), Err(TextProblem::Nul));
        assert_eq!(Description::parse("a\0b"), Err(TextProblem::Nul));
    }

    #[test]
    fn a_program_keeps_its_white_space() {
        let program = ProgramText::parse("\n  x\n".to_owned());
        assert!(program.is_ok_and(|program| program.as_str() == "\n  x\n"));
        assert_eq!(
            ProgramText::parse(" \n".to_owned()),
            Err(TextProblem::TooShort { min: 1, actual: 0 })
        );
    }

    #[test]
    fn an_empty_description_is_none() {
        assert_eq!(Description::parse(" \n "), Ok(None));
    }

    #[test]
    fn debug_output_never_shows_the_text() {
        let code = SourceCode::parse("secret_function()").expect("a valid source");
        assert!(!format!("{code:?}").contains("secret"));
    }
}
