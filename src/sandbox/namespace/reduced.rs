//! The mode for hosts that refuse namespaces: Landlock says what can be read and written, seccomp
//! leaves no network, limits are a process's or a user's, and all that was started is found and
//! killed by descent. Weaker, and said so loudly: processes of the host can be seen (not read), one folder
//! of the disk is written to without a quota, processes are counted together with the user's others.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, RestrictionStatus, Ruleset, RulesetAttr as _,
    RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use nix::sys::signal::SigSet;
use nix::unistd::{chdir, geteuid};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use super::inside::{become_nobody, become_program};
use super::plan::{Access, Plan};
use super::stage::read_plan;
use super::step::{During as _, StepError};

/// The newest set of rights that is asked for. An older kernel keeps what it knows of it; one
/// without Landlock is refused.
const RIGHTS: ABI = ABI::V6;

/// What programs need of the system. What is not there is left out.
const READABLE: [&str; 17] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/passwd",
    "/etc/nsswitch.conf",
    // Node refuses to start when it may not look whether this is there.
    "/etc/ssl/openssl.cnf",
    // Landlock keeps what other processes hold (environment, memory, files) to themselves.
    "/proc",
    "/dev/random",
];
const WRITABLE_DEVICES: [&str; 4] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/urandom"];

/// Becomes the planned program. Comes back only when that can't be done.
pub(super) fn enter() -> Result<ExitCode, StepError> {
    SigSet::empty().thread_set_mask().during("unblock signals")?;
    let mut plan = read_plan()?;
    if geteuid().is_root() {
        become_nobody()?;
    }
    if let Some(processes) = &mut plan.bounds.processes {
        *processes += threads_of_user().during("count the user's processes")?;
    }
    let work = work_folder(&plan)?;
    chdir(work).during("enter the work folder")?;
    become_program(&plan, restrict)
}

/// Processes and threads that count for this process's user already.
fn threads_of_user() -> io::Result<u64> {
    let own = geteuid().as_raw();
    let mut threads = 0;
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let of_user = entry.metadata().is_ok_and(|folder| folder.uid() == own);
        if of_user && let Ok(status) = fs::read_to_string(entry.path().join("status")) {
            let count = status.lines().find_map(|line| line.strip_prefix("Threads:"));
            threads += count.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or(1);
        }
    }
    Ok(threads)
}

fn restrict(plan: &Plan) -> Result<(), StepError> {
    let status = confine_files(plan).map_err(io::Error::other).during("confine with Landlock")?;
    if status.ruleset == RulesetStatus::NotEnforced {
        let missing = io::Error::other("this kernel has no Landlock, or it is not switched on");
        return Err(missing).during("confine with Landlock");
    }
    leave_network().map_err(io::Error::other).during("leave the network")
}

fn confine_files(plan: &Plan) -> Result<RestrictionStatus, RulesetError> {
    let (read, all) = (AccessFs::from_read(RIGHTS), AccessFs::from_all(RIGHTS));
    let system = READABLE.map(PathBuf::from).into_iter().chain(java_configuration());
    let own = [plan.executable.clone()].into_iter().chain(plan.readable.clone());
    let harness = plan.harness.iter().map(|harness| (harness.folder.clone(), harness.access));
    let device = BitFlags::from(AccessFs::ReadFile) | AccessFs::WriteFile;
    let mut ruleset = Ruleset::default()
        .handle_access(all)?
        .handle_access(AccessNet::from_all(RIGHTS))?
        .scope(Scope::from_all(RIGHTS))?
        .create()?
        .add_rules(path_beneath_rules(system.chain(own), read))?
        .add_rules(path_beneath_rules(WRITABLE_DEVICES, device))?
        .add_rules(path_beneath_rules(&plan.work, all))?;
    for (folder, access) in harness {
        let rights = match access {
            Access::Read => read,
            Access::Write => all,
        };
        ruleset = ruleset.add_rules(path_beneath_rules([folder], rights))?;
    }
    ruleset.restrict_self()
}

/// Landlock knows TCP alone. Unix sockets stay: the supervisor's channel is one.
fn leave_network() -> Result<(), seccompiler::Error> {
    let family = |family: i32| {
        let family = u64::from(family.unsigned_abs());
        SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family)
    };
    let others = SeccompRule::new(vec![family(nix::libc::AF_UNIX)?])?;
    let filter = SeccompFilter::new(
        BTreeMap::from([(nix::libc::SYS_socket, vec![others])]),
        SeccompAction::Allow,
        SeccompAction::Errno(nix::libc::EACCES.unsigned_abs()),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program = BpfProgram::try_from(filter)?;
    seccompiler::apply_filter(&program)
}

/// Debian's JDKs keep their configuration in `/etc/java-17-openjdk` and the like.
fn java_configuration() -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir("/etc").into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("java-"))
    })
}

fn work_folder(plan: &Plan) -> Result<&Path, StepError> {
    let missing = || io::Error::from(io::ErrorKind::InvalidInput);
    plan.work.as_deref().ok_or_else(missing).during("find the work folder")
}
