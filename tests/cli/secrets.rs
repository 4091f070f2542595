//! Whatever a command says, of good settings and of bad ones, it names variables and never shows
//! what is in them.

use std::fs;
use std::path::Path;

use crate::canaries::{Canary, leaks};
use crate::{folder, stderr, stdout, tester};

/// Sound values of every secret, and of what may hold one.
const SETTINGS: [(&str, &str); 14] = [
    ("ENV", "development"),
    ("GEMINI_API_KEY", "AIzaSyQuokka7Vt0Xm4Wc9pYs3A-8fKq2Lr_z9T"),
    // The discard port: nobody listens.
    ("GEMINI_BASE_URL", "http://127.0.0.1:9"),
    ("SUPABASE_URL", "http://127.0.0.1:9"),
    ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_J7hT2vKq9LrX4Wc0pYs3Am8fDingo"),
    ("SUPABASE_ANON_KEY", "sb_publishable_Wombat9fKq2Lr7Vt0Xm4Wc9pYs"),
    ("SUPABASE_JWT_SECRET", "num\"bat\\4kP9sD2fG7hJ1lQ8wE3rT6yU0zXcVbNm%é-possum"),
    ("DATA_ENCRYPTION_KEY", "q1uV3xZ5bD7fH9jL0nP2rT4vX6zB8dF1hJ3lN5pR7tU="),
    ("DATA_ENCRYPTION_KEYS_RETIRED", "Zk8mW2sC5vQ9yB3eH6jN1pT4xA7dG0fL-_rUiOqXwM4="),
    ("TURNSTILE_SECRET_KEY", "0x4AAAAAAAQuollka3rTyU8iOp5AsDfGhJ"),
    ("WORKER_URL", "http://127.0.0.1:9"),
    ("WORKER_AUTH_TOKEN", "bandicoot-Vt0Xm4Wc9pYs3Am8fKq2LrZx8Jh6"),
    ("TESTER_INTERNAL_SECRET", "pademelon-9pYs3Am8fKq2LrZx8Vt0Xm4Wc7T"),
    ("REDIS_URL", "redis://numbat:potoroo-Zx8Vt0Xm4Wc9pYs3Am8fKq2Lr@127.0.0.1:9"),
];

const SECRETS: [&str; 9] = [
    "GEMINI_API_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_ANON_KEY",
    "SUPABASE_JWT_SECRET",
    "DATA_ENCRYPTION_KEY",
    "DATA_ENCRYPTION_KEYS_RETIRED",
    "TURNSTILE_SECRET_KEY",
    "WORKER_AUTH_TOKEN",
    "TESTER_INTERNAL_SECRET",
];

/// Somebody's secret that got to where it does not belong.
const STRAY: &str = "bilby-0pYs3Am8fKq2LrZx8Vt0Xm4Wc9T";

/// What ends by itself whatever the settings are.
const INSPECTIONS: [&[&str]; 6] = [
    &["check-env"],
    &["check-env", "--format", "json"],
    &["check-env", "--role", "worker"],
    &["rotate-keys", "--dry-run"],
    &["migrate", "--print"],
    &["keygen"],
];

/// What ends if the settings are bad.
const STARTS: [&[&str]; 2] = [&["serve"], &["worker"]];

fn canaries() -> Vec<Canary> {
    let mut canaries = vec![
        Canary::text("a stray secret", STRAY),
        Canary::text("the password of REDIS_URL", "potoroo-Zx8Vt0Xm4Wc9pYs3Am8fKq2Lr"),
    ];
    for name in SECRETS {
        canaries.push(match name {
            "DATA_ENCRYPTION_KEY" | "DATA_ENCRYPTION_KEYS_RETIRED" => {
                Canary::key(name, value_of(name))
            }
            _ => Canary::text(name, value_of(name)),
        });
    }
    canaries
}

fn value_of(name: &str) -> &'static str {
    SETTINGS.iter().find(|(known, _)| *known == name).expect("it is in the list").1
}

/// The settings with another value of one variable.
fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let others = SETTINGS.into_iter().filter(|(known, _)| *known != name);
    others.chain([(name, value), ("RUST_LOG", "trace"), ("PORT", "0")]).collect()
}

/// Runs a command and looks for secrets in what it says.
fn look(
    folder: &Path,
    arguments: &[&str],
    variables: &[(&str, &str)],
    canaries: &[Canary],
) -> Vec<String> {
    let output = tester(folder, arguments, variables);
    let what = format!("{arguments:?}");
    assert!(output.status.code().is_some(), "{what} was killed");
    let mut found = leaks(canaries, &what, &stdout(&output));
    found.extend(leaks(canaries, &what, &stderr(&output)));
    found
}

#[test]
fn no_command_shows_a_secret() {
    let (folder, canaries) = (folder(), canaries());
    let good = with("ENV", "development");
    let mut found = Vec::new();
    for arguments in INSPECTIONS.iter().chain([&&["check-env", "--online"][..]]) {
        found.extend(look(folder.path(), arguments, &good, &canaries));
    }
    for name in SECRETS {
        let value = value_of(name);
        // Too long for a line, cut short, twice the same, with what no header may hold.
        let another = if name == "GEMINI_API_KEY" { "WORKER_AUTH_TOKEN" } else { "GEMINI_API_KEY" };
        for bad in [
            format!("{value} {value}"),
            format!("{value}\u{7}"),
            format!("{value}\n"),
            format!("{value},{value}"),
            value[..17].to_owned(),
            value_of(another).to_owned(),
            format!("your-{value}"),
        ] {
            let variables = with(name, &bad);
            for arguments in INSPECTIONS.iter().take(4) {
                found.extend(look(folder.path(), arguments, &variables, &canaries));
            }
            // Without this one it can't start, whatever else is bad.
            for arguments in STARTS {
                let short: Vec<_> = variables
                    .iter()
                    .filter(|(known, _)| {
                        name == "WORKER_AUTH_TOKEN" || *known != "WORKER_AUTH_TOKEN"
                    })
                    .map(
                        |(known, value)| {
                            if *known == "PORT" { (*known, "-1") } else { (*known, *value) }
                        },
                    )
                    .collect();
                found.extend(look(folder.path(), arguments, &short, &canaries));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_secret_in_the_wrong_variable_is_not_shown_either() {
    let (folder, canaries) = (folder(), canaries());
    let mut found = Vec::new();
    for name in [
        "ENV",
        "HOST",
        "PORT",
        "LOG_FORMAT",
        "RUST_LOG",
        "ALLOWED_ORIGINS",
        "DEFAULT_GEMINI_MODEL",
        "TRUSTED_PROXY_HOPS",
        "RATE_LIMIT_GENERATE_PER_MINUTE",
        "WALLET_ENABLED",
        "TURNSTILE_HOSTNAMES",
        "TURNSTILE_ACTION",
        "TURNSTILE_SITE_KEY",
        "SUPABASE_JWT_ISSUER",
        "SUPABASE_URL",
        "GEMINI_BASE_URL",
        "TURNSTILE_VERIFY_URL",
        "WORKER_URL",
        "REDIS_URL",
        "GOOGLE_CLOUD_PROJECT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ] {
        for bad in [
            STRAY.to_owned(),
            format!("https://numbat:{STRAY}@example.com"),
            format!("https://example.com/?key={STRAY}"),
            format!("redis://numbat:{STRAY}@example.com:99999"),
            format!("redis://numbat:{STRAY}@"),
            format!("{STRAY}=/[{STRAY}"),
        ] {
            let variables: Vec<_> =
                with(name, &bad).into_iter().filter(|(known, _)| *known != "PORT").collect();
            for arguments in INSPECTIONS.iter().take(4) {
                found.extend(look(folder.path(), arguments, &variables, &canaries));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_file_that_can_not_be_read_is_not_quoted() {
    let (folder, canaries) = (folder(), canaries());
    let mut found = Vec::new();
    for text in [
        format!("GEMINI_API_KEY=\"{STRAY}\nENV=development\n"),
        format!("{STRAY}\n"),
        format!("GEMINI_API_KEY={STRAY} {STRAY}\n"),
        format!("GEMINI_API_KEY=${{{STRAY}\n"),
        format!("export {STRAY} {STRAY}={STRAY}\n"),
    ] {
        fs::write(folder.path().join("broken.env"), text).expect("a writable folder");
        for command in ["serve", "worker", "check-env", "rotate-keys"] {
            let arguments = [command, "--env-file", "broken.env"];
            found.extend(look(folder.path(), &arguments, &[], &canaries));
        }
    }
    for text in [
        format!("gemini.api_key = \"{STRAY}\"\n"),
        format!("gemini.api_key = {STRAY}\n"),
        format!("server.port = \"{STRAY}\"\n"),
        format!("telemetry.filter = \"{STRAY}=/[\"\n"),
        format!("models.default = \"{STRAY}\"\n"),
        format!("sandbox.engine = \"{STRAY}\"\n"),
        STRAY.to_owned(),
    ] {
        fs::write(folder.path().join("broken.toml"), &text).expect("a writable folder");
        let good: Vec<_> = with("ENV", "development")
            .into_iter()
            .filter(|(name, _)| *name != "RUST_LOG")
            .collect();
        for arguments in [
            &["check-env", "--config", "broken.toml"][..],
            &["check-env", "--role", "worker", "--config", "broken.toml"],
            &["check-env", "--format", "json", "--config", "broken.toml"],
        ] {
            found.extend(look(folder.path(), arguments, &good, &canaries));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
