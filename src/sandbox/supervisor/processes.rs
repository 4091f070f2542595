use std::fs;
use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, close, getpid};

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Exited(i32),
    Killed(Signal),
}

/// How many descriptors are tried where the kernel doesn't list them.
const UNLISTED_FDS: RawFd = 1024;

/// Closes what the engine's process let slip through to this one: the harness would inherit it.
/// To be called before this process has opened anything itself.
pub(super) fn close_inherited() {
    let listed: Option<Vec<RawFd>> = fs::read_dir("/proc/self/fd").ok().map(|entries| {
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
    });
    let open = listed.unwrap_or_else(|| (0..UNLISTED_FDS).collect());
    for fd in open.into_iter().filter(|fd| *fd > 2) {
        // EBADF is the folder that was read, or a guess.
        let _ = close(fd);
    }
}

/// Buries everything that has died, and says how this one did if it is among them.
pub(super) fn reap(wanted: Pid) -> Option<Ending> {
    let mut ending = None;
    loop {
        match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == wanted => {
                ending = Some(Ending::Exited(code));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == wanted => {
                ending = Some(Ending::Killed(signal));
            }
            Ok(WaitStatus::StillAlive) => return ending,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => return ending,
        }
    }
}

/// Whether this process is the init of its PID namespace.
pub(super) fn is_init() -> bool {
    getpid() == Pid::from_raw(1)
}

/// Kills every other process of the sandbox and comes back when none is left.
pub(in crate::sandbox) fn end_all() {
    loop {
        kill_others();
        match waitpid(None::<Pid>, None) {
            Ok(_) | Err(Errno::EINTR) => {}
            // No children. As init that is nobody at all, for orphans become our children.
            Err(_) => return,
        }
    }
}

fn kill_others() {
    if is_init() {
        // All at once, in the kernel: a fork bomb can't outrun it. ESRCH is nobody left.
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    } else {
        // What these leave behind comes to us, the subreaper, for the next round.
        for child in children() {
            let _ = kill(child, Signal::SIGKILL);
        }
    }
}

fn children() -> Vec<Pid> {
    let own = getpid();
    match fs::read_to_string(format!("/proc/self/task/{own}/children")) {
        Ok(list) => list.split_whitespace().filter_map(parse_pid).collect(),
        // A kernel built without that list.
        Err(_) => children_by_scan(own),
    }
}

fn children_by_scan(parent: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| parse_pid(entry.file_name().to_str()?));
    pids.filter(|pid| {
        fs::read_to_string(format!("/proc/{pid}/stat"))
            .is_ok_and(|stat| parent_in_stat(&stat) == Some(parent))
    })
    .collect()
}

/// `PID (NAME) STATE PPID …`, where the name is the process's own choice and may hold anything.
fn parent_in_stat(stat: &str) -> Option<Pid> {
    let (_, after_name) = stat.rsplit_once(')')?;
    parse_pid(after_name.split_whitespace().nth(1)?)
}

fn parse_pid(text: &str) -> Option<Pid> {
    text.parse().ok().filter(|pid| *pid > 0).map(Pid::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_past_a_name_that_looks_like_fields() {
        assert_eq!(parent_in_stat("7 (x) S 1 (y) R 42 7 7"), Some(Pid::from_raw(42)));
    }

    #[test]
    fn a_child_is_found_by_scanning() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().expect("sleep runs");
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        assert!(children_by_scan(getpid()).contains(&pid));
        child.kill().expect("it is ours");
        child.wait().expect("it is ours");
    }
}
