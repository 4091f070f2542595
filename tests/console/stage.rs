//! What the cases share, and how one of them is carried out.

use std::fs;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{FutureExt as _, LocalBoxFuture};
use libtest_mimic::{Failed, Trial};
use tokio::runtime::Handle;
use tokio::sync::{MutexGuard, OnceCell};

use super::browser::Driver;
use super::challenges::Challenges;
use super::page::Page;
use super::site::Dev;

/// How long the kernel may take to bury browsers that were closed.
const BURIAL: Duration = Duration::from_secs(20);

/// What is started once, by the first case that needs it.
#[derive(Default)]
pub struct House {
    driver: OnceCell<Driver>,
    challenges: OnceCell<Challenges>,
    workshop: OnceCell<Dev>,
    /// Held by the case that uses the workshop: its model and its history are the one user's.
    workshop_in_use: tokio::sync::Mutex<()>,
    /// Held by every case while it runs, by one that must be alone exclusively.
    running: tokio::sync::RwLock<()>,
}

impl House {
    /// Ends what was started, and tells of what did not end.
    pub async fn close(mut self) -> Vec<String> {
        if let Some(workshop) = self.workshop.take() {
            workshop.kill().await;
        }
        let Some(driver) = self.driver.take() else { return Vec::new() };
        let folder = driver.folder().to_owned();
        drop(driver);
        let begun = Instant::now();
        loop {
            let left = processes_that_name(&folder);
            if left.is_empty() || begun.elapsed() > BURIAL {
                return left.into_iter().map(|what| format!("left behind: {what}")).collect();
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn processes_that_name(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let lines = entries.flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(&folder))
        .collect()
}

/// One case: its name, and what it does on a stage of its own.
pub struct Case {
    name: &'static str,
    company: Company,
    run: fn(Arc<Stage>) -> LocalBoxFuture<'static, ()>,
}

/// Whether others may run at the same time.
#[derive(Clone, Copy)]
enum Company {
    Others,
    Nobody,
}

impl Case {
    pub const fn new(
        name: &'static str,
        run: fn(Arc<Stage>) -> LocalBoxFuture<'static, ()>,
    ) -> Self {
        Self { name, company: Company::Others, run }
    }

    /// For what is measured.
    pub fn alone(self) -> Self {
        Self { company: Company::Nobody, ..self }
    }

    pub fn into_trial(self, house: &Arc<House>, runtime: &Handle) -> Trial {
        let name = self.name.trim_start_matches("console::");
        let stage = Stage { name, house: Arc::clone(house), pages: Mutex::default() };
        let (stage, runtime, run) = (Arc::new(stage), runtime.clone(), self.run);
        let company = self.company;
        Trial::test(name, move || {
            runtime.block_on(async {
                let running = &stage.house.running;
                match company {
                    Company::Others => {
                        let _running = running.read().await;
                        carry_out(&stage, run).await
                    }
                    Company::Nobody => {
                        let _running = running.write().await;
                        carry_out(&stage, run).await
                    }
                }
            })
        })
    }
}

/// Runs a case and closes its browsers, whatever came of it. Pages that complain fail it, too.
async fn carry_out(
    stage: &Arc<Stage>,
    run: fn(Arc<Stage>) -> LocalBoxFuture<'static, ()>,
) -> Result<(), Failed> {
    let outcome = AssertUnwindSafe(run(Arc::clone(stage))).catch_unwind().await;
    let pages = std::mem::take(&mut *stage.pages.lock().unwrap_or_else(PoisonError::into_inner));
    let mut complaints = Vec::new();
    for (number, page) in pages.into_iter().enumerate() {
        complaints.extend(page.complaints().await);
        if outcome.is_err() {
            stage.keep_picture(number, &page).await;
        }
        // A browser that is gone is closed.
        let _ = page.client().clone().close().await;
    }
    match outcome {
        Err(panic) => {
            if !complaints.is_empty() {
                return Err(format!("{}\nthe page: {complaints:#?}", words_of(&*panic)).into());
            }
            resume_unwind(panic)
        }
        Ok(()) if !complaints.is_empty() => Err(format!("{complaints:#?}").into()),
        Ok(()) => Ok(()),
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words")
}

/// Where a case takes place.
pub struct Stage {
    name: &'static str,
    house: Arc<House>,
    pages: Mutex<Vec<Page>>,
}

impl Stage {
    /// A new browser of somebody who reads English.
    pub async fn browser(&self) -> Page {
        self.browser_in("en-US").await
    }

    /// A new browser of somebody who reads this language.
    pub async fn browser_in(&self, language: &str) -> Page {
        let challenges = self.house.challenges.get_or_init(async || Challenges::start()).await;
        let driver = self.house.driver.get_or_init(async || Driver::start()).await;
        let (client, downloads) = driver.open(language, challenges.address()).await;
        let page = Page::new(client, downloads);
        self.pages.lock().unwrap_or_else(PoisonError::into_inner).push(page.clone());
        page
    }

    /// A new browser, in which an address is open.
    pub async fn page(&self, url: &str) -> Page {
        let page = self.browser().await;
        page.open(url).await;
        page
    }

    /// The one server that has sandboxes, for this case alone.
    pub async fn workshop(&self) -> (&Dev, MutexGuard<'_, ()>) {
        let alone = self.house.workshop_in_use.lock().await;
        let workshop = self.house.workshop.get_or_init(Dev::with_sandboxes).await;
        workshop.forget().await;
        (workshop, alone)
    }

    /// What the page looked like when the case failed.
    async fn keep_picture(&self, number: usize, page: &Page) {
        let folder = pictures();
        let name = format!("{}-{number}.png", self.name.replace("::", "-"));
        if let Ok(picture) = page.client().screenshot().await {
            fs::create_dir_all(&folder).expect("a writable folder");
            fs::write(folder.join(name), picture).expect("a writable folder");
        }
    }
}

/// Where pictures of failed cases are kept, until the next run.
pub fn pictures() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("console-failures")
}

/// Cases by the names of their functions.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        /// In the order of the list.
        pub fn cases() -> Vec<crate::stage::Case> {
            vec![$(crate::stage::Case::new(
                concat!(module_path!(), "::", stringify!($case)),
                |stage| Box::pin($case(stage)),
            )),*]
        }
    };
}

pub(crate) use cases;
