//! Commands for whoever looks after the data: what they print, and what they say when they can't.

use std::fs;

use crate::{folder, stderr, stdout, tester};

#[test]
fn every_migration_is_printed_in_its_order_and_whole() {
    let output = tester(folder().path(), &["migrate", "--print"], &[]);
    assert_eq!(output.status.code(), Some(0));
    let printed = stdout(&output);
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/supabase/migrations");
    let mut files: Vec<_> = fs::read_dir(migrations)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let mut rest = printed.as_str();
    for file in files {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let sql = fs::read_to_string(&file).expect("a readable file");
        let block = format!("-- === {name}\n\n{}\n", sql.trim_end());
        let at = rest.find(&block).unwrap_or_else(|| panic!("{name} is missing or too early"));
        rest = &rest[at + block.len()..];
    }
}

#[test]
fn a_rotation_names_all_that_is_missing_and_wants_no_more_than_it_uses() {
    let output = tester(folder().path(), &["rotate-keys"], &[]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for variable in ["SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "DATA_ENCRYPTION_KEY"] {
        assert!(said.contains(variable), "{variable} in {said}");
    }
    for variable in ["GEMINI_API_KEY", "TURNSTILE_SECRET_KEY", "WORKER_URL", "JWT"] {
        assert!(!said.contains(variable), "{variable} in {said}");
    }
}

#[test]
fn a_rotation_without_a_database_says_so_and_shows_no_secret() {
    let key = "sb_secret_0123456789abcdef0123456789abcdef";
    let master = "Jx3tQ0mV9rLk2WcYpZ8uHsN5dGfB1aTeRiOqXy7wM4E=";
    let variables = [
        ("ENV", "development"),
        // The discard port: nobody listens.
        ("SUPABASE_URL", "http://127.0.0.1:9"),
        ("SUPABASE_SERVICE_ROLE_KEY", key),
        ("DATA_ENCRYPTION_KEY", master),
    ];
    let output = tester(folder().path(), &["rotate-keys", "--dry-run"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains("the database can't be used"), "{said}");
    assert!(said.contains("no connection to SUPABASE_URL"), "{said}");
    assert!(!said.contains(key) && !said.contains(master), "{said}");
}
