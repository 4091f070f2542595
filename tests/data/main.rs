//! Runs the program against the real thing where its data lies.
//!
//! `TESTER_TEST_DATA` names what may be used, comma-separated: `redis` (Debian's `redis-server`,
//! one started for each case), `supabase` (PostgreSQL, and Supabase Lite in front of it). Without it
//! there are no cases: `scripts/test` installs what they need and names both.

#![expect(clippy::print_stdout, reason = "says why there are no cases")]
#![expect(unreachable_pub, reason = "a test binary exports nothing; pub reads better here")]

mod case;
mod redis;
mod stack;
mod supabase;
#[path = "../api/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the API's tests, which use more of it")]
mod support;

use std::process::ExitCode;

use libtest_mimic::Arguments;

use self::case::Case;

/// What `TESTER_TEST_DATA` can name, and the cases that need it.
const STORES: [Store; 2] = [
    Store { name: "redis", cases: redis::cases },
    Store { name: "supabase", cases: supabase::cases },
];

struct Store {
    name: &'static str,
    cases: fn() -> Vec<Case>,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Nothing else in this process installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let wanted = std::env::var("TESTER_TEST_DATA").unwrap_or_default();
    let wanted: Vec<&str> = wanted.split(',').map(str::trim).collect();
    let trials: Vec<_> = STORES
        .into_iter()
        .filter(|store| wanted.contains(&store.name))
        .flat_map(|store| (store.cases)().into_iter().map(move |case| case.into_trial(store.name)))
        .collect();
    if trials.is_empty() {
        println!("no cases: TESTER_TEST_DATA names none of {:?}", STORES.map(|store| store.name));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
