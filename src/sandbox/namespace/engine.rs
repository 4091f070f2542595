//! The engine: plans sandboxes, starts them, and clears away what dead workers left.

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::mode::{Mode, environment};
use super::plan::{Access, Bounds, Harness, MemoryBound, Plan};
use super::sandbox::{NamespaceSandbox, Place};
use super::worker::Worker;
use crate::config::PerRuntime;
use crate::domain::{Limits, Runtime};
use crate::sandbox::cgroup::{self, Group};
use crate::sandbox::toolchain::{Toolchain, Toolchains};
use crate::sandbox::{Engine, EngineError, Sandbox, harness};

/// Processes of a sandbox that are ours: its stage and its supervisor.
const OWN_PROCESSES: u32 = 2;
/// How many processes a user may start elsewhere while a sandbox of the reduced mode lives.
const PROCESSES_OF_OTHERS: u64 = 512;
/// Addresses that programs and libraries take before user code has any.
const ADDRESSES_OF_PROGRAMS: u64 = 256 * 1024 * 1024;

/// The host does not let us make sandboxes this way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(String);

/// Sandboxes made by this executable.
#[derive(Debug)]
pub struct NamespaceEngine {
    tester: PathBuf,
    mode: Mode,
    groups: bool,
    worker: Worker,
    toolchains: Toolchains,
    limits: PerRuntime<Limits>,
}

/// Really makes a sandbox once, with nothing of interest in it. `tester` is this executable's own
/// path.
///
/// # Errors
///
/// [`Refusal`] says at which step the host refused.
pub async fn probe(tester: &Path, mode: &Mode) -> Result<(), Refusal> {
    let refuse = |error: &dyn std::fmt::Display| Refusal(error.to_string());
    let worker = Worker::this().map_err(|error| refuse(&error))?;
    let work = mode.make_work(&worker.next_name()).map_err(|error| refuse(&error))?;
    let plan = Plan {
        argv: vec![mode.tester(tester), "--version".to_owned()],
        environment: environment(work.as_deref()),
        readable: Vec::new(),
        executable: tester.to_owned(),
        harness: None,
        work: work.clone(),
        bounds: Bounds {
            processes: None,
            files_bytes: 1024 * 1024,
            file_bytes: 1024 * 1024,
            files_count: 64,
            memory: None,
        },
    };
    let place = Place { group: None, work };
    let mut sandbox = NamespaceSandbox::start(tester, mode.part(), &plan, place)
        .await
        .map_err(|error| refuse(&error))?;
    let outcome = sandbox.outcome().await.map_err(|error| refuse(&error))?;
    Box::new(sandbox).remove().await.map_err(|error| refuse(&error))?;
    match outcome {
        (Some(0), _) => Ok(()),
        (status, _) => Err(Refusal(format!("what it was started for ended with {status:?}"))),
    }
}

impl NamespaceEngine {
    /// An engine of this mode. `tester` is this executable's own path.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unavailable`] when there is no `/proc` to work with.
    pub fn new(
        tester: PathBuf,
        mode: Mode,
        toolchains: Toolchains,
        limits: PerRuntime<Limits>,
    ) -> Result<Self, EngineError> {
        let worker = Worker::this().map_err(|error| unavailable(&error))?;
        // Whether there are groups is found out once: a host that lets us make one does so always,
        // and what a run may use must not depend on a passing mood.
        let groups = Group::create(&worker.next_name(), limits.get(Runtime::Python))
            .and_then(Group::remove)
            .inspect_err(|error| {
                tracing::warn!(
                    %error,
                    "no control groups: memory is limited a process, and nothing is accounted for"
                );
            })
            .is_ok();
        Ok(Self { tester, mode, groups, worker, toolchains, limits })
    }

    /// Whether what sandboxes use is accounted for, and limited for all their processes together.
    #[must_use]
    pub const fn has_groups(&self) -> bool {
        self.groups
    }

    fn place(&self, runtime: Runtime) -> Result<Place, EngineError> {
        let name = self.worker.next_name();
        let mut place = Place::default();
        if self.groups {
            let mut limits = *self.limits.get(runtime);
            limits.processes += OWN_PROCESSES;
            place.group = Some(Group::create(&name, &limits).map_err(|error| unavailable(&error))?);
        }
        match self.mode.make_work(&name) {
            Ok(work) => Ok(Place { work, ..place }),
            Err(error) => {
                // Empty, so there is nothing to wait for.
                place.group.map(Group::remove).transpose().map_err(|error| unavailable(&error))?;
                Err(unavailable(&error))
            }
        }
    }

    fn plan(&self, toolchain: &Toolchain, work: Option<PathBuf>) -> Plan {
        let runtime = toolchain.runtime;
        let limits = self.limits.get(runtime);
        let supervise = [self.mode.tester(&self.tester), "supervise".into(), "--".into()];
        let processes = u64::from(limits.processes + OWN_PROCESSES);
        let processes = match self.mode {
            Mode::Namespaces => Some(processes),
            Mode::Reduced { .. } if self.groups => None,
            // The user's other processes come and go, and must not starve an honest test.
            Mode::Reduced { .. } => Some(processes + PROCESSES_OF_OTHERS),
        };
        Plan {
            argv: supervise.into_iter().chain(self.harness_argv(toolchain)).collect(),
            environment: environment(work.as_deref()),
            readable: toolchain.readable.clone(),
            executable: self.tester.clone(),
            harness: Some(Harness {
                name: runtime.as_str().to_owned(),
                folder: toolchain.folder.clone(),
                access: Access::Read,
            }),
            work,
            bounds: Bounds {
                processes,
                files_bytes: limits.files_bytes,
                file_bytes: limits.file_bytes(),
                files_count: limits.files_count,
                memory: (!self.groups).then(|| memory_bound(runtime, limits)),
            },
        }
    }

    /// The interpreter is where it is on the host, whatever the search path finds inside, and the
    /// harness where this mode shows it.
    fn harness_argv(&self, toolchain: &Toolchain) -> impl Iterator<Item = String> {
        let runtime = toolchain.runtime;
        let usual = format!("{}/{runtime}", harness::ROOT);
        let shown = self.mode.harness(runtime, &toolchain.folder);
        let arguments = harness::argv(runtime).iter().skip(1);
        iter::once(toolchain.interpreter.to_string_lossy().into_owned())
            .chain(arguments.map(move |argument| argument.replace(&usual, &shown)))
    }

    /// Folders of the reduced mode whose worker is dead.
    fn orphaned_folders(&self) -> Vec<PathBuf> {
        let Mode::Reduced { work } = &self.mode else { return Vec::new() };
        let entries = fs::read_dir(work).into_iter().flatten().flatten();
        entries
            .filter(|entry| {
                let worker = entry.file_name().to_str().and_then(Worker::of_name);
                worker.is_some_and(|worker| !worker.lives())
            })
            .map(|entry| entry.path())
            .collect()
    }
}

#[async_trait]
impl Engine for NamespaceEngine {
    fn isolation(&self) -> String {
        self.mode.as_str().to_owned()
    }

    async fn start(&self, runtime: Runtime) -> Result<Box<dyn Sandbox>, EngineError> {
        let toolchain = self.toolchains.get(runtime).await?;
        let place = self.place(runtime)?;
        let plan = self.plan(toolchain, place.work.clone());
        let started = NamespaceSandbox::start(&self.tester, self.mode.part(), &plan, place).await;
        match started {
            Ok(sandbox) => Ok(Box::new(sandbox)),
            Err(error) => Err(unavailable(&error)),
        }
    }

    async fn check(&self, runtime: Runtime) -> Result<(), EngineError> {
        self.toolchains.get(runtime).await.map(drop)
    }

    /// Only control groups can be left, and folders in the reduced mode: all else a sandbox has is
    /// in its namespaces.
    async fn reap(&self) -> Result<usize, EngineError> {
        let mut reaped = 0;
        for leftover in cgroup::leftovers() {
            if Worker::of_name(&leftover.id).is_none_or(Worker::lives) {
                continue;
            }
            leftover.group.kill().map_err(|error| unavailable(&error))?;
            let place = Place { group: Some(leftover.group), work: None };
            place.remove().await.map_err(|error| unavailable(&error))?;
            reaped += 1;
        }
        for folder in self.orphaned_folders() {
            let place = Place { group: None, work: Some(folder) };
            place.remove().await.map_err(|error| unavailable(&error))?;
            // Where there are groups, the sandbox of this folder was counted with its group.
            reaped += usize::from(!self.groups);
        }
        Ok(reaped)
    }
}

/// V8 and the JVM reserve gigabytes of addresses that they never touch; `CPython` does not.
fn memory_bound(runtime: Runtime, limits: &Limits) -> MemoryBound {
    let bytes = limits.memory_bytes + ADDRESSES_OF_PROGRAMS;
    match runtime {
        Runtime::Python => MemoryBound::Addresses(bytes),
        Runtime::Node | Runtime::Java => MemoryBound::Data(bytes),
    }
}

fn unavailable(error: &dyn std::fmt::Display) -> EngineError {
    EngineError::Unavailable(error.to_string())
}
