use std::future::Future;

use futures_util::future::{FutureExt as _, LocalBoxFuture};
use libtest_mimic::Trial;
use tokio::runtime::Builder;
use tokio::sync::RwLock;

/// Held by every case while it runs, by one that must be alone exclusively.
static RUNNING: RwLock<()> = RwLock::const_new(());

/// One case, on a runtime of its own: whatever it leaves running ends with it.
pub struct Case {
    name: String,
    company: Company,
    run: Box<dyn FnOnce() -> LocalBoxFuture<'static, ()> + Send>,
}

/// Whether others may run at the same time.
#[derive(Clone, Copy)]
enum Company {
    Others,
    Nobody,
}

impl Case {
    pub fn new<F>(name: impl Into<String>, run: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        let run = Box::new(move || run().boxed_local());
        Self { name: name.into(), company: Company::Others, run }
    }

    /// For what all cases share, such as the metrics of the process.
    pub fn alone(self) -> Self {
        Self { company: Company::Nobody, ..self }
    }

    pub fn into_trial(self, store: &str) -> Trial {
        let Self { name, company, run } = self;
        Trial::test(format!("{store}::{name}"), move || {
            let runtime = Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a machine that runs tests runs threads");
            runtime.block_on(async {
                match company {
                    Company::Others => {
                        let _running = RUNNING.read().await;
                        run().await;
                    }
                    Company::Nobody => {
                        let _running = RUNNING.write().await;
                        run().await;
                    }
                }
            });
            Ok(())
        })
    }
}

/// Cases by the names of their functions.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        vec![$($crate::case::Case::new(
            concat!(module_path!(), "::", stringify!($case)).trim_start_matches("data::redis::"),
            $case,
        )),*]
    };
}

pub(crate) use cases;
