//! The process between the host and a sandbox: `tester sandbox-stage`, twice.
//!
//! ```text
//! engine ──spawns──▶ stage: waits until it is in its control group, unshares, spawns ──▶
//!     inside (PID 1): builds the root, drops every right, executes ──▶ supervisor (PID 1)
//! ```
//!
//! The inside is a process of its own because only what is started after the unsharing is in the
//! new PID namespace, and a fresh `/proc` can only be mounted from there.
//!
//! The stage stays: it is the one handle on the sandbox. It alone is the parent of PID 1, so the
//! number it kills can't have been given to another process; and its wait for PID 1 comes back
//! only after the kernel has ended all that lives in the PID namespace. Told by SIGTERM, or by
//! the end of its standard input (which is how it learns that the host was killed), it kills PID 1
//! and leaves when all are dead. If the stage itself is killed, PID 1 goes with it
//! (`PR_SET_PDEATHSIG`: the stage has one thread, so the thread that started PID 1 is the process).

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, RawFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitCode, ExitStatus};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{getegid, geteuid};
use serde::Serialize;

use super::plan::{GO, PLAN_MAX, Plan, StageReport};
use super::step::{During as _, StepError};
use super::{inside, reduced};
use crate::sandbox::{protocol, supervisor};

/// Which part of the work a stage process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Unshare, start the inside, wait for it.
    Outside,
    /// Build the root, drop all rights, become the program.
    Inside,
    /// Without namespaces: start the inside, wait for it, end all that it started.
    Reduced,
    /// Without namespaces: give up what can be given up, become the program.
    ReducedInside,
}

impl Part {
    /// Its name on the command line.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Inside => "inside",
            Self::Reduced => "reduced",
            Self::ReducedInside => "reduced-inside",
        }
    }
}

/// Does the work of a stage process. Must be called in a process of one thread, before anything
/// else has happened in it. Comes back when the sandbox has ended, or could not be made.
#[must_use]
pub fn run(part: Part) -> ExitCode {
    let worked = match part {
        Part::Outside => outside(new_namespaces, Part::Inside),
        Part::Inside => inside::enter(),
        Part::Reduced => outside(adopt_orphans, Part::ReducedInside),
        Part::ReducedInside => reduced::enter(),
    };
    match worked {
        Ok(status) => status,
        Err(StepError { step, source }) => {
            // When the host is gone there is nobody left to tell.
            let _ = report(&StageReport::Refused { step, reason: source.to_string() });
            ExitCode::FAILURE
        }
    }
}

fn outside(separate: fn() -> Result<(), StepError>, inside: Part) -> Result<ExitCode, StepError> {
    if !wait_for_go()? {
        return Ok(ExitCode::FAILURE);
    }
    close_inherited().during("close what was inherited")?;
    let signals = block_signals().during("block signals")?;
    separate()?;
    let mut child = Command::new("/proc/self/exe")
        .args(["sandbox-stage", inside.as_str()])
        .spawn()
        .during("start the first process")?;
    let status = outlast(&mut child, &signals).during("wait for the sandbox")?;
    // With a PID namespace there is nobody; without, whoever is left has become a child of ours.
    supervisor::end_all();
    Ok(exit_code(status))
}

/// Whether the host said so, rather than going away.
fn wait_for_go() -> Result<bool, StepError> {
    let mut byte = [0];
    let read = unbuffered_stdin()?.read(&mut byte).during("wait for the host")?;
    Ok(read == 1 && byte[0] == GO)
}

/// The plan, which is the second thing on standard input. What follows is the supervisor's, so not
/// a byte more is read.
pub(super) fn read_plan() -> Result<Plan, StepError> {
    let mut stdin = unbuffered_stdin()?;
    let mut length = [0; 4];
    stdin.read_exact(&mut length).during("read the plan")?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > PLAN_MAX {
        return Err(io::Error::from(io::ErrorKind::InvalidData)).during("read the plan");
    }
    let mut bytes = vec![0; length];
    stdin.read_exact(&mut bytes).during("read the plan")?;
    serde_json::from_slice(&bytes).map_err(io::Error::from).during("understand the plan")
}

/// Writes a frame the way a supervisor would.
pub(super) fn report(message: &impl Serialize) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(&protocol::frame(message)?)?;
    stdout.flush()
}

/// Closes whatever the host forgot to keep to itself, but for the three standard streams.
fn close_inherited() -> io::Result<()> {
    let mut open = Vec::new();
    for entry in fs::read_dir("/proc/self/fd")? {
        if let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
            open.push(number);
        }
    }
    for number in open.into_iter().filter(|number: &RawFd| *number > 2) {
        // The one the folder was read through is closed by now.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

fn unbuffered_stdin() -> Result<File, StepError> {
    io::stdin().as_fd().try_clone_to_owned().map(File::from).during("open standard input")
}

fn block_signals() -> nix::Result<SignalFd> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block()?;
    SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
}

/// Root makes namespaces that belong to the host's user namespace, so that nobody inside could
/// ever have a right in them. Anybody else gets a user namespace first, and is root in there until
/// the inside leaves it for one more.
fn new_namespaces() -> Result<(), StepError> {
    let namespaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    let (user, group) = (geteuid(), getegid());
    if user.is_root() {
        return unshare(namespaces).during("unshare namespaces");
    }
    unshare(namespaces | CloneFlags::CLONE_NEWUSER).during("unshare namespaces")?;
    map_ids((0, user.as_raw()), (0, group.as_raw()))
}

/// What the program leaves behind becomes this process's to end.
fn adopt_orphans() -> Result<(), StepError> {
    prctl::set_child_subreaper(true).during("adopt orphans")
}

/// Gives this process's user and group a number in the user namespace it just made: inside, outside.
pub(super) fn map_ids(user: (u32, u32), group: (u32, u32)) -> Result<(), StepError> {
    // The kernel wants this before it lets somebody without rights map a group.
    fs::write("/proc/self/setgroups", "deny").during("deny setgroups")?;
    fs::write("/proc/self/uid_map", format!("{} {} 1", user.0, user.1)).during("map the user")?;
    fs::write("/proc/self/gid_map", format!("{} {} 1", group.0, group.1)).during("map the group")
}

/// Waits for PID 1, and ends it when the host says so or is gone.
fn outlast(child: &mut Child, signals: &SignalFd) -> io::Result<ExitStatus> {
    let stdin = io::stdin();
    loop {
        let mut events = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            // Asked for nothing, poll still tells when nobody can write any more.
            PollFd::new(stdin.as_fd(), PollFlags::empty()),
        ];
        match poll(&mut events, PollTimeout::NONE) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        let host_is_gone = events[1].any().unwrap_or(true);
        let mut told_to_end = false;
        while let Some(signal) = signals.read_signal()? {
            told_to_end |= signal.ssi_signo != Signal::SIGCHLD as u32;
        }
        if host_is_gone || told_to_end {
            child.kill()?;
            return child.wait();
        }
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
    }
}

fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX))
}
