use std::io;
use std::time::Duration;

use serde_json::{Value, json};

use super::failure::write_failure;
use super::{Ending, Failure};
use crate::gate::Gate;
use crate::http::Connection;

/// What the peer does with one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Status 200 and a stream of events.
    Stream(StreamedAnswer),
    /// An error status with a JSON body.
    Failure(Failure),
    /// Nothing at all: not even a status line. The connection stays open until the caller closes.
    Silence,
    /// The connection breaks before a status line.
    Break(Breakage),
}

impl From<StreamedAnswer> for Answer {
    fn from(answer: StreamedAnswer) -> Self {
        Self::Stream(answer)
    }
}

impl From<Failure> for Answer {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl Answer {
    /// Writes the answer, watching for the caller to leave wherever the peer waits.
    pub(super) async fn play(
        self,
        mut connection: Connection,
        model: &str,
        report: impl Fn(usize),
    ) -> (Ending, io::Result<Connection>) {
        let written = match &self {
            Self::Silence => {
                connection.closed_by_caller().await;
                Ok(Ending::ClosedByCaller)
            }
            Self::Break(_) => Ok(Ending::Broken),
            Self::Failure(failure) => {
                write_failure(&mut connection, failure).await.map(|()| Ending::Answered)
            }
            Self::Stream(answer) => answer.write(&mut connection, model, report).await,
        };
        match written {
            Ok(Ending::Broken) => {
                let resets = matches!(
                    self,
                    Self::Break(Breakage::Reset)
                        | Self::Stream(StreamedAnswer { end: End::Break(Breakage::Reset), .. })
                );
                if resets {
                    connection.reset_when_dropped();
                }
                (Ending::Broken, Err(io::Error::other("broken on order")))
            }
            Ok(Ending::Answered) => (Ending::Answered, Ok(connection)),
            Ok(Ending::ClosedByCaller) | Err(_) => {
                (Ending::ClosedByCaller, Err(io::ErrorKind::ConnectionAborted.into()))
            }
        }
    }
}

/// The numbers of `usageMetadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// `promptTokenCount`.
    pub prompt: u64,
    /// `candidatesTokenCount` of the last event; earlier events count up to it.
    pub output: u64,
    /// `thoughtsTokenCount`.
    pub thoughts: u64,
}

/// How a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakage {
    /// TCP FIN in the middle of the chunked body.
    Close,
    /// TCP RST. What the caller has not read yet may be lost.
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Orderly,
    Break(Breakage),
    Hang,
}

/// Where the body is cut into segments (each one HTTP chunk and one write).
#[derive(Clone, Debug)]
enum Cuts {
    AfterEvents,
    Every(usize),
    At(Vec<usize>),
}

#[derive(Clone, Debug)]
enum Frame {
    /// An event of the model; gets the frame of an event.
    Event(Value),
    /// Bytes as they are.
    Raw(Vec<u8>),
}

/// A 200 answer, event by event. Every method returns the answer changed.
#[derive(Clone, Debug)]
pub struct StreamedAnswer {
    frames: Vec<Frame>,
    line_end: &'static str,
    cuts: Cuts,
    pace: Option<Duration>,
    gate: Option<Gate>,
    last_blank_line: bool,
    content_type: String,
    model_version: Option<String>,
    end: End,
}

impl StreamedAnswer {
    /// One event a piece, `finishReason: STOP` and usage in the last, as the model does it.
    #[must_use]
    pub fn text<S: Into<String>>(pieces: impl IntoIterator<Item = S>) -> Self {
        let parts = pieces.into_iter().map(|piece| json!({"text": piece.into()}));
        let events = parts.map(|part| json!({"candidates": [candidate(&part)]})).collect();
        Self::events(events)
            .usage(Usage { prompt: 7, output: 5, thoughts: 0 })
            .finish_reason("STOP")
    }

    /// These events and nothing else.
    #[must_use]
    pub fn events(events: Vec<Value>) -> Self {
        Self {
            frames: events.into_iter().map(Frame::Event).collect(),
            line_end: "\n",
            cuts: Cuts::AfterEvents,
            pace: None,
            gate: None,
            last_blank_line: true,
            content_type: "text/event-stream".to_owned(),
            model_version: None,
            end: End::Orderly,
        }
    }

    /// A body of these bytes, whatever they are.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        let mut answer = Self::events(Vec::new());
        answer.frames.push(Frame::Raw(bytes.into()));
        answer
    }

    /// A refused prompt: `promptFeedback.blockReason` and no candidate.
    #[must_use]
    pub fn blocked(reason: &str) -> Self {
        Self::events(vec![json!({
            "promptFeedback": {"blockReason": reason},
            "usageMetadata": {"promptTokenCount": 7, "totalTokenCount": 7},
        })])
    }

    /// A head and then nothing, until the caller closes.
    #[must_use]
    pub fn silent() -> Self {
        Self::events(Vec::new()).then_hang()
    }

    /// Puts events with `thought: true` parts in front.
    #[must_use]
    pub fn thinking<S: Into<String>>(mut self, thoughts: impl IntoIterator<Item = S>) -> Self {
        let events = thoughts.into_iter().map(|thought| {
            let part = json!({"text": thought.into(), "thought": true});
            Frame::Event(json!({"candidates": [candidate(&part)]}))
        });
        self.frames.splice(0..0, events);
        self
    }

    /// The reason in the last event, `STOP` unless said otherwise.
    #[must_use]
    pub fn finish_reason(mut self, reason: &str) -> Self {
        if let Some(event) = self.events_mut().next_back() {
            set_finish_reason(event, reason);
        }
        self
    }

    /// No reason anywhere.
    #[must_use]
    pub fn without_finish_reason(mut self) -> Self {
        for event in self.events_mut() {
            if let Some(candidate) = event.pointer_mut("/candidates/0") {
                candidate.as_object_mut().map(|candidate| candidate.remove("finishReason"));
            }
        }
        self
    }

    /// `finishReason: STOP` in every event, as some models do.
    #[must_use]
    pub fn stop_on_every_event(mut self) -> Self {
        for event in self.events_mut() {
            set_finish_reason(event, "STOP");
        }
        self
    }

    /// Cumulative usage: the last event carries these numbers, earlier ones count up to them.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        let count = self.events_mut().count() as u64;
        for (index, event) in (1_u64..).zip(self.events_mut()) {
            let output = usage.output * index / count;
            event["usageMetadata"] = json!({
                "promptTokenCount": usage.prompt,
                "candidatesTokenCount": output,
                "thoughtsTokenCount": usage.thoughts,
                "totalTokenCount": usage.prompt + output + usage.thoughts,
            });
        }
        self
    }

    /// The `modelVersion` of every event; the model of the request unless said otherwise.
    #[must_use]
    pub fn model_version(mut self, name: &str) -> Self {
        self.model_version = Some(name.to_owned());
        self
    }

    /// Adds an event.
    #[must_use]
    pub fn then_event(mut self, event: Value) -> Self {
        self.frames.push(Frame::Event(event));
        self
    }

    /// Adds an error event: `data: {"error":{…}}`.
    #[must_use]
    pub fn then_error(self, failure: &Failure) -> Self {
        self.then_event(failure.body())
    }

    /// Adds an error as bare JSON lines without `data:`, as the API does at times.
    #[must_use]
    pub fn then_bare_error(self, failure: &Failure) -> Self {
        let text = format!("{:#}\n", failure.body());
        self.then_raw(text)
    }

    /// Adds bytes as they are.
    #[must_use]
    pub fn then_raw(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.frames.push(Frame::Raw(bytes.into()));
        self
    }

    /// Breaks the connection after the last segment instead of ending the body.
    #[must_use]
    pub const fn then_break(mut self, breakage: Breakage) -> Self {
        self.end = End::Break(breakage);
        self
    }

    /// Goes silent after the last segment, until the caller closes.
    #[must_use]
    pub const fn then_hang(mut self) -> Self {
        self.end = End::Hang;
        self
    }

    /// `\r\n` line ends.
    #[must_use]
    pub const fn crlf(mut self) -> Self {
        self.line_end = "\r\n";
        self
    }

    /// `\r` line ends: legal, and seen nowhere yet.
    #[must_use]
    pub const fn cr(mut self) -> Self {
        self.line_end = "\r";
        self
    }

    /// Leaves out the blank line after the last event.
    #[must_use]
    pub const fn without_last_blank_line(mut self) -> Self {
        self.last_blank_line = false;
        self
    }

    /// Cuts the body every so many bytes, also in the middle of a character.
    ///
    /// # Panics
    ///
    /// At 0.
    #[must_use]
    pub fn cut_every(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "a segment has at least one byte");
        self.cuts = Cuts::Every(bytes);
        self
    }

    /// Cuts the body at these offsets; those out of order or out of range are passed over.
    #[must_use]
    pub fn cut_at(mut self, offsets: impl IntoIterator<Item = usize>) -> Self {
        self.cuts = Cuts::At(offsets.into_iter().collect());
        self
    }

    /// Waits this long before each segment but the first.
    #[must_use]
    pub const fn paced(mut self, pace: Duration) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Waits at the gate before each segment and before the orderly end of the body.
    #[must_use]
    pub fn gated(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Another `Content-Type` than `text/event-stream`.
    #[must_use]
    pub fn content_type(mut self, value: &str) -> Self {
        value.clone_into(&mut self.content_type);
        self
    }

    /// The body, for tests that want its bytes or its length.
    #[must_use]
    pub fn body(&self, model: &str) -> Vec<u8> {
        self.segments(model).concat()
    }

    fn events_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Value> {
        self.frames.iter_mut().filter_map(|frame| match frame {
            Frame::Event(event) => Some(event),
            Frame::Raw(_) => None,
        })
    }

    pub(super) fn segments(&self, model: &str) -> Vec<Vec<u8>> {
        let last = self.frames.len().saturating_sub(1);
        let framed: Vec<Vec<u8>> = self
            .frames
            .iter()
            .enumerate()
            .map(|(index, frame)| match frame {
                Frame::Raw(bytes) => bytes.clone(),
                Frame::Event(event) => {
                    let terminated = index < last || self.last_blank_line;
                    let end = if terminated { self.line_end.repeat(2) } else { String::new() };
                    format!("data: {}{end}", self.complete(event, model)).into_bytes()
                }
            })
            .collect();
        match &self.cuts {
            Cuts::AfterEvents => framed,
            Cuts::Every(bytes) => framed.concat().chunks(*bytes).map(<[u8]>::to_vec).collect(),
            Cuts::At(offsets) => cut(&framed.concat(), offsets),
        }
    }

    /// Adds what every event of an answer carries.
    fn complete(&self, event: &Value, model: &str) -> Value {
        let mut event = event.clone();
        let answers = event.get("candidates").is_some() || event.get("promptFeedback").is_some();
        if answers && event.get("modelVersion").is_none() {
            event["modelVersion"] = self.model_version.as_deref().unwrap_or(model).into();
            event["responseId"] = "peer-response".into();
        }
        event
    }

    async fn write(
        &self,
        connection: &mut Connection,
        model: &str,
        report: impl Fn(usize),
    ) -> io::Result<Ending> {
        connection.start_chunked(200, &[("content-type", &self.content_type)]).await?;
        for (index, segment) in self.segments(model).iter().enumerate() {
            tokio::select! {
                () = connection.closed_by_caller() => return Ok(Ending::ClosedByCaller),
                () = self.before_segment(index) => {}
            }
            connection.chunk(segment).await?;
            report(index + 1);
        }
        match self.end {
            End::Break(_) => Ok(Ending::Broken),
            End::Hang => {
                connection.closed_by_caller().await;
                Ok(Ending::ClosedByCaller)
            }
            End::Orderly => {
                if let Some(gate) = &self.gate {
                    tokio::select! {
                        () = connection.closed_by_caller() => return Ok(Ending::ClosedByCaller),
                        () = gate.pass() => {}
                    }
                }
                connection.finish().await.map(|()| Ending::Answered)
            }
        }
    }

    async fn before_segment(&self, index: usize) {
        if let Some(pace) = self.pace.filter(|_| index > 0) {
            tokio::time::sleep(pace).await;
        }
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
    }
}

fn candidate(part: &Value) -> Value {
    json!({"content": {"parts": [part], "role": "model"}, "index": 0})
}

fn set_finish_reason(event: &mut Value, reason: &str) {
    if let Some(candidate) = event.pointer_mut("/candidates/0") {
        candidate["finishReason"] = reason.into();
    }
}

fn cut(body: &[u8], offsets: &[usize]) -> Vec<Vec<u8>> {
    let mut segments = Vec::new();
    let mut start = 0;
    for &offset in offsets {
        if offset > start && offset < body.len() {
            segments.push(body[start..offset].to_vec());
            start = offset;
        }
    }
    segments.push(body[start..].to_vec());
    segments
}
