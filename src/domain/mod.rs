//! The nouns of TESTER: immutable values that are valid once they exist. No I/O, no web framework.

mod cache;
mod encrypted;
mod generation;
mod history;
mod ids;
mod language;
mod locale;
mod model;
mod prompt;
mod runtime;
mod source;
mod trace;
mod user;
mod verdict;
mod wallet;

pub use cache::{CacheKey, CacheMetadata};
pub use encrypted::EncryptedData;
pub use generation::{
    Coverage, Effort, Freshness, Generation, GenerationRequest, Mutants, NewGeneration,
    SuiteReport, TokenUsage,
};
pub use history::{HistoryPage, InvalidCursor, PageCursor, PageRequest, UnreadableRow};
pub use ids::{GenerationId, UserId};
pub use language::{LanguageCode, UnknownLanguage};
pub use locale::Locale;
pub use model::{
    BUILTIN_NAME, BuiltinOffer, CatalogProblem, InvalidModelName, MODEL_NAME_MAX_LENGTH, Model,
    ModelCatalog, ModelName, Sampling, Writer,
};
pub use prompt::Prompt;
pub use runtime::{Limits, Runtime};
pub use source::{
    DESCRIPTION_MAX_CHARS, Description, ProgramText, SOURCE_MAX_CHARS, SOURCE_MIN_CHARS,
    SourceCode, TextProblem,
};
pub use trace::{SpanId, TraceContext, TraceId};
pub use user::AuthenticatedUser;
pub use verdict::{
    ExecutionEvent, ExecutionRequest, Limit, LimitReached, RequestedLimits, RunStats, RunStatus,
    TestCounts, TestResult, TestStatus, Verdict, whole_milliseconds,
};
pub use wallet::{Charge, Deduction, Refund, Tokens, WalletBalance, WalletGifts};
