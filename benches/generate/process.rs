use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// Ticks of `/proc/PID/stat` a second: `USER_HZ`, 100 on every Linux that Rust's std runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Longest wait for an orderly stop before the process is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// How much of a failed server's output is shown.
const LAST_WORDS: usize = 2_000;

/// A server under test with all its processes. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
    /// What to run for an orderly stop; without it the process is killed.
    stop: Option<Command>,
    output: PathBuf,
}

/// Memory of a server, all its processes added up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// Resident set, in KiB. Pages that two processes share count twice.
    pub(crate) resident_kib: f64,
    /// Proportional set, in KiB. Shared pages are divided among those who share them.
    pub(crate) proportional_kib: f64,
}

impl ServerProcess {
    /// Starts a server; what it prints goes to a file in `folder`.
    pub(crate) fn spawn(
        name: &str,
        mut command: Command,
        stop: Option<Command>,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let output = folder.join(format!("{name}.log"));
        let log = File::create(&output).context("creating the server's log")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Self { child, stop, output })
    }

    /// How the server ended, if it has.
    pub(crate) fn exit_status(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// The end of what the server printed.
    pub(crate) fn last_words(&self) -> String {
        let text = std::fs::read(&self.output).unwrap_or_default();
        let tail = &text[text.len().saturating_sub(LAST_WORDS)..];
        match String::from_utf8_lossy(tail).trim() {
            "" => "the server printed nothing".to_owned(),
            words => format!("the server's last words:\n{words}"),
        }
    }

    /// CPU time used so far in user and kernel mode, in seconds.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        let mut ticks = 0.0;
        for pid in self.pids()? {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
            // The name in parentheses may hold anything; fields count from behind it.
            let (_, fields) = stat.rsplit_once(')').context("malformed stat")?;
            for field in fields.split_ascii_whitespace().skip(11).take(2) {
                ticks += field.parse::<f64>().context("malformed stat")?;
            }
        }
        Ok(ticks / TICKS_PER_SECOND)
    }

    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        let mut memory = Memory { resident_kib: 0.0, proportional_kib: 0.0 };
        for pid in self.pids()? {
            let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
            memory.resident_kib += field(&rollup, "Rss:")?;
            memory.proportional_kib += field(&rollup, "Pss:")?;
        }
        Ok(memory)
    }

    /// The process and its children (nginx: master and workers).
    fn pids(&self) -> anyhow::Result<Vec<u32>> {
        let pid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
            .context("the server is gone")?;
        let children = children.split_ascii_whitespace().map(str::parse);
        let children = children.collect::<Result<Vec<u32>, _>>()?;
        Ok(std::iter::once(pid).chain(children).collect())
    }
}

fn field(text: &str, name: &str) -> anyhow::Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).context("malformed smaps")?;
    let number = line.split_ascii_whitespace().next().context("malformed smaps")?;
    Ok(number.parse()?)
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let ordered = self.stop.as_mut().and_then(|stop| stop.output().ok());
        let deadline = Instant::now() + STOP_PATIENCE;
        while ordered.is_some() && Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Just enough HTTP to ask whether a server is ready.
pub(crate) struct Http;

impl Http {
    /// The status of a `GET`; `None` while nobody answers.
    pub(crate) fn get_status(address: SocketAddr, path: &str) -> Option<u16> {
        let mut socket = TcpStream::connect(address).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        socket.take(4096).read_to_end(&mut answer).ok()?;
        let status = String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse();
        status.ok()
    }
}
