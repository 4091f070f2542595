//! An answer on the wire: the parser, the body it reads, and the deadlines on both.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::poll_fn;
use tokio::time::{Instant, Sleep, sleep_until};

use super::answer::AnswerParser;
use super::failure::Failure;
use crate::gateways::{LlmDeadline, LlmError, LlmEvent};

/// The two deadlines of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// Longest silence.
    pub(super) idle: Duration,
    /// When the whole answer must be there.
    pub(super) total: Instant,
}

impl Deadlines {
    /// The next one to be missed if nothing is heard after `since`.
    pub(super) fn next(&self, since: Instant) -> (Instant, LlmDeadline) {
        // A silence longer than the clock can tell is no limit.
        match since.checked_add(self.idle) {
            Some(idle) if idle < self.total => (idle, LlmDeadline::Idle),
            _ => (self.total, LlmDeadline::Total),
        }
    }
}

/// Events of one answer. Polls the body directly; the connection is given up as soon as the
/// answer ends or the stream is dropped.
pub(super) struct AnswerStream<S> {
    /// `None` once the answer is over.
    body: Option<S>,
    parser: AnswerParser,
    deadlines: Deadlines,
    /// When bytes last came.
    heard: Instant,
    /// Rings at a deadline that was the next at some time. It is set anew when it rings, not when
    /// bytes come: chunks are many, deadlines are few.
    alarm: Pin<Box<Sleep>>,
    /// The event that was awaited before the stream was handed on.
    first: Option<LlmEvent>,
}

impl<S> AnswerStream<S>
where
    S: Stream<Item = Result<Bytes, String>> + Unpin,
{
    pub(super) fn new(body: S, parser: AnswerParser, deadlines: Deadlines) -> Self {
        let heard = Instant::now();
        let alarm = Box::pin(sleep_until(deadlines.next(heard).0));
        Self { body: Some(body), parser, deadlines, heard, alarm, first: None }
    }

    /// Waits for the first event and keeps it. An error up to here may be retried.
    pub(super) async fn reach_first_event(&mut self) -> Result<(), Failure> {
        self.first = poll_fn(|cx| self.poll_event(cx)).await.transpose()?;
        Ok(())
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<LlmEvent, Failure>>> {
        loop {
            if let Some(event) = self.parser.next_event() {
                if !matches!(event, Ok(LlmEvent::Text(_))) {
                    self.body = None;
                }
                return Poll::Ready(Some(event));
            }
            let Some(body) = &mut self.body else { return Poll::Ready(None) };
            // Bytes before deadlines: what came in time counts, also if it was not read in time.
            match Pin::new(body).poll_next(cx) {
                Poll::Ready(Some(Ok(bytes))) => {
                    self.heard = Instant::now();
                    if self.heard >= self.deadlines.total {
                        return self.give_up(Failure::timeout(LlmDeadline::Total));
                    }
                    self.parser.push(&bytes);
                }
                Poll::Ready(Some(Err(cause))) => {
                    let failure = self.parser.broken(cause);
                    return self.give_up(failure);
                }
                Poll::Ready(None) => self.parser.finish(),
                Poll::Pending => {
                    let missed = ready!(self.poll_deadline(cx));
                    return self.give_up(Failure::timeout(missed));
                }
            }
        }
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<LlmDeadline> {
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let (at, deadline) = self.deadlines.next(self.heard);
            if Instant::now() >= at {
                return Poll::Ready(deadline);
            }
            self.alarm.as_mut().reset(at);
        }
    }

    fn give_up(&mut self, failure: Failure) -> Poll<Option<Result<LlmEvent, Failure>>> {
        self.body = None;
        Poll::Ready(Some(Err(failure)))
    }
}

impl<S> Stream for AnswerStream<S>
where
    S: Stream<Item = Result<Bytes, String>> + Unpin,
{
    type Item = Result<LlmEvent, LlmError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(event) = this.first.take() {
            return Poll::Ready(Some(Ok(event)));
        }
        this.poll_event(cx).map(|event| event.map(|event| event.map_err(|failure| failure.error)))
    }
}

#[cfg(test)]
mod tests;
