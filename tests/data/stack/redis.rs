use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use redis::aio::MultiplexedConnection;
use tokio::sync::oneshot;

use super::server::free_port;
use crate::support::soon;

/// An OpenSSL configuration: a certificate for this machine that signs itself and nothing else.
const CERTIFICATE: &str = "
    [req]
    distinguished_name = name
    x509_extensions = extensions
    prompt = no
    [name]
    CN = localhost
    [extensions]
    basicConstraints = critical, CA:FALSE
    subjectAltName = DNS:localhost, IP:127.0.0.1
";

/// A server of its own, without persistence: empty after every start. Killed when dropped.
pub struct Redis {
    folder: tempfile::TempDir,
    options: Vec<String>,
    /// The option, and the port.
    listen: (&'static str, u16),
    child: Child,
}

impl Redis {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Spoken to over TLS alone, with a certificate of its own.
    pub async fn start_with_tls() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("certificate.conf"), CERTIFICATE).expect("a file");
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2"])
            .args(["-config", "certificate.conf", "-keyout", "key.pem", "-out", "certificate.pem"])
            .current_dir(folder.path())
            .stderr(Stdio::null())
            .status();
        assert!(made.expect("openssl is installed").success());
        let files = ["--tls-cert-file", "certificate.pem", "--tls-key-file", "key.pem"];
        let others = ["--tls-ca-cert-file", "certificate.pem", "--tls-auth-clients", "no"];
        Self::start_in(folder, &[files, others].concat(), "--tls-port").await
    }

    /// With further options, as on its command line.
    pub async fn start_with(options: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().expect("a temporary folder"), options, "--port").await
    }

    async fn start_in(folder: tempfile::TempDir, options: &[&str], listen: &'static str) -> Self {
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        // Somebody else may take the port in between; then the server does not start, and another
        // port is tried.
        for _ in 0..10 {
            let port = free_port();
            let listen = (listen, port);
            if let Some(child) = spawn(&folder, listen, &options).await {
                return Self { folder, options, listen, child };
            }
        }
        panic!("redis-server does not start: is it installed?");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.listen.1)
    }

    /// The certificate of a server with TLS, for those who are to trust it.
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// What an operator does: connections are closed in order.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        self.child.wait().expect("a status");
    }

    /// What the kernel does.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("a status");
    }

    /// It accepts connections and reads none: what an overloaded machine looks like.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Again where it was, and empty. It must have ended before.
    pub async fn start_again(&mut self) {
        let child = spawn(&self.folder, self.listen, &self.options).await;
        self.child = child.expect("the port is still free");
    }

    pub async fn client(&self) -> MultiplexedConnection {
        self.client_at(&self.url()).await
    }

    async fn client_at(&self, url: &str) -> MultiplexedConnection {
        let client = redis::Client::open(url).expect("a URL");
        let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
        let connected = client.get_multiplexed_async_connection_with_config(&config);
        soon("a connection to Redis", connected).await.expect("the server is ready")
    }

    /// The names of all values of one kind.
    pub async fn names(&self, kind: &str) -> Vec<String> {
        let pattern = format!("tester:{kind}*");
        let mut client = self.client().await;
        redis::cmd("KEYS").arg(pattern).query_async(&mut client).await.expect("an answer")
    }

    /// Everything it holds: each name and each value, as bytes.
    pub async fn everything(&self) -> Vec<Vec<u8>> {
        let mut client = self.client().await;
        let mut held = Vec::new();
        for name in self.names("").await {
            let kind: String =
                redis::cmd("TYPE").arg(&name).query_async(&mut client).await.expect("an answer");
            let mut values: Vec<Vec<u8>> = match kind.as_str() {
                "string" => {
                    let value = redis::cmd("GET").arg(&name).query_async(&mut client).await;
                    vec![value.expect("an answer")]
                }
                "zset" => {
                    let mut range = redis::cmd("ZRANGE");
                    range.arg(&name).arg(0).arg(-1).arg("WITHSCORES");
                    range.query_async(&mut client).await.expect("an answer")
                }
                // It expired in between.
                "none" => Vec::new(),
                other => panic!("{name} is of an unknown kind: {other}"),
            };
            held.push(name.into_bytes());
            held.append(&mut values);
        }
        held
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("process ids are small");
        kill(Pid::from_raw(id), signal).expect("a child of ours");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it and waits until it says that it is ready; `None` when it ends instead.
async fn spawn(
    folder: &tempfile::TempDir,
    (listen, port): (&str, u16),
    options: &[String],
) -> Option<Child> {
    let mut child = Command::new("redis-server")
        // Port 0 is none; of an option that comes twice the latter counts.
        .args(["--port", "0", listen, &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", ""])
        .args(options)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed");
    let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
    let (ready, is_ready) = oneshot::channel();
    std::thread::spawn(move || {
        let mut ready = Some(ready);
        // Read to its end, so that it never waits for a reader.
        for line in output.lines().map_while(Result::ok) {
            if line.contains("Ready to accept connections")
                && let Some(ready) = ready.take()
            {
                // Nobody waits any more if the case has failed.
                let _ = ready.send(());
            }
        }
    });
    let started = soon("the start of Redis", is_ready).await.is_ok();
    if !started {
        child.wait().expect("a status");
    }
    started.then_some(child)
}
