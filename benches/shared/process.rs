use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Ticks of `/proc/PID/stat` a second: `USER_HZ`, 100 on every Linux that Rust's std runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Longest wait for a server to answer after its start.
const READY_PATIENCE: Duration = Duration::from_secs(15);

/// Longest wait for an orderly stop before the process is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(3);

/// How much of a failed server's output is shown.
const LAST_WORDS: usize = 2_000;

/// A server under test with all its processes. Dropping it stops it.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    name: String,
    child: Child,
    /// What to run for an orderly stop; without it the process is killed.
    stop: Option<Command>,
    output: PathBuf,
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
        Ok(Self { name: name.to_owned(), child, stop, output })
    }

    /// Waits until the server is ready.
    pub(crate) fn wait_until(&mut self, ready: impl Fn() -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_PATIENCE;
        while !ready() {
            let name = &self.name;
            if let Some(status) = self.child.try_wait()? {
                bail!("{name} ended before it was ready ({status}); {}", self.last_words());
            }
            if Instant::now() > deadline {
                let words = self.last_words();
                bail!("{name} is not ready after {READY_PATIENCE:?}; {words}");
            }
            std::thread::sleep(Duration::from_micros(250));
        }
        Ok(())
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

    /// The process and its children (nginx: master and workers).
    pub(crate) fn pids(&self) -> anyhow::Result<Vec<u32>> {
        let pid = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
            .context("the server is gone")?;
        let children = children.split_ascii_whitespace().map(str::parse);
        let children = children.collect::<Result<Vec<u32>, _>>()?;
        Ok(std::iter::once(pid).chain(children).collect())
    }
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

/// A loopback address that was free a moment ago.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a port")?;
    Ok(listener.local_addr()?)
}

/// Whether a `GET` is answered with 200.
pub(crate) fn answers(address: SocketAddr, path: &str) -> bool {
    get_status(address, path) == Some(200)
}

fn get_status(address: SocketAddr, path: &str) -> Option<u16> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    socket.take(4096).read_to_end(&mut answer).ok()?;
    let status = String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse();
    status.ok()
}
