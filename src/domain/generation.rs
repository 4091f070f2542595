use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Description, GenerationId, LanguageCode, Locale, Model, SourceCode, UserId};

/// What a user asks for: tests for this source.
#[derive(Clone, Debug)]
pub struct GenerationRequest {
    /// The code under test.
    pub source: SourceCode,
    /// The language it is written in.
    pub language: LanguageCode,
    /// The model that writes the tests.
    pub model: Model,
    /// What the code is meant to do.
    pub description: Option<Description>,
    /// Whether a stored answer will do.
    pub freshness: Freshness,
    /// The language of the comments in the tests.
    pub locale: Locale,
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
