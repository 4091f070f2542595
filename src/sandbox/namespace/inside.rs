//! The first process of a sandbox, from its birth to the moment it becomes the supervisor.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{
    Gid, Uid, chdir, getegid, geteuid, setgroups, sethostname, setresgid, setresuid,
};

use super::plan::{Plan, StageReport};
use super::stage::{map_ids, read_plan, report};
use super::step::{During as _, StepError};
use super::{bounds, loopback, root};
use crate::sandbox::seccomp;

/// User and group of everything in a sandbox: nobody.
pub(in crate::sandbox) const NOBODY: u32 = 65_534;

/// Builds the sandbox around this process and becomes the planned program. Comes back only when
/// that can't be done.
pub(super) fn enter() -> Result<ExitCode, StepError> {
    // The stage blocked signals for itself; masks are inherited.
    SigSet::empty().thread_set_mask().during("unblock signals")?;
    let plan = read_plan()?;
    sethostname("sandbox").during("set the host name")?;
    loopback::up().during("bring the loopback up")?;
    // Whoever is root here owns the namespaces: files made for the sandbox belong to who it becomes.
    let owner = if is_root_of_host() { NOBODY } else { 0 };
    root::build(&plan, owner)?;
    drop_rights(owner)?;
    become_program(&plan, |_| Ok(()))
}

/// Executes the program, with the last restrictions, and before them those of the mode.
pub(super) fn become_program(
    plan: &Plan,
    restrict: impl FnOnce(&Plan) -> Result<(), StepError>,
) -> Result<ExitCode, StepError> {
    let Some((program, arguments)) = plan.argv.split_first() else {
        return Err(io::Error::from(io::ErrorKind::InvalidInput)).during("find the program");
    };
    bounds::apply(&plan.bounds)?;
    // Every change of credentials clears this, so it comes after the last of them.
    prctl::set_pdeathsig(Signal::SIGKILL).during("die with the stage")?;
    prctl::set_no_new_privs().during("give up new privileges")?;
    restrict(plan)?;
    seccomp::apply().map_err(io::Error::other).during("filter system calls")?;
    report(&StageReport::Entered).during("report")?;
    let error = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(plan.environment.iter().map(|(name, value)| (name, value)))
        .exec();
    Err(error).during("execute the program")
}

/// Gives up being root.
pub(super) fn become_nobody() -> Result<(), StepError> {
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
    setgroups(&[]).during("leave all groups")?;
    setresgid(group, group, group).during("become nobody's group")?;
    setresuid(user, user, user).during("become nobody")?;
    // The change made this process's files in /proc root's, and some are still to be written.
    prctl::set_dumpable(true).during("own its files in /proc")
}

fn is_root_of_host() -> bool {
    // In the user namespace of a stage without rights, one user is mapped: itself.
    std::fs::read_to_string("/proc/self/uid_map")
        .is_ok_and(|map| map.split_whitespace().last().is_some_and(|count| count != "1"))
}

/// From here on there is nobody: the user namespace this leaves behind owns the mounts and the
/// network, and the rights in the new one, which the execution of the program takes away as well,
/// would mean nothing to them. It also makes the limit on processes count this sandbox alone.
fn drop_rights(owner: u32) -> Result<(), StepError> {
    if owner == NOBODY {
        become_nobody()?;
    }
    let (user, group) = (geteuid().as_raw(), getegid().as_raw());
    unshare(CloneFlags::CLONE_NEWUSER).during("unshare the user namespace")?;
    map_ids((NOBODY, user), (NOBODY, group))?;
    chdir("/work").during("enter /work")
}
