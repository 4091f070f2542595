//! Runs the program against real stores, which this process starts itself.
//!
//! `TESTER_TEST_DATA` names the stores, comma-separated: `supabase` (PostgreSQL with Supabase Lite
//! in front). Without it there are no cases: `scripts/test` installs what they need and names all.

#![expect(clippy::print_stdout, reason = "says why nothing is run")]
#![expect(unreachable_pub, reason = "a test binary exports nothing; pub reads better here")]

mod case;
mod stack;
mod supabase;
#[path = "../api/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the API's tests, which use more of it")]
mod support;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Cases wait for their servers more than they compute.
const THREADS: usize = 4;

fn main() -> ExitCode {
    // Nothing else in this process installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a machine that runs tests runs threads");
    let mut cases = Vec::new();
    match std::env::var("TESTER_TEST_DATA") {
        Err(_) => println!("TESTER_TEST_DATA names no store, so there is nothing to run"),
        Ok(stores) => {
            for store in stores.split(',').map(str::trim) {
                match store {
                    "supabase" => cases.extend(supabase::cases()),
                    _ => panic!("TESTER_TEST_DATA names {store}, which is no store"),
                }
            }
        }
    }
    let trials = cases.into_iter().map(|case| {
        let handle = runtime.handle().clone();
        Trial::test(case.name, move || {
            handle.block_on((case.run)());
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
