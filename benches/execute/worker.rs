use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use serde_json::Value;

use crate::http;
use crate::program::{Language, TESTS};
use crate::ready;

/// The executable as it is shipped, optimised unless this is a smoke test.
const TESTER: &str = env!("CARGO_BIN_EXE_tester");

/// Whoever reaches the loopback port of this benchmark may run what it runs.
const TOKEN: &str = "bench-execute-t0ken-Jx3tQ0mV9rLk2WcYpZ8uHsN5";

/// Longest wait for a worker: the first with the namespace engine installs frameworks.
const READY_PATIENCE: Duration = Duration::from_mins(5);
/// Longest wait for full pools.
const WARM_PATIENCE: Duration = Duration::from_mins(1);
/// Longest wait for a worker to end in good order.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the pools: far below a start, and cheap for the cores that do it.
const POLL: Duration = Duration::from_millis(10);
/// What a run leaves behind is destroyed in the background meanwhile.
const SETTLE: Duration = Duration::from_millis(100);
/// How much of a failed worker's output is shown.
const LAST_WORDS: usize = 2_000;

/// What isolates the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Engine {
    Namespace,
    Docker,
}

impl Engine {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Docker => "docker",
        }
    }
}

/// Whether sandboxes are started ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    /// As many as by default.
    Warm,
    /// None: every run pays for the start of its own.
    Cold,
}

impl Pool {
    /// `warm` of python, node and java.
    const fn sizes(self) -> [(&'static str, u64); 3] {
        match self {
            Self::Warm => [("python", 2), ("node", 2), ("java", 1)],
            Self::Cold => [("python", 0), ("node", 0), ("java", 0)],
        }
    }
}

/// The images of the executable under test.
#[derive(Clone, Debug)]
pub(crate) struct Images(Vec<String>);

impl Images {
    /// Builds them, where that was not done before.
    pub(crate) fn build() -> anyhow::Result<Self> {
        if std::env::var_os("DOCKER_HOST").is_none() {
            bail!(
                "no DOCKER_HOST: run scripts/bench execute, which starts a Docker Engine of its \
                 own, or leave docker out with --only namespace"
            );
        }
        eprintln!("building the images of {TESTER}");
        let output = Command::new("scripts/docker-engine")
            .args(["images", TESTER])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null())
            .output()
            .context("scripts/docker-engine")?;
        if !output.status.success() {
            bail!("images can't be built: {}", String::from_utf8_lossy(&output.stderr));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let tags = said.lines().filter_map(|line| line.strip_suffix(" is ready"));
        Ok(Self(tags.map(str::to_owned).collect()))
    }

    pub(crate) fn tag(&self, runtime: &str) -> anyhow::Result<&str> {
        let start = format!("tester-sandbox-{runtime}:");
        let tag = self.0.iter().find(|tag| tag.starts_with(&start));
        tag.map(String::as_str).with_context(|| format!("there is no image of {runtime}"))
    }
}

/// A worker under test. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct Worker {
    engine: Engine,
    pool: Pool,
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) time: Duration,
    /// As the verdict says: of the harness, from the job to the end.
    pub(crate) cpu_ms: Option<f64>,
}

impl Worker {
    /// Starts one with its files in `folder`, and waits until it serves.
    pub(crate) fn start(engine: Engine, pool: Pool, folder: &Path) -> anyhow::Result<Self> {
        let config = folder.join("worker.toml");
        let knobs = pool.sizes().map(|(name, warm)| format!("[sandbox.{name}]\nwarm = {warm}\n"));
        std::fs::write(&config, knobs.concat())?;
        let log = folder.join("worker.log");
        let file = File::create(&log).context("creating the worker's log")?;
        let own = ["PATH", "HOME", "DOCKER_HOST", "LANG"];
        let child = Command::new(TESTER)
            .arg("worker")
            .arg("--config")
            .arg(&config)
            // The folder of the tests: what is installed there is installed once.
            .arg("--data-dir")
            .arg(concat!(env!("CARGO_TARGET_TMPDIR"), "/execution"))
            .env_clear()
            .envs(std::env::vars().filter(|(name, _)| own.contains(&name.as_str())))
            .env("WORKER_AUTH_TOKEN", TOKEN)
            .env("SANDBOX_ENGINE", engine.name())
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("LOG_FORMAT", "json")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .context("starting the worker")?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut worker = Self { engine, pool, child, address: nowhere, log };
        worker.address = worker.wait_until_ready()?;
        Ok(worker)
    }

    pub(crate) const fn engine(&self) -> Engine {
        self.engine
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until all pools are full and nothing else goes on.
    pub(crate) fn wait_until_warm(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + WARM_PATIENCE;
        loop {
            let health = self.health()?;
            let full = |(name, size): (&str, u64)| health["warm"][name] == size;
            if self.pool.sizes().into_iter().all(full) && health["running"] == 0 {
                std::thread::sleep(SETTLE);
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("the pools are not full after {WARM_PATIENCE:?}: {health}");
            }
            std::thread::sleep(POLL);
        }
    }

    /// Seconds that starts of sandboxes took until now, by runtime, and how many there were.
    pub(crate) fn starts(&self) -> anyhow::Result<BTreeMap<&'static str, (f64, f64)>> {
        let text = http::ask(self.address, "GET", "/metrics", TOKEN, "")?;
        let value = |name: &str, runtime: &str| {
            let start = format!("tester_sandbox_start_seconds_{name}{{runtime=\"{runtime}\"}} ");
            let line = text.lines().find_map(|line| line.strip_prefix(&start));
            line.map_or(Ok(0.0), |line| line.trim().parse::<f64>())
        };
        let runtimes = Language::RUNTIMES.map(Language::runtime);
        runtimes
            .into_iter()
            .map(|runtime| Ok((runtime, (value("sum", runtime)?, value("count", runtime)?))))
            .collect()
    }

    /// The end of what the worker printed.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let tail = &text[text.len().saturating_sub(LAST_WORDS)..];
        format!("the worker's last words:\n{}", String::from_utf8_lossy(tail).trim())
    }

    fn health(&self) -> anyhow::Result<Value> {
        let answer = http::ask(self.address, "GET", "/health", TOKEN, "")?;
        Ok(serde_json::from_str(&answer)?)
    }

    fn wait_until_ready(&mut self) -> anyhow::Result<SocketAddr> {
        let deadline = Instant::now() + READY_PATIENCE;
        loop {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            if let Some(address) = ready::address(&said)? {
                return Ok(address);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended before it was ready ({status}); {}", self.last_words());
            }
            if Instant::now() > deadline {
                bail!("it is not ready after {READY_PATIENCE:?}; {}", self.last_words());
            }
            std::thread::sleep(POLL);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let pid = self.child.id().to_string();
        let ordered = Command::new("kill").args(["-TERM", &pid]).status();
        let deadline = Instant::now() + STOP_PATIENCE;
        while ordered.is_ok() && Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(POLL);
        }
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a language's program once. Any verdict but that all tests passed is an error: there are no
/// figures of a broken server.
pub(crate) fn execute(address: SocketAddr, job: &str) -> anyhow::Result<Run> {
    let begun = Instant::now();
    let answer = http::ask(address, "POST", "/execute", TOKEN, job)?;
    let time = begun.elapsed();
    let verdict: Value = serde_json::from_str(&answer)?;
    if verdict["status"] != "passed" || verdict["stats"]["tests"]["passed"] != TESTS {
        bail!("a verdict that must say that {TESTS} tests passed: {answer}");
    }
    let cpu_ms = verdict["stats"]["cpu_ms"].as_f64();
    Ok(Run { time, cpu_ms })
}
