//! What operators see of a generation: how many run, how soon the first chunk comes, how they end.

use std::time::Instant;

use metrics::{counter, gauge, histogram};

use crate::domain::{GenerationId, LanguageCode, TokenUsage};

/// How a generation ended, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Complete,
    Cached,
    LeftEarly,
    LeftLate,
    Blocked,
    Truncated,
    Busy,
    Timeout,
    Failed,
    NothingToWrite,
    CutOff,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Cached => "cached",
            Self::LeftEarly => "left_before_first_chunk",
            Self::LeftLate => "left_after_first_chunk",
            Self::Blocked => "blocked",
            Self::Truncated => "truncated",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Failed => "failed",
            Self::NothingToWrite => "nothing_to_write",
            Self::CutOff => "cut_off",
        }
    }
}

/// Measures one generation from its admission to its end; counts as running until dropped.
pub(super) struct Meter {
    id: GenerationId,
    language: LanguageCode,
    started: Instant,
}

impl Meter {
    pub(super) fn start(id: GenerationId, language: LanguageCode) -> Self {
        gauge!("tester_generations_running").increment(1);
        Self { id, language, started: Instant::now() }
    }

    pub(super) fn first_chunk(&self) {
        histogram!("tester_first_chunk_seconds", "language" => self.language.as_str())
            .record(self.started.elapsed());
    }

    pub(super) fn usage(&self, usage: TokenUsage) {
        let language = self.language.as_str();
        for (kind, tokens) in [
            ("prompt", usage.prompt_tokens),
            ("output", usage.output_tokens),
            ("thinking", usage.thinking_tokens),
        ] {
            counter!("tester_model_tokens_total", "kind" => kind, "language" => language)
                .increment(tokens);
        }
    }

    /// The built-in engine took the place of a model.
    pub(super) fn fell_back(&self) {
        counter!("tester_generation_fallbacks_total", "language" => self.language.as_str())
            .increment(1);
    }

    /// The one log line of a generation that ended.
    pub(super) fn ended(&self, outcome: Outcome) {
        let language = self.language.as_str();
        let outcome = outcome.as_str();
        counter!("tester_generations_total", "language" => language, "outcome" => outcome)
            .increment(1);
        histogram!("tester_generation_seconds", "language" => language)
            .record(self.started.elapsed());
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(generation = %self.id, language, outcome, ms, "generation ended");
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        gauge!("tester_generations_running").decrement(1);
    }
}
