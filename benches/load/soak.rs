//! Mixed traffic for a long time: everything that users do, also what they should not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::future::join_all;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::client::{Client, Seen, send};
use crate::memory::{Memory, Watch};
use crate::model::{Course, Script};
use crate::stage::Stage;

/// What share of the soak is not looked at: caches, pools and allocators fill up.
const WARM_UP: u32 = 5;

/// The body that is read at most.
const BODY_MAX_BYTES: usize = 1024 * 1024;

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Soak {
    pub(crate) seconds: f64,
    /// What was done, and how often.
    pub(crate) done: BTreeMap<&'static str, u64>,
    /// Runs that the worker was too busy for.
    pub(crate) busy: u64,
    pub(crate) serve: Memory,
    pub(crate) worker: Memory,
}

/// What a client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Generate,
    LeaveBeforeTheFirstChunk,
    LeaveAfterTheFirstChunk,
    GenerateInVain,
    Execute,
    ReadOne,
    ReadPage,
    Status,
    Nonsense,
}

impl Deed {
    /// How many of a hundred are which.
    const SHARES: [(Self, u64); 9] = [
        (Self::Generate, 45),
        (Self::LeaveBeforeTheFirstChunk, 5),
        (Self::LeaveAfterTheFirstChunk, 5),
        (Self::GenerateInVain, 5),
        (Self::Execute, 8),
        (Self::ReadOne, 10),
        (Self::ReadPage, 7),
        (Self::Status, 5),
        (Self::Nonsense, 10),
    ];

    fn pick(random: u64) -> Self {
        let mut left = random % 100;
        for (deed, share) in Self::SHARES {
            if left < share {
                return deed;
            }
            left -= share;
        }
        Self::Generate
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::LeaveBeforeTheFirstChunk => "generate, leave before the first chunk",
            Self::LeaveAfterTheFirstChunk => "generate, leave after the first chunk",
            Self::GenerateInVain => "generate, refused by the model",
            Self::Execute => "execute",
            Self::ReadOne => "read a stored pair",
            Self::ReadPage => "read a page of history",
            Self::Status => "status",
            Self::Nonsense => "bad request",
        }
    }
}

/// What all clients share.
struct Traffic<'a> {
    stage: &'a Stage,
    client: Client,
    done: Mutex<BTreeMap<&'static str, u64>>,
    busy: Mutex<u64>,
}

pub(crate) async fn run(stage: &Stage) -> anyhow::Result<Soak> {
    let effort = stage.effort;
    let mut worker = stage.worker().await?;
    let mut server = stage
        .serve(&[
            ("WORKER_URL", worker.url()),
            // These are there to stop exactly this kind of client.
            ("RATE_LIMIT_GENERATE_PER_MINUTE", "100000".to_owned()),
            ("RATE_LIMIT_EXECUTE_PER_MINUTE", "100000".to_owned()),
            ("RATE_LIMIT_STATUS_PER_MINUTE", "100000".to_owned()),
        ])
        .await?;
    eprintln!("mixed traffic for {:?}", effort.soak);
    let client = Client::of(server.address())?;
    let traffic = Traffic { stage, client, done: Mutex::default(), busy: Mutex::default() };
    let (serve_memory, worker_memory) = (Watch::over(server.id()), Watch::over(worker.id()));
    let begin = Instant::now();
    let clients =
        (0..effort.clients).map(|number| traffic.client_until(begin + effort.soak, number));
    join_all(clients).await;
    let seconds = begin.elapsed().as_secs_f64();
    let warm_up = effort.soak / WARM_UP;
    let (serve, in_worker) = (serve_memory.finish(warm_up)?, worker_memory.finish(warm_up)?);
    for process in [&mut server, &mut worker] {
        let status = process.terminate().await?;
        if !status.success() {
            stage.mistakes.add(format!("a server ended with {status}; {}", process.last_words()));
        }
    }
    let done = traffic.done.into_inner().unwrap_or_else(PoisonError::into_inner);
    let busy = traffic.busy.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Soak { seconds, done, busy, serve, worker: in_worker })
}

impl Traffic<'_> {
    /// One thing after another.
    async fn client_until(&self, end: Instant, number: usize) {
        let effort = self.stage.effort;
        let mut random = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut stored = Vec::new();
        while Instant::now() < end {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let user = self.stage.users[number % self.stage.users.len()];
            let deed = Deed::pick(random >> 16);
            let outcome = match deed {
                Deed::ReadOne => self.read_one(user, &stored, random >> 24).await,
                Deed::ReadPage => self.read_page(user, &stored).await,
                Deed::Execute => self.execute(user, random >> 24).await,
                Deed::Status => self.status(user).await,
                Deed::Nonsense => self.nonsense(user, random >> 24).await,
                _ => self.generate(user, deed, random >> 24, &mut stored).await,
            };
            match outcome {
                Ok(()) => {
                    let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
                    *done.entry(deed.name()).or_default() += 1;
                }
                Err(error) => self.stage.mistakes.add(format!("{}: {error:#}", deed.name())),
            }
            sleep(effort.rest).await;
        }
    }

    async fn generate(
        &self,
        user: Uuid,
        deed: Deed,
        random: u64,
        stored: &mut Vec<(Uuid, Script)>,
    ) -> anyhow::Result<()> {
        let course = match deed {
            Deed::LeaveBeforeTheFirstChunk => Course::SilentAtFirst,
            Deed::LeaveAfterTheFirstChunk => Course::SilentThen,
            Deed::GenerateInVain => Course::Refused,
            _ => Course::Whole,
        };
        let chunks = if course == Course::SilentThen { 2 } else { 1 + random % 60 };
        let pace = Duration::from_millis(random >> 8 & 0x7);
        let script = self.stage.script(chunks, pace, course);
        let seen = self.client.generate(self.stage, user, script, || ()).await;
        let tally = &self.stage.tally;
        match (course, seen) {
            (Course::Whole, Ok(Seen::Stored(row))) => {
                tally.of(user, |account| {
                    account.rows.insert(row, script);
                });
                stored.push((row, script));
            }
            (Course::SilentAtFirst, Ok(Seen::Left)) | (Course::Refused, Ok(Seen::Failed(_))) => {
                tally.of(user, |account| account.refunded += 1);
            }
            (Course::SilentThen, Ok(Seen::Left)) => tally.of(user, |account| account.left += 1),
            (_, seen) => {
                tally.of(user, |account| account.unclear += 1);
                bail!("{script:?}: {seen:?}");
            }
        }
        Ok(())
    }

    async fn execute(&self, user: Uuid, random: u64) -> anyhow::Result<()> {
        // What another run's verdict could not be taken for.
        let serial = random & 0xFFFF_FFFF;
        let fails = random >> 32 & 1 == 1;
        let expected = if fails { serial } else { serial + 3 };
        let body = json!({
            "code": format!("def add(left, right):\n    return left + right + {serial}\n"),
            "test_code": format!("def test_{serial}():\n    assert add(1, 2) == {expected}\n"),
            "language": "python",
        });
        let response =
            send(self.as_user(user, "POST", "/api/execution/execute").json(&body)).await?;
        let status = response.status().as_u16();
        let verdict: Value = response.json().await?;
        if status == 429 {
            *self.busy.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            return Ok(());
        }
        ensure!(status == 200, "status {status}: {verdict}");
        let wanted = if fails { "failed" } else { "passed" };
        let test = &verdict["tests"][0];
        let right = test["id"] == format!("test_{serial}") && test["status"] == wanted;
        ensure!(right, "not the verdict of {serial}, which {wanted}: {verdict}");
        Ok(())
    }

    async fn read_one(
        &self,
        user: Uuid,
        stored: &[(Uuid, Script)],
        random: u64,
    ) -> anyhow::Result<()> {
        let Some(count) = u64::try_from(stored.len()).ok().filter(|count| *count > 0) else {
            return Ok(());
        };
        let (row, script) = stored[usize::try_from(random % count)?];
        let pair = self.json(user, &format!("/api/history/{row}")).await?;
        ensure!(pair["input_code"] == script.source(), "another source: {row}");
        ensure!(pair["generated_code"] == script.answer(), "another answer: {row}");
        Ok(())
    }

    async fn read_page(&self, user: Uuid, stored: &[(Uuid, Script)]) -> anyhow::Result<()> {
        let page = self.json(user, "/api/history/?limit=20").await?;
        let page = page.as_array().context("a page is a list")?;
        ensure!(page.len() >= stored.len().min(20), "{} of {}", page.len(), stored.len());
        let newest_first = page.windows(2).all(|pair| {
            pair[0]["created_at"].as_str().unwrap_or_default()
                >= pair[1]["created_at"].as_str().unwrap_or_default()
        });
        ensure!(newest_first, "a page that is not in order");
        // Other clients of this user add to the top.
        if let Some((row, _)) = stored.last().filter(|_| page.len() < 20) {
            let text = row.to_string();
            ensure!(page.iter().any(|pair| pair["id"] == *text), "{row} is missing in the page");
        }
        Ok(())
    }

    async fn status(&self, user: Uuid) -> anyhow::Result<()> {
        let status = self.json(user, "/api/user/status").await?;
        ensure!(status["token_info"]["current_tokens"].is_i64(), "no balance: {status}");
        Ok(())
    }

    async fn nonsense(&self, user: Uuid, random: u64) -> anyhow::Result<()> {
        let post = |body: String| self.as_user(user, "POST", "/api/generate").body(body);
        let fields = |language: &str, code: &str| {
            json!({"input_code": code, "language": language, "turnstile_token": "x"}).to_string()
        };
        let (request, expected) = match random % 9 {
            0 => (self.client.request("GET", "/api/history/"), 401),
            1 => {
                let request = self.client.request("GET", "/api/user/status");
                (request.bearer_auth("eyJhbGciOiJub25lIn0.e30."), 401)
            }
            2 => (post("{\"input_code\": ".to_owned()), 422),
            3 => (post("[".repeat(10_000)), 422),
            4 => (post(" ".repeat(BODY_MAX_BYTES + 1)), 413),
            5 => (post(fields("cobol", "identification division.")), 422),
            6 => (post(fields("python", "def f(:\n    return (")), 400),
            7 => (self.as_user(user, "GET", "/api/nothing"), 404),
            _ => {
                let answer = self.client.raw(b"GET /api/health HTTP/1.1\r\n\r\n").await?;
                ensure!(answer.starts_with("HTTP/1.1 400 "), "no host: {answer:?}");
                return Ok(());
            }
        };
        let status = send(request).await?.status().as_u16();
        ensure!(status == expected, "{status} instead of {expected}");
        Ok(())
    }

    async fn json(&self, user: Uuid, path: &str) -> anyhow::Result<Value> {
        let response = send(self.as_user(user, "GET", path)).await?;
        let status = response.status().as_u16();
        let unreadable = response.headers().get("x-unreadable-items").is_some();
        let body: Value = response.json().await?;
        ensure!(status == 200 && !unreadable, "{path}: status {status}: {body}");
        Ok(body)
    }

    fn as_user(&self, user: Uuid, method: &str, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, path);
        request.header("authorization", self.stage.authorization(user))
    }
}
