use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use tester::repositories::MIGRATIONS;
use uuid::Uuid;

use super::postgres::{Cluster, Database};
use super::server::Server;
use crate::support::{JWT_SECRET, soon};

/// The project's keys. They open nothing but what runs on this machine while the tests do.
pub const PUBLISHABLE_KEY: &str = "sb_publishable_test_0123456789abcdef0123456789";
pub const SECRET_KEY: &str = "sb_secret_test_0123456789abcdef0123456789abcdef";

/// Connections to the database that one project may open.
const CONNECTIONS: u32 = 30;

/// A database as Supabase hands it over: roles, default privileges, users, nothing of ours.
pub fn blank(cluster: &Arc<Cluster>) -> Database {
    cluster.create_like("supabase", |database| {
        // Creates the tables of the users.
        drop(Project::serve(database.clone()));
        database.run(include_str!("supabase.sql"));
    })
}

/// A new project's database, all migrations applied.
pub fn migrated(cluster: &Arc<Cluster>) -> Database {
    let database = blank(cluster);
    migrate(&database);
    database
}

/// Applies the migrations one after the other, as `supabase db push` does.
pub fn migrate(database: &Database) {
    for migration in MIGRATIONS {
        database.run(migration.sql);
    }
}

/// A Supabase project: a database, and the APIs in front of it.
pub struct Project {
    // Ends first.
    _server: Server,
    database: Database,
    url: String,
    client: reqwest::Client,
}

/// Somebody who signed up.
#[derive(Clone, Debug)]
pub struct User {
    pub id: Uuid,
    pub email: String,
    pub token: String,
}

impl Project {
    pub fn serve(database: Database) -> Self {
        let folder = installed();
        // Beside its modules, where it finds them.
        let script = folder.join("serve.mjs");
        fs::write(&script, include_str!("../lite/serve.mjs")).expect("a writable folder");
        let settings = json!({
            "socket_folder": database.cluster().socket_folder(),
            "database": database.name(),
            "connections": CONNECTIONS,
            "jwt_secret": JWT_SECRET,
            "publishable_key": PUBLISHABLE_KEY,
            "secret_key": SECRET_KEY,
        });
        let mut node = Command::new("node");
        let (server, port) = Server::start(
            node.arg(script).env("LITE_TELEMETRY", "0").env("DO_NOT_TRACK", "1"),
            &format!("{settings}\n"),
            |line| line.parse::<u16>().ok(),
        );
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0);
        let client = client.build().expect("a client without options");
        Self { _server: server, database, url: format!("http://127.0.0.1:{port}"), client }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    /// A request with this key, as nobody in particular.
    pub fn request(&self, method: &str, path: &str, key: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        self.client.request(method, format!("{}{path}", self.url)).header("apikey", key)
    }

    /// A request as pages make it for somebody who signed in.
    pub fn request_by(&self, user: &User, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.request(method, path, PUBLISHABLE_KEY).bearer_auth(&user.token)
    }

    pub async fn sign_up(&self) -> User {
        let email = format!("{}@example.com", Uuid::new_v4());
        let request = self.request("POST", "/auth/v1/signup", PUBLISHABLE_KEY);
        let body = json!({"email": email, "password": "a password for tests"});
        let (status, answer) = send(request.json(&body)).await;
        assert_eq!(status, 200, "{answer}");
        let token = answer["access_token"].as_str().expect("signed in at once").to_owned();
        let id = answer["user"]["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
        User { id, email, token }
    }

    /// A user with a wallet of that much, made behind everybody's back.
    pub fn user_with(&self, balance: u32) -> Uuid {
        let id = Uuid::new_v4();
        self.database.run(&format!(
            "insert into auth.users (id, email) values ('{id}', '{id}@example.com');
             select public.initialize_user_wallet('{id}', {balance});
             update public.user_tokens set last_daily_bonus_at = (now() at time zone 'utc')::date
                 where user_id = '{id}'"
        ));
        id
    }

    /// Calls a function as the service does.
    pub async fn call(&self, function: &str, arguments: &Value) -> Value {
        let path = format!("/rest/v1/rpc/{function}");
        let (status, answer) = send(self.request("POST", &path, SECRET_KEY).json(arguments)).await;
        assert_eq!(status, 200, "{function} {arguments}: {answer}");
        answer
    }
}

/// Status and JSON of the answer.
pub async fn send(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = soon("an answer", request.send()).await.expect("the project answers");
    let status = answer.status().as_u16();
    let text = soon("the body", answer.text()).await.expect("a whole body");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Where scripts/test installs what `tests/data/lite/package-lock.json` names.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("supabase-lite");
    assert!(
        folder.join("node_modules").exists(),
        "install tests/data/lite with `npm ci` into {} (scripts/test does it)",
        folder.display()
    );
    folder
}
