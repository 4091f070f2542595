//! Runs real tests in real sandboxes: the same cases on every engine that this machine has.
//!
//! `TESTER_TEST_ENGINES` names the engines, comma-separated: `namespace`, `docker`, `runsc` (the
//! docker engine with gVisor). Without it every case is listed as ignored: `scripts/test` installs
//! what they need and names those that can be had.
//!
//! A worker is started for each engine, as a process of its own; the cases ask it over HTTP. At the
//! end each is stopped, and nothing of it may be left on the machine.

#![expect(clippy::print_stderr, reason = "what a failed run leaves to be read")]
#![expect(unreachable_pub, reason = "a test binary exports nothing; pub reads better here")]

mod abuse;
mod bad_input;
mod builtin;
mod case;
mod faults;
mod features;
mod leaving;
mod programs;
mod remains;
mod restart;
mod secrets;
#[path = "../api/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the API's tests, which use more of it")]
mod support;
mod web_half;
mod worker;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::sync::RwLock;

use self::case::Case;
use self::remains::Remains;
use self::worker::{Engine, Shared};

/// Held by every test while it uses an engine; a test that takes the engine away waits for the
/// others, and they for it.
static ENGINE_IN_USE: RwLock<()> = RwLock::const_new(());

fn main() -> ExitCode {
    // Nothing else in this process installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a machine that runs tests runs threads");
    let wanted = Engine::wanted();
    let before = Remains::now();
    let workers: Vec<Arc<Shared>> = Engine::ALL.map(|engine| Arc::new(Shared::new(engine))).into();
    let mut trials = Vec::new();
    for worker in &workers {
        let engine = worker.engine();
        let ignored = !wanted.contains(&engine);
        let mut cases = abuse::attacks();
        // What a program and its framework can do is a matter of the toolchain, and a forged result
        // one of supervisor and host; gVisor has those of Docker. That it runs honest tests is seen
        // after each case, when the next job is served.
        if engine != Engine::Runsc {
            cases.extend(abuse::forgeries());
            cases.extend(programs::cases());
            cases.extend(features::cases());
        }
        for case in cases {
            let name = format!("{}::{}", engine.name(), case.name);
            let worker = Arc::clone(worker);
            let handle = runtime.handle().clone();
            let trial = Trial::test(name, move || {
                handle.block_on(async {
                    let _here = ENGINE_IN_USE.read().await;
                    run(&case, &worker).await
                })
            });
            trials.push(trial.with_ignored_flag(ignored));
        }
        for (name, test) in bad_input::tests()
            .into_iter()
            .chain(leaving::tests())
            .chain(faults::tests(engine))
            .chain(restart::tests(engine))
            .chain(web_half::tests())
            .chain(builtin::tests())
            .chain(secrets::tests())
        {
            let alone = faults::TAKE_THE_ENGINE_AWAY.contains(&name);
            let name = format!("{}::{name}", engine.name());
            let worker = Arc::clone(worker);
            let handle = runtime.handle().clone();
            let trial = Trial::test(name, move || {
                handle.block_on(async {
                    let _here = if alone { None } else { Some(ENGINE_IN_USE.read().await) };
                    test(worker).await;
                });
                Ok(())
            });
            trials.push(trial.with_ignored_flag(ignored));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let mut wrong = Vec::new();
    for worker in workers {
        wrong.extend(runtime.block_on(worker.stop()));
    }
    wrong.extend(before.what_is_new().into_iter().map(|what| format!("left behind: {what}")));
    for what in &wrong {
        eprintln!("{what}");
    }
    if conclusion.has_failed() || !wrong.is_empty() {
        return ExitCode::from(101);
    }
    ExitCode::SUCCESS
}

async fn run(case: &Case, worker: &Shared) -> Result<(), Failed> {
    let worker = worker.get().await;
    let verdict = worker.execute(&case.body()).await;
    let mut wrong = case.check(&verdict, worker.engine());
    // Whatever the case did, the next job is served.
    let next = worker.execute(&case::trivial(case.language)).await;
    if next["status"] != "passed" {
        wrong.push(format!("the next job was not served: {next:#}"));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{}\n\nthe verdict: {verdict:#}", wrong.join("\n")).into())
}
