use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::{client, soon};

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
        let mut child = Command::new(env!("CARGO_BIN_EXE_tester"))
            .arg("dev")
            .arg("--data-dir")
            .arg(folder)
            .arg("--config")
            .arg(&knobs)
            .current_dir(folder)
            .env_clear()
            .env("PORT", "0")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .expect("the executable is built");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines();
        let url = soon("the ready line", async {
            loop {
                let line = lines.next_line().await.expect("readable output");
                let line = line.expect("the process lives until it is ready");
                if let Some((_, url)) = line.split_once("http://") {
                    return format!("http://{}", url.trim_end_matches('/'));
                }
            }
        })
        .await;
        // Whatever else it prints is read to nowhere, so that it never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, url }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        client::request(method, &format!("{}{path}", self.url))
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("the process was running");
    }

    /// SIGTERM, as a platform stops a container; gives the exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        let id = self.child.id().expect("the process is running").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await;
        assert!(sent.expect("kill is there").success());
        soon("the exit", self.child.wait()).await.expect("a status").code()
    }
}
