//! How a container must be made so that strangers' code may run in it.

use std::collections::HashMap;
use std::iter;

use bollard::models::{
    ContainerCreateBody, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig,
    ResourcesUlimits,
};

use crate::domain::{Limits, Runtime};
use crate::sandbox::harness;

/// `nobody`, by number: the image has no say in who that is.
const USER: &str = "65534:65534";
/// Enough for a JVM with its jars, far below what would hurt the host.
const OPEN_FILES: i64 = 1024;
/// Semaphores and small segments of honest code; counted as its memory.
const SHARED_MEMORY_BYTES: i64 = 8 * 1024 * 1024;
/// When the host itself runs out of memory, sandboxes go first.
const OOM_SCORE: i64 = 1000;

/// What differs from one sandbox to the next.
pub(super) struct Order<'a> {
    pub(super) runtime: Runtime,
    pub(super) limits: &'a Limits,
    /// The image, by tag.
    pub(super) image: String,
    /// The OCI runtime, as the daemon knows it.
    pub(super) oci_runtime: &'a str,
    /// The seccomp profile: over the API it is JSON, not a path. `None` is the daemon's own.
    pub(super) seccomp: Option<&'a str>,
    pub(super) labels: HashMap<String, String>,
}

/// The container that is asked for. Everything that isolates it is said here and nowhere else, also
/// where it is the daemon's default today.
pub(super) fn body(order: Order<'_>) -> ContainerCreateBody {
    let Order { runtime, image, labels, .. } = order;
    let mut entrypoint: Vec<String> =
        ["/opt/tester/tester", "supervise", "--"].map(str::to_owned).into();
    entrypoint.extend(harness::argv(runtime).iter().map(|&argument| argument.to_owned()));
    ContainerCreateBody {
        image: Some(image),
        labels: Some(labels),
        hostname: Some("sandbox".to_owned()),
        domainname: Some(String::new()),
        user: Some(USER.to_owned()),
        working_dir: Some("/work".to_owned()),
        env: Some(
            harness::ENVIRONMENT.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        ),
        entrypoint: Some(entrypoint),
        cmd: Some(Vec::new()),
        tty: Some(false),
        open_stdin: Some(true),
        // The supervisor sees the end of its input when the worker goes, however it went.
        stdin_once: Some(true),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        network_disabled: Some(true),
        // There is nothing to end in order.
        stop_signal: Some("SIGKILL".to_owned()),
        stop_timeout: Some(0),
        host_config: Some(host_config(order.limits, order.oci_runtime, order.seccomp)),
        ..ContainerCreateBody::default()
    }
}

fn host_config(limits: &Limits, oci_runtime: &str, seccomp: Option<&str>) -> HostConfig {
    let memory = signed(limits.memory_bytes);
    HostConfig {
        runtime: Some(oci_runtime.to_owned()),

        privileged: Some(false),
        readonly_rootfs: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(security_options(seccomp)),
        network_mode: Some("none".to_owned()),
        ipc_mode: Some("private".to_owned()),
        cgroupns_mode: Some(HostConfigCgroupnsModeEnum::PRIVATE),
        // `pid_mode`, `uts_mode`: private unless one asks. `masked_paths`, `readonly_paths`: the
        // daemon's lists apply as long as none is given; an empty one would lift them.
        tmpfs: Some(["/work", "/tmp"].map(|path| (path.to_owned(), tmpfs_options(limits))).into()),

        memory: Some(memory),
        // The sum of memory and swap: no swap.
        memory_swap: Some(memory),
        nano_cpus: Some(i64::from(limits.cpu_millis) * 1_000_000),
        pids_limit: Some(i64::from(limits.processes)),
        shm_size: Some(SHARED_MEMORY_BYTES),
        oom_score_adj: Some(OOM_SCORE),
        // Never `nproc`: the kernel counts it per user, over all containers together.
        ulimits: Some(vec![
            ulimit("nofile", OPEN_FILES),
            ulimit("fsize", signed(limits.file_bytes())),
            ulimit("core", 0),
        ]),

        // What is printed is the worker's to keep, within bounds; a log file would have none.
        log_config: Some(HostConfigLogConfig {
            typ: Some("none".to_owned()),
            config: Some(HashMap::new()),
        }),
        // The supervisor reaps its children itself, and is the one to be PID 1.
        init: Some(false),
        // The worker removes it after it has read the last of it.
        auto_remove: Some(false),
        ..HostConfig::default()
    }
}

fn security_options(seccomp: Option<&str>) -> Vec<String> {
    let profile = seccomp.map(|profile| format!("seccomp={profile}"));
    iter::once("no-new-privileges".to_owned()).chain(profile).collect()
}

/// Nothing is ever started from there: interpreters and native parts are in the image.
fn tmpfs_options(limits: &Limits) -> String {
    let Limits { files_bytes, files_count, .. } = limits;
    format!(
        "rw,nosuid,nodev,noexec,size={files_bytes},nr_inodes={files_count},mode=0700,uid=65534,gid=65534"
    )
}

fn ulimit(name: &str, value: i64) -> ResourcesUlimits {
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(value), hard: Some(value) }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_container_is_hardened_as_the_design_says() {
        let limits = Limits {
            wall: Duration::from_secs(10),
            memory_bytes: 256 << 20,
            processes: 64,
            cpu_millis: 1000,
            output_bytes: 1 << 20,
            files_bytes: 64 << 20,
            files_count: 4096,
        };
        let body = body(Order {
            runtime: Runtime::Python,
            limits: &limits,
            image: "tester-sandbox-python:0123456789abcdef".to_owned(),
            oci_runtime: "runc",
            seccomp: Some(r#"{"defaultAction":"SCMP_ACT_ERRNO"}"#),
            labels: HashMap::from([("tester.sandbox".to_owned(), "1".to_owned())]),
        });
        insta::with_settings!({sort_maps => true}, { insta::assert_json_snapshot!(body) });
    }
}
