//! A Gemini that writes at a given pace and stamps every chunk with the time it left.
//!
//! It is the floor of the benchmark: all that a server under test adds is measured against a
//! client that talks to this peer directly. So it does as little as it can: a chunk is a prepared
//! buffer in which the digits of the stamp are replaced.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::http::{Connection, Server};

/// Stands before the digits of every stamp and nowhere else in an answer.
pub const STAMP_MARK: u8 = b'@';

/// Decimal digits of a stamp: nanoseconds since the peer's epoch, zero-padded. Lasts 115 days.
pub const STAMP_DIGITS: usize = 16;

/// What follows the stamp in each chunk: about as much as a fast model sends at once.
const LINE: &str = " assert normalise(total, scale=4) == expected, \\\"the sum is kept\\\"\\n";

/// How fast the chunks of one answer follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the reader takes them, each in a write of its own.
    Unpaced,
    /// One an interval. Streams are out of phase with each other, as real ones are.
    Every(Duration),
    /// The first at once, then silence until the caller leaves.
    HeldOpen,
}

/// What every answer that begins from now on looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    /// Chunks an answer has, at least one.
    pub chunks: u32,
    /// How fast they come.
    pub pace: Pace,
}

/// The running peer. Dropping it stops it and breaks its connections.
#[derive(Debug)]
pub struct PacedPeer {
    server: Server,
    script: Arc<Mutex<Script>>,
}

impl PacedPeer {
    /// Listens on a free loopback port. Stamps count from `epoch`, which a reader in the same
    /// process shares.
    ///
    /// # Errors
    ///
    /// When no port can be had.
    pub async fn start(epoch: Instant, script: Script) -> io::Result<Self> {
        let script = Arc::new(Mutex::new(script));
        let answer = Arc::new(Answer::prepare(epoch));
        let begun = Arc::new(AtomicU32::new(0));
        let server = {
            let script = Arc::clone(&script);
            Server::start(move |_, connection| {
                let script = *script.lock().unwrap_or_else(PoisonError::into_inner);
                let serial = begun.fetch_add(1, Ordering::Relaxed);
                let answer = Arc::clone(&answer);
                async move { answer.play(script, serial, connection).await }
            })
            .await?
        };
        Ok(Self { server, script })
    }

    /// Gives the answers that begin from now on another script.
    pub fn play(&self, script: Script) {
        *self.script.lock().unwrap_or_else(PoisonError::into_inner) = script;
    }

    /// Where the peer listens.
    #[must_use]
    pub const fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// The peer's root URL, for `GEMINI_BASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }
}

/// The prepared bytes of an answer.
#[derive(Debug)]
struct Answer {
    epoch: Instant,
    middle: Chunk,
    last: Chunk,
}

impl Answer {
    fn prepare(epoch: Instant) -> Self {
        Self { epoch, middle: Chunk::prepare(None), last: Chunk::prepare(Some("STOP")) }
    }

    async fn play(
        &self,
        script: Script,
        serial: u32,
        mut connection: Connection,
    ) -> io::Result<Connection> {
        connection.start_chunked(200, &[("content-type", "text/event-stream")]).await?;
        let mut middle = self.middle.clone();
        let mut ticks = match script.pace {
            Pace::Every(interval) => {
                let begin = Instant::now() + out_of_phase(serial, interval);
                let mut ticks = tokio::time::interval_at(begin.into(), interval);
                // A late tick is not made up for with a burst that no model would send.
                ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
                Some(ticks)
            }
            Pace::Unpaced | Pace::HeldOpen => None,
        };
        for _ in 1..script.chunks {
            match &mut ticks {
                Some(ticks) => {
                    ticks.tick().await;
                }
                // Otherwise one stream would fill its socket before the next may write.
                None => tokio::task::yield_now().await,
            }
            connection.raw(middle.stamped(self.epoch)).await?;
            if script.pace == Pace::HeldOpen {
                connection.closed_by_caller().await;
                return Ok(connection);
            }
        }
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        connection.raw(self.last.clone().stamped(self.epoch)).await?;
        connection.finish().await?;
        Ok(connection)
    }
}

/// Spreads the streams evenly over the interval however many there are: multiples of the golden
/// ratio never crowd.
fn out_of_phase(serial: u32, interval: Duration) -> Duration {
    /// 2³² divided by the golden ratio.
    const STEP: u32 = 0x9E37_79B9;
    let phase = f64::from(serial.wrapping_mul(STEP)) / f64::from(u32::MAX);
    interval.mul_f64(phase)
}

/// One event in its transfer coding, with room for a stamp.
#[derive(Clone, Debug)]
struct Chunk {
    bytes: Vec<u8>,
    /// Where the digits begin.
    digits: usize,
}

impl Chunk {
    fn prepare(finish_reason: Option<&str>) -> Self {
        let text = format!("{}{}", char::from(STAMP_MARK), "0".repeat(STAMP_DIGITS));
        let mut candidate = json!({
            "content": {"parts": [{"text": text}], "role": "model"},
            "index": 0,
        });
        if let Some(reason) = finish_reason {
            candidate["finishReason"] = reason.into();
        }
        let event = json!({
            "candidates": [candidate],
            "usageMetadata": {
                "promptTokenCount": 612, "candidatesTokenCount": 1024, "totalTokenCount": 1636,
            },
            "modelVersion": "gemini-3.8-flash",
            "responseId": "u1kkaYv3Cpu2vdIP8aK5sAE",
        });
        let event = event.to_string().replace(&text, &format!("{text}{LINE}"));
        let event = format!("data: {event}\r\n\r\n");
        let bytes = format!("{:x}\r\n{event}\r\n", event.len()).into_bytes();
        let mark = bytes.iter().position(|&byte| byte == STAMP_MARK);
        let digits = 1 + mark.expect("the text begins with the mark");
        Self { bytes, digits }
    }

    fn stamped(&mut self, epoch: Instant) -> &[u8] {
        let mut nanoseconds = epoch.elapsed().as_nanos();
        for digit in self.bytes[self.digits..][..STAMP_DIGITS].iter_mut().rev() {
            let value = u8::try_from(nanoseconds % 10).expect("a remainder of ten fits a byte");
            *digit = b'0' + value;
            nanoseconds /= 10;
        }
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    const REQUEST: &[u8] = b"POST /v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse \
        HTTP/1.1\r\nhost: peer\r\ncontent-length: 2\r\n\r\n{}";

    /// Reads up to and including the given ending.
    async fn read_until(stream: &mut TcpStream, ending: &[u8]) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(ending) {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "closed early");
        }
        String::from_utf8(bytes).unwrap()
    }

    async fn answer(peer: &PacedPeer) -> Vec<Value> {
        let mut stream = TcpStream::connect(peer.address()).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        let text = read_until(&mut stream, b"\r\n0\r\n\r\n").await;
        let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
        events.map(|event| serde_json::from_str(event).unwrap()).collect()
    }

    fn stamp(event: &Value) -> Duration {
        let text = event["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap();
        let digits = &text.strip_prefix(char::from(STAMP_MARK)).unwrap()[..STAMP_DIGITS];
        Duration::from_nanos(digits.parse().unwrap())
    }

    #[tokio::test]
    async fn an_answer_has_the_chunks_of_its_script_and_stops_on_the_last() {
        let script = Script { chunks: 3, pace: Pace::Unpaced };
        let peer = PacedPeer::start(Instant::now(), script).await.unwrap();

        let events = answer(&peer).await;

        let reasons: Vec<_> =
            events.iter().map(|event| event["candidates"][0]["finishReason"].as_str()).collect();
        assert_eq!(reasons, [None, None, Some("STOP")]);
    }

    #[tokio::test]
    async fn stamps_tell_when_a_chunk_left_and_keep_the_pace() {
        let interval = Duration::from_millis(5);
        let epoch = Instant::now();
        let script = Script { chunks: 4, pace: Pace::Every(interval) };
        let peer = PacedPeer::start(epoch, script).await.unwrap();

        let stamps: Vec<_> = answer(&peer).await.iter().map(stamp).collect();

        assert!(stamps.is_sorted(), "{stamps:?}");
        assert!(stamps[3] >= stamps[0] + interval.mul_f64(2.5), "{stamps:?}");
        assert!(stamps[3] <= epoch.elapsed(), "{stamps:?}");
    }

    #[tokio::test]
    async fn a_connection_carries_one_answer_after_another() {
        let script = Script { chunks: 1, pace: Pace::Unpaced };
        let peer = PacedPeer::start(Instant::now(), script).await.unwrap();
        let mut stream = TcpStream::connect(peer.address()).await.unwrap();

        for _ in 0..2 {
            stream.write_all(REQUEST).await.unwrap();
            let text = read_until(&mut stream, b"\r\n0\r\n\r\n").await;
            assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
        }
    }

    #[tokio::test]
    async fn a_held_answer_sends_its_first_chunk_and_waits_for_the_caller_to_leave() {
        let script = Script { chunks: 2, pace: Pace::HeldOpen };
        let peer = PacedPeer::start(Instant::now(), script).await.unwrap();
        let mut stream = TcpStream::connect(peer.address()).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        let first = read_until(&mut stream, b"\r\n\r\n\r\n").await;

        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();

        assert_eq!((first.matches("data: ").count(), rest.len()), (1, 0));
    }

    #[test]
    fn streams_begin_spread_over_the_interval() {
        let interval = Duration::from_millis(50);
        let mut phases: Vec<_> = (0..100).map(|serial| out_of_phase(serial, interval)).collect();

        phases.sort_unstable();

        assert!(phases.iter().all(|&phase| phase <= interval));
        assert!(phases.windows(2).all(|pair| pair[1] < pair[0] + Duration::from_millis(2)));
    }
}
