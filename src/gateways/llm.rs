use std::time::Duration;

use futures_util::stream::BoxStream;

pub use crate::domain::Prompt;
use crate::domain::TokenUsage;

/// One step of a model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LlmEvent {
    /// A piece of the answer, never empty.
    Text(String),
    /// The answer is complete. Always the last event.
    Finished {
        /// The model that answered, as it calls itself; `None` when it did not say.
        model_version: Option<String>,
        /// Tokens counted, as last reported.
        usage: TokenUsage,
    },
}

/// Why an answer ended before it was complete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// The provider refuses the prompt or stopped the output (safety, recitation, …).
    #[error("the model refused: {reason}")]
    Blocked {
        /// The provider's name for the reason.
        reason: String,
    },
    /// The output limit was reached; what came before stays useful.
    #[error("the model reached its output limit")]
    Truncated {
        /// Tokens counted, as last reported.
        usage: TokenUsage,
    },
    /// Overloaded, out of quota or failing in a way that may pass, also after the retries.
    #[error("the model is busy (status {status})")]
    Busy {
        /// The provider's HTTP status.
        status: u16,
        /// When the provider says to come back.
        retry_after: Option<Duration>,
    },
    /// A deadline passed.
    #[error("the model missed the {0} deadline")]
    Timeout(LlmDeadline),
    /// The provider can't be reached, or the connection broke.
    #[error("the model can't be reached: {0}")]
    Unreachable(String),
    /// The provider refuses the request itself: a wrong key, an unknown model, a bad parameter.
    #[error("the model rejected the request (status {status}): {reason}")]
    Rejected {
        /// The provider's HTTP status.
        status: u16,
        /// The provider's names for it, comma-separated; none of its words, which may quote the
        /// prompt.
        reason: String,
    },
    /// The provider answered something that is no answer.
    #[error("the model's answer can't be used: {0}")]
    Malformed(String),
}

/// Which deadline was missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LlmDeadline {
    /// Nothing came for too long.
    #[error("idle")]
    Idle,
    /// The answer as a whole took too long.
    #[error("total")]
    Total,
}

/// An answer while it is written. Ends after the first error or after [`LlmEvent::Finished`];
/// dropping it closes the connection to the provider.
pub type LlmStream = BoxStream<'static, Result<LlmEvent, LlmError>>;
