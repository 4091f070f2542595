use std::time::Duration;

use secrecy::SecretString;
use url::Url;

/// How the Gemini API is called.
#[derive(Clone, Debug)]
pub struct GeminiSettings {
    /// `GEMINI_API_KEY`.
    pub api_key: SecretString,
    /// `GEMINI_BASE_URL`: https in production.
    pub base_url: Url,
    /// `gemini.connect_timeout_ms`.
    pub connect_timeout: Duration,
    /// `gemini.idle_timeout_ms`: longest silence of the model, thinking included.
    pub idle_timeout: Duration,
    /// `gemini.total_timeout_ms`: the whole answer, retries included.
    pub total_timeout: Duration,
    /// `gemini.max_attempts`: requests sent for one answer, the first included.
    pub max_attempts: u32,
    /// `gemini.backoff_min_ms`: wait before the second attempt.
    pub backoff_min: Duration,
    /// `gemini.backoff_max_ms`: longest wait between attempts.
    pub backoff_max: Duration,
    /// `gemini.max_output_tokens`.
    pub max_output_tokens: u32,
    /// `gemini.temperature`: sent to models that still take it.
    pub temperature: f32,
}
