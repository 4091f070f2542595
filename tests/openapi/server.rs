use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use tester::app::startup::Application;
use tester::config::{DevSettings, Environment, PerRuntime, Sources};
use tokio::sync::oneshot;

/// Long enough for any machine, short enough to find a hang.
const PATIENCE: Duration = Duration::from_secs(30);

const OPS_KEY: &str = "ops-key-for-tests-0123456789abcdef-ABCDEF";

/// `tester dev` on a folder of its own; it stops when this is dropped.
pub(crate) struct Server {
    url: String,
    client: reqwest::Client,
    _folder: tempfile::TempDir,
    _stop: oneshot::Sender<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        static PROVIDER: OnceLock<()> = OnceLock::new();
        PROVIDER.get_or_init(|| {
            // The program may have installed it itself.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let folder = tempfile::tempdir().expect("a temporary folder");
        let environment: Environment =
            [("PORT", "0"), ("TESTER_INTERNAL_SECRET", OPS_KEY)].into_iter().collect();
        let sources = Sources { environment, ..Sources::default() };
        let mut settings =
            DevSettings::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
        folder.path().clone_into(&mut settings.data_dir);
        settings.sandbox.executable = Some(env!("CARGO_BIN_EXE_tester").into());
        // Nothing is warmed up, or even installed, that no test asks for.
        settings.sandbox.warm = PerRuntime::default();
        let application = Application::dev(settings).await.expect("the folder is there");
        let url = format!("http://{}", application.address());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(application.run_until(async move {
            // A dropped sender is what it waits for.
            let _ = stopped.await;
        }));
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        let client = client.expect("a client with plain options");
        Self { url, client, _folder: folder, _stop: stop }
    }

    /// A request with an operator's key and without a body.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> reqwest::Response {
        self.client
            .request(method.parse().expect("a method"), format!("{}{path}", self.url))
            .header("x-tester-key", OPS_KEY)
            .send()
            .await
            .expect("the server answers")
    }

    /// The description served there.
    pub(crate) async fn document(&self, path: &str) -> Value {
        let answer = self.ask("GET", path).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
        let text = answer.text().await.expect("a whole body");
        serde_json::from_str(&text).expect("JSON")
    }
}
