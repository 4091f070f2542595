//! The command line as its users meet it: the real binary, an environment of the test's making.

#[path = "../api/support/canaries.rs"]
#[expect(unreachable_pub, reason = "shared with the tests of the API")]
mod canaries;
mod check_env;
mod data;
mod keygen;
mod secrets;
mod usage;

use std::path::Path;
use std::process::{Command, Output};

/// `.env.example` as it is shipped.
const ENV_EXAMPLE: &str = include_str!("../../.env.example");

/// Runs `tester` with these variables and no others, in a folder of its own.
fn tester(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tester"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the binary that was just built runs")
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

/// `.env.example` with each `NAME=placeholder` line replaced by the value given for the name.
fn fill_in(values: &[(&str, &str)]) -> String {
    let lines = ENV_EXAMPLE.lines().map(|line| {
        let value = line
            .split_once('=')
            .and_then(|(name, _)| values.iter().find(|(known, _)| *known == name));
        value.map_or_else(|| line.to_owned(), |(name, value)| format!("{name}={value}"))
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// What a person would fill in from dashboards; the rest is `tester keygen`'s.
const FROM_DASHBOARDS: [(&str, &str); 7] = [
    ("GEMINI_API_KEY", "AIzaSyB-8fKq2Lr7Vt0Xm4Wc9"),
    ("SUPABASE_URL", "https://abcdefghijkl.supabase.co"),
    ("SUPABASE_SERVICE_ROLE_KEY", "sb_secret_9fKq2Lr7Vt0Xm4Wc9pYs3A"),
    ("SUPABASE_JWT_SECRET", "jwt-secret-4kP9sD2fG7hJ1lQ8wE3rT6yU0zXcVbNm"),
    ("SUPABASE_ANON_KEY", "sb_publishable_4Wc9pYs3A9fKq2Lr7Vt0Xm"),
    ("TURNSTILE_SECRET_KEY", "0x4AAAAAAAQw3rTyU8iOp5AsDfGhJkLzXcVb"),
    ("WORKER_URL", "http://10.0.0.5:8080"),
];
