//! Where the page comes from: the program as it is shipped, beside its peers.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tester_peers::gemini::GeminiPeer;
use tester_peers::tokens::TokenMint;

use super::page::Page;
use super::stage::Stage;
use super::support::{GEMINI_KEY, JWT_SECRET, Log, Peers, Process, SERVE_ENVIRONMENT};

/// How long the first run may take on a machine that has no framework yet.
const INSTALLATION: Duration = Duration::from_mins(5);

pub const EMAIL: &str = "ada@example.com";
pub const PASSWORD: &str = "correct horse battery staple";

/// A site key as Turnstile's are.
const SITE_KEY: &str = "0x4AAAAAAATESTturnstileSITE";

/// `tester dev`, with a model.
pub struct Dev {
    pub gemini: GeminiPeer,
    process: Process,
    _folder: Option<tempfile::TempDir>,
}

impl Dev {
    /// On a folder of its own, without anything to run tests with.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (gemini, process) = Self::start_in(folder.path(), &[]).await;
        Self { gemini, process, _folder: Some(folder) }
    }

    /// With this machine's interpreters, and the frameworks that the tests of the sandboxes use.
    pub async fn with_sandboxes() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("execution");
        std::fs::create_dir_all(&folder).expect("a writable folder");
        let path = std::env::var("PATH").expect("a search path");
        let variables = [("PATH", path.as_str()), ("SANDBOX_ENGINE", "namespace")];
        let (gemini, process) = Self::start_in(&folder, &variables).await;
        let dev = Self { gemini, process, _folder: None };
        dev.install().await;
        dev
    }

    async fn start_in(folder: &Path, variables: &[(&str, &str)]) -> (GeminiPeer, Process) {
        let gemini = GeminiPeer::start().await.expect("a free port");
        let url = gemini.url();
        let mut all = vec![
            ("GEMINI_API_KEY", GEMINI_KEY),
            ("GEMINI_BASE_URL", url.as_str()),
            ("RUST_LOG", "warn"),
        ];
        all.extend(variables);
        (gemini, Process::dev(folder, &all).await)
    }

    /// Waits until the frameworks are there: the first run of a language installs its own.
    async fn install(&self) {
        for (language, code, test_code) in [
            ("python", "x = 1", "def test_x():\n    assert x == 1\n"),
            ("javascript", "const x = 1;", "test('x', () => expect(x).toBe(1));\n"),
        ] {
            let body = json!({"code": code, "test_code": test_code, "language": language});
            let request = self.process.request("POST", "/api/execution/execute");
            let answer = request.timeout(INSTALLATION).json(&body).send().await;
            let answer = answer.expect("an answer").text().await.expect("a whole body");
            assert!(answer.contains(r#""status":"passed""#), "{language} does not run: {answer}");
        }
    }

    /// Leaves nothing of an earlier test.
    pub async fn forget(&self) {
        let deleted = self.process.request("DELETE", "/api/history/").send().await;
        assert_eq!(deleted.expect("an answer").status().as_u16(), 204);
        self.gemini.forget_exchanges();
    }

    pub fn url(&self) -> &str {
        self.process.url()
    }

    pub const fn process(&self) -> &Process {
        &self.process
    }

    /// SIGKILL.
    pub async fn kill(self) {
        self.process.kill().await;
    }
}

/// `tester serve`, with a project in which [`EMAIL`] can sign in.
pub struct Serve {
    pub peers: Peers,
    process: Process,
    _log: Log,
}

impl Serve {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With further variables.
    pub async fn start_with(variables: &[(&str, &str)]) -> Self {
        let peers = Peers::start().await;
        peers.supabase.open_accounts(publishable_key(), Self::mint_of(&peers));
        peers.supabase.add_account(EMAIL, PASSWORD, peers.user);
        let mut all = vec![("TURNSTILE_SITE_KEY", SITE_KEY)];
        all.extend(variables);
        let (process, log) = Process::serve(&peers, &all).await;
        Self { peers, process, _log: log }
    }

    fn mint_of(peers: &Peers) -> TokenMint {
        TokenMint::new(JWT_SECRET, &format!("{}/auth/v1", peers.supabase.url()))
    }

    /// What signs tokens that the program accepts.
    pub fn mint(&self) -> TokenMint {
        Self::mint_of(&self.peers)
    }

    pub fn url(&self) -> &str {
        self.process.url()
    }

    /// A page on which [`EMAIL`] is signed in, its wallet read: the welcome and the day's bonus.
    pub async fn signed_in(&self, stage: &Stage) -> Page {
        let page = stage.page(self.url()).await;
        page.sign_in(EMAIL, PASSWORD).await;
        page.until_text("#balance", "80").await;
        page
    }
}

fn publishable_key() -> &'static str {
    let mut variables = SERVE_ENVIRONMENT.iter();
    let (_, key) = variables.find(|(name, _)| *name == "SUPABASE_ANON_KEY").expect("it is set");
    key
}
