use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::process::{ServerProcess, free_address};

/// How long Redis is stopped, and how long it then goes on.
const FLAP: Duration = Duration::from_millis(200);

/// How long a killed Redis is gone.
const GONE: Duration = Duration::from_millis(400);

/// A real Redis of our own, without persistence.
#[derive(Debug)]
pub(crate) struct Redis {
    address: SocketAddr,
    folder: PathBuf,
    /// `None` while it is killed.
    process: Option<ServerProcess>,
}

/// The server's own word on its version; `None` where it is not installed.
pub(crate) fn version() -> Option<String> {
    let output = Command::new("redis-server").arg("--version").output().ok()?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    words.split_ascii_whitespace().find_map(|word| word.strip_prefix("v=")).map(str::to_owned)
}

impl Redis {
    pub(crate) fn start(folder: &Path) -> anyhow::Result<Self> {
        let mut redis = Self { address: free_address()?, folder: folder.to_owned(), process: None };
        redis.spawn()?;
        Ok(redis)
    }

    /// `REDIS_URL`.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Stops and continues, again and again for as long as this; in the middle it is killed, and
    /// comes back empty.
    pub(crate) fn flap(&mut self, time: Duration) -> anyhow::Result<()> {
        let begin = Instant::now();
        let mut killed = false;
        while begin.elapsed() < time {
            if !killed && begin.elapsed() >= time / 2 {
                killed = true;
                self.process = None;
                std::thread::sleep(GONE);
                self.spawn()?;
            }
            self.signal("-STOP")?;
            std::thread::sleep(FLAP);
            self.signal("-CONT")?;
            std::thread::sleep(FLAP);
        }
        Ok(())
    }

    fn spawn(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new("redis-server");
        command
            .current_dir(&self.folder)
            .args(["--bind", &self.address.ip().to_string()])
            .args(["--port", &self.address.port().to_string()])
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
        let mut process = ServerProcess::spawn("redis", command, None, &self.folder)?;
        process.wait_until(|| answers(self.address).is_ok())?;
        self.process = Some(process);
        Ok(())
    }

    fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let process = self.process.as_ref().context("Redis is not there")?;
        let pid = process.pids()?.first().context("a process has an id")?.to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().context("kill")?;
        ensure!(sent.success(), "kill {signal}: {sent}");
        Ok(())
    }
}

fn answers(address: SocketAddr) -> anyhow::Result<()> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    socket.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    socket.read_exact(&mut answer)?;
    ensure!(&answer == b"+PONG\r\n", "it does not serve yet");
    Ok(())
}
