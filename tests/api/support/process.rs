use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tester_peers::gemini::GeminiPeer;
use tester_peers::supabase::SupabasePeer;
use tester_peers::tokens::TokenMint;
use tester_peers::turnstile::TurnstilePeer;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use uuid::Uuid;

use super::{GEMINI_KEY, JWT_SECRET, TURNSTILE_SECRET, client, environment, soon};

/// What `tester serve` needs around it, when it is a process of its own.
pub struct Peers {
    pub gemini: GeminiPeer,
    pub supabase: SupabasePeer,
    pub turnstile: TurnstilePeer,
    pub user: Uuid,
    folder: tempfile::TempDir,
}

impl Peers {
    pub async fn start() -> Self {
        let gemini = GeminiPeer::start().await.expect("a free port");
        gemini.expect_key(GEMINI_KEY);
        let turnstile = TurnstilePeer::start(TURNSTILE_SECRET).await.expect("a free port");
        Self {
            gemini,
            supabase: SupabasePeer::start().await.expect("a free port"),
            turnstile,
            user: Uuid::new_v4(),
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    /// The `Authorization` value of the test's user.
    pub fn authorization(&self) -> String {
        let mint = TokenMint::new(JWT_SECRET, &format!("{}/auth/v1", self.supabase.url()));
        format!("Bearer {}", mint.token_for(self.user))
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        environment(&self.gemini.url(), &self.supabase.url(), &self.turnstile.url())
    }
}

/// What a process wrote to its log.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no test panics with it").clone()
    }

    /// The lines with this message, as the objects that they must be.
    pub fn events(&self, message: &str) -> Vec<Value> {
        let parse = |line: String| -> Value {
            serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
        };
        self.lines().into_iter().map(parse).filter(|event| event["message"] == message).collect()
    }

    /// Waits for that many of them.
    pub async fn until(&self, message: &str, count: usize) -> Vec<Value> {
        soon(&format!("{count} lines {message:?}"), async {
            loop {
                let events = self.events(message);
                if events.len() >= count {
                    return events;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
    }
}

/// The real executable, as a process of its own, so that it can be killed for real.
pub struct Process {
    child: Child,
    url: String,
}

impl Process {
    /// Starts `tester dev` on a folder and waits until it says that it is ready.
    pub async fn dev(folder: &Path, variables: &[(&str, &str)]) -> Self {
        // Nothing is warmed up, or even installed, that no test asks for.
        let knobs = folder.join("knobs.toml");
        let cold =
            ["python", "node", "java"].map(|runtime| format!("sandbox.{runtime}.warm = 0\n"));
        std::fs::write(&knobs, cold.concat()).expect("a writable folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_tester"));
        command.arg("dev").arg("--data-dir").arg(folder).arg("--config").arg(&knobs);
        command.current_dir(folder).env_clear().env("PORT", "0").envs(variables.iter().copied());
        command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        let ready = |line: &str| {
            line.split_once("http://").map(|(_, address)| address.trim_end_matches('/').to_owned())
        };
        Self::start(command, ready, |_| {}).await
    }

    /// Starts `tester serve` beside these peers. Its log is kept, line by line.
    pub async fn serve(peers: &Peers, variables: &[(&str, &str)]) -> (Self, Log) {
        Self::serve_with(peers, &[], variables).await
    }

    /// With further arguments.
    pub async fn serve_with(
        peers: &Peers,
        arguments: &[&OsStr],
        variables: &[(&str, &str)],
    ) -> (Self, Log) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tester"));
        command.arg("serve").args(arguments).current_dir(peers.folder.path()).env_clear();
        command.envs(peers.environment()).envs(variables.iter().copied());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let log = Log::default();
        let lines = Arc::clone(&log.0);
        let keep = move |line| lines.lock().expect("no test panics with it").push(line);
        (Self::start(command, Self::ready_line, keep).await, log)
    }

    /// Starts `tester serve` with these variables and knobs (TOML), its files in a folder. Its soft
    /// limit of open files is the usual one, whatever that of the tests is.
    pub async fn serve_in(folder: &Path, variables: &[(&str, String)], knobs: &str) -> Self {
        let file = folder.join("knobs.toml");
        std::fs::write(&file, knobs).expect("a writable folder");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "ulimit -Sn 1024; exec \"$0\" \"$@\""]);
        command.arg(env!("CARGO_BIN_EXE_tester")).arg("serve").arg("--config").arg(&file);
        command.current_dir(folder).env_clear().env("LOG_FORMAT", "json");
        command.envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        command.stderr(Stdio::piped());
        Self::start(command, Self::ready_line, |_| {}).await
    }

    /// Starts a server and waits until it says at which address it is ready. The lines it writes,
    /// to whichever of its outputs is piped, are handed on.
    pub async fn start(
        mut command: Command,
        ready: fn(&str) -> Option<String>,
        hand_on: impl Fn(String) + Send + 'static,
    ) -> Self {
        command.stdin(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().expect("the executable is built");
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let piped: Box<dyn AsyncRead + Send + Unpin> = match (stdout, stderr) {
            (Some(stdout), _) => Box::new(stdout),
            (None, Some(stderr)) => Box::new(stderr),
            (None, None) => panic!("one of the outputs must be piped"),
        };
        let mut lines = BufReader::new(piped).lines();
        let address = soon("the ready line", async {
            loop {
                let line = lines.next_line().await.expect("readable output");
                let line = line.expect("the process lives until it is ready");
                let address = ready(&line);
                hand_on(line);
                if let Some(address) = address {
                    return address;
                }
            }
        })
        .await;
        // Read to the end, so that it never waits for a reader.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                hand_on(line);
            }
        });
        Self { child, url: format!("http://{address}") }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn address(&self) -> &str {
        self.url.trim_start_matches("http://")
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("the process is running")
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        client::request(method, &format!("{}{path}", self.url()))
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the process was running");
    }

    /// SIGTERM, as a platform stops a container; gives the exit code.
    pub async fn terminate(self) -> Option<i32> {
        self.ask_to_end().await;
        self.ended().await
    }

    /// SIGTERM, without waiting.
    pub async fn ask_to_end(&self) {
        let id = self.child.id().expect("the process is running").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.expect("kill is there").success());
    }

    /// The exit code, once there is one.
    pub async fn ended(mut self) -> Option<i32> {
        soon("the exit", self.child.wait()).await.expect("a status").code()
    }

    /// The address in the line that says that it is ready, in either format of the log.
    pub fn ready_line(line: &str) -> Option<String> {
        let (_, address) = if line.contains("\"message\":\"ready\"") {
            line.split_once("\"address\":\"")?
        } else {
            line.split_once(" ready address=")?
        };
        let end = address.find(|c: char| c != '.' && c != ':' && !c.is_ascii_digit());
        Some(address[..end.unwrap_or(address.len())].to_owned())
    }
}
