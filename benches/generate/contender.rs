use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::ValueEnum;
use tester_peers::paced::PacedPeer;

use crate::machine;
use crate::process::{self, ServerProcess, free_address};

/// The path on which the model's API streams.
const GEMINI_PATH: &str = "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum ContenderKind {
    /// The paced peer, asked directly: what machine, peer and client take by themselves.
    Peer,
    /// nginx as plain reverse proxy in front of the peer: what moving bytes takes.
    Nginx,
    /// `tester dev` with the peer as its model.
    Tester,
}

impl ContenderKind {
    /// All, the floor first.
    pub(crate) const ALL: [Self; 3] = [Self::Peer, Self::Nginx, Self::Tester];
}

impl fmt::Display for ContenderKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Peer => "peer",
            Self::Nginx => "nginx",
            Self::Tester => "tester",
        })
    }
}

/// What a server under test is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Api {
    /// The model's own API, which peer and nginx offer.
    Gemini,
    /// `POST /api/generate`.
    Tester,
}

impl Api {
    /// Appends the request for one stream. No two ask the same, so that no cache can answer.
    pub(crate) fn write_request(self, address: SocketAddr, request: &mut Vec<u8>) {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let source = format!(
            "def add_{serial}(left, right):\n    \"\"\"Adds two amounts and fee {serial}.\"\"\"\n    \
             if left is None or right is None:\n        raise ValueError(\"amount missing\")\n    \
             return left + right + {serial}\n"
        );
        let (path, body) = match self {
            Self::Gemini => (
                GEMINI_PATH,
                serde_json::json!({"contents": [{"role": "user", "parts": [{"text": source}]}]}),
            ),
            Self::Tester => (
                "/api/generate",
                serde_json::json!({
                    "input_code": source,
                    "language": "python",
                    "model": "gemini-3.8-flash",
                    "turnstile_token": "",
                    "is_regenerate": false,
                }),
            ),
        };
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\naccept: text/event-stream\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        request.extend_from_slice(head.as_bytes());
        request.extend_from_slice(body.as_bytes());
    }

    /// Whether a stream that ends with these bytes is a complete and saved answer.
    pub(crate) fn ends_well(self, tail: &[u8]) -> bool {
        match self {
            Self::Gemini => true,
            Self::Tester => {
                let tail = String::from_utf8_lossy(tail);
                tail.contains("\"type\":\"done\"") && !tail.contains("event: warning")
            }
        }
    }
}

/// A server that can be asked for streams.
#[derive(Debug)]
pub(crate) struct Contender {
    pub(crate) address: SocketAddr,
    pub(crate) api: Api,
    /// `None` for the peer, which lives in this process.
    pub(crate) process: Option<ServerProcess>,
}

impl Contender {
    /// The peer itself.
    pub(crate) fn peer(peer: &PacedPeer) -> Self {
        Self { address: peer.address(), api: Api::Gemini, process: None }
    }

    /// Starts a server with its files in `folder` and says how long it took to answer.
    pub(crate) fn start(
        kind: ContenderKind,
        peer: &PacedPeer,
        folder: &Path,
    ) -> anyhow::Result<(Self, Duration)> {
        let address = free_address()?;
        let begin = Instant::now();
        let (api, mut process, probe) = match kind {
            ContenderKind::Peer => return Ok((Self::peer(peer), Duration::ZERO)),
            ContenderKind::Nginx => (Api::Gemini, start_nginx(address, peer, folder)?, "/ready"),
            ContenderKind::Tester => {
                (Api::Tester, start_tester(address, peer, folder)?, "/api/health")
            }
        };
        process.wait_until(|| process::answers(address, probe))?;
        Ok((Self { address, api, process: Some(process) }, begin.elapsed()))
    }
}

/// nginx's own word on its version; `None` where it is not installed.
pub(crate) fn nginx_version() -> Option<String> {
    let output = Command::new(nginx_program()).arg("-v").output().ok()?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    words.split_once("nginx/").map(|(_, version)| version.trim().to_owned())
}

/// Debian keeps nginx where only root's path looks.
fn nginx_program() -> &'static str {
    let beside = Path::new("/usr/sbin/nginx");
    if beside.exists() { "/usr/sbin/nginx" } else { "nginx" }
}

fn start_nginx(
    address: SocketAddr,
    peer: &PacedPeer,
    folder: &Path,
) -> anyhow::Result<ServerProcess> {
    let config = folder.join("nginx.conf");
    let text = format!(
        "daemon off;\n\
         worker_processes {workers};\n\
         worker_rlimit_nofile 8192;\n\
         pid nginx.pid;\n\
         error_log stderr warn;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n\
           access_log off;\n\
           client_body_temp_path body;\n\
           proxy_temp_path proxy;\n\
           fastcgi_temp_path fastcgi;\n\
           uwsgi_temp_path uwsgi;\n\
           scgi_temp_path scgi;\n\
           keepalive_requests 1000000;\n\
           upstream peer {{ server {peer}; keepalive 1024; keepalive_requests 1000000; }}\n\
           server {{\n\
             listen {address} backlog=4096;\n\
             location = /ready {{ return 200; }}\n\
             location / {{\n\
               proxy_pass http://peer;\n\
               proxy_http_version 1.1;\n\
               proxy_set_header Connection \"\";\n\
               proxy_buffering off;\n\
             }}\n\
           }}\n\
         }}\n",
        workers = machine::cores(),
        peer = peer.address(),
    );
    std::fs::write(&config, text).context("writing nginx's configuration")?;
    let nginx = || {
        let mut command = Command::new(nginx_program());
        command.arg("-p").arg(folder).arg("-c").arg(&config).args(["-e", "stderr"]);
        command
    };
    let mut stop = nginx();
    stop.args(["-s", "stop"]);
    ServerProcess::spawn("nginx", nginx(), Some(stop), folder)
}

/// The executable as it is shipped: defaults everywhere but for the limit that is there to stop
/// exactly this kind of client.
fn start_tester(
    address: SocketAddr,
    peer: &PacedPeer,
    folder: &Path,
) -> anyhow::Result<ServerProcess> {
    // What runs tests is not measured here, and would warm up meanwhile.
    let knobs = folder.join("knobs.toml");
    let cold = ["python", "node", "java"].map(|runtime| format!("sandbox.{runtime}.warm = 0\n"));
    std::fs::write(&knobs, cold.concat())?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_tester"));
    command
        .arg("dev")
        .arg("--data-dir")
        .arg(folder.join("data"))
        .arg("--config")
        .arg(&knobs)
        // No `.env` and no variable of whoever runs this may change what is measured.
        .current_dir(folder)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOST", address.ip().to_string())
        .env("PORT", address.port().to_string())
        .env("GEMINI_API_KEY", "AQ.benchmark-key-that-opens-nothing-0123456789")
        .env("GEMINI_BASE_URL", peer.url())
        .env("RATE_LIMIT_GENERATE_PER_MINUTE", "100000");
    ServerProcess::spawn("tester", command, None, folder)
}
