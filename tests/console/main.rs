//! The console in a real browser: every flow, on the real server, with a model peer and real
//! sandboxes.
//!
//! `TESTER_TEST_BROWSERS=chromium` says that Debian's `chromium` and `chromium-driver` are there,
//! nginx, OpenSSL, what the namespace engine needs, and axe-core (`scripts/axe-core`): `scripts/test`
//! installs them. Without it every case is listed as ignored.
//!
//! A browser is started for each case and knows nothing of the others. What a case leaves open is
//! closed at its end; what is left of any browser at the very end is an error. Pictures of the pages
//! of failed cases are in `target/tmp/console-failures`.

#![expect(clippy::print_stderr, reason = "what a failed run leaves to be read")]
#![expect(unreachable_pub, reason = "a test binary exports nothing; pub reads better here")]

mod accessibility;
mod account;
mod browser;
mod challenges;
mod gallery;
mod history;
mod hostile;
mod keyboard;
mod origins;
mod page;
mod run;
#[path = "../data/stack/server.rs"]
mod server;
mod site;
mod speed;
mod stage;
#[path = "../api/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the API's tests, which use more of it")]
mod support;
mod tabs;
mod troubles;
mod watch;
mod write;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::Arguments;

use self::stage::{Case, House};

/// A browser and a server keep a core busy.
const AT_ONCE: usize = 2;

fn main() -> ExitCode {
    // Nothing else in this process installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a machine that runs tests runs threads");
    let wanted = std::env::var("TESTER_TEST_BROWSERS").unwrap_or_default();
    let ignored = !wanted.split(',').any(|name| name.trim() == "chromium");
    let _ = std::fs::remove_dir_all(stage::pictures());

    let house = Arc::new(House::default());
    let cases = [
        write::cases(),
        watch::cases(),
        run::cases(),
        history::cases(),
        account::cases(),
        troubles::cases(),
        hostile::cases(),
        tabs::cases(),
        keyboard::cases(),
        accessibility::cases(),
        speed::cases().into_iter().map(Case::alone).collect(),
        origins::cases(),
        gallery::cases(),
    ];
    let trials = cases.into_iter().flatten();
    let trials = trials
        .map(|case| case.into_trial(&house, runtime.handle()).with_ignored_flag(ignored))
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);

    // Trials that were not run hold it no longer: the runner has dropped them.
    let wrong = Arc::into_inner(house).map(|house| runtime.block_on(house.close()));
    let wrong = wrong.expect("no case is running");
    for what in &wrong {
        eprintln!("{what}");
    }
    if conclusion.has_failed() || !wrong.is_empty() {
        return ExitCode::from(101);
    }
    ExitCode::SUCCESS
}
