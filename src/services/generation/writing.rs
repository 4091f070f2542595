//! Tests on their way from whoever writes them to the client.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::meter::Meter;
use super::order::{GenerationEvent, Order};
use crate::domain::{GenerationId, GenerationRequest, SuiteReport, TokenUsage};
use crate::gateways::{LlmError, TestWriter, WriterError, WritingEvent};
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
    pub(super) suite: Option<SuiteReport>,
}

/// Why an answer did not end well.
pub(super) enum Interruption {
    ClientLeft,
    CutOff,
    Writer(WriterError),
}

impl From<ClientGone> for Interruption {
    fn from(ClientGone: ClientGone) -> Self {
        Self::ClientLeft
    }
}

impl From<WriterError> for Interruption {
    fn from(error: WriterError) -> Self {
        Self::Writer(error)
    }
}

impl From<LlmError> for Interruption {
    fn from(error: LlmError) -> Self {
        WriterError::from(error).into()
    }
}

/// Passes the tests on as they come, fences of a model taken off.
pub(super) async fn stream_tests(
    task: &Task<'_>,
    request: &GenerationRequest,
    writer: &dyn TestWriter,
    written: &mut Written,
) -> Result<Finished, Interruption> {
    let mut writing = writer.write(request, task.id).await?;
    let mut fences = FenceStripper::new();
    let ended = loop {
        match writing.next().await {
            Some(Ok(WritingEvent::Step(step))) => task.send(GenerationEvent::Step(step)).await?,
            Some(Ok(WritingEvent::Answer(text))) => {
                written.pass_on(fences.push(&text), task).await?;
            }
            Some(Ok(WritingEvent::Test(text))) => written.pass_on(text, task).await?,
            Some(Ok(WritingEvent::Finished { version, usage, suite })) => {
                let model = version.unwrap_or_else(|| request.writer.name().to_owned());
                break Ok(Finished { model, usage, suite });
            }
            Some(Err(error)) => break Err(error),
            None => {
                let cause = "the stream ended without its end".to_owned();
                break Err(LlmError::Malformed(cause).into());
            }
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
