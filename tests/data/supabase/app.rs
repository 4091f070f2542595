use serde_json::Value;
use tester::app::startup::Application;
use tester::config::ServeSettings;
use tester_peers::gemini::GeminiPeer;
use tester_peers::turnstile::TurnstilePeer;
use tokio::process::Command;

use crate::stack::lite::{Project, SECRET_KEY, User};
use crate::support::{
    Answer, EventStream, GEMINI_KEY, Process, Running, TURNSTILE_SECRET, TestApp, answered,
    environment, sources,
};

/// `tester serve` on a real project; what it talks to besides is stood in for.
pub struct App {
    pub gemini: GeminiPeer,
    _turnstile: TurnstilePeer,
    server: Served,
    client: reqwest::Client,
}

enum Served {
    Here(Running),
    Apart(Process),
}

/// The peers, and the variables that point to them and to the project.
pub struct Surroundings {
    pub gemini: GeminiPeer,
    pub turnstile: TurnstilePeer,
    pub variables: Vec<(&'static str, String)>,
}

impl App {
    /// In this process.
    pub async fn start(project: &Project) -> Self {
        Self::start_with(project, &[], "").await
    }

    /// With further variables and knobs (TOML).
    pub async fn start_with(project: &Project, variables: &[(&str, &str)], knobs: &str) -> Self {
        let Surroundings { gemini, turnstile, variables: usual } = surround(project).await;
        let usual: Vec<_> = usual.iter().map(|(name, value)| (*name, &**value)).collect();
        let sources = sources(&usual, variables, knobs);
        let settings =
            ServeSettings::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
        let application = Application::serve(settings).await.expect("the peers are there");
        let server = Served::Here(Running::start(application));
        Self { gemini, _turnstile: turnstile, server, client: client() }
    }

    /// As a process of its own, whose log goes there.
    pub async fn start_apart(project: &Project, log: impl Fn(String) + Send + 'static) -> Self {
        let Surroundings { gemini, turnstile, variables } = surround(project).await;
        let mut command = Command::new(env!("CARGO_BIN_EXE_tester"));
        command.arg("serve").env_clear().envs(variables).env("LOG_FORMAT", "json");
        command.stderr(std::process::Stdio::piped());
        let server = Served::Apart(Process::start(command, Process::ready_line, log).await);
        Self { gemini, _turnstile: turnstile, server, client: client() }
    }

    /// SIGKILL; only for one that runs apart.
    pub async fn kill(self) {
        match self.server {
            Served::Here(_) => panic!("the tests run in this process"),
            Served::Apart(process) => process.kill().await,
        }
    }

    pub fn request(&self, user: &User, method: &str, path: &str) -> reqwest::RequestBuilder {
        let root = match &self.server {
            Served::Here(running) => running.url(),
            Served::Apart(process) => process.url(),
        };
        let method = method.parse().expect("a method");
        let request = self.client.request(method, format!("{root}{path}"));
        request.bearer_auth(&user.token).header("accept-language", "en")
    }

    pub async fn get(&self, user: &User, path: &str) -> Answer {
        answered(self.request(user, "GET", path)).await
    }

    pub async fn delete(&self, user: &User, path: &str) -> Answer {
        answered(self.request(user, "DELETE", path)).await
    }

    /// Asks for tests of the source of this number.
    pub async fn generate(&self, user: &User, number: usize) -> Answer {
        let request = self.request(user, "POST", "/api/generate");
        answered(request.json(&TestApp::body(number))).await
    }

    pub async fn stream(&self, user: &User, number: usize) -> EventStream {
        self.generate(user, number).await.events()
    }

    /// Generates to the end and gives the row's id.
    pub async fn stored(&self, user: &User, number: usize) -> String {
        let (_, frames) = self.stream(user, number).await.collect().await;
        let done = frames.last().expect("a last frame").data().clone();
        assert_eq!(done["type"], "done", "{done}");
        done["history_id"].as_str().unwrap_or_else(|| panic!("not stored: {done}")).to_owned()
    }

    /// The wallet's balance, as the status tells it.
    pub async fn balance(&self, user: &User) -> i64 {
        let status = self.get(user, "/api/user/status").await.json().await;
        let balance = status["token_info"]["current_tokens"].as_i64();
        balance.unwrap_or_else(|| panic!("no balance in {status}"))
    }

    /// All pages of the history from this path on, as the links lead.
    pub async fn pages(&self, user: &User, path: &str) -> Vec<Vec<Value>> {
        let mut pages = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let (page, link) = self.page(user, &path).await;
            pages.push(page);
            next = link;
        }
        pages
    }

    /// One page, and where the next one is.
    pub async fn page(&self, user: &User, path: &str) -> (Vec<Value>, Option<String>) {
        let answer = self.get(user, path).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.header("x-unreadable-items"), None, "{path}");
        let next = answer.header("link").map(|link| {
            let path = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
            path.unwrap_or_else(|| panic!("{link}")).to_owned()
        });
        (answer.json().await.as_array().expect("a list").clone(), next)
    }
}

/// What `tester check-env --online` says of this project: how it is, and why.
pub async fn checked_online(project: &Project) -> (String, String) {
    let Surroundings { gemini: _gemini, turnstile: _turnstile, variables } =
        surround(project).await;
    let output = Command::new(env!("CARGO_BIN_EXE_tester"))
        .args(["check-env", "--online", "--format", "json"])
        .env_clear()
        .envs(variables)
        .output()
        .await
        .expect("the executable is built");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let asked = report["online"].as_array().expect("a list of those that were asked");
    let project = asked.iter().find(|asked| asked["dependency"] == "supabase_table");
    let project = project.unwrap_or_else(|| panic!("{report}"));
    let text = |name: &str| project[name].as_str().unwrap_or_default().to_owned();
    (text("state"), text("reason"))
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client without options")
}

pub async fn surround(project: &Project) -> Surroundings {
    let gemini = GeminiPeer::start().await.expect("a free port");
    gemini.expect_key(GEMINI_KEY);
    let turnstile = TurnstilePeer::start(TURNSTILE_SECRET).await.expect("a free port");
    let mut variables = environment(&gemini.url(), project.url(), &turnstile.url());
    // The later one of two wins.
    variables.push(("SUPABASE_SERVICE_ROLE_KEY", SECRET_KEY.to_owned()));
    // Lite's tokens do not say who made them.
    variables.push(("SUPABASE_JWT_ISSUER", "any".to_owned()));
    Surroundings { gemini, turnstile, variables }
}
