use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::soon;
use super::sse::EventStream;

/// Between two bytes of a slow sender.
const MOMENT: Duration = Duration::from_millis(10);

/// A new client a call: tests run on runtimes of their own, and a pooled connection dies with the
/// runtime that made it.
pub(super) fn request(method: &str, url: &str) -> reqwest::RequestBuilder {
    client().request(method.parse().expect("a method"), url)
}

/// A client for one test.
pub fn client() -> reqwest::Client {
    static PROVIDER: OnceLock<()> = OnceLock::new();
    PROVIDER.get_or_init(|| {
        // Another test, or the program itself, may have installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder().no_proxy().build().expect("a client without options")
}

/// An answer, its head read.
pub struct Answer {
    response: reqwest::Response,
}

impl Answer {
    pub const fn new(response: reqwest::Response) -> Self {
        Self { response }
    }

    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.response
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("the program's own headers are ASCII").to_owned())
    }

    pub async fn text(self) -> String {
        soon("the body", self.response.text()).await.expect("a whole body")
    }

    pub async fn bytes(self) -> bytes::Bytes {
        soon("the body", self.response.bytes()).await.expect("a whole body")
    }

    pub async fn json(self) -> Value {
        let text = self.text().await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
    }

    /// Asserts the error envelope of the contract and gives its body.
    pub async fn error(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status(), status);
        let trace = self.header("x-trace-id").expect("every answer has a trace id");
        let body = self.json().await;
        assert_eq!(body["type"], "error", "{body}");
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["detail"]["code"], code, "{body}");
        assert_eq!(body["detail"]["message"], body["message"], "{body}");
        assert_eq!(body["trace_id"], trace.as_str(), "{body}");
        body
    }

    /// The frames of a stream that began well.
    pub fn events(self) -> EventStream {
        assert_eq!(self.status(), 200);
        EventStream::new(self.response)
    }
}

/// A connection whose every byte the test chooses.
pub struct RawClient {
    stream: TcpStream,
}

impl RawClient {
    pub async fn connect(address: &str) -> Self {
        Self { stream: TcpStream::connect(address).await.expect("the server listens") }
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the server reads");
    }

    /// Sends what may be refused before it is all sent.
    pub async fn send_lossy(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Reads one answer with a `Content-Length`, or all there is until the server closes.
    pub async fn answer(&mut self) -> (u16, String) {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = parse(&bytes) {
                return answer;
            }
            let read = soon("an answer", self.stream.read_buf(&mut bytes)).await;
            if !matches!(read, Ok(1..)) {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                panic!("the server closed after {text:?}");
            }
        }
    }

    /// Reads to the server's close and gives the status of every answer that came; interim ones
    /// are none.
    pub async fn statuses(&mut self) -> Vec<u16> {
        let mut bytes = Vec::new();
        soon("the server's close", async {
            while matches!(self.stream.read_buf(&mut bytes).await, Ok(1..)) {}
        })
        .await;
        let mut statuses = Vec::new();
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let Some((status, length)) = measure(rest) else {
                panic!("{statuses:?} and then {:?}", String::from_utf8_lossy(rest));
            };
            statuses.push(status);
            rest = &rest[length..];
        }
        statuses.retain(|status| *status >= 200);
        statuses
    }

    /// Sends these bytes one by one, a moment between them and over and over, until the server
    /// closes; gives what it sent before.
    pub async fn trickle(&mut self, bytes: &[u8]) -> String {
        let mut answer = Vec::new();
        let (mut reader, mut writer) = self.stream.split();
        let sending = async {
            for byte in bytes.iter().cycle() {
                if writer.write_all(std::slice::from_ref(byte)).await.is_err() {
                    break;
                }
                tokio::time::sleep(MOMENT).await;
            }
            // Whoever reads decides when it is over.
            std::future::pending::<()>().await;
        };
        let reading = async { while matches!(reader.read_buf(&mut answer).await, Ok(1..)) {} };
        soon("the server's close", async {
            tokio::select! {
                () = sending => {}
                () = reading => {}
            }
        })
        .await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Waits for the server to close, which it may do with a reset.
    pub async fn closed_by_server(&mut self) {
        let mut scratch = [0_u8; 1024];
        soon("the server's close", async {
            while matches!(self.stream.read(&mut scratch).await, Ok(1..)) {}
        })
        .await;
    }
}

/// Status and length of the answer at the beginning of these bytes.
fn measure(bytes: &[u8]) -> Option<(u16, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = response.parse(bytes) else { return None };
    let status = response.code?;
    let body = if status < 200 { 0 } else { parse(bytes)?.1.len() };
    Some((status, head + body))
}

fn parse(bytes: &[u8]) -> Option<(u16, String)> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = response.parse(bytes) else { return None };
    let length: usize = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.parse().ok())
        .unwrap_or(0);
    let body = bytes.get(head..head + length)?;
    Some((response.code?, String::from_utf8_lossy(body).into_owned()))
}
