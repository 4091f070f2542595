//! The model's answer on its way to the client.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::meter::Meter;
use super::order::{GenerationEvent, Order};
use crate::domain::{GenerationId, TokenUsage};
use crate::gateways::{LlmError, LlmEvent, LlmProvider};
use crate::languages;
use crate::services::fences::FenceStripper;

/// How long a client may leave its stream unread. It holds a connection to the model meanwhile,
/// and nobody who watches tests being written pauses reading for a minute.
const STALLED_CLIENT_AFTER: Duration = Duration::from_mins(1);

/// Largest answer kept, in bytes: several times what the output limit of the models allows, so
/// only an answer that makes no sense meets it.
const ANSWER_MAX_BYTES: usize = 2 * 1024 * 1024;

/// One order while it is filled.
pub(super) struct Task<'a> {
    pub(super) id: GenerationId,
    pub(super) order: &'a Order,
    pub(super) events: &'a mpsc::Sender<GenerationEvent>,
    pub(super) meter: &'a Meter,
}

impl Task<'_> {
    /// Hands an event on; waits while the client reads slowly.
    pub(super) async fn send(&self, event: GenerationEvent) -> Result<(), ClientGone> {
        match self.events.try_send(event) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(ClientGone),
            Err(mpsc::error::TrySendError::Full(event)) => {
                self.events.send_timeout(event, STALLED_CLIENT_AFTER).await.map_err(|_| ClientGone)
            }
        }
    }
}

/// The client closed its stream or stopped reading it.
pub(super) struct ClientGone;

/// What reached the client's buffer so far. Lives outside of the streaming future, which may be
/// cut off at any point.
#[derive(Default)]
pub(super) struct Written {
    pub(super) code: String,
    pub(super) reached_client: bool,
}

/// How an answer ended well.
pub(super) struct Finished {
    pub(super) model: String,
    pub(super) usage: TokenUsage,
}

/// Why an answer did not end well.
pub(super) enum Interruption {
    ClientLeft,
    CutOff,
    Model(LlmError),
}

impl From<ClientGone> for Interruption {
    fn from(ClientGone: ClientGone) -> Self {
        Self::ClientLeft
    }
}

impl From<LlmError> for Interruption {
    fn from(error: LlmError) -> Self {
        Self::Model(error)
    }
}

/// Passes the model's answer on, chunk by chunk, fences taken off.
pub(super) async fn stream_answer(
    task: &Task<'_>,
    provider: &dyn LlmProvider,
    written: &mut Written,
) -> Result<Finished, Interruption> {
    let request = &task.order.request;
    let prompt = languages::prompt(request, task.id);
    let mut answer = provider.generate(&request.model, prompt).await?;
    let mut fences = FenceStripper::new();
    let ended = loop {
        match answer.next().await {
            Some(Ok(LlmEvent::Text(text))) => {
                written.pass_on(fences.push(&text), task).await?;
            }
            Some(Ok(LlmEvent::Finished { model_version, usage })) => {
                let model = model_version.unwrap_or_else(|| request.model.name.to_string());
                break Ok(Finished { model, usage });
            }
            Some(Err(error)) => break Err(error),
            None => break Err(LlmError::Malformed("the stream ended without its end".to_owned())),
        }
    };
    // The tail that might have been a fence: with a cut answer too, the code so far stays.
    written.pass_on(fences.finish(), task).await?;
    let finished = ended?;
    if written.code.trim().is_empty() {
        return Err(LlmError::Malformed("the answer has no text".to_owned()).into());
    }
    Ok(finished)
}

impl Written {
    async fn pass_on(&mut self, text: String, task: &Task<'_>) -> Result<(), Interruption> {
        if text.is_empty() {
            return Ok(());
        }
        if self.code.len() + text.len() > ANSWER_MAX_BYTES {
            return Err(LlmError::Malformed("the answer is absurdly long".to_owned()).into());
        }
        self.code.push_str(&text);
        task.send(GenerationEvent::Chunk(text)).await?;
        if !self.reached_client {
            task.meter.first_chunk();
            self.reached_client = true;
        }
        Ok(())
    }
}
