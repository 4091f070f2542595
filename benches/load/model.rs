//! The model: writes whatever the request's own source tells it to, so that whoever asked knows every
//! byte of the answer.

use std::io;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tester_peers::http::{Connection, Request, Server};

/// Stands in a source before the numbers of its script.
const MARK: &str = "# script ";

/// How an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// To its end.
    Whole,
    /// It is refused at once.
    Refused,
    /// Nothing comes but the head, until the caller leaves.
    SilentAtFirst,
    /// One chunk comes, and then nothing until the caller leaves.
    SilentThen,
}

/// What the model is to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    /// Distinct for each request: no two sources are the same, nor two answers.
    pub(crate) serial: u64,
    pub(crate) chunks: u64,
    pub(crate) pace: Duration,
    pub(crate) course: Course,
}

impl Course {
    const ALL: [Self; 4] = [Self::Whole, Self::Refused, Self::SilentAtFirst, Self::SilentThen];

    fn number(self) -> u64 {
        let position = (0..).zip(Self::ALL).find(|(_, course)| *course == self);
        position.map_or(0, |(number, _)| number)
    }
}

impl Script {
    /// Python that carries the script, without white space around it, which is not kept.
    pub(crate) fn source(self) -> String {
        let Self { serial, chunks, pace, course } = self;
        let (pace, course) = (pace.as_millis(), course.number());
        format!(
            "{MARK}{serial} {chunks} {pace} {course} .\n\
             def add_{serial}(left, right):\n    return left + right + {serial}"
        )
    }

    /// The whole answer.
    pub(crate) fn answer(self) -> String {
        (0..self.chunks).map(|index| chunk(self.serial, index)).collect()
    }

    /// Reads the script off a request whose text holds such a source, JSON or not.
    fn read(text: &str) -> Option<Self> {
        let (_, numbers) = text.split_once(MARK)?;
        let mut numbers = numbers.split(' ').map(str::parse::<u64>);
        let mut next = || numbers.next()?.ok();
        let (serial, chunks, pace, course) = (next()?, next()?, next()?, next()?);
        let course = *Course::ALL.get(usize::try_from(course).ok()?)?;
        Some(Self { serial, chunks, pace: Duration::from_millis(pace), course })
    }
}

/// A piece of an answer: of another length each time, with whatever is hard to carry.
fn chunk(serial: u64, index: u64) -> String {
    let mut random = (serial << 20) ^ index ^ 0x9E37_79B9_7F4A_7C15;
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    let filling = ["x", "한글", "\u{1F600}", "\\\"", "'''", "\\n", "\t", "\u{2028}"];
    let piece = filling[usize::try_from(random % 8).unwrap_or_default()];
    let times = usize::try_from(random >> 8 & 0x1F).unwrap_or_default();
    format!("def test_{serial}_{index}():\n    assert {random} != '{}'\n", piece.repeat(times))
}

/// Starts the model on a free loopback port.
pub(crate) async fn start() -> anyhow::Result<Server> {
    let server = Server::start(|request: Request, connection: Connection| async move {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        match Script::read(&text) {
            Some(script) => play(script, connection).await,
            None => refuse(connection).await,
        }
    });
    server.await.context("starting the model")
}

async fn play(script: Script, mut connection: Connection) -> io::Result<Connection> {
    if script.course == Course::Refused {
        return refuse(connection).await;
    }
    connection.start_chunked(200, &[("content-type", "text/event-stream")]).await?;
    for index in 0..script.chunks {
        let silent = match script.course {
            Course::Whole | Course::Refused => false,
            Course::SilentAtFirst => true,
            Course::SilentThen => index > 0,
        };
        if silent {
            connection.closed_by_caller().await;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if index > 0 && !script.pace.is_zero() {
            tokio::time::sleep(script.pace).await;
        }
        let event = event(script, index).into_bytes();
        // Now and then a piece is cut in two, wherever that is.
        let cut = if index % 5 == 4 { event.len() * 2 / 3 } else { event.len() };
        connection.chunk(&event[..cut]).await?;
        connection.chunk(&event[cut..]).await?;
    }
    connection.finish().await?;
    Ok(connection)
}

fn event(script: Script, index: u64) -> String {
    let mut candidate = json!({
        "content": {"parts": [{"text": chunk(script.serial, index)}], "role": "model"},
        "index": 0,
    });
    if index + 1 == script.chunks {
        candidate["finishReason"] = "STOP".into();
    }
    let event = json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": 100,
            "candidatesTokenCount": index,
            "totalTokenCount": 100 + index,
        },
        "modelVersion": "gemini-3.8-flash",
        "responseId": "load",
    });
    format!("data: {event}\r\n\r\n")
}

async fn refuse(mut connection: Connection) -> io::Result<Connection> {
    let error = json!({"code": 400, "message": "on order", "status": "INVALID_ARGUMENT"});
    connection.respond_json(400, &json!({ "error": error })).await?;
    Ok(connection)
}
