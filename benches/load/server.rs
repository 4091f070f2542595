use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// The executable as it is shipped, optimised unless this is a smoke test.
const TESTER: &str = env!("CARGO_BIN_EXE_tester");

/// Longest wait for a start: the first worker installs frameworks.
const READY_PATIENCE: Duration = Duration::from_mins(5);
/// Longest wait for an end in good order: a worker's longest run and a bit.
const STOP_PATIENCE: Duration = Duration::from_secs(45);
/// Between two looks.
const POLL: Duration = Duration::from_millis(10);
/// How much of a failed server's output is shown.
const LAST_WORDS: usize = 2_000;

/// A process of TESTER's. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts `tester ROLE` with these variables and knobs (TOML), its files in `folder`, and waits
    /// until it is ready.
    pub(crate) async fn start(
        role: &'static str,
        arguments: &[&str],
        variables: &[(&str, String)],
        knobs: &str,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let config = folder.join(format!("{role}.toml"));
        std::fs::write(&config, knobs)?;
        let log = folder.join(format!("{role}.log"));
        let file = File::create(&log).context("creating the log")?;
        // No `.env` and no variable of whoever runs this may change what is measured.
        let child = Command::new(TESTER)
            .arg(role)
            .arg("--config")
            .arg(&config)
            .args(arguments)
            .current_dir(folder)
            .env_clear()
            .envs(
                ["PATH", "HOME"]
                    .into_iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("LOG_FORMAT", "json")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .with_context(|| format!("starting tester {role}"))?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { name: role, child, address: nowhere, log };
        server.address = server.ready().await?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM, as a platform stops a container, and the wait for the end.
    pub(crate) async fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        let sent = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        sent.context("kill")?;
        let deadline = Instant::now() + STOP_PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("{} does not end; {}", self.name, self.last_words());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The end of what it printed.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let tail = &text[text.len().saturating_sub(LAST_WORDS)..];
        format!("its last words:\n{}", String::from_utf8_lossy(tail).trim())
    }

    async fn ready(&mut self) -> anyhow::Result<SocketAddr> {
        let deadline = Instant::now() + READY_PATIENCE;
        loop {
            let said = std::fs::read_to_string(&self.log).unwrap_or_default();
            if let Some(address) = crate::ready::address(&said)? {
                return Ok(address);
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended before it was ready ({status}); {}", self.name, self.last_words());
            }
            if Instant::now() > deadline {
                bail!("{} is not ready; {}", self.name, self.last_words());
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
