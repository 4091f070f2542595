//! Where figures were taken, for every benchmark.

use std::fmt;
use std::process::Command;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Where and on what the figures were taken.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    /// The commit that was built; `+` when the tree differed from it.
    pub(crate) commit: String,
    pub(crate) profile: &'static str,
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory: String,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
}

impl Machine {
    pub(crate) fn describe() -> Self {
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).ok();
        Self {
            date: now.and_then(|now| now.format(&Rfc3339).ok()).unwrap_or_else(unknown),
            commit: commit().unwrap_or_else(unknown),
            profile: if cfg!(debug_assertions) { "unoptimised" } else { "release" },
            cpu: first_value("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: cores(),
            memory: memory().unwrap_or_else(unknown),
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| unknown(), |release| release.trim().to_owned()),
            rustc: output("rustc", &["--version"]).unwrap_or_else(unknown),
        }
    }
}

/// Cores this process may use: also the number of worker threads and processes of the servers.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, commit, profile, cpu, cores, memory, kernel, rustc } = self;
        write!(
            f,
            "{date}, commit `{commit}` ({profile} build, {rustc}), on\n\
             {cpu}, {cores} cores, {memory} of memory, Linux {kernel}"
        )
    }
}

fn commit() -> Option<String> {
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    // The table itself is written by a run; it says nothing about what was built.
    let changes = output("git", &["status", "--porcelain", "--", ".", ":!docs/benchmarks.md"])?;
    Some(if changes.is_empty() { commit } else { format!("{commit}+") })
}

fn memory() -> Option<String> {
    let kib: f64 = first_value("/proc/meminfo", "MemTotal")?.strip_suffix(" kB")?.parse().ok()?;
    Some(format!("{:.1} GiB", kib / 1024.0 / 1024.0))
}

/// The value behind the first line that starts with the key, in `key : value` files of `/proc`.
fn first_value(path: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}
