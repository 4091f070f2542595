//! The JSON of the Gemini API (v1beta), as far as TESTER uses it. Reading is lenient: unknown
//! fields, members and names never fail an answer, for the API grows faster than its clients.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::domain::{Sampling, TokenUsage};
use crate::gateways::Prompt;

/// The body of `streamGenerateContent`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerateRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<RequestContent<'a>>,
    contents: [RequestContent<'a>; 1],
    generation_config: GenerationConfig,
}

#[derive(Debug, Serialize)]
struct RequestContent<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: [RequestPart<'a>; 1],
}

#[derive(Debug, Serialize)]
struct RequestPart<'a> {
    text: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct GenerationConfig {
    max_output_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
}

impl<'a> GenerateRequest<'a> {
    /// The request for a prompt. `temperature` is left out for models that no longer take it;
    /// `thinkingConfig` always, so that each model thinks as it does by default.
    pub(super) fn new(
        prompt: &'a Prompt,
        sampling: Sampling,
        max_output_tokens: u32,
        temperature: f32,
    ) -> Self {
        let content = |role, text| RequestContent { role, parts: [RequestPart { text }] };
        // An empty part is refused by the API.
        let system = Some(prompt.system.as_str()).filter(|text| !text.is_empty());
        Self {
            system_instruction: system.map(|text| content(None, text)),
            contents: [content(Some("user"), &prompt.user)],
            generation_config: GenerationConfig {
                max_output_tokens,
                temperature: match sampling {
                    Sampling::Tunable => Some(temperature),
                    Sampling::Fixed => None,
                },
            },
        }
    }
}

/// One event of the stream, or a whole body: an answer and an error have the same outside.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GenerateResponse {
    pub(super) candidates: Option<Vec<Candidate>>,
    pub(super) prompt_feedback: Option<PromptFeedback>,
    pub(super) usage_metadata: Option<UsageMetadata>,
    pub(super) model_version: Option<String>,
    pub(super) error: Option<ApiError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Candidate {
    content: Option<Content>,
    finish_reason: Option<String>,
}

impl Candidate {
    /// The output text of all parts. A thought is not output; a part that is no text has none.
    pub(super) fn take_text(&mut self) -> String {
        let parts = self.content.take().and_then(|content| content.parts).unwrap_or_default();
        let mut texts = parts
            .into_iter()
            .filter(|part| part.thought != Some(true))
            .filter_map(|part| part.text);
        let mut text = texts.next().unwrap_or_default();
        text.extend(texts);
        text
    }

    /// Why the output ended, `None` while it goes on.
    pub(super) fn take_finish_reason(&mut self) -> Option<FinishReason> {
        let name = self.finish_reason.take().filter(|name| is_specified(name))?;
        Some(FinishReason::from_name(name))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Content {
    parts: Option<Vec<Part>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    text: Option<String>,
    thought: Option<bool>,
}

/// What `finishReason` says of the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FinishReason {
    /// `STOP`: complete as far as it goes. Some models say it on every chunk.
    Stop,
    /// `MAX_TOKENS`.
    MaxTokens,
    /// The model's own output went wrong: it called a tool it was never given, or lost its form.
    /// The prompt is not to blame, so this is no refusal.
    Malformed(String),
    /// Everything else is the provider stopping the output: `SAFETY`, `RECITATION`, `OTHER`, and
    /// every name that is newer than this program.
    Stopped(String),
}

impl FinishReason {
    fn from_name(name: String) -> Self {
        match name.as_str() {
            "STOP" => Self::Stop,
            "MAX_TOKENS" => Self::MaxTokens,
            "MALFORMED_FUNCTION_CALL"
            | "MALFORMED_RESPONSE"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE" => Self::Malformed(name),
            _ => Self::Stopped(name),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PromptFeedback {
    block_reason: Option<String>,
}

impl PromptFeedback {
    /// Why the prompt is refused, `None` when it is not.
    pub(super) fn block_reason(self) -> Option<String> {
        self.block_reason.filter(|name| is_specified(name))
    }
}

/// Proto enums have a zero value that means "not set": `FINISH_REASON_UNSPECIFIED`.
fn is_specified(name: &str) -> bool {
    !name.is_empty() && !name.ends_with("_UNSPECIFIED")
}

/// Cumulative: each event that has one replaces the one before.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct UsageMetadata {
    #[serde(rename = "promptTokenCount")]
    prompt: Count,
    #[serde(rename = "candidatesTokenCount")]
    candidates: Count,
    #[serde(rename = "thoughtsTokenCount")]
    thoughts: Count,
    #[serde(rename = "totalTokenCount")]
    total: Count,
}

impl From<UsageMetadata> for TokenUsage {
    fn from(usage: UsageMetadata) -> Self {
        Self {
            prompt_tokens: usage.prompt.tokens(),
            output_tokens: usage.candidates.tokens(),
            thinking_tokens: usage.thoughts.tokens(),
            total_tokens: usage.total.tokens(),
        }
    }
}

/// A count that is no count is no reason to lose an answer.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Count {
    Tokens(u64),
    Other(IgnoredAny),
}

impl Count {
    const fn tokens(&self) -> u64 {
        match self {
            Self::Tokens(tokens) => *tokens,
            Self::Other(_) => 0,
        }
    }
}

impl Default for Count {
    fn default() -> Self {
        Self::Tokens(0)
    }
}

/// `google.rpc.Status`, as the API writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ApiError {
    /// The HTTP status.
    #[serde(deserialize_with = "lenient")]
    pub(super) code: Option<u16>,
    /// The canonical name: `RESOURCE_EXHAUSTED`, …
    #[serde(deserialize_with = "lenient")]
    pub(super) status: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) details: Vec<ErrorDetail>,
}

/// The members of the detail types that matter: `ErrorInfo`, `RetryInfo` and `QuotaFailure`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ErrorDetail {
    #[serde(deserialize_with = "lenient")]
    pub(super) reason: String,
    #[serde(deserialize_with = "lenient")]
    pub(super) retry_delay: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(super) violations: Vec<QuotaViolation>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct QuotaViolation {
    #[serde(deserialize_with = "lenient")]
    pub(super) quota_id: String,
}

/// Reads a value of the wrong type as the default: half an error is better than none.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// The error in a JSON text: an object or, as some front ends send it, an array of one.
pub(super) fn error_in(text: &[u8]) -> Option<ApiError> {
    // The array comes first: serde would read a struct from one too, member by member.
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Body {
        Array(Vec<ErrorEnvelope>),
        Object(ErrorEnvelope),
    }
    #[derive(Deserialize)]
    struct ErrorEnvelope {
        error: ApiError,
    }
    let envelope = match serde_json::from_slice(text).ok()? {
        Body::Array(envelopes) => envelopes.into_iter().next(),
        Body::Object(envelope) => Some(envelope),
    };
    envelope.map(|envelope| envelope.error)
}

/// The body of `GET /v1beta/models`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ModelList {
    pub(super) models: Vec<ListedModel>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListedModel {
    pub(super) name: String,
}
