//! The engine: plans sandboxes, starts them, and clears away what dead workers left.

use std::iter;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::plan::{Access, Bounds, Harness, MemoryBound, Plan};
use super::sandbox::{NamespaceSandbox, StageError, remove_group};
use super::stage::Part;
use super::worker::Worker;
use crate::config::PerRuntime;
use crate::domain::{Limits, Runtime};
use crate::sandbox::cgroup::{self, Group};
use crate::sandbox::toolchain::{Toolchain, Toolchains};
use crate::sandbox::{Engine, EngineError, Sandbox, harness};

/// Processes of a sandbox that are ours: its stage and its supervisor.
const OWN_PROCESSES: u32 = 2;
/// Addresses that programs and libraries take before user code has any.
const ADDRESSES_OF_PROGRAMS: u64 = 256 * 1024 * 1024;

/// How sandboxes are isolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By namespaces.
    Namespaces,
    /// By Landlock, seccomp and limits, where namespaces are refused.
    Reduced,
}

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

/// Really makes a sandbox once, with nothing of interest in it.
///
/// # Errors
///
/// [`Refusal`] says at which step the host refused.
pub async fn probe(tester: &Path, mode: Mode) -> Result<(), Refusal> {
    let plan = Plan {
        argv: vec![mode.tester(tester), "--version".to_owned()],
        environment: environment(),
        readable: Vec::new(),
        executable: tester.to_owned(),
        harness: None,
        bounds: Bounds { processes: None, files_bytes: 1024 * 1024, files_count: 64, memory: None },
    };
    let refuse = |error: &dyn std::fmt::Display| Refusal(error.to_string());
    let mut sandbox = NamespaceSandbox::start(tester, mode.part(), &plan, None)
        .await
        .map_err(|error| refuse(&error))?;
    match sandbox.outcome().await.map_err(|error| refuse(&error))? {
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
        let worker =
            Worker::this().map_err(|error| EngineError::Unavailable(format!("/proc: {error}")))?;
        // Whether there are groups is found out once: a host that lets us make one does so always,
        // and a verdict must not depend on a passing mood.
        let groups = Group::create(&worker.next_group(), limits.get(Runtime::Python))
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

    fn plan(&self, toolchain: &Toolchain) -> Plan {
        let runtime = toolchain.runtime;
        let limits = self.limits.get(runtime);
        let mut argv = vec![self.mode.tester(&self.tester), "supervise".into(), "--".into()];
        argv.extend(self.harness_argv(toolchain));
        let memory = (!self.groups).then(|| memory_bound(runtime, limits));
        Plan {
            argv,
            environment: environment(),
            readable: toolchain.readable.clone(),
            executable: self.tester.clone(),
            harness: Some(Harness {
                name: runtime.as_str().to_owned(),
                folder: toolchain.folder.clone(),
                access: Access::Read,
            }),
            bounds: Bounds {
                processes: (self.mode == Mode::Namespaces)
                    .then(|| u64::from(limits.processes + OWN_PROCESSES)),
                files_bytes: limits.files_bytes,
                files_count: limits.files_count,
                memory,
            },
        }
    }

    fn harness_argv(&self, toolchain: &Toolchain) -> Vec<String> {
        // Inside, the interpreter is where it is on the host, whatever the search path finds.
        let interpreter = toolchain.interpreter.to_string_lossy();
        let arguments = harness::argv(toolchain.runtime).iter().skip(1).copied();
        iter::once(interpreter.as_ref()).chain(arguments).map(str::to_owned).collect()
    }
}

#[async_trait]
impl Engine for NamespaceEngine {
    fn isolation(&self) -> String {
        match self.mode {
            Mode::Namespaces => "namespace",
            Mode::Reduced => "reduced",
        }
        .to_owned()
    }

    async fn start(&self, runtime: Runtime) -> Result<Box<dyn Sandbox>, EngineError> {
        let toolchain = self.toolchains.get(runtime).await?;
        let plan = self.plan(toolchain);
        let group = if self.groups {
            let mut limits = *self.limits.get(runtime);
            limits.processes += OWN_PROCESSES;
            let group = Group::create(&self.worker.next_group(), &limits);
            Some(group.map_err(|error| EngineError::Unavailable(error.to_string()))?)
        } else {
            None
        };
        NamespaceSandbox::start(&self.tester, self.mode.part(), &plan, group)
            .await
            .map(|sandbox| Box::new(sandbox) as Box<dyn Sandbox>)
            .map_err(|error: StageError| EngineError::Unavailable(error.to_string()))
    }

    async fn check(&self, runtime: Runtime) -> Result<(), EngineError> {
        self.toolchains.get(runtime).await.map(drop)
    }

    /// Only control groups can be left: all else a sandbox has is in its namespaces.
    async fn reap(&self) -> Result<usize, EngineError> {
        let mut reaped = 0;
        for leftover in cgroup::leftovers() {
            if Worker::of_group(&leftover.id).is_none_or(Worker::lives) {
                continue;
            }
            let unavailable = |error: String| EngineError::Unavailable(error);
            leftover.group.kill().map_err(|error| unavailable(error.to_string()))?;
            remove_group(Some(leftover.group)).await.map_err(unavailable)?;
            reaped += 1;
        }
        Ok(reaped)
    }
}

impl Mode {
    const fn part(self) -> Part {
        match self {
            Self::Namespaces => Part::Outside,
            Self::Reduced => Part::Reduced,
        }
    }

    /// What this executable is called inside.
    fn tester(self, outside: &Path) -> String {
        match self {
            Self::Namespaces => "/opt/tester/tester".to_owned(),
            Self::Reduced => outside.to_string_lossy().into_owned(),
        }
    }
}

/// All that a program inside learns from its environment.
pub(super) fn environment() -> Vec<(String, String)> {
    harness::ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// V8 and the JVM reserve gigabytes of addresses that they never touch; `CPython` does not.
fn memory_bound(runtime: Runtime, limits: &Limits) -> MemoryBound {
    let bytes = limits.memory_bytes + ADDRESSES_OF_PROGRAMS;
    match runtime {
        Runtime::Python => MemoryBound::Addresses(bytes),
        Runtime::Node | Runtime::Java => MemoryBound::Data(bytes),
    }
}
