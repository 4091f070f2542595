use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::LlmError;
use crate::domain::{GenerationId, GenerationRequest, LanguageCode, SuiteReport, TokenUsage};

/// One step of the writing of tests.
#[derive(Clone, Debug, PartialEq)]
pub enum WritingEvent {
    /// What is done from now on, where there is something to tell before the first text.
    Step(WritingStep),
    /// A piece of a model's answer, never empty: the answer may stand in a Markdown fence.
    Answer(String),
    /// A whole test, to the letter; the first one comes with what stands at the head of the file.
    Test(String),
    /// The tests are complete. Always the last event.
    Finished {
        /// Who wrote, as it calls itself; `None` when it did not say.
        version: Option<String>,
        /// Tokens counted, as last reported; all zero where nobody counts any.
        usage: TokenUsage,
        /// What is known of the tests, where they were explored.
        suite: Option<SuiteReport>,
    },
}

/// What happens before there is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritingStep {
    /// The code runs with many inputs.
    Exploring,
    /// The tests run, several times.
    Checking,
}

/// Why there are no complete tests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriterError {
    /// The model failed.
    #[error(transparent)]
    Model(#[from] LlmError),
    /// The built-in engine has none.
    #[error(transparent)]
    Exploration(#[from] ExplorationError),
}

/// Why the built-in engine has no tests for a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExplorationError {
    /// It does not write in this language.
    #[error("the built-in engine does not write {0}")]
    Language(LanguageCode),
    /// The source does not fit into a job of the sandbox with all that must come along.
    #[error("the source is too long to be explored: its job has {actual} characters of {max}")]
    TooLong {
        /// Characters of the job's text.
        actual: usize,
        /// Characters it may have.
        max: usize,
    },
    /// The source can't be run by itself: it raises while it is loaded, ends the process, waits for
    /// ever, or needs what is not there.
    #[error("the source can't be loaded")]
    Unloadable {
        /// What it said, in a line: the user's own text, never for a log.
        reason: String,
    },
    /// It loads, but has nothing that ends the same way twice when it is called.
    #[error("nothing in the source can be tested")]
    NothingTestable,
    /// The tests can't be trusted: they don't pass, or not every time, whatever is left out.
    #[error("the tests did not pass every time")]
    Unstable,
    /// As many runs wait as may.
    #[error("too many runs are waiting")]
    Busy {
        /// How long until it is worth coming back.
        retry_after: Duration,
    },
    /// No sandbox can be had.
    #[error("no sandbox can be had: {0}")]
    Unavailable(String),
    /// The tests took too long to be checked.
    #[error("the tests could not be checked in time")]
    Timeout,
}

/// Tests while they are written. Ends after the first error or after [`WritingEvent::Finished`];
/// dropping it ends the work, wherever it is done.
pub type Writing = BoxStream<'static, Result<WritingEvent, WriterError>>;

/// Something that writes tests: a model behind an API, or the built-in engine.
#[async_trait]
pub trait TestWriter: Send + Sync {
    /// Whether it writes tests in this language.
    fn writes(&self, language: LanguageCode) -> bool;

    /// What changes whenever the same request may be answered otherwise: part of the key of cached
    /// answers.
    fn version(&self) -> &str;

    /// Writes tests. What can be tried again is tried again in here, before the first text only;
    /// dropping the future or the stream cancels the work.
    ///
    /// # Errors
    ///
    /// [`WriterError`] when there is no stream; later failures come in the stream.
    async fn write(
        &self,
        request: &GenerationRequest,
        id: GenerationId,
    ) -> Result<Writing, WriterError>;
}
