use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::{Description, GenerationId, LanguageCode, Locale, SourceCode, UserId, Writer};

/// What a user asks for: tests for this source.
#[derive(Clone, Debug)]
pub struct GenerationRequest {
    /// The code under test.
    pub source: SourceCode,
    /// The language it is written in.
    pub language: LanguageCode,
    /// Who writes the tests.
    pub writer: Writer,
    /// What the code is meant to do.
    pub description: Option<Description>,
    /// Whether a stored answer will do.
    pub freshness: Freshness,
    /// The language of the comments in the tests.
    pub locale: Locale,
    /// What the built-in engine may spend, should it write.
    pub effort: Effort,
}

/// What the built-in engine may spend on a request, and where its search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Time from the first look at the source to the last test; a ceiling, most sources need less.
    pub budget: Duration,
    /// What its choices are drawn from: the same source and seed give the same tests.
    pub seed: u32,
}

/// What is known of a suite that was explored rather than thought up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SuiteReport {
    /// Test functions.
    pub tests: u32,
    /// Cases in them: rows of tables, and tests without a table.
    pub rows: u32,
    /// Lines of the source that they run.
    pub lines: Coverage,
    /// Branches of the source that they take.
    pub branches: Coverage,
    /// Small changes of the source that they notice.
    pub mutants: Mutants,
    /// Time it took, from the first look at the source.
    pub seconds: f64,
    /// Cases left out because they did not end the same way every time.
    pub unstable_dropped: u32,
    /// Parts of the source without tests, and why.
    pub skipped: Vec<String>,
}

/// How much of something was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Coverage {
    /// What was reached.
    pub covered: u32,
    /// All there is.
    pub total: u32,
}

/// How many changed versions of a source its tests tell from the source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mutants {
    /// Those on which a test fails.
    pub killed: u32,
    /// All that were tried.
    pub total: u32,
}

/// Whether an answer from the cache satisfies the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// A stored answer is as good.
    CachedWillDo,
    /// The user saw an answer and wants another one.
    Regenerate,
}

/// Tokens the model counted for one answer (Gemini `usageMetadata`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUsage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
    /// Tokens the model thought with.
    pub thinking_tokens: u64,
    /// All of them, as the model counts.
    pub total_tokens: u64,
}

/// A finished pair of source and tests, about to be stored.
#[derive(Clone, Debug)]
pub struct NewGeneration {
    /// The id of the row to come.
    pub id: GenerationId,
    /// Whose row it is.
    pub user: UserId,
    /// The code under test.
    pub input_code: String,
    /// The tests.
    pub generated_code: String,
    /// The language of both.
    pub language: LanguageCode,
    /// The model that answered, as it called itself.
    pub model: String,
}

/// A stored pair of source and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// The id of its row.
    pub id: GenerationId,
    /// The code under test.
    pub input_code: String,
    /// The tests.
    pub generated_code: String,
    /// The language of both, as stored (rows of earlier services are shown as they are).
    pub language: String,
    /// The model that answered.
    pub model: String,
    /// When it was stored.
    pub created_at: OffsetDateTime,
}
