use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, OnceCell};

/// The longest a step may take on a slow machine: warming up three runtimes at once.
pub const PATIENCE: Duration = Duration::from_mins(3);
/// What the workers of these tests are asked with.
pub const TOKEN: &str = "w0rker-t0ken-for-tests-Jx3tQ0mV9rLk2WcYpZ8uHsN5";
/// What the worker's environment holds that no sandbox may ever show.
pub const CANARY: &str = "canary-5f0c1d7e";

/// What isolates the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Namespace,
    Docker,
    Runsc,
}

impl Engine {
    pub const ALL: [Self; 3] = [Self::Namespace, Self::Docker, Self::Runsc];

    /// Those that `TESTER_TEST_ENGINES` names.
    pub fn wanted() -> Vec<Self> {
        let names = std::env::var("TESTER_TEST_ENGINES").unwrap_or_default();
        let names: Vec<&str> =
            names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        for name in &names {
            assert!(
                Self::ALL.iter().any(|engine| engine.name() == *name),
                "TESTER_TEST_ENGINES names {name}, which is no engine"
            );
        }
        Self::ALL.into_iter().filter(|engine| names.contains(&engine.name())).collect()
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Docker => "docker",
            Self::Runsc => "runsc",
        }
    }

    /// What verdicts must say.
    pub const fn isolation(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Docker => "docker/runc",
            Self::Runsc => "docker/runsc",
        }
    }

    pub const fn variables(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Namespace => &[("SANDBOX_ENGINE", "namespace")],
            Self::Docker => &[("SANDBOX_ENGINE", "docker")],
            Self::Runsc => &[("SANDBOX_ENGINE", "docker"), ("DOCKER_RUNTIME", "runsc")],
        }
    }
}

/// A test that is more than one job: its name, and what it does with the worker of an engine.
pub type Test = (&'static str, Box<dyn FnOnce(Arc<Shared>) -> TestFuture + Send>);
type TestFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Makes one of an async function.
pub fn test<F>(name: &'static str, run: impl FnOnce(Arc<Shared>) -> F + Send + 'static) -> Test
where
    F: Future<Output = ()> + Send + 'static,
{
    (name, Box::new(move |shared| Box::pin(run(shared))))
}

/// A worker, a process of its own.
pub struct Worker {
    engine: Engine,
    child: Mutex<Child>,
    pid: u32,
    url: String,
    client: reqwest::Client,
    said: Arc<LastLines>,
}

/// The end of what a worker wrote to its log.
#[derive(Debug, Default)]
struct LastLines(std::sync::Mutex<VecDeque<String>>);

impl LastLines {
    const KEPT: usize = 40;

    fn push(&self, line: String) {
        let mut lines = self.0.lock().expect("nobody panics with it");
        if lines.len() == Self::KEPT {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    fn text(&self) -> String {
        Vec::from(self.0.lock().expect("nobody panics with it").clone()).join("\n")
    }
}

impl Worker {
    /// Starts one and waits until it serves.
    pub async fn start(engine: Engine, knobs: &str) -> Self {
        Self::start_with(engine, knobs, &[]).await
    }

    /// With further variables.
    pub async fn start_with(engine: Engine, knobs: &str, variables: &[(&str, &str)]) -> Self {
        let folder = toolchains();
        let config = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(config.path(), knobs).expect("a writable file");
        let mut child = Command::new(env!("CARGO_BIN_EXE_tester"))
            .arg("worker")
            .arg("--config")
            .arg(config.path())
            .arg("--data-dir")
            .arg(&folder)
            .env_clear()
            .envs(
                std::env::vars()
                    .filter(|(name, _)| ["PATH", "HOME", "DOCKER_HOST"].contains(&name.as_str())),
            )
            .env("WORKER_AUTH_TOKEN", TOKEN)
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("LOG_FORMAT", "json")
            .env("CANARY", CANARY)
            .envs(engine.variables().iter().copied())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the executable is built");
        let stderr = child.stderr.take().expect("stderr is piped");
        let mut lines = BufReader::new(stderr).lines();
        let address = soon("a ready worker", async {
            let mut said = Vec::new();
            loop {
                let line = lines.next_line().await.expect("readable output");
                let Some(line) = line else { panic!("the worker ended: {}", said.join("\n")) };
                let event: Value = serde_json::from_str(&line).unwrap_or_default();
                if event["message"] == "ready" {
                    return event["address"].as_str().expect("an address").to_owned();
                }
                said.push(line);
            }
        })
        .await;
        let show = std::env::var_os("TESTER_TEST_LOG").is_some();
        let said = Arc::new(LastLines::default());
        let heard = Arc::clone(&said);
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if show {
                    eprintln!("{line}");
                }
                heard.push(line);
            }
        });
        let pid = child.id().expect("it runs");
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let client = client.build().expect("a client without options");
        let url = format!("http://{address}");
        Self { engine, child: Mutex::new(child), pid, url, client, said }
    }

    pub const fn engine(&self) -> Engine {
        self.engine
    }

    pub const fn pid(&self) -> u32 {
        self.pid
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub fn post(&self, path: &str) -> reqwest::RequestBuilder {
        self.client
            .post(format!("{}{path}", self.url))
            .bearer_auth(TOKEN)
            .header("accept-language", "en")
    }

    /// Runs a job and gives the verdict. A full queue is waited for.
    pub async fn execute(&self, body: &Value) -> Value {
        soon("a verdict", async {
            loop {
                let answer = self.post("/execute").json(body).send().await.expect("an answer");
                match answer.status().as_u16() {
                    200 => return answer.json().await.expect("a verdict"),
                    429 => tokio::time::sleep(Duration::from_millis(200)).await,
                    status => panic!("status {status}: {:?}", answer.text().await),
                }
            }
        })
        .await
    }

    pub async fn health(&self) -> (u16, Value) {
        let answer =
            self.client.get(format!("{}/health", self.url)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// Waits until its health tells this count of what.
    pub async fn until(&self, what: &str, count: u64) {
        soon(&format!("{what} of {count}"), async {
            while self.health().await.1[what] != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// SIGKILL.
    pub async fn kill(&self) {
        self.child.lock().await.kill().await.expect("it was running");
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        let sent =
            std::process::Command::new("kill").args(["-TERM", &self.pid.to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Waits for the end and gives the exit code, if no signal ended it.
    pub async fn ended(&self) -> Option<i32> {
        self.exit().await.code()
    }

    async fn exit(&self) -> ExitStatus {
        let mut child = self.child.lock().await;
        soon("the exit", child.wait()).await.expect("a status")
    }
}

/// One worker for all cases of an engine, started by the first.
pub struct Shared {
    engine: Engine,
    worker: OnceCell<Worker>,
    /// Whether it was tried before: what did not start once is not waited for again.
    tried: AtomicBool,
}

impl Shared {
    pub const fn new(engine: Engine) -> Self {
        Self { engine, worker: OnceCell::const_new(), tried: AtomicBool::new(false) }
    }

    pub const fn engine(&self) -> Engine {
        self.engine
    }

    pub async fn get(&self) -> &Worker {
        self.worker
            .get_or_init(|| {
                let again = self.tried.swap(true, Ordering::SeqCst);
                assert!(!again, "the worker did not start");
                Worker::start(self.engine, "")
            })
            .await
    }

    /// Stops it, if it was started, and tells what was wrong with its end.
    pub async fn stop(&self) -> Option<String> {
        let worker = self.worker.get()?;
        worker.terminate();
        let status = worker.exit().await;
        (!status.success()).then(|| {
            let (engine, said) = (self.engine.name(), worker.said.text());
            format!("the worker of {engine} did not end well: {status}; it said last:\n{said}")
        })
    }
}

/// Fails the test instead of hanging it.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen within {PATIENCE:?}"))
}

/// Held by whoever starts `tester dev` in [`toolchains`]: it belongs to one process at a time.
pub static ONE_FOLDER: Mutex<()> = Mutex::const_new(());

/// Where the namespace engine keeps the frameworks: installed once for all test runs.
pub fn toolchains() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("execution")
}
