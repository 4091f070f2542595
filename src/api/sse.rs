//! Server-sent events, outgoing: frames exactly as the contract has them, comments to keep a silent
//! stream alive.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{BufMut as _, Bytes, BytesMut};
use futures_util::Stream;
use metrics::{Gauge, gauge};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};

/// Frames that are ready together travel together, up to about this many bytes: one write for many
/// frames when the model is fast, and no more memory than a socket buffer holds anyway.
const COALESCED_BYTES: usize = 16 * 1024;

/// A comment: clients that parse line by line ignore it, proxies see traffic.
const HEARTBEAT: &[u8] = b": keep-alive\n\n";

/// Something that can be written as one frame.
pub(super) trait Frame {
    /// Appends the frame with its empty line.
    fn write(self, out: &mut BytesMut);
}

/// Appends `event: NAME` (when there is a name) and one `data:` line of JSON.
pub(super) fn write_frame(out: &mut BytesMut, event: Option<&str>, data: &impl Serialize) {
    if let Some(event) = event {
        out.put_slice(b"event: ");
        out.put_slice(event.as_bytes());
        out.put_slice(b"\n");
    }
    out.put_slice(b"data: ");
    // serde_json escapes every line break in strings, so the data stays on its line.
    serde_json::to_writer((&mut *out).writer(), data)
        .expect("frames are plain structs and memory is written to");
    out.put_slice(b"\n\n");
}

/// A stream of events as the body of a response. Ends when the sender is dropped; dropping it is how
/// the sender learns that the client left.
struct EventBody<E, F> {
    events: mpsc::Receiver<E>,
    to_frame: F,
    silence: Pin<Box<Sleep>>,
    heartbeat: Duration,
    ended: bool,
    _open: OpenStream,
}

/// What a stream is of, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Generate,
    Execute,
}

/// Counts as open until dropped.
struct OpenStream(Gauge);

impl OpenStream {
    fn of(kind: Kind) -> Self {
        let kind = match kind {
            Kind::Generate => "generate",
            Kind::Execute => "execute",
        };
        let gauge = gauge!("tester_streams_open", "kind" => kind);
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}

impl<E, F, R> Stream for EventBody<E, F>
where
    F: Fn(E) -> R + Unpin,
    R: Frame,
{
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let body = self.get_mut();
        if body.ended {
            return Poll::Ready(None);
        }
        let mut out = BytesMut::new();
        while out.len() < COALESCED_BYTES {
            match body.events.poll_recv(cx) {
                Poll::Ready(Some(event)) => (body.to_frame)(event).write(&mut out),
                Poll::Ready(None) => {
                    body.ended = true;
                    break;
                }
                Poll::Pending => break,
            }
        }
        if out.is_empty() {
            if body.ended {
                return Poll::Ready(None);
            }
            if body.silence.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            out.put_slice(HEARTBEAT);
        }
        body.silence.as_mut().reset(Instant::now() + body.heartbeat);
        Poll::Ready(Some(Ok(out.freeze())))
    }
}

/// The response that streams these events, each turned into a frame.
pub(super) fn respond<E, F, R>(
    kind: Kind,
    events: mpsc::Receiver<E>,
    to_frame: F,
    heartbeat: Duration,
) -> HttpResponse
where
    E: 'static,
    F: Fn(E) -> R + Unpin + 'static,
    R: Frame + 'static,
{
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-cache, no-transform"))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(EventBody {
            events,
            to_frame,
            silence: Box::pin(sleep(heartbeat)),
            heartbeat,
            ended: false,
            _open: OpenStream::of(kind),
        })
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;

    use super::*;

    struct Text(&'static str);

    impl Frame for Text {
        fn write(self, out: &mut BytesMut) {
            write_frame(out, None, &self.0);
        }
    }

    fn body(events: mpsc::Receiver<Text>) -> EventBody<Text, fn(Text) -> Text> {
        let heartbeat = Duration::from_secs(15);
        let silence = Box::pin(sleep(heartbeat));
        EventBody {
            events,
            to_frame: |text| text,
            silence,
            heartbeat,
            ended: false,
            _open: OpenStream::of(Kind::Execute),
        }
    }

    #[test]
    fn a_frame_is_one_data_line_whatever_the_text() {
        let mut out = BytesMut::new();
        write_frame(&mut out, Some("message"), &"a\r\nb\n\n\u{2028}c");
        assert_eq!(&out[..], "event: message\ndata: \"a\\r\\nb\\n\\n\u{2028}c\"\n\n".as_bytes());
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_by_comments_and_frames_restart_the_clock() {
        let (sender, receiver) = mpsc::channel(4);
        let mut body = body(receiver);
        let started = Instant::now();
        assert_eq!(body.next().await, Some(Ok(Bytes::from_static(HEARTBEAT))));
        assert_eq!(started.elapsed().as_secs(), 15);
        sender.send(Text("x")).await.expect("the body is there");
        assert_eq!(body.next().await, Some(Ok(Bytes::from_static(b"data: \"x\"\n\n"))));
        assert_eq!(body.next().await, Some(Ok(Bytes::from_static(HEARTBEAT))));
        assert_eq!(started.elapsed().as_secs(), 30);
    }

    #[tokio::test]
    async fn frames_that_are_ready_travel_together_and_the_end_follows() {
        let (sender, receiver) = mpsc::channel(4);
        let mut body = body(receiver);
        for text in ["a", "b"] {
            sender.send(Text(text)).await.expect("the body is there");
        }
        drop(sender);
        let expected = Bytes::from_static(b"data: \"a\"\n\ndata: \"b\"\n\n");
        assert_eq!(body.next().await, Some(Ok(expected)));
        assert_eq!(body.next().await, None);
    }
}
