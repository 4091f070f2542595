//! Chromium, driven by `WebDriver`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::server::{Server, until_told};
use super::support::soon;

/// What a page is seen with, unless a test says otherwise.
const WINDOW: &str = "--window-size=1280,900";

/// What the browser does without, so that it does what the test says and nothing else.
const QUIET: [&str; 10] = [
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-sync",
    "--no-default-browser-check",
    "--no-first-run",
    // The browser ends when the driver's end of the pipe closes, whatever the driver died of.
    "--remote-debugging-pipe",
];

/// One chromedriver for all tests, and the folder in which its browsers live.
pub struct Driver {
    _server: Server,
    url: String,
    folder: tempfile::TempDir,
    sessions: AtomicUsize,
}

impl Driver {
    pub fn start() -> Self {
        let mut command = until_told("chromedriver");
        command.args(["--port=0", "--log-level=WARNING"]);
        let (server, port) = Server::start(&mut command, "", |line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (url, sessions) = (format!("http://127.0.0.1:{port}"), AtomicUsize::new(0));
        Self { _server: server, url, folder, sessions }
    }

    /// A browser that knows nothing yet, for somebody who reads this language (`en-US`), and who
    /// finds the host of Turnstile at this address. Gives the folder of its downloads, too.
    pub async fn open(&self, language: &str, challenges: &str) -> (Client, PathBuf) {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let profile = self.folder.path().join(number.to_string());
        let downloads = profile.join("downloads");
        fs::create_dir_all(&downloads).expect("a writable folder");
        let mut arguments: Vec<String> = QUIET.map(str::to_owned).into();
        arguments.push(WINDOW.to_owned());
        arguments.push(format!("--lang={language}"));
        arguments.push(format!("--user-data-dir={}", profile.display()));
        arguments.push(format!("--host-resolver-rules=MAP challenges.cloudflare.com {challenges}"));
        if nix::unistd::geteuid().is_root() {
            // It refuses to build its own sandbox as root. It sees only what these tests show it.
            arguments.push("--no-sandbox".to_owned());
        }
        let capabilities = json!({
            "browserName": "chrome",
            // The stand-in of Turnstile signs its certificate itself.
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {
                "args": arguments,
                "prefs": {
                    "intl.accept_languages": language,
                    "download.default_directory": downloads,
                    "download.prompt_for_download": false,
                    "credentials_enable_service": false,
                },
            },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it is written above") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = soon("a browser", builder.connect(&self.url)).await;
        (client.expect("chromedriver starts Chromium"), downloads)
    }

    /// The folder of the browsers: whatever process names it is one of theirs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A command of chromedriver's own.
#[derive(Debug)]
pub struct Command {
    path: &'static str,
    body: Value,
}

impl Command {
    /// One of the Chrome `DevTools` Protocol.
    pub fn devtools(method: &str, parameters: &Value) -> Self {
        let body = json!({"cmd": method, "params": parameters});
        Self { path: "goog/cdp/execute", body }
    }

    /// What the browser has to say of its pages since it was last asked.
    pub fn log() -> Self {
        Self { path: "se/log", body: json!({"type": "browser"}) }
    }
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
