//! Instances of the service, and users of them.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tester::config::RedisSettings;
use tester::stores::redis::RedisLink;
use uuid::Uuid;

use crate::stack::redis::Redis;
use crate::support::{Answer, OPS_KEY, PATIENCE, TestApp, soon};

/// For the cases in which Redis is there: a loaded machine must not look like a slow Redis.
pub const PATIENT: &str = "redis.timeout_ms = 20_000\nredis.connect_timeout_ms = 20_000";
/// For the cases in which it is not, so that they do not wait for long.
pub const HASTY: &str = "redis.timeout_ms = 200\nredis.connect_timeout_ms = 500";

/// Two instances on one Redis, which know each other from nowhere else.
pub struct Instances {
    pub redis: Redis,
    pub one: TestApp,
    pub other: TestApp,
}

impl Instances {
    pub async fn start() -> Self {
        Self::start_with(&[], PATIENT).await
    }

    pub async fn start_with(variables: &[(&str, &str)], knobs: &str) -> Self {
        let redis = Redis::start().await;
        let (one, other) = pair(&redis.url(), variables, knobs).await;
        Self { redis, one, other }
    }

    pub fn user(&self) -> User {
        User::of(&self.one)
    }

    /// Waits until what one instance puts into Redis comes out of it at the other.
    pub async fn share(&self) {
        for (from, to) in [(&self.one, &self.other), (&self.other, &self.one)] {
            let mut number = 1_000_000;
            until("sharing", async || {
                number += 1;
                let user = self.user();
                user.generate(from, number).await;
                user.generate(to, number).await.cached
            })
            .await;
        }
    }
}

/// Two instances with the same peers.
pub async fn pair(redis: &str, variables: &[(&str, &str)], knobs: &str) -> (TestApp, TestApp) {
    let mut all = vec![("REDIS_URL", redis)];
    all.extend(variables);
    let one = TestApp::start_configured(&all, knobs).await;
    let peers = (Arc::clone(&one.gemini), Arc::clone(&one.supabase), Arc::clone(&one.turnstile));
    let other = TestApp::start_on(peers, one.user, &all, knobs).await;
    (one, other)
}

/// Somebody with tokens enough. Every call goes through the instance that is named.
pub struct User {
    pub id: Uuid,
    token: String,
}

/// The end of a generation.
pub struct Generated {
    pub id: String,
    pub code: String,
    pub cached: bool,
}

impl User {
    pub fn of(app: &TestApp) -> Self {
        let id = Uuid::new_v4();
        app.supabase.set_balance(id, 1_000_000);
        Self { id, token: format!("Bearer {}", app.tokens.token_for(id)) }
    }

    pub fn request(&self, app: &TestApp, method: &str, path: &str) -> reqwest::RequestBuilder {
        app.request(method, path)
            .header("authorization", &self.token)
            .header("accept-language", "en")
    }

    pub async fn send(&self, app: &TestApp, method: &str, path: &str) -> Answer {
        let sent = self.request(app, method, path).send();
        Answer::new(soon("an answer", sent).await.expect("the server answers"))
    }

    /// Posts a body that is accepted; gives the answer's head.
    pub async fn post(&self, app: &TestApp, number: usize) -> Answer {
        self.post_body(app, &TestApp::body(number)).await
    }

    pub async fn post_body(&self, app: &TestApp, body: &Value) -> Answer {
        let sent = self.request(app, "POST", "/api/generate").json(body).send();
        Answer::new(soon("an answer", sent).await.expect("the server answers"))
    }

    /// Generates to the end, which must be a good one, saved.
    pub async fn generate(&self, app: &TestApp, number: usize) -> Generated {
        self.generate_body(app, &TestApp::body(number)).await
    }

    pub async fn generate_body(&self, app: &TestApp, body: &Value) -> Generated {
        let (code, frames) = self.post_body(app, body).await.events().collect().await;
        let done = frames.last().expect("a last frame").data().clone();
        assert_eq!(done["type"], "done", "{frames:?}");
        Generated {
            id: done["history_id"].as_str().expect("it was saved").to_owned(),
            code,
            cached: done["cached"].as_bool().expect("a flag"),
        }
    }

    /// The first page of the history.
    pub async fn items(&self, app: &TestApp) -> Vec<Value> {
        let answer = self.send(app, "GET", "/api/history/").await;
        assert_eq!(answer.status(), 200);
        answer.json().await.as_array().expect("a list").clone()
    }

    /// The ids on the first page of the history.
    pub async fn ids(&self, app: &TestApp) -> Vec<String> {
        let id = |item: &Value| item["id"].as_str().expect("an id").to_owned();
        self.items(app).await.iter().map(id).collect()
    }

    pub async fn delete(&self, app: &TestApp, id: &str) {
        let answer = self.send(app, "DELETE", &format!("/api/history/{id}")).await;
        assert_eq!(answer.status(), 204);
    }

    pub async fn delete_all(&self, app: &TestApp) {
        assert_eq!(self.send(app, "DELETE", "/api/history/").await.status(), 204);
    }
}

/// Asks until it is so; a condition that is reached from outside has no event to wait for.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let reached = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(2 * PATIENCE, reached)
        .await
        .unwrap_or_else(|_| panic!("{what} did not come about"));
}

/// The value of a metric of this process, 0 before it is counted.
pub async fn metric(app: &TestApp, name: &str) -> u64 {
    let sent = app.request("GET", "/metrics").header("x-tester-key", OPS_KEY).send();
    let text = Answer::new(soon("the metrics", sent).await.expect("an answer")).text().await;
    text.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
        .unwrap_or_default()
}

/// A link of the test's own, for stores that are used without a server around them.
pub async fn link(redis: &Redis) -> RedisLink {
    let link = RedisLink::start(&RedisSettings {
        url: redis.url().into(),
        timeout: PATIENCE,
        connect_timeout: PATIENCE,
    });
    link.tried().await;
    link
}
