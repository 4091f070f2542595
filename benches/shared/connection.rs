//! The client's end of a connection: as little HTTP/1.1 as reading an answer takes, because every
//! microsecond spent here is missing to the server under test on the same machine.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes read at once.
const READ_SIZE: usize = 32 * 1024;

/// Largest response head: far above what any contender sends.
const MAX_HEAD: usize = 16 * 1024;

/// A connection that carries one request after another.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

/// How an answer went.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    /// Whether the server keeps the connection for another request.
    pub(crate) reusable: bool,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(address).await.context("connecting")?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: vec![0; READ_SIZE] })
    }

    /// Sends a request and hands the body of its answer on. One that breaks off is an error, any
    /// status is none.
    pub(crate) async fn exchange(
        &mut self,
        request: &[u8],
        mut body: impl FnMut(&[u8]),
    ) -> anyhow::Result<Outcome> {
        self.socket.write_all(request).await.context("sending a request")?;
        let (mut head, rest) = self.read_head().await?;
        let mut complete = head.framing.decode(&rest, &mut body)?;
        while !complete {
            let length = self.socket.read(&mut self.buffer).await.context("reading a body")?;
            if length == 0 {
                if !matches!(head.framing, Framing::UntilClose) {
                    bail!("the connection closed in the middle of an answer");
                }
                head.reusable = false;
                break;
            }
            complete = head.framing.decode(&self.buffer[..length], &mut body)?;
        }
        Ok(Outcome { status: head.status, reusable: head.reusable })
    }

    /// The head, and what came of the body with it.
    async fn read_head(&mut self) -> anyhow::Result<(Head, Vec<u8>)> {
        let mut bytes = Vec::with_capacity(4 * 1024);
        loop {
            if self.socket.read_buf(&mut bytes).await.context("reading a head")? == 0 {
                bail!("the connection closed before an answer");
            }
            if let Some((head, length)) = Head::parse(&bytes)? {
                return Ok((head, bytes.split_off(length)));
            }
            if bytes.len() > MAX_HEAD {
                bail!("the head of the answer is over {MAX_HEAD} bytes");
            }
        }
    }
}

#[derive(Debug)]
struct Head {
    status: u16,
    reusable: bool,
    framing: Framing,
}

impl Head {
    fn parse(bytes: &[u8]) -> anyhow::Result<Option<(Self, usize)>> {
        let mut headers = [httparse::EMPTY_HEADER; 48];
        let mut response = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(length) = response.parse(bytes)? else { return Ok(None) };
        let value = |name: &str| {
            let header = response.headers.iter().find(|held| held.name.eq_ignore_ascii_case(name));
            header.map(|header| String::from_utf8_lossy(header.value).to_ascii_lowercase())
        };
        let framing = if value("transfer-encoding").is_some() {
            Framing::Chunked(ChunkPart::Size(0))
        } else if let Some(length) = value("content-length") {
            Framing::Length(length.parse().context("content-length")?)
        } else {
            Framing::UntilClose
        };
        let reusable = value("connection").as_deref() != Some("close");
        let status = response.code.context("no status")?;
        Ok(Some((Self { status, reusable, framing }, length)))
    }
}

/// How the body is delimited, and what of it is still to come.
#[derive(Debug)]
enum Framing {
    Length(usize),
    UntilClose,
    Chunked(ChunkPart),
}

/// Where in the chunked coding the reader stands.
#[derive(Clone, Copy, Debug)]
enum ChunkPart {
    /// In the size line, with the size read so far.
    Size(usize),
    /// In an extension of the size line.
    Extension(usize),
    /// In data, with as much still to come.
    Data(usize),
    /// In the line end behind data.
    DataEnd,
    /// Behind the last chunk, in a line of this length.
    Trailer(usize),
}

impl Framing {
    /// Hands the body's bytes on and says whether the body is complete.
    fn decode(&mut self, bytes: &[u8], body: &mut impl FnMut(&[u8])) -> anyhow::Result<bool> {
        match self {
            Self::UntilClose => {
                body(bytes);
                Ok(false)
            }
            Self::Length(remaining) => {
                let here = bytes.len().min(*remaining);
                body(&bytes[..here]);
                *remaining -= here;
                Ok(*remaining == 0)
            }
            Self::Chunked(part) => part.decode(bytes, body),
        }
    }
}

impl ChunkPart {
    fn decode(&mut self, mut bytes: &[u8], body: &mut impl FnMut(&[u8])) -> anyhow::Result<bool> {
        while let Some((&byte, rest)) = bytes.split_first() {
            if let Self::Data(remaining) = *self {
                let (data, rest) = bytes.split_at(bytes.len().min(remaining));
                body(data);
                bytes = rest;
                *self = match remaining - data.len() {
                    0 => Self::DataEnd,
                    remaining => Self::Data(remaining),
                };
                continue;
            }
            bytes = rest;
            *self = match (*self, byte) {
                (Self::Size(0) | Self::Extension(0), b'\n') => Self::Trailer(0),
                (Self::Size(size) | Self::Extension(size), b'\n') => Self::Data(size),
                (Self::Size(size), b'\r' | b';') | (Self::Extension(size), _) => {
                    Self::Extension(size)
                }
                (Self::Size(size), digit) => {
                    let digit = char::from(digit).to_digit(16).context("a chunk's size")?;
                    Self::Size(size * 16 + usize::try_from(digit)?)
                }
                (Self::DataEnd, b'\n') => Self::Size(0),
                (Self::DataEnd, _) => Self::DataEnd,
                (Self::Trailer(0), b'\n') => return Ok(true),
                (Self::Trailer(_), b'\n') => Self::Trailer(0),
                (Self::Trailer(length), b'\r') => Self::Trailer(length),
                (Self::Trailer(length), _) => Self::Trailer(length + 1),
                (Self::Data(_), _) => unreachable!("data is taken above"),
            };
        }
        Ok(false)
    }
}
