//! Sandboxes that Docker Engine makes, on images that this executable built.
//!
//! A sandbox is a container whose standard streams the worker holds from before its start. The
//! daemon is asked a handful of things in its life (create, attach, start, kill, remove) and
//! nothing while it waits or runs: frames go over the attached connection, accounts are read from
//! the kernel.

pub mod images;

mod channel;
mod container;
mod daemon;
mod labels;
mod sandbox;

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bollard::Docker;
use bollard::query_parameters::ListContainersOptions;
use tracing::warn;
use uuid::Uuid;

use self::container::Order;
use self::daemon::{QUESTION, Refusal, within};
use self::images::{Executable, VERSION_LABEL};
use self::sandbox::DockerSandbox;
use super::engine::{Engine, EngineError, Sandbox};
use crate::config::{DockerSettings, PerRuntime, SandboxSettings};
use crate::domain::{Limits, Runtime};

/// Time that a sandbox may exist beyond what its waiting and its run can take: destroying it.
const SLACK: Duration = Duration::from_mins(2);

/// Makes sandboxes with Docker Engine.
pub struct DockerEngine {
    docker: Docker,
    /// Tells the containers of this worker from those of others on the same daemon.
    owner: Uuid,
    settings: DockerSettings,
    limits: PerRuntime<Limits>,
    /// How long a sandbox may exist, its run not counted.
    idle: Duration,
    /// The images that belong to this executable.
    versions: PerRuntime<String>,
    seccomp: Option<String>,
}

impl DockerEngine {
    /// Connects to the daemon. `executable` is this program: it says which images are its own.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unavailable`] when nobody answers at the socket.
    pub async fn connect(
        settings: &SandboxSettings,
        executable: &Executable,
    ) -> Result<Self, EngineError> {
        let socket = &settings.docker.socket;
        let docker = daemon::connect(socket).await.map_err(|refusal| {
            EngineError::Unavailable(format!(
                "{refusal} (at {}; DOCKER_SOCKET names another)",
                socket.display()
            ))
        })?;
        let version = |runtime| images::version(runtime, &settings.docker.base_image, executable);
        Ok(Self {
            docker,
            owner: Uuid::new_v4(),
            settings: settings.docker.clone(),
            limits: settings.limits,
            idle: settings.start_timeout + settings.idle_max + SLACK,
            versions: PerRuntime {
                python: version(Runtime::Python),
                node: version(Runtime::Node),
                java: version(Runtime::Java),
            },
            #[cfg(target_os = "linux")]
            seccomp: Some(super::seccomp::docker_profile()),
            // The daemon's machine is another one, and with it the kernel that the profile is for.
            #[cfg(not(target_os = "linux"))]
            seccomp: None,
        })
    }

    fn image(&self, runtime: Runtime) -> String {
        images::tag(runtime, self.versions.get(runtime))
    }

    async fn check_image(&self, runtime: Runtime) -> Result<(), EngineError> {
        let tag = self.image(runtime);
        let image = match within(QUESTION, self.docker.inspect_image(&tag)).await {
            Ok(image) => image,
            Err(Refusal::Gone(_)) => return Err(missing_image(&tag)),
            Err(refusal) => return Err(refusal.into()),
        };
        // Anybody can tag an image; the label was set when this executable built it.
        let labels = image.config.and_then(|config| config.labels).unwrap_or_default();
        if labels.get(VERSION_LABEL) == Some(self.versions.get(runtime)) {
            Ok(())
        } else {
            Err(EngineError::Unsupported(format!(
                "the image {tag} was not built by this version of tester; \
                 run `tester worker --build-images`"
            )))
        }
    }

    async fn check_oci_runtime(&self) -> Result<(), EngineError> {
        let known = within(QUESTION, self.docker.info()).await?.runtimes.unwrap_or_default();
        let runtime = &self.settings.runtime;
        if known.contains_key(runtime) {
            return Ok(());
        }
        let mut known: Vec<_> = known.into_keys().collect();
        known.sort_unstable();
        Err(EngineError::Unavailable(format!(
            "the Docker daemon knows no runtime {runtime} (it knows {}); \
             install it there, or choose another with DOCKER_RUNTIME",
            known.join(", ")
        )))
    }
}

#[async_trait]
impl Engine for DockerEngine {
    fn isolation(&self) -> String {
        format!("docker/{}", self.settings.runtime)
    }

    async fn start(&self, runtime: Runtime) -> Result<Box<dyn Sandbox>, EngineError> {
        let image = self.image(runtime);
        let limits = self.limits.get(runtime);
        let lifetime = self.idle + limits.wall;
        let body = container::body(Order {
            runtime,
            limits,
            image: image.clone(),
            oci_runtime: &self.settings.runtime,
            seccomp: self.seccomp.as_deref(),
            labels: labels::of_new(runtime, self.owner, SystemTime::now(), lifetime),
        });
        let name = format!("tester-sandbox-{runtime}-{}", Uuid::new_v4().simple());
        match DockerSandbox::start(self.docker.clone(), name, body).await {
            Ok(sandbox) => Ok(Box::new(sandbox)),
            Err(Refusal::Gone(_)) => Err(missing_image(&image)),
            Err(refusal) => Err(refusal.into()),
        }
    }

    async fn check(&self, runtime: Runtime) -> Result<(), EngineError> {
        self.check_oci_runtime().await?;
        self.check_image(runtime).await
    }

    async fn reap(&self) -> Result<usize, EngineError> {
        let options = ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([("label".to_owned(), vec![labels::SANDBOX.to_owned()])])),
            ..ListContainersOptions::default()
        };
        let containers = within(QUESTION, self.docker.list_containers(Some(options))).await?;
        let now = SystemTime::now();
        let mut reaped = 0;
        for container in containers {
            if !labels::is_abandoned(&container, self.owner, now) {
                continue;
            }
            let Some(id) = container.id else { continue };
            match sandbox::remove(&self.docker, &id).await {
                Ok(()) => reaped += 1,
                Err(refusal) => warn!(container = id, %refusal, "a leftover could not be removed"),
            }
        }
        Ok(reaped)
    }
}

fn missing_image(tag: &str) -> EngineError {
    EngineError::Unsupported(format!("there is no image {tag}; run `tester worker --build-images`"))
}
