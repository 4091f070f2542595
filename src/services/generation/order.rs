use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::domain::{
    AuthenticatedUser, GenerationId, GenerationRequest, SuiteReport, TokenUsage, Tokens,
};
use crate::gateways::{BotCheckError, ExplorationError, LlmError, WriterError, WritingStep};
use crate::languages::SourceProblem;
use crate::repositories::RepositoryError;

/// What a client ordered.
#[derive(Clone, Debug)]
pub struct Order {
    /// Who ordered.
    pub user: AuthenticatedUser,
    /// Tests for what.
    pub request: GenerationRequest,
    /// The bot check's token, as the client sent it.
    pub turnstile_token: Option<String>,
    /// The client's address, for the bot check.
    pub client: Option<IpAddr>,
}

/// Why an order was not taken. Nothing was charged.
#[derive(Debug)]
pub enum Refusal {
    /// The source is not valid in its language.
    InvalidSource(SourceProblem),
    /// The bot check said no, or could not be made.
    Bot(BotCheckError),
    /// The wallet holds too little.
    InsufficientTokens {
        /// The price.
        required: Tokens,
        /// What the wallet holds.
        current: Tokens,
    },
    /// The wallet can't be asked.
    Wallet(RepositoryError),
    /// No model is configured (`tester dev` without a key), and the request names one.
    NoModel,
    /// This process is shutting down.
    Draining,
    /// As many generations run as this process may have at one time.
    Crowded,
}

/// One step of an order that was taken.
#[derive(Clone, Debug, PartialEq)]
pub enum GenerationEvent {
    /// The model is down: the built-in engine writes instead, and the price was given back.
    FellBack,
    /// What the built-in engine does now.
    Step(WritingStep),
    /// A piece of the tests.
    Chunk(String),
    /// The tests are complete and about to be stored.
    Saving,
    /// The tests could not be stored.
    NotSaved,
    /// All is done. Always the last event.
    Done(Receipt),
    /// There will be no complete result. Always the last event.
    Failed(Failure),
}

/// How a generation ended well.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// The history row; `None` when saving failed.
    pub history_id: Option<GenerationId>,
    /// Whether the answer came from the cache.
    pub cached: bool,
    /// The model that answered.
    pub model: String,
    /// Tokens the model counted; all zero for a cached answer.
    pub usage: TokenUsage,
    /// What is known of the tests, where the built-in engine wrote them.
    pub suite: Option<SuiteReport>,
}

/// Why there is no complete result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The model refuses this source or stopped its answer.
    Blocked,
    /// The output limit was reached; the chunks so far are useful.
    Truncated,
    /// The model is overloaded or out of quota.
    Busy {
        /// When to come back.
        retry_after: Option<Duration>,
    },
    /// The model was too slow.
    Timeout,
    /// The model failed in another way.
    Model,
    /// The built-in engine has no tests for this source.
    Exploration(ExplorationError),
    /// This process is shutting down.
    Shutdown,
}

/// The far end of an order: first the admission, then the events.
#[derive(Debug)]
pub struct Ticket {
    /// Whether the order is taken. Dropping the ticket cancels the order.
    pub admission: oneshot::Receiver<Result<(), Refusal>>,
    /// What happens then. Dropping the receiver cancels the order.
    pub events: mpsc::Receiver<GenerationEvent>,
}

impl From<WriterError> for Failure {
    fn from(error: WriterError) -> Self {
        match error {
            WriterError::Model(error) => Self::from(&error),
            WriterError::Exploration(error) => Self::Exploration(error),
        }
    }
}

impl From<&LlmError> for Failure {
    fn from(error: &LlmError) -> Self {
        match error {
            LlmError::Blocked { .. } => Self::Blocked,
            LlmError::Truncated { .. } => Self::Truncated,
            LlmError::Busy { status: 429 | 503, retry_after } => {
                Self::Busy { retry_after: *retry_after }
            }
            LlmError::Busy { status: 408 | 504, .. } | LlmError::Timeout(_) => Self::Timeout,
            LlmError::Busy { .. }
            | LlmError::Unreachable(_)
            | LlmError::Rejected { .. }
            | LlmError::Malformed(_) => Self::Model,
        }
    }
}
