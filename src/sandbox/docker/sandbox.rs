//! One container, from its creation to its removal.

use std::mem;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use bollard::Docker;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    AttachContainerOptions, CreateContainerOptions, KillContainerOptions, RemoveContainerOptions,
    WaitContainerOptions,
};
use futures_util::StreamExt as _;
use tokio::runtime::Handle;
use tracing::warn;

use super::channel::standard_output;
use super::daemon::{DEED, QUESTION, Refusal, persistently, within};
use crate::sandbox::engine::{EngineError, FromSandbox, Sandbox, ToSandbox, Usage};

#[cfg(target_os = "linux")]
use crate::sandbox::cgroup::Account;

/// A container that runs a harness.
pub(super) struct DockerSandbox {
    container: Container,
    /// Never locked: streams are not `Sync`, which a sandbox must be.
    channel: Mutex<Option<(FromSandbox, ToSandbox)>>,
    #[cfg(target_os = "linux")]
    account: Option<Account>,
}

impl DockerSandbox {
    /// Creates the container and starts it, attached from its first byte on.
    pub(super) async fn start(
        docker: Docker,
        name: String,
        body: ContainerCreateBody,
    ) -> Result<Self, Refusal> {
        // From here on dropping it removes whatever came into being, also when this future is
        // dropped in the middle.
        let container = Container { docker, name, removed: false };
        let Container { docker, name, .. } = &container;
        let options = CreateContainerOptions { name: Some(name.clone()), ..Default::default() };
        within(DEED, docker.create_container(Some(options), body)).await?;
        let attached = within(QUESTION, docker.attach_container(name, Some(all_streams()))).await?;
        within(DEED, docker.start_container(name, None)).await?;
        let output = standard_output(name.clone(), attached.output);
        #[cfg(target_os = "linux")]
        let account = container.account().await?;
        Ok(Self {
            container,
            channel: Mutex::new(Some((output, Box::new(attached.input)))),
            #[cfg(target_os = "linux")]
            account,
        })
    }
}

#[async_trait]
impl Sandbox for DockerSandbox {
    fn channel(&mut self) -> Option<(FromSandbox, ToSandbox)> {
        self.channel.get_mut().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn usage(&self) -> Usage {
        #[cfg(target_os = "linux")]
        let usage = self.account.as_ref().map(Account::usage).unwrap_or_default();
        #[cfg(not(target_os = "linux"))]
        let usage = Usage::default();
        usage
    }

    async fn kill(&mut self) -> Result<(), EngineError> {
        // A channel that nobody reads would hold up the daemon, which waits for the last output.
        drop(self.channel());
        Ok(self.container.kill().await?)
    }

    async fn remove(mut self: Box<Self>) -> Result<(), EngineError> {
        Ok(self.container.remove().await?)
    }
}

/// A container by its name: ours, so that it can be removed even when the answer to its creation
/// never came. Removed when dropped.
struct Container {
    docker: Docker,
    name: String,
    removed: bool,
}

impl Container {
    async fn kill(&self) -> Result<(), Refusal> {
        let kill = || {
            let options = KillContainerOptions { signal: "KILL".to_owned() };
            within(DEED, self.docker.kill_container(&self.name, Some(options)))
        };
        match persistently(kill).await {
            // Over already, or removed by somebody else.
            Ok(()) | Err(Refusal::Gone(_) | Refusal::Conflict(_)) => {}
            Err(refusal) => return Err(refusal),
        }
        persistently(|| self.ended()).await
    }

    /// Comes back when no process of it is left.
    async fn ended(&self) -> Result<(), Refusal> {
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        let wait = async {
            let mut answers = self.docker.wait_container(&self.name, Some(options));
            match answers.next().await {
                // The status with which it ended: an error to bollard unless it is 0.
                None
                | Some(Ok(_) | Err(bollard::errors::Error::DockerContainerWaitError { .. })) => {
                    Ok(())
                }
                Some(Err(error)) => Err(error),
            }
        };
        match within(DEED, wait).await {
            Err(Refusal::Gone(_)) => Ok(()),
            answer => answer,
        }
    }

    async fn remove(&mut self) -> Result<(), Refusal> {
        remove(&self.docker, &self.name).await?;
        self.removed = true;
        Ok(())
    }

    /// The accounts of its control group, found through its first process.
    #[cfg(target_os = "linux")]
    async fn account(&self) -> Result<Option<Account>, Refusal> {
        let state = within(QUESTION, self.docker.inspect_container(&self.name, None)).await?.state;
        let pid = state.and_then(|state| state.pid).and_then(|pid| u32::try_from(pid).ok());
        Ok(pid.filter(|&pid| pid > 0).and_then(Account::of_process))
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        let (docker, name) = (self.docker.clone(), mem::take(&mut self.name));
        // Without a runtime the process is about to end: the container ends with its standard
        // input, and the next worker removes it.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(refusal) = remove(&docker, &name).await {
                    warn!(container = name, %refusal, "a sandbox could not be removed");
                }
            });
        }
    }
}

/// Ends a container, whatever its state, and removes it with its volumes.
pub(super) async fn remove(docker: &Docker, name: &str) -> Result<(), Refusal> {
    let remove = || {
        let options = RemoveContainerOptions { force: true, v: true, link: false };
        within(DEED, docker.remove_container(name, Some(options)))
    };
    match persistently(remove).await {
        // Gone, or somebody else is removing it right now.
        Ok(()) | Err(Refusal::Gone(_) | Refusal::Conflict(_)) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

fn all_streams() -> AttachContainerOptions {
    AttachContainerOptions {
        stream: true,
        stdin: true,
        stdout: true,
        stderr: true,
        detach_keys: None,
        logs: false,
    }
}
