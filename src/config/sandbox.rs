use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::domain::{Limits, Runtime};

/// Which engine makes sandboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineChoice {
    /// Docker Engine.
    Docker,
    /// Linux namespaces, made by TESTER itself.
    Namespace,
}

/// How sandboxes are made, how many, and what each may use.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// `SANDBOX_ENGINE`, `sandbox.engine`: `None` is `auto`, the role's own order of preference.
    pub engine: Option<EngineChoice>,
    /// This program as a file: what every sandbox starts. `None` is the running one; a test that
    /// runs the program inside its own process names the real one.
    pub executable: Option<PathBuf>,
    /// The docker engine.
    pub docker: DockerSettings,
    /// What one sandbox may use, by runtime.
    pub limits: PerRuntime<Limits>,
    /// How many are kept warm, by runtime.
    pub warm: PerRuntime<usize>,
    /// `sandbox.start_timeout_ms`: how long a sandbox may take until it is warm.
    pub start_timeout: Duration,
    /// `sandbox.idle_max_ms`: a warm sandbox that waited that long is replaced.
    pub idle_max: Duration,
    /// `sandbox.running`: runs at one time; 0 is one a core.
    pub running: usize,
    /// `sandbox.queued`: runs that may wait for their turn.
    pub queued: usize,
    /// `sandbox.drain_ms`: how long the runs taken on may go on after SIGTERM.
    pub drain: Duration,
}

/// How Docker Engine is used.
#[derive(Clone, Debug)]
pub struct DockerSettings {
    /// `DOCKER_HOST`, `sandbox.docker.host`: where the Engine API listens.
    pub socket: PathBuf,
    /// `DOCKER_RUNTIME`, `sandbox.docker.runtime`: `runc`, `runsc`, `kata`, `crun`, … as the
    /// daemon knows it.
    pub runtime: String,
    /// `sandbox.docker.base_image`: what the sandbox images are built on.
    pub base_image: String,
}

/// A value for each runtime.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PerRuntime<T> {
    /// Python's.
    pub python: T,
    /// Node's.
    pub node: T,
    /// Java's.
    pub java: T,
}

impl<T> PerRuntime<T> {
    /// The value of one.
    pub const fn get(&self, runtime: Runtime) -> &T {
        match runtime {
            Runtime::Python => &self.python,
            Runtime::Node => &self.node,
            Runtime::Java => &self.java,
        }
    }

    /// The value of one, to change it.
    pub const fn get_mut(&mut self, runtime: Runtime) -> &mut T {
        match runtime {
            Runtime::Python => &mut self.python,
            Runtime::Node => &mut self.node,
            Runtime::Java => &mut self.java,
        }
    }
}
