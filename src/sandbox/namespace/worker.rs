//! Who a control group or a folder belongs to, told by its name: a worker's process id, and when that process
//! started, because ids are used again.

use std::fmt;
use std::fs;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// First part of every such name.
const PREFIX: &str = "ns";

/// Sandboxes this process has made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// A process that makes sandboxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Worker {
    process: u32,
    started: u64,
}

impl Worker {
    /// This process.
    pub(super) fn this() -> io::Result<Self> {
        let process = std::process::id();
        Ok(Self { process, started: started(process)? })
    }

    /// Whose this is; `None` when it is nothing of this engine.
    pub(super) fn of_name(id: &str) -> Option<Self> {
        let mut parts = id.split('-');
        if parts.next() != Some(PREFIX) {
            return None;
        }
        let worker =
            Self { process: parts.next()?.parse().ok()?, started: parts.next()?.parse().ok()? };
        let number = parts.next()?.parse::<u64>();
        (number.is_ok() && parts.next().is_none()).then_some(worker)
    }

    /// Whether it still runs.
    pub(super) fn lives(self) -> bool {
        started(self.process).is_ok_and(|started| started == self.started)
    }

    /// A name for what one more sandbox leaves on the host: its group, its folder.
    pub(super) fn next_name(self) -> String {
        format!("{self}-{}", MADE.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}-{}-{}", self.process, self.started)
    }
}

/// When a process started, in ticks since the machine did: the 22nd field of its `stat`.
fn started(process: u32) -> io::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field, a name in brackets, may hold anything.
    stat.rsplit_once(')')
        .and_then(|(_, fields)| fields.split_whitespace().nth(19)?.parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_names_the_worker_that_made_it() {
        let worker = Worker::this().expect("/proc");
        assert_eq!(Worker::of_name(&worker.next_name()), Some(worker));
        assert!(worker.lives());
    }

    #[test]
    fn a_worker_whose_number_was_used_again_is_dead() {
        let worker = Worker::this().expect("/proc");
        assert!(!Worker { started: worker.started + 1, ..worker }.lives());
    }

    #[test]
    fn a_group_of_somebody_else_names_no_worker() {
        for id in ["", "ns", "ns-1-2", "ns-1-2-x", "ns-1-2-3-4", "docker-1-2-3"] {
            assert_eq!(Worker::of_name(id), None, "{id}");
        }
    }
}
