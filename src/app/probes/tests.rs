use std::collections::BTreeMap;

use serde_json::json;
use tester_peers::http::{Connection, Request, Server};
use tester_peers::redis::{Answer, RedisPeer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;
use crate::config::{Environment, Sources};

const SERVICE_KEY: &str = "sb_secret_9fKq2Lr7Vt0Xm4Wc9pYs3A";
const GEMINI_KEY: &str = "AIzaSyB-8fKq2Lr7Vt0Xm4Wc9";
const TURNSTILE_SECRET: &str = "0x4AAAAAAAQw3rTyU8iOp5AsDfGhJkLzXcVb";
const SITEVERIFY: &str = "/turnstile/v0/siteverify";
const SCHEMA: &str = "/rest/v1/rpc/tester_schema_version";
/// Generous, for a loaded machine; tests of the deadline itself stop the clock.
const DEADLINE: Duration = Duration::from_mins(1);

/// Settings whose dependencies all stand at `root`.
fn settings(root: &str, changes: &[(&'static str, &str)]) -> ServeSettings {
    let siteverify = format!("{root}{SITEVERIFY}");
    let mut variables: BTreeMap<&'static str, &str> = [
        ("ENV", "development"),
        ("GEMINI_API_KEY", GEMINI_KEY),
        ("GEMINI_BASE_URL", root),
        ("SUPABASE_URL", root),
        ("SUPABASE_SERVICE_ROLE_KEY", SERVICE_KEY),
        ("SUPABASE_JWT_SECRET", "jwt-secret-4kP9sD2fG7hJ1lQ8wE3rT6yU0zXcVbNm"),
        ("SUPABASE_ANON_KEY", "sb_publishable_4Wc9pYs3A9fKq2Lr7Vt0Xm"),
        ("DATA_ENCRYPTION_KEY", "Jx3tQ0mV9rLk2WcYpZ8uHsN5dGfB1aTeRiOqXy7wM4E="),
        ("TURNSTILE_SECRET_KEY", TURNSTILE_SECRET),
        ("TURNSTILE_VERIFY_URL", &siteverify),
        ("WORKER_URL", root),
        ("WORKER_AUTH_TOKEN", "w0rKer-t0ken-Jx3tQ0mV9rLk2WcYpZ8uHsN5dGfB1"),
    ]
    .into();
    variables.extend(changes.iter().copied());
    let environment: Environment = variables.into_iter().collect();
    ServeSettings::load(&Sources::from(environment)).expect("sound settings")
}

async fn ask(settings: &ServeSettings) -> Vec<(String, Condition)> {
    let probes = Prober::new(DEADLINE).ask_all(settings).await;
    probes.into_iter().map(|probe| (probe.dependency.to_string(), probe.condition)).collect()
}

/// Asks peers of which one gives `status` and `answer` at `path` and the others are sound.
async fn ask_with(path: &'static str, status: u16, answer: &str) -> Vec<(String, Condition)> {
    let answer = answer.to_owned();
    let peer = Server::start(move |request: Request, mut connection: Connection| {
        let answer = answer.clone();
        async move {
            if request.path() == path {
                connection
                    .respond(status, &[("location", "/elsewhere")], answer.as_bytes())
                    .await?;
            } else {
                respond_soundly(&request, &mut connection).await?;
            }
            Ok(connection)
        }
    })
    .await
    .expect("a free port");
    ask(&settings(&peer.url(), &[])).await
}

async fn respond_soundly(request: &Request, connection: &mut Connection) -> io::Result<()> {
    let answer = match request.path() {
        "/v1beta/models" => json!({"models": [{"name": "models/gemini-3.8-flash"}]}),
        "/rest/v1/generation_history" => json!([]),
        SCHEMA => json!(SCHEMA_VERSION),
        "/auth/v1/.well-known/jwks.json" => json!({"keys": []}),
        SITEVERIFY => json!({"success": false, "error-codes": ["invalid-input-response"]}),
        "/health" => json!({"status": "ok"}),
        _ => return connection.respond_json(404, &json!({})).await,
    };
    connection.respond_json(200, &answer).await
}

/// A Redis that answers every command with the same line.
async fn redis_peer(line: &'static [u8]) -> RedisPeer {
    RedisPeer::start(Answer::Bytes(line)).await.expect("a free port")
}

fn down(reason: &str) -> Condition {
    Condition::Down(reason.to_owned())
}

#[tokio::test]
async fn sound_dependencies_are_up_and_get_the_right_credentials() {
    let (seen, mut requests) = mpsc::unbounded_channel();
    let peer = Server::start(move |request: Request, mut connection: Connection| {
        let seen = seen.clone();
        async move {
            respond_soundly(&request, &mut connection).await?;
            seen.send(request).expect("the test listens");
            Ok(connection)
        }
    })
    .await
    .expect("a free port");
    let redis = redis_peer(b"+PONG\r\n").await;
    let probes = ask(&settings(&peer.url(), &[("REDIS_URL", &redis.url())])).await;
    let names: Vec<_> = probes.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["gemini", "supabase_table", "supabase_keys", "turnstile", "redis", "worker_1"];
    assert_eq!(names, expected);
    for (name, condition) in &probes {
        assert_eq!(*condition, Condition::Up, "{name}");
    }
    requests.close();
    let mut count = 0;
    while let Some(request) = requests.recv().await {
        count += 1;
        let header = |name| request.header(name);
        assert!(!request.target.contains(GEMINI_KEY) && !request.target.contains(SERVICE_KEY));
        match request.path() {
            "/v1beta/models" => assert_eq!(header("x-goog-api-key"), Some(GEMINI_KEY)),
            SCHEMA => assert_eq!(header("apikey"), Some(SERVICE_KEY)),
            "/rest/v1/generation_history" => {
                assert_eq!(header("apikey"), Some(SERVICE_KEY));
                // A new key as a bearer is refused by Supabase.
                assert_eq!(header("authorization"), None);
                assert_eq!(request.query("limit").as_deref(), Some("1"));
            }
            SITEVERIFY => {
                assert_eq!(request.method, "POST");
                let question = json!({"secret": TURNSTILE_SECRET, "response": MADE_UP_TOKEN});
                assert_eq!(request.json(), question);
            }
            _ => assert_eq!(header("apikey").or(header("authorization")), None),
        }
    }
    assert_eq!(count, 6);
}

#[tokio::test]
async fn a_legacy_supabase_key_is_sent_as_bearer_too() {
    let legacy = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl";
    let peer = Server::start(move |request: Request, mut connection: Connection| async move {
        let bearer = request.header("authorization") == Some(&format!("Bearer {legacy}"));
        if request.path().starts_with("/rest") && !bearer {
            connection.respond_json(401, &json!({})).await?;
        } else {
            respond_soundly(&request, &mut connection).await?;
        }
        Ok(connection)
    })
    .await
    .expect("a free port");
    let probes = ask(&settings(&peer.url(), &[("SUPABASE_SERVICE_ROLE_KEY", legacy)])).await;
    assert_eq!(probes[1], ("supabase_table".to_owned(), Condition::Up));
}

#[tokio::test]
async fn each_answer_has_its_verdict() {
    let invalid_key = r#"[{"error":{"code":400,"details":[{"reason":"API_KEY_INVALID"}]}}]"#;
    let table = "/rest/v1/generation_history";
    let keys = "/auth/v1/.well-known/jwks.json";
    let missing = "has no schema: apply what `tester migrate --print` prints";
    let outdated = "lacks a migration: apply what `tester migrate --print` prints";
    let cases = [
        ("/v1beta/models", 400, invalid_key, down("does not know GEMINI_API_KEY")),
        ("/v1beta/models", 400, "{}", down("answers with status 400")),
        ("/v1beta/models", 403, "{}", down("refuses GEMINI_API_KEY")),
        ("/v1beta/models", 429, "{}", down("answers with status 429")),
        ("/v1beta/models", 302, "", down("redirects elsewhere (status 302)")),
        ("/v1beta/models", 200, "<html>", down("the answer is no model list")),
        (
            "/v1beta/models",
            200,
            r#"{"models":[{"name":"models/other"},{}]}"#,
            Condition::Degraded(
                "the default model is not in the list; see DEFAULT_GEMINI_MODEL".to_owned(),
            ),
        ),
        (table, 401, "{}", down("refuses SUPABASE_SERVICE_ROLE_KEY")),
        (table, 404, r#"{"code":"PGRST205"}"#, down(missing)),
        (table, 400, r#"{"code":"42P01"}"#, down(missing)),
        (table, 503, "", down("fails (status 503)")),
        (table, 200, "{}", down("the answer is no list of rows")),
        (SCHEMA, 404, r#"{"code":"PGRST202"}"#, down(outdated)),
        (SCHEMA, 200, "20261124000299", down(outdated)),
        (SCHEMA, 200, "null", down(outdated)),
        (SCHEMA, 500, "{}", down("fails (status 500)")),
        (keys, 200, "[]", down("the answer is no key set")),
        (keys, 404, "", down("answers with status 404")),
        (
            SITEVERIFY,
            200,
            r#"{"success":false,"error-codes":["invalid-input-secret"]}"#,
            down("refuses TURNSTILE_SECRET_KEY"),
        ),
        (
            SITEVERIFY,
            400,
            r#"{"success":false,"error-codes":["missing-input-secret"]}"#,
            down("refuses TURNSTILE_SECRET_KEY"),
        ),
        (
            SITEVERIFY,
            200,
            r#"{"success":false,"error-codes":["invalid-input-secret","invalid-input-response"]}"#,
            down("refuses TURNSTILE_SECRET_KEY"),
        ),
        (
            SITEVERIFY,
            200,
            r#"{"success":false,"error-codes":["internal-error"]}"#,
            down("fails (internal-error)"),
        ),
        (
            SITEVERIFY,
            400,
            r#"{"success":false,"error-codes":["bad-request"]}"#,
            down("does not understand the question"),
        ),
        (SITEVERIFY, 200, r#"{"success":false,"error-codes":["new"]}"#, {
            Condition::Degraded("refuses a token for an unknown reason".to_owned())
        }),
        (SITEVERIFY, 200, r#"{"success":false}"#, {
            Condition::Degraded("refuses a token for an unknown reason".to_owned())
        }),
        (SITEVERIFY, 200, "<html>", down("the answer is not siteverify's")),
        (SITEVERIFY, 200, r#"{"success":"true"}"#, down("the answer is not siteverify's")),
        (SITEVERIFY, 403, "", down("answers with status 403")),
        (SITEVERIFY, 302, "", down("redirects elsewhere (status 302)")),
        (SITEVERIFY, 500, r#"{"success":true}"#, down("fails (status 500)")),
        ("/health", 200, r#"{"status":"degraded"}"#, {
            Condition::Degraded("reports itself degraded".to_owned())
        }),
        ("/health", 200, "hello", down("the answer is not a worker's")),
        ("/health", 503, "{}", down("is draining or starting (status 503)")),
    ];
    for (path, status, answer, expected) in cases {
        let probes = ask_with(path, status, answer).await;
        let not_up: Vec<_> = probes
            .into_iter()
            .map(|(_, found)| found)
            .filter(|found| *found != Condition::Up)
            .collect();
        assert_eq!(not_up, [expected], "{path} {status} {answer}");
    }
}

#[tokio::test]
async fn cloudflares_secrets_for_tests_are_as_good_as_any() {
    for answer in [
        r#"{"success":true,"error-codes":[],"hostname":"example.com"}"#,
        r#"{"success":false,"error-codes":["invalid-input-response"]}"#,
        r#"{"success":false,"error-codes":["timeout-or-duplicate"]}"#,
    ] {
        let probes = ask_with(SITEVERIFY, 200, answer).await;
        assert!(probes.contains(&("turnstile".to_owned(), Condition::Up)), "{answer}");
    }
}

#[test]
fn a_bot_check_that_is_down_is_vital() {
    assert!(Dependency::Turnstile.is_vital());
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let peer = Server::start(|_: Request, mut connection: Connection| async move {
        connection.start_chunked(200, &[]).await?;
        loop {
            connection.chunk(&[b' '; 8_192]).await?;
        }
    })
    .await
    .expect("a free port");
    for (name, condition) in ask(&settings(&peer.url(), &[])).await {
        assert_eq!(condition, down("the answer is too long to be one"), "{name}");
    }
}

#[tokio::test]
async fn who_is_not_there_or_speaks_another_protocol_is_down() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        listener.local_addr().expect("a bound address")
    };
    let probes =
        ask(&settings(&format!("http://{nobody}"), &[("REDIS_URL", &format!("redis://{nobody}"))]))
            .await;
    assert_eq!(probes.len(), 6);
    for (name, condition) in probes {
        assert_eq!(condition, down("refuses the connection"), "{name}");
    }
    let garbage = redis_peer(b"-ERR unknown command\r\n").await;
    let root = garbage.url().replace("redis", "http");
    for (name, condition) in ask(&settings(&root, &[])).await {
        assert_eq!(condition, down("breaks off or does not speak HTTP"), "{name}");
    }
}

#[tokio::test]
async fn a_redis_that_refuses_or_talks_nonsense_is_down() {
    let peer = Server::start(|request: Request, mut connection: Connection| async move {
        respond_soundly(&request, &mut connection).await?;
        Ok(connection)
    })
    .await
    .expect("a free port");
    for (user, line, expected) in [
        (
            ":password@",
            b"-WRONGPASS invalid username-password pair\r\n".as_slice(),
            "refuses the password in REDIS_URL",
        ),
        ("", b"-NOAUTH Authentication required.\r\n", "wants a password, and REDIS_URL has none"),
        ("", b"-LOADING in progress\r\n", "is loading its data"),
        ("", b"-ERR unknown command\r\n", "refuses the command"),
        ("", b"hello\r\n", "does not speak the Redis protocol"),
        ("", b"+PING\r\n", "the answer to PING is not PONG"),
    ] {
        let redis = redis_peer(line).await;
        let url = redis.url().replace("redis://", &format!("redis://{user}"));
        let probes = ask(&settings(&peer.url(), &[("REDIS_URL", &url)])).await;
        assert!(probes.contains(&("redis".to_owned(), down(expected))), "{probes:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_deadlines_run_side_by_side() {
    let peer = Server::start(|_: Request, mut connection: Connection| async move {
        connection.closed_by_caller().await;
        Ok(connection)
    })
    .await
    .expect("a free port");
    let settings = settings(&peer.url(), &[]);
    let client = Prober::new(PROBE_DEADLINE);
    let started = Instant::now();
    let probes = client.ask_all(&settings).await;
    assert_eq!(probes.len(), 5);
    for probe in probes {
        assert_eq!(probe.condition, down("no answer within 5000 ms"), "{}", probe.dependency);
    }
    assert!(started.elapsed() < 2 * PROBE_DEADLINE);
}
