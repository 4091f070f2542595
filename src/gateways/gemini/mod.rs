//! The Gemini API (`streamGenerateContent` over SSE, v1beta) behind the [`TestWriter`] seam.
//!
//! Failure policy: closed. What can be retried is retried before the first token; after it every
//! failure reaches the caller, and a partial answer is never passed off as a complete one.
//!
//! ```text
//! Gemini ──attempt──▶ AnswerStream ──bytes──▶ AnswerParser ──▶ sse::Decoder ──▶ eventsource-stream
//!  retries            deadlines               the model's rules  lines, bounds    fields
//! ```

mod answer;
mod failure;
mod retry;
mod stream;
#[cfg(test)]
mod tests;
mod wire;

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Response, StatusCode};
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep, timeout_at};
use url::Url;

pub use answer::AnswerParser;
pub use failure::{Failure, Retry};

use self::retry::RetrySchedule;
use self::stream::{AnswerStream, Deadlines};
use self::wire::{GenerateRequest, ModelList};
use super::http::{self, BodyError, Peer, ThreadLocalClient, Traffic, read_limited};
use super::{
    LlmError, LlmEvent, LlmStream, Prompt, TestWriter, WriterError, Writing, WritingEvent,
};
use crate::config::GeminiSettings;
use crate::domain::{GenerationId, GenerationRequest, LanguageCode, Model, Writer};
use crate::languages;

/// The header that carries the key. Never the `key` query parameter: URLs end up in logs.
const KEY_HEADER: &str = "x-goog-api-key";
/// Most bytes of an error body that are read. Google's are under 10 KiB.
const MAX_ERROR_BODY: usize = 64 * 1024;
/// Most bytes of a model list that are read: about a hundred models of 2 KiB each.
const MAX_MODEL_LIST: usize = 2 * 1024 * 1024;

/// The settings can't be used to call anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GeminiSetupError {
    /// The key has characters that no HTTP header may hold.
    #[error("GEMINI_API_KEY has characters that can't be sent in a header")]
    Key,
    /// The base URL can't have a path.
    #[error("GEMINI_BASE_URL is not an http or https URL")]
    BaseUrl,
}

/// The Gemini API.
#[derive(Debug)]
pub struct Gemini {
    client: ThreadLocalClient,
    settings: GeminiSettings,
    key: HeaderValue,
}

/// What stays the same over the attempts at one answer.
struct Call {
    url: Url,
    body: Bytes,
    deadlines: Deadlines,
}

impl Gemini {
    /// Prepares the calls; connects to nothing.
    ///
    /// # Errors
    ///
    /// [`GeminiSetupError`] when no request can be made of the settings.
    pub fn new(settings: GeminiSettings) -> Result<Self, GeminiSetupError> {
        let mut key = HeaderValue::from_str(settings.api_key.expose_secret())
            .map_err(|_| GeminiSetupError::Key)?;
        key.set_sensitive(true);
        if !matches!(settings.base_url.scheme(), "http" | "https") {
            return Err(GeminiSetupError::BaseUrl);
        }
        Ok(Self {
            client: ThreadLocalClient::new(Traffic::Streams, settings.connect_timeout),
            key,
            settings,
        })
    }

    /// Asks which models the key may use: the cheapest call that proves the key. Tried once.
    ///
    /// # Errors
    ///
    /// [`LlmError`], also when there is no answer within `deadline`.
    pub async fn list_models(&self, deadline: Duration) -> Result<Vec<String>, LlmError> {
        let deadlines = Deadlines { idle: deadline, total: Instant::now() + deadline };
        self.fetch_models(deadlines).await.map_err(|failure| failure.error)
    }

    /// Asks for an answer. Retries happen in here, before the first token only; dropping the
    /// future or the stream closes the connection.
    ///
    /// # Errors
    ///
    /// [`LlmError`] when the API gave no stream; later failures come in the stream.
    pub async fn generate(&self, model: &Model, prompt: &Prompt) -> Result<LlmStream, LlmError> {
        let settings = &self.settings;
        let request = GenerateRequest::new(
            prompt,
            model.sampling,
            settings.max_output_tokens,
            settings.temperature,
        );
        let body = serde_json::to_vec(&request).expect("strings and numbers are always JSON");
        let mut url = self.url(&format!("models/{}:streamGenerateContent", model.name));
        url.set_query(Some("alt=sse"));
        let total = Instant::now() + settings.total_timeout;
        let deadlines = Deadlines { idle: settings.idle_timeout, total };
        let call = Call { url, body: body.into(), deadlines };

        let mut schedule = RetrySchedule::new(settings, total);
        let mut attempt = 1_u32;
        loop {
            let failure = match self.attempt(&call).await {
                Ok(answer) => return Ok(Box::pin(answer)),
                Err(failure) => failure,
            };
            let Some(wait) = schedule.wait_after(&failure) else { return Err(failure.error) };
            tracing::warn!(
                model = %model.name,
                attempt,
                wait_ms = wait.as_millis(),
                cause = %failure,
                "the call of the model failed and is tried again"
            );
            sleep(wait).await;
            attempt += 1;
        }
    }

    async fn fetch_models(&self, deadlines: Deadlines) -> Result<Vec<String>, Failure> {
        let mut url = self.url("models");
        // The largest page there is: no second one to fetch.
        url.set_query(Some("pageSize=1000"));
        let request = self.client.get().get(url).header(KEY_HEADER, self.key.clone());
        let response = within(deadlines, http::send(Peer::Gemini, request))
            .await?
            .map_err(connection_failure)?;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response, deadlines).await);
        }
        let body = within(deadlines, read_limited(response, MAX_MODEL_LIST)).await?;
        let body = body.map_err(|error| match error {
            BodyError::TooLarge { .. } => Failure::malformed(error.to_string()),
            BodyError::Broken(cause) => Failure::unreachable(cause),
        })?;
        let list: ModelList = serde_json::from_slice(&body)
            .map_err(|_| Failure::malformed("the model list can't be read"))?;
        let names = list.models.into_iter().map(|model| model.name);
        Ok(names.map(|name| name.trim_start_matches("models/").to_owned()).collect())
    }

    /// One request, up to the first event of its answer.
    async fn attempt(
        &self,
        call: &Call,
    ) -> Result<AnswerStream<impl Stream<Item = Result<Bytes, String>> + use<>>, Failure> {
        let request = self
            .client
            .get()
            .post(call.url.clone())
            .header(KEY_HEADER, self.key.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(call.body.clone());
        let response = within(call.deadlines, http::send(Peer::Gemini, request))
            .await?
            .map_err(connection_failure)?;
        if response.status() != StatusCode::OK {
            return Err(self.refusal(response, call.deadlines).await);
        }
        check_content_type(&response)?;
        let body = Box::pin(response.bytes_stream().map_err(http::describe));
        let parser = AnswerParser::new();
        let mut answer = AnswerStream::new(body, parser, call.deadlines);
        answer.reach_first_event().await?;
        Ok(answer)
    }

    /// Reads an error answer. The status decides; a body that can't be read changes nothing.
    async fn refusal(&self, response: Response, deadlines: Deadlines) -> Failure {
        let status = response.status().as_u16();
        let retry_after = failure::retry_after(response.headers());
        let body = within(deadlines, read_limited(response, MAX_ERROR_BODY)).await;
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        let error = wire::error_in(&body);
        Failure::from_status(status, retry_after, error.as_ref())
    }

    /// `{base}/v1beta/{path}`, whether or not the base ends with a slash.
    fn url(&self, path: &str) -> Url {
        let mut url = self.settings.base_url.clone();
        let base = url.path().trim_end_matches('/');
        let path = format!("{base}/v1beta/{path}");
        url.set_path(&path);
        url.set_query(None);
        url.set_fragment(None);
        url
    }
}

#[async_trait]
impl TestWriter for Gemini {
    /// All of them: what it is told of a language is the prompt's.
    fn writes(&self, _: LanguageCode) -> bool {
        true
    }

    fn version(&self) -> &str {
        languages::PROMPT_VERSION
    }

    async fn write(
        &self,
        request: &GenerationRequest,
        id: GenerationId,
    ) -> Result<Writing, WriterError> {
        let Writer::Model(model) = &request.writer else {
            // As the API would answer a name that is no model's.
            let reason = "NOT_FOUND".to_owned();
            return Err(LlmError::Rejected { status: 404, reason }.into());
        };
        let answer = self.generate(model, &languages::prompt(request, id)).await?;
        Ok(answer.map(|event| Ok(event?.into())).boxed())
    }
}

impl From<LlmEvent> for WritingEvent {
    fn from(event: LlmEvent) -> Self {
        match event {
            LlmEvent::Text(text) => Self::Answer(text),
            LlmEvent::Finished { model_version, usage } => {
                Self::Finished { version: model_version, usage, suite: None }
            }
        }
    }
}

/// Awaits a step of a call until the deadline that comes first.
async fn within<F: Future>(deadlines: Deadlines, step: F) -> Result<F::Output, Failure> {
    let (at, deadline) = deadlines.next(Instant::now());
    timeout_at(at, step).await.map_err(|_| Failure::timeout(deadline))
}

fn connection_failure(error: reqwest::Error) -> Failure {
    Failure::unreachable(http::describe(error))
}

/// A 200 of a proxy's login page is no answer. JSON is let through: errors come in it.
fn check_content_type(response: &Response) -> Result<(), Failure> {
    let Some(value) = response.headers().get(CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let known = ["text/event-stream", "application/json"];
    if known.iter().any(|known| essence.eq_ignore_ascii_case(known)) {
        return Ok(());
    }
    Err(Failure::malformed("its content type is not that of an event stream"))
}
