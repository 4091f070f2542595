use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;

use crate::support::PATIENCE;

/// Runs a program until standard input closes.
const UNTIL_TOLD: &str = "\"$@\" 2>&1 & server=$!; exec >&-; read -r line; \
                          kill -TERM \"$server\"; wait \"$server\"";

/// Runs a program that does not look at its standard input, as [`Server`] wants it: what it says on
/// either output is its output, and it ends when the input closes.
pub fn until_told(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", UNTIL_TOLD, "sh"]).arg(program);
    command
}

/// A port that nobody listens on; another process may be faster to take it.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// nginx with this in its `http` block, all that it writes in this folder.
pub fn nginx(folder: &Path, http: &str) -> Server {
    let config = folder.join("nginx.conf");
    let text = format!(
        "daemon off;\n\
         worker_processes 1;\n\
         pid nginx.pid;\n\
         error_log stderr notice;\n\
         events {{ worker_connections 512; }}\n\
         http {{\n\
           access_log off;\n\
           client_body_temp_path body;\n\
           proxy_temp_path proxy;\n\
           fastcgi_temp_path fastcgi;\n\
           uwsgi_temp_path uwsgi;\n\
           scgi_temp_path scgi;\n\
           {http}\n\
         }}\n"
    );
    fs::write(&config, text).expect("a writable folder");
    // Debian keeps nginx where only root's path looks.
    let beside = Path::new("/usr/sbin/nginx");
    let mut command = until_told(if beside.exists() { beside } else { Path::new("nginx") });
    command.arg("-p").arg(folder).arg("-c").arg(&config).args(["-e", "stderr"]);
    let ready = |line: &str| line.contains("start worker process").then_some(());
    Server::start(&mut command, "", ready).0
}

/// A process that ends when its standard input closes: when this is dropped, and also when the
/// tests die of whatever kind of death.
pub struct Server {
    child: Child,
    input: Option<ChildStdin>,
}

impl Server {
    /// Starts one, tells it what it wants to know, and reads its output up to the line that says
    /// it is ready.
    pub fn start<T>(
        command: &mut Command,
        tell: &str,
        ready: impl Fn(&str) -> Option<T>,
    ) -> (Self, T) {
        let show = std::env::var_os("TESTER_TEST_LOG").is_some();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(if show { Stdio::inherit() } else { Stdio::null() })
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut input = child.stdin.take().expect("stdin is piped");
        input.write_all(tell.as_bytes()).expect("the server reads");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        // Declared before the wait, which may panic: the process is not left behind.
        let server = Self { child, input: Some(input) };
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // Read to the end, though nobody listens any more: it must never wait for a reader.
                let _ = sender.send(line);
            }
        });
        let mut said = Vec::new();
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            if let Some(answer) = ready(&line) {
                return (server, answer);
            }
            said.push(line);
        }
        panic!("not ready, see TESTER_TEST_LOG=1: {command:?} {said:#?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        // There is nobody to tell of a failure.
        let _ = self.child.wait();
    }
}
