//! From bytes to the events of an answer. No I/O in here.

use super::failure::{self, Failure};
use super::wire::{Candidate, FinishReason, GenerateResponse, PromptFeedback, error_in};
use crate::domain::{ModelName, TokenUsage};
use crate::gateways::sse::{Decoder, Frame};
use crate::gateways::{LlmError, LlmEvent};

/// Reads a streamed answer. Bytes are pushed, events are taken; how the stream is cut into pushes
/// makes no difference to what comes out.
///
/// Where the API leaves room, this is how it is read:
///
/// - `STOP` may stand on every chunk, so only the end of the stream completes an answer, and a
///   connection that breaks after a `STOP` still broke ([`Self::broken`]): what came may be half.
/// - Any other reason is final whatever follows, also a broken connection.
/// - Text that ends in good order without any reason is an answer: the protocol calls a stream
///   an error only if it has neither. It is logged.
/// - A reason without any text is an error: nobody should pay for an empty file.
/// - An event that the end of the stream cut short is part of the answer if it parses; if not,
///   the answer lacks its end and is an error.
#[derive(Debug)]
pub struct AnswerParser {
    decoder: Decoder,
    text: TextSeen,
    reason: Option<FinishReason>,
    usage: TokenUsage,
    model_version: Option<String>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextSeen {
    No,
    Yes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// More bytes may come.
    Open,
    /// The stream has ended in good order; its last frames may still wait.
    Ended,
    /// The last event was handed out.
    Over,
}

impl Default for AnswerParser {
    fn default() -> Self {
        Self::new()
    }
}

impl AnswerParser {
    /// A parser at the start of a stream.
    #[must_use]
    pub fn new() -> Self {
        Self {
            decoder: Decoder::new(),
            text: TextSeen::No,
            reason: None,
            usage: TokenUsage::default(),
            model_version: None,
            state: State::Open,
        }
    }

    /// Takes in the next bytes. Take the events out before the next push: they wait in memory.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.state == State::Open {
            self.decoder.push(bytes);
        }
    }

    /// Says that the stream ended in good order.
    pub fn finish(&mut self) {
        if self.state == State::Open {
            self.decoder.finish();
            self.state = State::Ended;
        }
    }

    /// The next event, `None` when there is none yet or there was the last: an error or
    /// [`LlmEvent::Finished`].
    pub fn next_event(&mut self) -> Option<Result<LlmEvent, Failure>> {
        while self.state != State::Over {
            let read = match self.decoder.next_frame() {
                Some(Ok(frame)) => self.read(&frame),
                Some(Err(too_large)) => Err(Failure::malformed(too_large.to_string())),
                None if self.state == State::Ended => {
                    self.state = State::Over;
                    return Some(self.conclude());
                }
                None => return None,
            };
            match read {
                Ok(text) if text.is_empty() => {}
                Ok(text) => {
                    self.text = TextSeen::Yes;
                    return Some(Ok(LlmEvent::Text(text)));
                }
                Err(failure) => {
                    self.state = State::Over;
                    return Some(Err(failure));
                }
            }
        }
        None
    }

    /// What it means that the connection broke here.
    pub fn broken(&mut self, cause: String) -> Failure {
        self.state = State::Over;
        self.stopped().unwrap_or_else(|| Failure::unreachable(cause))
    }

    /// Takes the text out of a frame and notes the rest of it.
    fn read(&mut self, frame: &Frame) -> Result<String, Failure> {
        let data = match frame {
            Frame::Event(event) | Frame::Tail(event) => event.data.as_str(),
            Frame::Bare(json) => return Err(Self::bare(json)),
        };
        if data.trim().is_empty() {
            return Ok(String::new());
        }
        let response: GenerateResponse = serde_json::from_str(data).map_err(|error| {
            // The parser's words may quote the answer; where it failed says enough.
            match frame {
                Frame::Tail(_) => Failure::malformed("the stream ended in the middle of an event"),
                _ => error_in(data.as_bytes()).map_or_else(
                    || {
                        Failure::malformed(format!(
                            "an event can't be read: {:?}",
                            error.classify()
                        ))
                    },
                    |error| Failure::from_stream(&error),
                ),
            }
        })?;
        self.note(response)
    }

    fn note(&mut self, response: GenerateResponse) -> Result<String, Failure> {
        if let Some(error) = response.error {
            return Err(Failure::from_stream(&error));
        }
        if let Some(usage) = response.usage_metadata {
            self.usage = usage.into();
        }
        if response.model_version.is_some() {
            self.model_version = response.model_version;
        }
        if let Some(reason) = response.prompt_feedback.and_then(PromptFeedback::block_reason) {
            let reason = failure::name(&reason);
            return Err(Failure::last(LlmError::Blocked { reason }));
        }
        // One candidate was asked for; a second would be another answer.
        let Some(mut candidate) = response.candidates.and_then(first) else {
            return Ok(String::new());
        };
        if let Some(reason) = candidate.take_finish_reason()
            && matches!(self.reason, None | Some(FinishReason::Stop))
        {
            self.reason = Some(reason);
        }
        Ok(candidate.take_text())
    }

    fn bare(json: &str) -> Failure {
        error_in(json.as_bytes()).map_or_else(
            || Failure::malformed("JSON outside of an event"),
            |error| Failure::from_stream(&error),
        )
    }

    /// The end of a stream that ended in good order.
    fn conclude(&mut self) -> Result<LlmEvent, Failure> {
        if let Some(failure) = self.stopped() {
            return Err(failure);
        }
        match (self.text, &self.reason) {
            (TextSeen::No, None) => {
                return Err(Failure::malformed("it ended without text and without a reason"));
            }
            (TextSeen::No, Some(_)) => return Err(Failure::malformed("it has no text")),
            (TextSeen::Yes, None) => tracing::warn!("the model's answer ended without a reason"),
            (TextSeen::Yes, Some(_)) => {}
        }
        Ok(LlmEvent::Finished { model_version: self.take_model_version(), usage: self.usage })
    }

    /// The failure that a finish reason other than `STOP` stands for.
    fn stopped(&self) -> Option<Failure> {
        match self.reason.as_ref()? {
            FinishReason::Stop => None,
            FinishReason::MaxTokens => {
                Some(Failure::last(LlmError::Truncated { usage: self.usage }))
            }
            FinishReason::Malformed(name) => Some(Failure::malformed(failure::name(name))),
            FinishReason::Stopped(name) => {
                let reason = failure::name(name);
                Some(Failure::last(LlmError::Blocked { reason }))
            }
        }
    }

    /// Only a name that fits where names are stored and logged.
    fn take_model_version(&mut self) -> Option<String> {
        let name = self.model_version.take()?;
        let name = ModelName::parse(name.strip_prefix("models/").unwrap_or(&name)).ok()?;
        Some(name.into())
    }
}

fn first(candidates: Vec<Candidate>) -> Option<Candidate> {
    candidates.into_iter().next()
}

#[cfg(test)]
mod tests;
