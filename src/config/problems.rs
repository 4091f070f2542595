use std::borrow::Cow;
use std::fmt;

use super::variables::{self, Variable};

/// What is wrong with one value, in words that never hold the value itself. Reads as the end of a
/// sentence that begins with the variable's name.
pub type Flaw = Cow<'static, str>;

/// What a problem is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A file, with the line where one is to blame.
    File(String),
    /// An environment variable.
    Variable(&'static Variable),
    /// A knob by its path, such as `gemini.max_attempts`.
    Knob(String),
}

/// Whether a value is not there or not right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not there, or empty.
    Missing,
    /// There and not usable.
    Invalid,
}

/// One thing to put right before TESTER starts. Holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about.
    pub subject: Subject,
    /// Its kind.
    pub fault: Fault,
    /// What is wrong.
    pub flaw: Flaw,
    /// How to get a right value.
    pub remedy: Cow<'static, str>,
}

/// Everything that keeps TESTER from starting, found in one go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(variable) => f.write_str(variable.name()),
            Self::File(name) | Self::Knob(name) => f.write_str(name),
        }
    }
}

impl Problem {
    pub(super) const fn missing(variable: &'static Variable) -> Self {
        Self {
            subject: Subject::Variable(variable),
            fault: Fault::Missing,
            flaw: Cow::Borrowed("is missing"),
            remedy: Cow::Borrowed(variable.remedy()),
        }
    }

    pub(super) fn invalid(variable: &'static Variable, flaw: impl Into<Flaw>) -> Self {
        Self {
            subject: Subject::Variable(variable),
            fault: Fault::Invalid,
            flaw: flaw.into(),
            remedy: Cow::Borrowed(variable.remedy()),
        }
    }

    pub(super) fn knob(path: impl Into<String>, flaw: impl Into<Flaw>) -> Self {
        Self {
            subject: Subject::Knob(path.into()),
            fault: Fault::Invalid,
            flaw: flaw.into(),
            remedy: Cow::Borrowed("correct it in the file given by --config"),
        }
    }

    /// A file that can't be used. `place` names it, and its line where one is to blame.
    #[must_use]
    pub fn file(
        place: impl Into<String>,
        fault: Fault,
        flaw: impl Into<Flaw>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            subject: Subject::File(place.into()),
            fault,
            flaw: flaw.into(),
            remedy: remedy.into(),
        }
    }

    /// Files first, then variables in the order of their table, then knobs.
    fn rank(&self) -> usize {
        match &self.subject {
            Subject::File(_) => 0,
            Subject::Variable(variable) => {
                1 + variables::ALL.iter().position(|known| known == variable).unwrap_or_default()
            }
            Subject::Knob(_) => 1 + variables::ALL.len(),
        }
    }
}

impl Problems {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them: files first, then variables in the order of their table, then knobs.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// The one about a variable.
    #[must_use]
    pub fn about(&self, variable: &Variable) -> Option<&Problem> {
        self.0.iter().find(
            |problem| matches!(&problem.subject, Subject::Variable(named) if *named == variable),
        )
    }

    pub(super) fn append(&mut self, mut others: Self) {
        self.0.append(&mut others.0);
    }

    pub(super) fn sorted(mut self) -> Self {
        self.0.sort_by_key(Problem::rank);
        self
    }
}

impl std::error::Error for Problems {}

/// A table for the terminal: a line with the subject and what is wrong, a line with the way out.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        writeln!(f, "{count} problem{} in the settings:", if count == 1 { "" } else { "s" })?;
        let subjects: Vec<_> = self.0.iter().map(|problem| problem.subject.to_string()).collect();
        let width = subjects.iter().map(|subject| subject.chars().count()).max().unwrap_or(0);
        for (problem, subject) in self.0.iter().zip(&subjects) {
            writeln!(f, "\n  {subject:width$}  {}", problem.flaw)?;
            write!(f, "  {:width$}  → {}", "", problem.remedy)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_shown_as_a_table_in_the_order_of_the_variables() {
        let mut problems = Problems::default();
        problems.push(Problem::knob("gemini.max_attempts", "must be between 1 and 10"));
        problems.push(Problem::invalid(&variables::LOG_FORMAT, "must be json or text"));
        problems.push(Problem::missing(&variables::GEMINI_API_KEY));
        insta::assert_snapshot!(problems.sorted(), @r"
        3 problems in the settings:

          GEMINI_API_KEY       is missing
                               → create a key at https://aistudio.google.com/apikey
          LOG_FORMAT           must be json or text
                               → json or text
          gemini.max_attempts  must be between 1 and 10
                               → correct it in the file given by --config
        ");
    }
}
