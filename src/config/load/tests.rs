use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::*;
use crate::config::{EngineChoice, JwtIssuer, KnobsFile, LogFormat, Subject};
use crate::crypto::MasterKey;
use crate::domain::{Limits, Writer};

const MASTER_KEY: &str = "Jx3tQ0mV9rLk2WcYpZ8uHsN5dGfB1aTeRiOqXy7wM4E=";
const RETIRED_KEY: &str = "pQ7vXz2Lm9RtYc4WbN8sKd1GfH6jA3eUoI5xT0qMwVE=";
const OTHER_RETIRED_KEY: &str = "Zr8Yk1Wq5Tn3Vb7Xc9Md2Lf4Gh6Js0PaEuIoR_tQwy4=";
const WORKER_TOKEN: &str = "w0rKer-t0ken-Jx3tQ0mV9rLk2WcYpZ8uHsN5dGfB1";
const JWT_SECRET: &str = "jwt-secret-4kP9sD2fG7hJ1lQ8wE3rT6yU0zXcVbNm";

/// Every variable `serve` requires, each as it might be in production.
fn production() -> BTreeMap<&'static str, String> {
    [
        ("GEMINI_API_KEY", "AIzaSyB-8fKq2Lr7Vt0Xm4Wc9"),
        ("SUPABASE_URL", "https://abcdefghijkl.supabase.co"),
        ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_9fKq2Lr7Vt0Xm4Wc9pYs3A"),
        ("SUPABASE_JWT_SECRET", JWT_SECRET),
        ("SUPABASE_ANON_KEY", "sb_publishable_4Wc9pYs3A9fKq2Lr7Vt0Xm"),
        ("DATA_ENCRYPTION_KEY", MASTER_KEY),
        ("TURNSTILE_SECRET_KEY", "0x4AAAAAAAQw3rTyU8iOp5AsDfGhJkLzXcVb"),
        ("WORKER_URL", "http://10.0.0.5:8080"),
        ("WORKER_AUTH_TOKEN", WORKER_TOKEN),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

fn with<'a>(
    mut variables: BTreeMap<&'static str, String>,
    changes: impl IntoIterator<Item = (&'static str, &'a str)>,
) -> Sources {
    variables.extend(changes.into_iter().map(|(name, value)| (name, value.to_owned())));
    variables.into_iter().collect::<Environment>().into()
}

fn with_knobs(mut sources: Sources, text: &str) -> Sources {
    sources.knobs_file = Some(KnobsFile { name: "knobs.toml".to_owned(), text: text.to_owned() });
    sources
}

/// What is wrong, as `SUBJECT flaw` lines.
fn flaws<T>(loaded: Result<T, Problems>) -> Vec<String> {
    let problems = loaded.err().unwrap_or_default();
    problems.iter().map(|problem| format!("{} {}", problem.subject, problem.flaw)).collect()
}

fn legacy_key(claims: &str) -> String {
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", part(r#"{"alg":"HS256"}"#), part(claims), part("signature"))
}

#[test]
fn sound_variables_make_the_settings_of_serve() {
    let settings = ServeSettings::load(&with(production(), [])).expect("sound settings");
    assert_eq!(settings.common.environment, DeployEnvironment::Production);
    assert_eq!(settings.common.server.listen.host, IpAddr::from(Ipv4Addr::UNSPECIFIED));
    assert_eq!(settings.common.server.listen.port, 8080);
    assert_eq!(settings.common.server.trusted_proxy_hops, 1);
    assert_eq!(settings.common.server.listen.shutdown_grace, Duration::from_secs(8));
    assert!(settings.common.server.allowed_origins.is_empty());
    assert!(settings.common.server.internal_secret.is_none());
    assert!(settings.retired_keys.is_empty() && settings.turnstile.hostnames.is_empty());
    assert_eq!(settings.turnstile.action, None);
    let issuer = JwtIssuer::Exactly("https://abcdefghijkl.supabase.co/auth/v1".to_owned());
    assert_eq!(settings.supabase.jwt_issuer, issuer);
    assert_eq!(settings.common.telemetry.format, LogFormat::Json);
    assert_eq!(settings.common.models.default_name(), "gemini-3.8-flash");
    assert_eq!(settings.common.models.resolve(Some("builtin")), None, "nobody switched it on");
    assert!(!settings.common.builtin.fallback);
    assert!(settings.common.wallet.enabled);
    assert_eq!(settings.common.wallet.cost, 10);
    assert_eq!(settings.common.wallet.gifts.welcome, 50);
    assert_eq!(settings.common.wallet.gifts.daily, 30);
    assert_eq!(settings.common.rate_limits.generate_per_minute.get(), 5);
    assert_eq!(settings.common.rate_limits.status_per_minute.get(), 10);
    assert_eq!(settings.common.stream.heartbeat, Duration::from_secs(15));
    assert_eq!(settings.common.cache.max_bytes, 64 * 1024 * 1024);
    assert_eq!(settings.gemini.total_timeout, Duration::from_mins(4));
    assert_eq!(settings.gemini.base_url.as_str(), "https://generativelanguage.googleapis.com/");
    assert_eq!(
        settings.turnstile.verify_url.as_str(),
        "https://challenges.cloudflare.com/turnstile/v0/siteverify"
    );
    assert_eq!(settings.supabase.jwt_secret.expose_secret(), JWT_SECRET);
    assert_eq!(settings.worker.urls[0].as_str(), "http://10.0.0.5:8080/");
    assert!(settings.redis.is_none());
}

#[test]
fn dev_starts_with_nothing_and_locks_nobody_out() {
    let settings = DevSettings::load(&Sources::default()).expect("sound settings");
    assert_eq!(settings.common.environment, DeployEnvironment::Development);
    assert_eq!(settings.common.server.listen.host, IpAddr::from(Ipv4Addr::LOCALHOST));
    assert_eq!(settings.common.telemetry.format, LogFormat::Text);
    assert!(!settings.common.wallet.enabled);
    assert_eq!(settings.common.rate_limits.generate_per_minute.get(), 600);
    assert!(settings.gemini.is_none());
    assert_eq!(settings.common.models.default_name(), "builtin", "there is nothing else");
    assert_eq!(settings.common.builtin.budget, Duration::from_secs(10));
}

#[test]
fn the_built_in_engine_stands_beside_the_models_where_it_is_switched_on() {
    let knobs = "[builtin]\noffered = true\nfallback = true\nbudget_ms = 2_000";
    let sources = with_knobs(with(production(), []), knobs);
    let common = ServeSettings::load(&sources).expect("sound settings").common;
    assert_eq!(common.models.default_name(), "gemini-3.8-flash");
    assert_eq!(common.models.resolve(Some("builtin")), Some(Writer::Builtin));
    assert!(common.builtin.fallback);
    for (knobs, flaw) in [
        ("[builtin]\nbudget_ms = 1_999", "builtin.budget_ms must be from 2000 to 30000"),
        (
            "[models]\noffered = [{ name = 'builtin', sampling = 'fixed' }]",
            "models.offered must not hold builtin, the built-in engine's name",
        ),
    ] {
        let sources = with_knobs(with(production(), []), knobs);
        assert_eq!(flaws(ServeSettings::load(&sources)), [flaw]);
    }
}

#[test]
fn serve_keeps_its_wallet_and_its_limits_in_development() {
    let sources = with(production(), [("ENV", "development")]);
    let settings = ServeSettings::load(&sources).expect("sound settings");
    assert!(settings.common.wallet.enabled);
    assert_eq!(settings.common.rate_limits.generate_per_minute.get(), 5);
}

#[test]
fn the_worker_needs_its_token_alone() {
    assert_eq!(flaws(WorkerSettings::load(&Sources::default())), ["WORKER_AUTH_TOKEN is missing"]);
    let environment: Environment = [("WORKER_AUTH_TOKEN", WORKER_TOKEN)].into_iter().collect();
    let settings = WorkerSettings::load(&environment.into()).expect("sound settings");
    assert_eq!(settings.auth_token.expose_secret(), WORKER_TOKEN);
}

#[test]
fn the_issuer_stands_under_the_projects_path() {
    let own = ("SUPABASE_URL", "http://127.0.0.1:8000/supabase/");
    let sources = with(production(), [own, ("ENV", "development")]);
    let settings = ServeSettings::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    let issuer = JwtIssuer::Exactly("http://127.0.0.1:8000/supabase/auth/v1".to_owned());
    assert_eq!(settings.supabase.jwt_issuer, issuer);
}

#[test]
fn every_optional_variable_has_its_effect() {
    let sources = with(
        production(),
        [
            ("REDIS_URL", "rediss://user:pass@redis.internal:6380/2"),
            ("TESTER_INTERNAL_SECRET", "internal-0123456789"),
            ("ALLOWED_ORIGINS", "https://a.dev/, http://localhost:3000 ,"),
            ("ENV", "Production"),
            ("DEFAULT_GEMINI_MODEL", "gemini-2.5-flash-lite"),
            ("PORT", "0"),
            ("HOST", "::"),
            ("GEMINI_BASE_URL", "https://gateway.dev/gemini/"),
            ("TURNSTILE_VERIFY_URL", "https://turnstile.dev/verify"),
            ("TURNSTILE_HOSTNAMES", "App.dev, bücher.dev ,"),
            ("TURNSTILE_ACTION", "generate_1-a"),
            ("SUPABASE_JWT_ISSUER", "https://ref.supabase.co/auth/v1"),
            ("DATA_ENCRYPTION_KEYS_RETIRED", &format!("{RETIRED_KEY}, {OTHER_RETIRED_KEY}")),
            ("TRUSTED_PROXY_HOPS", "2"),
            ("LOG_FORMAT", "TEXT"),
            ("RUST_LOG", "warn,tester=debug"),
            ("RATE_LIMIT_GENERATE_PER_MINUTE", "1"),
            ("RATE_LIMIT_EXECUTE_PER_MINUTE", "2"),
            ("RATE_LIMIT_STATUS_PER_MINUTE", "3"),
            ("WALLET_ENABLED", "false"),
        ],
    );
    let settings = ServeSettings::load(&sources).expect("sound settings");
    let common = settings.common;
    assert!(settings.redis.is_some());
    assert!(common.server.internal_secret.is_some());
    assert_eq!(common.server.allowed_origins, ["https://a.dev", "http://localhost:3000"]);
    assert_eq!(common.models.default_name(), "gemini-3.5-flash-lite");
    assert_eq!((common.server.listen.port, common.server.trusted_proxy_hops), (0, 2));
    assert!(common.server.listen.host.is_ipv6());
    assert_eq!(settings.gemini.base_url.as_str(), "https://gateway.dev/gemini");
    assert_eq!(settings.turnstile.verify_url.as_str(), "https://turnstile.dev/verify");
    assert_eq!(settings.turnstile.hostnames, ["app.dev", "xn--bcher-kva.dev"]);
    assert_eq!(settings.turnstile.action.as_deref(), Some("generate_1-a"));
    let issuer = JwtIssuer::Exactly("https://ref.supabase.co/auth/v1".to_owned());
    assert_eq!(settings.supabase.jwt_issuer, issuer);
    let retired = settings.retired_keys.iter().map(MasterKey::to_text);
    let retired: Vec<_> = retired.map(|key| key.expose_secret().to_owned()).collect();
    assert_eq!(retired, [RETIRED_KEY, OTHER_RETIRED_KEY]);
    assert_eq!(common.telemetry.format, LogFormat::Text);
    assert_eq!(common.telemetry.filter, "warn,tester=debug");
    assert_eq!(common.rate_limits.generate_per_minute.get(), 1);
    assert_eq!(common.rate_limits.execute_per_minute.get(), 2);
    assert_eq!(common.rate_limits.status_per_minute.get(), 3);
    assert!(!common.wallet.enabled);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table, one row a bad value")]
fn each_bad_value_in_production_has_its_problem() {
    let wrong_second = format!("{RETIRED_KEY},c2hvcnQ=");
    let same_twice = format!("{RETIRED_KEY}, {RETIRED_KEY}");
    let with_current = format!("{RETIRED_KEY},{MASTER_KEY}");
    let quoted = format!("\"{WORKER_TOKEN}\"");
    let placeholder = "still holds a placeholder";
    let invisible = "holds a space, a line break or another character that is not visible ASCII";
    let no_key = "must be 32 bytes in url-safe base64 (44 characters)";
    let guessable = "is a key that anybody could guess";
    let no_supabase_key = "is neither a new key (sb_secret_…, sb_publishable_…) nor a legacy one \
                           (a JWT with a role)";
    let local_key = "is the published key of the local Supabase stack";
    let repeated = "repeats the same few characters, anybody could guess it";
    let no_range = "must be a whole number from 1 to 100000";
    let zeros = URL_SAFE.encode([0; 32]);
    let counting =
        URL_SAFE.encode(std::array::from_fn::<u8, 32, _>(|at| u8::try_from(at).expect("below 32")));
    let padded_wrong = MASTER_KEY.trim_end_matches('=');
    let service = legacy_key(r#"{"role":"service_role"}"#);
    let stranger = legacy_key(r#"{"role":"authenticated"}"#);
    let demo = legacy_key(r#"{"role":"anon","iss":"supabase-demo"}"#);
    let many_workers = vec!["https://w"; 17]
        .iter()
        .enumerate()
        .fold(String::new(), |all, (at, url)| all + url + &at.to_string() + ",");
    let cases: &[(&str, &str, &str)] = &[
        ("GEMINI_API_KEY", "your-gemini-api-key", placeholder),
        ("GEMINI_API_KEY", "AIza key", invisible),
        ("GEMINI_API_KEY", "AIza\u{200b}key", invisible),
        ("GEMINI_API_KEY", "AIza\r\nkey", invisible),
        ("SUPABASE_URL", "abcdefghijkl.supabase.co", "is no URL: scheme://host[:port]"),
        ("SUPABASE_URL", "http://abcdefghijkl.supabase.co", "must be https when ENV is production"),
        ("SUPABASE_URL", "ftp://abcdefghijkl.supabase.co", "must be an https:// URL"),
        (
            "SUPABASE_URL",
            "https://u:p@abcdefghijkl.supabase.co",
            "must not hold a user or a password",
        ),
        (
            "SUPABASE_URL",
            "https://abcdefghijkl.supabase.co?a=b",
            "must not have a query (?) or a fragment (#)",
        ),
        (
            "SUPABASE_URL",
            "https://abcdefghijkl.supabase.co/#a",
            "must not have a query (?) or a fragment (#)",
        ),
        (
            "SUPABASE_URL",
            "https://abcdefghijkl.supabase.co/rest/v1/",
            "must be the root URL, without the path of an API",
        ),
        ("SUPABASE_URL", "https://abc\tdef.supabase.co", invisible),
        ("SUPABASE_URL", "https://your-project.supabase.co", placeholder),
        ("SUPABASE_SERVICE_ROLE_KEY", "not-a-key", no_supabase_key),
        ("SUPABASE_SERVICE_ROLE_KEY", "a.b.c", no_supabase_key),
        ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_short", "is cut off after its prefix"),
        ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_xxxxxxxxxxxxxxxx", placeholder),
        ("SUPABASE_SERVICE_ROLE_KEY", &stranger, "is a JWT, but of neither service_role nor anon"),
        (
            "SUPABASE_SERVICE_ROLE_KEY",
            "sb_publishable_9fKq2Lr7Vt0Xm4Wc9",
            "holds the anon key, which belongs in SUPABASE_ANON_KEY",
        ),
        ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_N7UND0UgjKTVK-and-the-rest", local_key),
        (
            "SUPABASE_ANON_KEY",
            &service,
            "holds the service key, which belongs in SUPABASE_SERVICE_ROLE_KEY and would be handed to browsers",
        ),
        ("SUPABASE_ANON_KEY", &demo, local_key),
        ("SUPABASE_JWT_SECRET", "too-short-for-a-secret", "must have at least 32 characters"),
        ("SUPABASE_JWT_SECRET", "abababababababababababababababababab", repeated),
        (
            "SUPABASE_JWT_SECRET",
            "super-secret-jwt-token-with-at-least-32-characters-long",
            "is the published secret of the local Supabase stack",
        ),
        (
            "SUPABASE_JWT_SECRET",
            "jwt-secret-4kP9sD2fG7hJ1\nlQ8wE3rT6yU0zXcVbNm",
            "holds a control character or a line break",
        ),
        ("DATA_ENCRYPTION_KEY", "<tester keygen>", placeholder),
        ("DATA_ENCRYPTION_KEY", "c2hvcnQ=", no_key),
        ("DATA_ENCRYPTION_KEY", padded_wrong, no_key),
        ("DATA_ENCRYPTION_KEY", &zeros, guessable),
        ("DATA_ENCRYPTION_KEY", &counting, guessable),
        ("DATA_ENCRYPTION_KEY", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=", guessable),
        (
            "TURNSTILE_SECRET_KEY",
            "1x0000000000000000000000000000000AA",
            "is one of Cloudflare's test secrets, which check nothing",
        ),
        (
            "TURNSTILE_SECRET_KEY",
            "2x0000000000000000000000000000000AA",
            "is one of Cloudflare's test secrets, which check nothing",
        ),
        (
            "TURNSTILE_SECRET_KEY",
            "3x0000000000000000000000000000000AA",
            "is one of Cloudflare's test secrets, which check nothing",
        ),
        ("TURNSTILE_SECRET_KEY", "0x4AAAA", "must have at least 20 characters"),
        (
            "WORKER_URL",
            "http://worker.dev:8080",
            "must be https: plain http is for private addresses only",
        ),
        ("WORKER_URL", "http://8.8.8.8", "must be https: plain http is for private addresses only"),
        ("WORKER_URL", "https://w.dev,https://w.dev/", "names the same worker twice"),
        ("WORKER_URL", ",", "names no URL"),
        ("WORKER_URL", &many_workers, "names more than 16 workers"),
        ("WORKER_AUTH_TOKEN", "short-token", "must have at least 32 characters"),
        ("WORKER_AUTH_TOKEN", "00000000000000000000000000000000", repeated),
        ("WORKER_AUTH_TOKEN", "changeme-changeme-changeme-changeme", placeholder),
        (
            "WORKER_AUTH_TOKEN",
            &quoted,
            "is wrapped in quotes, which would become part of the value",
        ),
        ("WORKER_AUTH_TOKEN", JWT_SECRET, "has the same value as SUPABASE_JWT_SECRET"),
        ("WORKER_AUTH_TOKEN", MASTER_KEY, "has the same value as DATA_ENCRYPTION_KEY"),
        ("DATA_ENCRYPTION_KEYS_RETIRED", "c2hvcnQ=", &format!("key 1: {no_key}")),
        ("DATA_ENCRYPTION_KEYS_RETIRED", &wrong_second, &format!("key 2: {no_key}")),
        ("DATA_ENCRYPTION_KEYS_RETIRED", "your-earlier-key", placeholder),
        ("DATA_ENCRYPTION_KEYS_RETIRED", &same_twice, "names a key twice"),
        ("DATA_ENCRYPTION_KEYS_RETIRED", &with_current, "holds DATA_ENCRYPTION_KEY itself"),
        ("SUPABASE_JWT_ISSUER", "any", "must name the issuer when ENV is production"),
        ("SUPABASE_JWT_ISSUER", "ref.supabase.co", "is no URL: scheme://host[:port]"),
        ("TURNSTILE_HOSTNAMES", "https://a.dev", "must hold bare host names: app.example.com"),
        ("TURNSTILE_HOSTNAMES", "*.a.dev", "must hold bare host names: app.example.com"),
        ("TURNSTILE_HOSTNAMES", ",", "names no host"),
        ("TURNSTILE_ACTION", "a b", "must be 1 to 32 letters, digits, _ and -"),
        ("REDIS_URL", "http://redis", "must begin with redis:// or rediss://"),
        ("REDIS_URL", "redis://your-redis:6379", placeholder),
        ("REDIS_URL", "redis://h:6379/notadb", "is no URL the Redis client understands"),
        (
            "REDIS_URL",
            "rediss://h:6379/#insecure",
            "must not have a fragment (#): it would turn certificate checks off",
        ),
        ("TESTER_INTERNAL_SECRET", "short", "must have at least 16 characters"),
        ("TESTER_INTERNAL_SECRET", WORKER_TOKEN, "has the same value as WORKER_AUTH_TOKEN"),
        ("ALLOWED_ORIGINS", "*", "must name each origin, a wildcard (*) would let every page in"),
        (
            "ALLOWED_ORIGINS",
            "https://a.dev/app",
            "must hold origins without a path: scheme://host[:port]",
        ),
        (
            "ALLOWED_ORIGINS",
            "https://a.dev,http://b.dev",
            "must hold https origins when ENV is production",
        ),
        ("ALLOWED_ORIGINS", "null", "is no URL: scheme://host[:port]"),
        ("ENV", "staging", "must be production or development"),
        (
            "DEFAULT_GEMINI_MODEL",
            "../x",
            "is no model name: a model name has 1 to 50 ASCII letters, digits, dots, hyphens and underscores",
        ),
        (
            "DEFAULT_GEMINI_MODEL",
            "gpt",
            "must be one of models.offered: gemini-3.8-flash, gemini-3.7-flash, gemini-3.6-flash, gemini-3.5-flash, gemini-3.5-flash-lite, gemini-3.1-flash-lite, gemini-3-flash-preview",
        ),
        ("PORT", "65536", "must be a whole number from 0 to 65535"),
        ("PORT", "http", "must be a whole number from 0 to 65535"),
        ("HOST", "localhost", "must be an IP address"),
        ("GEMINI_BASE_URL", "http://127.0.0.1:1", "must be https when ENV is production"),
        (
            "TURNSTILE_VERIFY_URL",
            "http://127.0.0.1:1/verify",
            "must be https when ENV is production",
        ),
        ("TRUSTED_PROXY_HOPS", "11", "must be a whole number from 0 to 10"),
        ("TRUSTED_PROXY_HOPS", "-1", "must be a whole number from 0 to 10"),
        ("LOG_FORMAT", "xml", "must be json or text"),
        ("RUST_LOG", "tester=loud", "is no tracing filter"),
        (
            "GOOGLE_CLOUD_PROJECT",
            "My Project",
            "is no project id: 6 to 30 lower-case letters, digits and hyphens",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://collector.example.com:4318",
            "must be https: plain http is for private addresses only",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "key", "must hold name=value, several separated by commas"),
        ("RATE_LIMIT_GENERATE_PER_MINUTE", "0", no_range),
        ("RATE_LIMIT_EXECUTE_PER_MINUTE", "1.5", no_range),
        ("RATE_LIMIT_STATUS_PER_MINUTE", "100001", no_range),
        ("WALLET_ENABLED", "yes", "must be true or false"),
    ];
    for (name, value, flaw) in cases {
        let sources = with(production(), [(*name, *value)]);
        assert_eq!(flaws(ServeSettings::load(&sources)), [format!("{name} {flaw}")], "{value:?}");
    }
    let for_serve = |variable: &&&Variable| variable.need(Role::Serve) != Need::Unread;
    for variable in variables::ALL.iter().filter(for_serve) {
        let tried = cases.iter().any(|(name, ..)| *name == variable.name());
        assert!(tried, "{} has no bad value in this table", variable.name());
    }
}

#[test]
fn each_bad_value_of_the_workers_own_variables_has_its_problem() {
    let cases = [
        ("SANDBOX_ENGINE", "podman", "must be auto, docker or namespace"),
        ("DOCKER_RUNTIME", "run sc", "is no name of a runtime"),
        (
            "DOCKER_HOST",
            "tcp://10.0.0.5:2375",
            "must be unix:// and an absolute path: a socket of this machine",
        ),
        (
            "DOCKER_HOST",
            "unix://docker.sock",
            "must be unix:// and an absolute path: a socket of this machine",
        ),
    ];
    for (name, value, flaw) in cases {
        let environment: Environment =
            [("WORKER_AUTH_TOKEN", WORKER_TOKEN), (name, value)].into_iter().collect();
        let flaws = flaws(WorkerSettings::load(&environment.into()));
        assert_eq!(flaws, [format!("{name} {flaw}")], "{value:?}");
    }
}

#[test]
fn every_variable_of_the_worker_has_its_effect() {
    let environment: Environment = [
        ("WORKER_AUTH_TOKEN", WORKER_TOKEN),
        ("SANDBOX_ENGINE", "Namespace"),
        ("DOCKER_RUNTIME", "runsc"),
        ("DOCKER_HOST", "unix:///run/docker.sock"),
        ("PORT", "0"),
    ]
    .into_iter()
    .collect();
    let settings = WorkerSettings::load(&environment.into()).expect("sound settings");
    assert_eq!(settings.sandbox.engine, Some(EngineChoice::Namespace));
    assert_eq!(settings.sandbox.docker.runtime, "runsc");
    assert_eq!(settings.sandbox.docker.socket, Path::new("/run/docker.sock"));
    assert_eq!(settings.listen.port, 0);
}

#[test]
fn the_limits_of_a_sandbox_are_those_of_the_design() {
    let environment: Environment = [("WORKER_AUTH_TOKEN", WORKER_TOKEN)].into_iter().collect();
    let settings = WorkerSettings::load(&environment.into()).expect("sound settings");
    assert_eq!(settings.sandbox.engine, None);
    let limits = settings.sandbox.limits;
    let of = |limits: &Limits| (limits.wall.as_secs(), limits.memory_bytes >> 20, limits.processes);
    assert_eq!(of(&limits.python), (10, 256, 64));
    assert_eq!(of(&limits.node), (10, 256, 128));
    assert_eq!(of(&limits.java), (20, 512, 256));
    assert_eq!((limits.java.output_bytes, limits.java.files_bytes), (1 << 20, 64 << 20));
    assert_eq!((limits.java.files_count, limits.java.cpu_millis), (4_096, 1_000));
}

#[test]
fn every_secret_that_is_refused_in_production_is_taken_in_development() {
    let sources = with(
        production(),
        [
            ("ENV", "development"),
            ("SUPABASE_URL", "http://127.0.0.1:54321"),
            ("SUPABASE_JWT_SECRET", "super-secret-jwt-token-with-at-least-32-characters-long"),
            ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_N7UND0UgjKTVK-and-the-rest"),
            ("TURNSTILE_SECRET_KEY", "1x0000000000000000000000000000000AA"),
            ("TURNSTILE_VERIFY_URL", "http://127.0.0.1:1/verify"),
            ("GEMINI_BASE_URL", "http://127.0.0.1:2"),
            ("WORKER_URL", "http://worker.dev"),
            ("ALLOWED_ORIGINS", "http://b.dev"),
        ],
    );
    assert_eq!(flaws(ServeSettings::load(&sources)), Vec::<String>::new());
}

#[test]
fn a_worker_may_speak_http_where_no_public_network_leads() {
    for url in [
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
        "http://192.168.1.9",
        "http://172.16.0.1",
        "http://[fd00::1]",
        "http://[::ffff:10.0.0.1]",
        "http://localhost:1",
        "http://worker:8080",
        "http://worker.zone.c.project.internal",
        "https://a.dev,http://10.1.2.3",
    ] {
        let sources = with(production(), [("WORKER_URL", url)]);
        assert_eq!(flaws(ServeSettings::load(&sources)), Vec::<String>::new(), "{url}");
    }
}

#[test]
fn legacy_supabase_keys_are_told_apart_by_their_role() {
    let service = legacy_key(r#"{"role":"service_role","iss":"supabase"}"#);
    let anon = legacy_key(r#"{"role":"anon","iss":"supabase"}"#);
    let keys = |service: &str, anon: &str| {
        let changes = [("SUPABASE_SERVICE_ROLE_KEY", service), ("SUPABASE_ANON_KEY", anon)];
        flaws(ServeSettings::load(&with(production(), changes)))
    };
    assert_eq!(keys(&service, &anon), Vec::<String>::new());
    assert_eq!(
        keys(&anon, &service),
        [
            "SUPABASE_SERVICE_ROLE_KEY holds the anon key, which belongs in SUPABASE_ANON_KEY",
            "SUPABASE_ANON_KEY holds the service key, which belongs in SUPABASE_SERVICE_ROLE_KEY \
             and would be handed to browsers"
        ]
    );
}

#[test]
fn all_that_is_missing_is_named_at_once_in_the_order_of_the_table() {
    let required: Vec<_> = production().keys().map(|name| format!("{name} is missing")).collect();
    let mut found = flaws(ServeSettings::load(&Sources::default()));
    assert_eq!(found[0], "GEMINI_API_KEY is missing");
    found.sort();
    assert_eq!(found, required);
}

#[test]
fn files_variables_and_knobs_are_judged_in_one_go() {
    let mut sources =
        with(BTreeMap::new(), [("PORT", "x"), ("ENV", "y"), ("SUPABASE_URL", "http://a.dev")]);
    sources.problems.push(Problem::file(".env line 3", Fault::Invalid, "is odd", "mend it"));
    let sources = with_knobs(
        sources,
        "[gemini]\nmax_attempts = 0\nidle_timeout_ms = 300_000\n[stream]\nheartbeat_ms = -1",
    );
    let found = flaws(ServeSettings::load(&sources));
    assert_eq!(found[0], ".env line 3 is odd");
    // An ENV that can't be read leaves the strict rules in force.
    assert!(found.contains(&"SUPABASE_URL must be https when ENV is production".to_owned()));
    assert!(found.contains(&"PORT must be a whole number from 0 to 65535".to_owned()));
    assert_eq!(
        found[found.len() - 3..],
        [
            "stream.heartbeat_ms must be from 1 to 3600000",
            "gemini.idle_timeout_ms must not exceed gemini.total_timeout_ms",
            "gemini.max_attempts must be from 1 to 10",
        ]
    );
}

#[test]
fn dev_refuses_to_be_reached_from_outside_and_to_be_production() {
    let sources = with(BTreeMap::new(), [("HOST", "0.0.0.0"), ("ENV", "production")]);
    assert_eq!(
        flaws(DevSettings::load(&sources)),
        [
            "ENV must not be production: `tester dev` has no sign-in, use `tester serve`",
            "HOST must be a loopback address in dev, which has no sign-in"
        ]
    );
    let sources = with_knobs(Sources::default(), "server.host = '0.0.0.0'");
    assert_eq!(
        flaws(DevSettings::load(&sources)),
        ["server.host must be a loopback address in dev, which has no sign-in"]
    );
}

#[test]
fn a_knobs_file_overrides_and_the_environment_overrides_the_file() {
    let text = "[server]\nport = 1\nmax_connections = 7\n[rate_limits]\nstatus_per_minute = 9\n\
                [models]\ndefault = 'm'\noffered = [{ name = 'm', sampling = 'fixed' }]\nretired = []\n";
    let sources = with_knobs(with(production(), [("PORT", "2")]), text);
    let common = ServeSettings::load(&sources).expect("sound settings").common;
    assert_eq!((common.server.listen.port, common.server.listen.max_connections), (2, 7));
    assert_eq!(common.rate_limits.status_per_minute.get(), 9);
    assert_eq!(common.rate_limits.generate_per_minute.get(), 5);
    assert_eq!(common.models.models().len(), 1);
}

#[test]
fn each_flaw_of_a_knobs_file_has_its_problem() {
    let canary = "c4nary";
    let file = "knobs.toml";
    let cases = [
        (
            "GEMINI_API_KEY=c4nary c4nary",
            format!("{file} is not valid TOML, see line 1, column 16"),
        ),
        (
            "[gemini]\nmax_attempts = 'c4nary'",
            format!("{file}: gemini.max_attempts must be an integer"),
        ),
        ("[telemetry]\nformat = 'c4nary'", "telemetry.format must be json or text".to_owned()),
        (
            "[gemini]\napi_key = 'c4nary'",
            format!(
                "{file}: gemini holds the unknown knob `api_key`, there is one of `connect_timeout_ms`"
            ),
        ),
        ("[wallet]\nenabled = 'c4nary'", format!("{file}: wallet.enabled must be a boolean")),
        ("[gemini]\ntemperature = 2.5", "gemini.temperature must be from 0 to 2".to_owned()),
        ("[gemini]\ntemperature = nan", "gemini.temperature must be from 0 to 2".to_owned()),
        (
            "[gemini]\nmax_output_tokens = 65_537",
            "gemini.max_output_tokens must be from 1 to 65536".to_owned(),
        ),
        (
            "[gemini]\nbackoff_min_ms = 40_000",
            "gemini.backoff_min_ms must not exceed gemini.backoff_max_ms".to_owned(),
        ),
        (
            "[gemini]\nconnect_timeout_ms = 250_000",
            "gemini.connect_timeout_ms must not exceed gemini.total_timeout_ms".to_owned(),
        ),
        (
            "[server]\nkeep_alive_ms = 120_001",
            "server.keep_alive_ms must not exceed server.write_timeout_ms".to_owned(),
        ),
        (
            "[stream]\nheartbeat_ms = 120_001",
            "stream.heartbeat_ms must not exceed server.write_timeout_ms".to_owned(),
        ),
        (
            "[worker]\ntotal_timeout_ms = 120_001",
            "worker.total_timeout_ms must not exceed server.write_timeout_ms".to_owned(),
        ),
        (
            "[server]\nmax_generations = 0",
            "server.max_generations must be from 1 to 1000000".to_owned(),
        ),
        ("[wallet]\ncost = 0", "wallet.cost must be from 1 to 1000000".to_owned()),
        (
            "[telemetry]\nfilter = 'tester=c4nary'",
            "telemetry.filter is no tracing filter".to_owned(),
        ),
        ("models.default = 'c4nary'", "models.default must be one of models.offered: ".to_owned()),
        (
            "[models]\nretired = [{ name = 'old', successor = 'c4nary' }]",
            "models.retired each successor must be one of models.offered: ".to_owned(),
        ),
        (
            "[models]\noffered = [{ name = 'a', sampling = 'c4nary' }]",
            format!("{file}: models.offered[0].sampling has a value it can't have"),
        ),
        (
            "[models]\noffered = [{ name = 'a/c4nary', sampling = 'fixed' }]",
            format!("{file}: models.offered[0].name is no model name: a model name has 1 to 50"),
        ),
    ];
    for (text, expected) in cases {
        let sources = with_knobs(with(production(), []), text);
        let found = flaws(ServeSettings::load(&sources));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(&expected), "{text}: {found:?}");
        assert!(!found[0].contains(canary), "{text}: {found:?}");
    }
}

#[test]
fn unknown_sections_are_refused() {
    let sources = with_knobs(with(production(), []), "[gemini_]\nx = 1");
    let found = flaws(ServeSettings::load(&sources));
    assert!(found[0].starts_with("knobs.toml holds the unknown knob `gemini_`"), "{found:?}");
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_unicode_is_a_problem_and_no_panic() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    let pairs = production().into_iter().map(|(name, value)| (name, OsString::from(value)));
    let broken = OsString::from_vec(b"AIza\xff".to_vec());
    let environment: Environment = pairs.chain([("GEMINI_API_KEY", broken)]).collect();
    assert_eq!(
        flaws(ServeSettings::load(&environment.into())),
        ["GEMINI_API_KEY is not valid UTF-8"]
    );
}

#[test]
fn no_problem_repeats_a_value() {
    let canary = "c4nary";
    let changes = variables::ALL.iter().map(|variable| (variable.name(), canary));
    let sources = with_knobs(with(BTreeMap::new(), changes), canary);
    for problems in [
        ServeSettings::load(&sources).err(),
        DevSettings::load(&sources).err(),
        WorkerSettings::load(&sources).err(),
    ] {
        let problems = problems.expect("no variable takes this value but the Gemini key");
        assert!(!problems.to_string().contains(canary), "{problems}");
        assert!(!format!("{problems:?} {sources:?}").contains(canary));
    }
}

#[test]
fn settings_do_not_show_their_secrets() {
    let sources = with(
        production(),
        [("REDIS_URL", "redis://:c4nary@h"), ("TESTER_INTERNAL_SECRET", "c4nary-0123456789")],
    );
    let settings = format!("{:?}", ServeSettings::load(&sources).expect("sound settings"));
    for secret in
        ["c4nary", MASTER_KEY, WORKER_TOKEN, JWT_SECRET, "AIzaSy", "sb_secret_", "0x4AAAA"]
    {
        assert!(!settings.contains(secret), "{secret}");
    }
}

proptest! {
    #[test]
    fn no_value_of_any_variable_makes_the_loader_panic(at in 0..variables::ALL.len(), value in ".*") {
        let variable = variables::ALL[at];
        for environment in ["production", "development"] {
            let changes = [("ENV", environment), (variable.name(), value.as_str())];
            let sources = with(production(), changes);
            for problem in flaws(ServeSettings::load(&sources)) {
                prop_assert!(problem.starts_with(variable.name()), "{}", problem);
            }
        }
    }
}

#[test]
fn each_subject_is_named_by_what_a_user_can_change() {
    let sources = with_knobs(with(production(), [("PORT", "x")]), "server.workers = -1");
    let problems = ServeSettings::load(&sources).expect_err("two problems");
    let subjects: Vec<_> = problems.iter().map(|problem| &problem.subject).collect();
    assert_eq!(
        subjects,
        [&Subject::Variable(&variables::PORT), &Subject::Knob("server.workers".to_owned())]
    );
}
