//! The idle sandboxes of a worker, found from outside.

use std::process::Command;

use anyhow::{Context as _, bail};

use crate::kernel::{self, Memory, Processes};
use crate::worker::{Engine, Images, Worker};

/// The memory of every idle sandbox of a runtime: all processes of it, the supervisor included.
pub(crate) fn memory(
    worker: &Worker,
    images: Option<&Images>,
    runtime: &str,
) -> anyhow::Result<Vec<Memory>> {
    let processes = Processes::read()?;
    let firsts = match worker.engine() {
        Engine::Namespace => processes.children(worker.pid()).to_vec(),
        Engine::Docker => containers(images.context("docker without images")?, runtime)?,
    };
    let families = firsts.into_iter().map(|pid| processes.family(pid));
    let harness = format!("/opt/tester/{runtime}/");
    let of_runtime = families.filter(|family| family.iter().any(|&pid| says(pid, &harness)));
    of_runtime.map(|family| kernel::memory(&family)).collect()
}

/// Whether the process was started with a file of this harness.
fn says(pid: u32, harness: &str) -> bool {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).contains(harness)
}

/// The first processes of the runtime's containers. Nobody else's are of an image that belongs to
/// the very executable under test.
fn containers(images: &Images, runtime: &str) -> anyhow::Result<Vec<u32>> {
    let ancestor = format!("ancestor={}", images.tag(runtime)?);
    let ids = docker(&["ps", "--quiet", "--no-trunc", "--filter", &ancestor])?;
    let mut arguments = vec!["inspect", "--format", "{{.State.Pid}}"];
    arguments.extend(ids.split_ascii_whitespace());
    if arguments.len() == 3 {
        bail!("no container of {runtime} is there");
    }
    let pids = docker(&arguments)?;
    pids.split_ascii_whitespace().map(|pid| Ok(pid.parse()?)).collect()
}

fn docker(arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("docker").args(arguments).output().context("docker")?;
    if !output.status.success() {
        bail!("docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
