//! The client's end: asks as pages do, and reads strictly.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uuid::Uuid;

use crate::model::{Course, Script};
use crate::stage::Stage;

/// Longest silence on a stream, and longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(100);

/// How a generation went, as its client saw it.
#[derive(Debug)]
pub(crate) enum Seen {
    /// The whole answer, which is stored as this row.
    Stored(Uuid),
    /// The whole answer, and the word that it could not be stored.
    NotStored,
    /// The client left, as it was meant to.
    Left,
    /// The stream ended with this error.
    Failed(String),
    /// There was no stream but this status, and this error's code.
    Refused(u16, String),
}

/// Asks one server.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    address: SocketAddr,
}

impl Client {
    pub(crate) fn of(address: SocketAddr) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().build().context("a client")?;
        Ok(Self { http, address })
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = method.parse().expect("methods of this benchmark are methods");
        let request = self.http.request(method, format!("http://{}{path}", self.address));
        request.header("accept-language", "en")
    }

    /// Generates by a script, and reads as far as its course goes. `begun` is called when the
    /// stream is there, and what it gives is kept for as long as that is open.
    ///
    /// # Errors
    ///
    /// When anything but what the script says was sent, or the connection broke.
    pub(crate) async fn generate<Open>(
        &self,
        stage: &Stage,
        user: Uuid,
        script: Script,
        begun: impl FnOnce() -> Open,
    ) -> anyhow::Result<Seen> {
        let body = json!({
            "input_code": script.source(),
            "language": "python",
            "turnstile_token": format!("token-{}", script.serial),
        });
        let request = self.request("POST", "/api/generate").json(&body);
        let response = send(request.header("authorization", stage.authorization(user))).await?;
        let status = response.status().as_u16();
        if status != 200 {
            let error: Value = timeout(PATIENCE, response.json()).await??;
            let code = error["code"].as_str().unwrap_or_default().to_owned();
            return Ok(Seen::Refused(status, code));
        }
        let _open = begun();
        if script.course == Course::SilentAtFirst {
            return Ok(Seen::Left);
        }
        read(response, script).await
    }

    /// Sends bytes as they are and reads to the server's close.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.write_all(bytes).await?;
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await??;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

/// Sends a request, waiting no longer than anybody would.
pub(crate) async fn send(request: RequestBuilder) -> anyhow::Result<Response> {
    let sent = timeout(PATIENCE, request.send()).await.context("no answer")?;
    sent.context("the request")
}

/// Reads the stream and compares it with what the model wrote.
async fn read(mut response: Response, script: Script) -> anyhow::Result<Seen> {
    let mut unread = Vec::new();
    let mut code = String::new();
    let mut ended = None;
    while let Some(bytes) = timeout(PATIENCE, response.chunk()).await.context("silence")?? {
        unread.extend_from_slice(&bytes);
        while let Some(end) = unread.windows(2).position(|pair| pair == b"\n\n") {
            let frame: Vec<u8> = unread.drain(..end + 2).collect();
            let Some(data) = parse(&frame)? else { continue };
            ensure!(ended.is_none(), "{data} behind the end");
            match data["type"].as_str() {
                Some("chunk") => {
                    code += data["content"].as_str().context("a chunk without content")?;
                    if script.course == Course::SilentThen {
                        ensure!(script.answer().starts_with(&code), "another beginning");
                        return Ok(Seen::Left);
                    }
                }
                Some("done") => {
                    ensure!(code == script.answer(), "{} is not what was written", script.serial);
                    ensure!(data["cached"] == false, "{} came from a cache", script.serial);
                    ended = Some(match data["history_id"].as_str() {
                        Some(id) => Seen::Stored(id.parse()?),
                        None => Seen::NotStored,
                    });
                }
                Some("error") => {
                    let code = data["code"].as_str().unwrap_or_default();
                    ended = Some(Seen::Failed(code.to_owned()));
                }
                // What is being done, or that it could not be.
                None if data["step"].is_string() || data["message"].is_string() => {}
                _ => bail!("an unknown frame: {data}"),
            }
        }
    }
    ensure!(unread.is_empty(), "half a frame at the end");
    ended.context("the stream broke off")
}

/// The data of a frame; `None` for a comment.
fn parse(frame: &[u8]) -> anyhow::Result<Option<Value>> {
    let text = std::str::from_utf8(frame).context("frames are UTF-8")?;
    if text.starts_with(':') {
        return Ok(None);
    }
    let data = text.lines().find_map(|line| line.strip_prefix("data: "));
    let data = data.with_context(|| format!("a frame without data: {text:?}"))?;
    Ok(Some(serde_json::from_str(data)?))
}
