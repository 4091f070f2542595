//! The invariants of the house, held by reading what each room imports and what the documents say.

mod documents;

mod watched_metrics;

use std::fs;
use std::path::{Path, PathBuf};

/// Room, and what its files may not name.
const RULES: [(&str, &[&str]); 10] = [
    ("domain", &["actix", "reqwest", "rusqlite", "tokio", "std::fs", "std::net::Tcp", "std::env"]),
    ("languages", &["actix", "reqwest", "rusqlite", "tokio", "std::fs", "std::env"]),
    ("crypto", &["actix", "reqwest", "rusqlite", "tokio", "std::fs", "std::env"]),
    (
        "services",
        &[
            "actix",
            "reqwest",
            "rusqlite",
            "crate::api",
            "crate::app",
            "gateways::gemini",
            "Supabase",
            "Sqlite",
            "Redis",
            "redis::",
            "Turnstile",
        ],
    ),
    (
        "builtin",
        &[
            "actix",
            "reqwest",
            "rusqlite",
            "crate::api",
            "crate::app",
            "crate::services",
            "crate::repositories",
            "crate::stores",
            "crate::sandbox",
            "crate::crypto",
            "gateways::gemini",
            "std::fs",
            "std::process",
            "std::env",
        ],
    ),
    ("gateways", &["actix", "crate::services", "crate::api", "std::env"]),
    ("repositories", &["actix", "crate::services", "crate::api", "std::env"]),
    ("stores", &["actix", "crate::services", "crate::api", "std::env"]),
    ("sandbox", &["actix", "reqwest", "rusqlite", "crate::services", "crate::api"]),
    ("api", &["reqwest", "rusqlite", "crate::repositories::sqlite", "std::env"]),
];

/// What is put together for `tester worker`, which runs strangers' code.
const OF_THE_WORKER: [&str; 4] =
    ["cli/worker.rs", "app/engines.rs", "api/worker.rs", "config/worker.rs"];

/// Whatever can reach the model, a user or a user's data.
const NOT_FOR_THE_WORKER: [&str; 5] = ["Gemini", "Supabase", "Sqlite", "Turnstile", "LocalData"];

/// The rooms that may read the process environment.
const MAY_READ_ENVIRONMENT: [&str; 1] = ["app/environment.rs"];

#[test]
fn no_room_reaches_where_it_must_not() {
    let mut broken = Vec::new();
    for (room, forbidden) in RULES {
        for file in rust_files(&source().join(room)) {
            for (number, line) in production_lines(&file) {
                for name in forbidden.iter().filter(|name| line.contains(**name)) {
                    broken.push(format!("{}:{number} names {name}: {line}", file.display()));
                }
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_worker_names_no_model_and_no_user() {
    let mut broken = Vec::new();
    for file in OF_THE_WORKER {
        for (number, line) in production_lines(&source().join(file)) {
            for name in NOT_FOR_THE_WORKER.iter().filter(|name| line.contains(**name)) {
                broken.push(format!("{file}:{number} names {name}: {line}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_one_file_reads_the_environment() {
    let mut broken = Vec::new();
    for file in rust_files(&source()) {
        let allowed = MAY_READ_ENVIRONMENT.iter().any(|path| file.ends_with(path));
        for (number, line) in production_lines(&file) {
            let reads = ["std::env::var", "env::var(", "env::vars", "env::var_os"]
                .iter()
                .any(|call| line.contains(call));
            if reads && !allowed {
                broken.push(format!("{}:{number}: {line}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn main_is_a_table_of_contents() {
    let main = fs::read_to_string(source().join("main.rs")).expect("main.rs is there");
    assert!(main.lines().count() < 40, "main.rs has {} lines", main.lines().count());
}

#[test]
fn the_rules_find_the_rooms_they_speak_of() {
    for (room, _) in RULES {
        assert!(!rust_files(&source().join(room)).is_empty(), "{room} has no files");
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The lines that are shipped: no comments, no test modules (by convention at the end of a file or in
/// a `tests.rs`).
fn production_lines(file: &Path) -> Vec<(usize, String)> {
    if file.file_name().is_some_and(|name| name == "tests.rs") {
        return Vec::new();
    }
    let text = fs::read_to_string(file).expect("a readable file");
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .map(str::to_owned)
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
        .collect()
}
