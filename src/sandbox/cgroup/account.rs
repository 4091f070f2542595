use std::fs;
use std::path::Path;
use std::time::Duration;

use super::hierarchy::{Host, Place, Version};
use crate::sandbox::Usage;

/// The kernel's accounts of one control group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub(super) cpu: Option<Place>,
    pub(super) memory: Option<Place>,
    pub(super) pids: Option<Place>,
}

impl Account {
    /// The accounts of the group this process is in now. `None` when it is gone or there are none.
    #[must_use]
    pub fn of_process(pid: u32) -> Option<Self> {
        Self::on(&Host::here(), pid)
    }

    pub(super) fn on(host: &Host, pid: u32) -> Option<Self> {
        let process = pid.to_string();
        let [cpu, memory, pids] =
            ["cpuacct", "memory", "pids"].map(|controller| host.place_of(&process, controller));
        let any = cpu.is_some() || memory.is_some() || pids.is_some();
        any.then_some(Self { cpu, memory, pids })
    }

    /// What was used so far. Reads a handful of small files.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage {
            cpu: self.cpu.as_ref().and_then(cpu),
            peak_memory_bytes: self.memory.as_ref().and_then(peak_memory),
            out_of_memory_kills: self.memory.as_ref().and_then(out_of_memory_kills),
            processes: self.pids.as_ref().and_then(|at| number(&at.folder, "pids.current")),
            refused_processes: self
                .pids
                .as_ref()
                .and_then(|at| entry(&at.folder, "pids.events", "max")),
        }
    }
}

fn cpu(at: &Place) -> Option<Duration> {
    match at.version {
        Version::One => number(&at.folder, "cpuacct.usage").map(Duration::from_nanos),
        Version::Two => entry(&at.folder, "cpu.stat", "usage_usec").map(Duration::from_micros),
    }
}

fn peak_memory(at: &Place) -> Option<u64> {
    match at.version {
        Version::One => number(&at.folder, "memory.max_usage_in_bytes"),
        // Before Linux 5.19 nobody kept the peak: what is held now is the best there is.
        Version::Two => {
            number(&at.folder, "memory.peak").or_else(|| number(&at.folder, "memory.current"))
        }
    }
}

fn out_of_memory_kills(at: &Place) -> Option<u64> {
    let file = match at.version {
        Version::One => "memory.oom_control",
        Version::Two => "memory.events",
    };
    entry(&at.folder, file, "oom_kill")
}

/// A file that holds a number.
fn number(folder: &Path, file: &str) -> Option<u64> {
    fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
}

/// A line `KEY NUMBER` of a file.
fn entry(folder: &Path, file: &str, key: &str) -> Option<u64> {
    let text = fs::read_to_string(folder.join(file)).ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}
