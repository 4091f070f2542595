use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Account;
use super::hierarchy::{Host, Place, Version};
use crate::domain::Limits;

/// Why a control group can't be had, or not be got rid of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The kernel has no such controller, or this process was not given it.
    #[error("this host gives us no control group with the {0} controller")]
    NoController(&'static str),
    /// Ids become folder names.
    #[error("{0:?} can't be the name of a control group")]
    Name(String),
    /// The kernel, or the host's set-up, says no.
    #[error("the control group {} can't be {what}: {reason}", .at.display())]
    Refused {
        /// What was tried.
        what: &'static str,
        /// Where.
        at: PathBuf,
        /// What the kernel says.
        reason: String,
    },
}

/// A control group of ours. Dropping it leaves it to [`leftovers`].
#[derive(Debug)]
pub struct Group {
    /// By controller. In version 2 they are all the same folder.
    places: BTreeMap<&'static str, Place>,
}

/// A group that an earlier process of ours left behind.
#[derive(Debug)]
pub struct Leftover {
    /// The id it was created with.
    pub id: String,
    /// The group itself: kill and remove it.
    pub group: Group,
}

/// The group of all our groups.
const FAMILY: &str = "tester";
/// Where this process moves when it has to make room for groups below its own: in version 2 a
/// group with processes in it can't limit groups below.
const MAIN: &str = "tester-main";
/// Without these a group limits nothing that matters.
const NEEDED: [&str; 2] = ["memory", "pids"];
/// Good to have: a share of the cores, the count of their time, and (version 1) a way to stop
/// everybody at once.
const WANTED: [&str; 3] = ["cpu", "cpuacct", "freezer"];
const CPU_PERIOD_MICROS: u64 = 100_000;
/// Killed processes are gone at once as a rule; those in the middle of I/O are not.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(2);

impl Group {
    /// Makes a group `tester/ID` and sets its limits, swap off. Cores are not limited on hosts
    /// that don't let us.
    ///
    /// # Errors
    ///
    /// [`GroupError`] when this host does not let us; nothing is left of it then.
    pub fn create(id: &str, limits: &Limits) -> Result<Self, GroupError> {
        Self::create_on(&Host::here(), id, limits)
    }

    pub(super) fn create_on(host: &Host, id: &str, limits: &Limits) -> Result<Self, GroupError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if id.is_empty() || !id.bytes().all(fits) {
            return Err(GroupError::Name(id.to_owned()));
        }
        let mut group = Self { places: BTreeMap::new() };
        let made = group.make(host, id).and_then(|()| group.limit(limits));
        if let Err(error) = made {
            // The first error is the one that explains.
            let _ = group.remove();
            return Err(error);
        }
        Ok(group)
    }

    /// Moves a process into it. What that process starts from then on is in it too.
    ///
    /// # Errors
    ///
    /// [`GroupError`] when the process is gone or may not be moved.
    pub fn add(&self, pid: u32) -> Result<(), GroupError> {
        self.folders().into_iter().try_for_each(|folder| {
            write(folder, "cgroup.procs", &pid.to_string()).map_err(refused("joined", folder))
        })
    }

    /// Its accounts.
    #[must_use]
    pub fn account(&self) -> Account {
        let place = |controller| self.places.get(controller).cloned();
        Account {
            cpu: place("cpuacct").or_else(|| {
                // A tree of version 2 counts the time of its groups, controller or not.
                place("memory").filter(|at| at.version == Version::Two)
            }),
            memory: place("memory"),
            pids: place("pids"),
        }
    }

    /// Kills every process in it. Comes back when the signals are sent, not when they have worked.
    ///
    /// # Errors
    ///
    /// [`GroupError`] when the group can't be read.
    pub fn kill(&self) -> Result<(), GroupError> {
        for folder in self.folders() {
            if write(folder, "cgroup.kill", "1").is_ok() {
                continue;
            }
            // An older kernel. Stopped processes can't fork away from under the signals.
            let frozen = self.freeze();
            let signalled = signal_all(folder);
            if frozen {
                self.thaw();
            }
            signalled?;
        }
        Ok(())
    }

    /// Removes it, waiting a little for the kernel to let go of what was killed. Blocks.
    ///
    /// # Errors
    ///
    /// [`GroupError`] when something in it still lives.
    pub fn remove(self) -> Result<(), GroupError> {
        let deadline = Instant::now() + PATIENCE;
        let mut first_error = None;
        for folder in self.folders() {
            if let Err(error) = remove_folder(folder, deadline) {
                first_error.get_or_insert(refused("removed", folder)(error));
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    fn make(&mut self, host: &Host, id: &str) -> Result<(), GroupError> {
        for controller in NEEDED.into_iter().chain(WANTED) {
            let needed = NEEDED.contains(&controller);
            match family(host, controller) {
                Ok(family) => {
                    let folder = family.folder.join(id);
                    create_folder(&folder).map_err(refused("created", &folder))?;
                    self.places.insert(controller, Place { version: family.version, folder });
                }
                Err(error) if needed => return Err(error),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn limit(&self, limits: &Limits) -> Result<(), GroupError> {
        let quota = u64::from(limits.cpu_millis) * CPU_PERIOD_MICROS / 1000;
        let memory = limits.memory_bytes.to_string();
        self.set("memory", ["memory.limit_in_bytes", "memory.max"], &memory)?;
        // Memory and swap together, and swap alone. Absent where there is no swap to be had.
        self.set_if_there("memory", ["memory.memsw.limit_in_bytes", ""], &memory)?;
        self.set_if_there("memory", ["", "memory.swap.max"], "0")?;
        self.set("pids", ["pids.max", "pids.max"], &limits.processes.to_string())?;
        let period = CPU_PERIOD_MICROS.to_string();
        self.set_if_there("cpu", ["cpu.cfs_period_us", ""], &period)?;
        self.set_if_there("cpu", ["cpu.cfs_quota_us", ""], &quota.to_string())?;
        self.set_if_there("cpu", ["", "cpu.max"], &format!("{quota} {period}"))
    }

    /// Sets the file of version 1 or that of version 2.
    fn set(&self, controller: &str, files: [&str; 2], value: &str) -> Result<(), GroupError> {
        let Some(at) = self.places.get(controller) else { return Ok(()) };
        let file = files[usize::from(at.version == Version::Two)];
        write(&at.folder, file, value).map_err(refused("limited", &at.folder.join(file)))
    }

    fn set_if_there(
        &self,
        controller: &str,
        files: [&str; 2],
        value: &str,
    ) -> Result<(), GroupError> {
        let Some(at) = self.places.get(controller) else { return Ok(()) };
        let file = files[usize::from(at.version == Version::Two)];
        if file.is_empty() || !at.folder.join(file).exists() {
            return Ok(());
        }
        self.set(controller, files, value)
    }

    /// Each once.
    fn folders(&self) -> Vec<&Path> {
        let mut folders: Vec<_> = self.places.values().map(|at| at.folder.as_path()).collect();
        folders.sort_unstable();
        folders.dedup();
        folders
    }

    /// Stops everybody, if the host can; false when it can't, or not in time.
    fn freeze(&self) -> bool {
        let Some(at) = self.places.get("freezer") else { return false };
        let (file, value, seen, proof) = match at.version {
            Version::One => ("freezer.state", "FROZEN", "freezer.state", "FROZEN"),
            Version::Two => ("cgroup.freeze", "1", "cgroup.events", "frozen 1"),
        };
        if write(&at.folder, file, value).is_err() {
            return false;
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match fs::read_to_string(at.folder.join(seen)) {
                Ok(state) if state.lines().any(|line| line == proof) => break,
                Ok(_) => thread::sleep(PAUSE),
                Err(_) => break,
            }
        }
        true
    }

    fn thaw(&self) {
        let Some(at) = self.places.get("freezer") else { return };
        let (file, value) = match at.version {
            Version::One => ("freezer.state", "THAWED"),
            Version::Two => ("cgroup.freeze", "0"),
        };
        // A group that is gone has nobody left to wake.
        let _ = write(&at.folder, file, value);
    }
}

/// The groups that are there now: all of them were left behind when nothing of ours runs.
#[must_use]
pub fn leftovers() -> Vec<Leftover> {
    leftovers_on(&Host::here())
}

pub(super) fn leftovers_on(host: &Host) -> Vec<Leftover> {
    let mut found: BTreeMap<String, Group> = BTreeMap::new();
    for controller in NEEDED.into_iter().chain(WANTED) {
        for base in bases(host, controller) {
            let Ok(entries) = fs::read_dir(base.folder.join(FAMILY)) else { continue };
            for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
                let Ok(id) = entry.file_name().into_string() else { continue };
                let place = Place { version: base.version, folder: entry.path() };
                let group = found.entry(id).or_insert(Group { places: BTreeMap::new() });
                group.places.insert(controller, place);
            }
        }
    }
    found.into_iter().map(|(id, group)| Leftover { id, group }).collect()
}

/// The group of our groups, made if need be, able to limit by this controller.
fn family(host: &Host, controller: &'static str) -> Result<Place, GroupError> {
    let mut last = GroupError::NoController(controller);
    for base in bases(host, controller) {
        match family_below(&base, controller) {
            Ok(place) => return Ok(place),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Groups below which ours may be made: the top, and in version 2 the one we were started in,
/// which may have been handed over to us.
fn bases(host: &Host, controller: &str) -> Vec<Place> {
    let Some(top) = host.top(controller) else { return Vec::new() };
    let mut bases = vec![top];
    if bases[0].version == Version::Two
        && let Some(mut own) = host.place_of("self", controller)
    {
        if own.folder.ends_with(MAIN) {
            own.folder.pop();
        }
        if own != bases[0] {
            bases.push(own);
        }
    }
    bases
}

fn family_below(base: &Place, controller: &'static str) -> Result<Place, GroupError> {
    let family = base.folder.join(FAMILY);
    if base.version == Version::Two {
        // The count of time and the freezer are part of every group there.
        if !["cpuacct", "freezer"].contains(&controller) {
            delegate_from_base(&base.folder, controller)?;
            create_folder(&family).map_err(refused("created", &family))?;
            delegate(&family, controller)?;
        } else if !family.exists() {
            return Err(GroupError::NoController(controller));
        }
    } else {
        create_folder(&family).map_err(refused("created", &family))?;
    }
    Ok(Place { version: base.version, folder: family })
}

fn delegate_from_base(base: &Path, controller: &'static str) -> Result<(), GroupError> {
    if delegate(base, controller).is_ok() {
        return Ok(());
    }
    // Most likely because we sit in it ourselves.
    let main = base.join(MAIN);
    let own = std::process::id().to_string();
    if sits_in(base, &own) {
        create_folder(&main).map_err(refused("created", &main))?;
        write(&main, "cgroup.procs", &own).map_err(refused("joined", &main))?;
    }
    delegate(base, controller)
}

fn sits_in(folder: &Path, pid: &str) -> bool {
    fs::read_to_string(folder.join("cgroup.procs"))
        .is_ok_and(|processes| processes.lines().any(|line| line == pid))
}

/// Lets the groups below this one limit by a controller.
fn delegate(folder: &Path, controller: &'static str) -> Result<(), GroupError> {
    const FILE: &str = "cgroup.subtree_control";
    let lists = |file: &str| {
        fs::read_to_string(folder.join(file))
            .is_ok_and(|names| names.split_whitespace().any(|name| name == controller))
    };
    if lists(FILE) {
        return Ok(());
    }
    if !lists("cgroup.controllers") {
        return Err(GroupError::NoController(controller));
    }
    write(folder, FILE, &format!("+{controller}")).map_err(refused("divided", folder))
}

fn signal_all(folder: &Path) -> Result<(), GroupError> {
    let processes = match fs::read_to_string(folder.join("cgroup.procs")) {
        Ok(processes) => processes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(refused("read", folder)(error)),
    };
    // 0 is a process that is not visible from here. To signal it would be to signal us.
    let pids = processes.lines().filter_map(|line| line.parse().ok()).filter(|pid| *pid > 0);
    for pid in pids {
        // ESRCH: it died by itself.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    Ok(())
}

fn create_folder(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

fn remove_folder(folder: &Path, deadline: Instant) -> io::Result<()> {
    loop {
        match fs::remove_dir(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

/// The kernel takes a value in one write. Nothing is created: a file is there or it isn't.
fn write(folder: &Path, file: &str, value: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).open(folder.join(file))?;
    io::Write::write_all(&mut file, value.as_bytes())
}

fn refused(what: &'static str, at: &Path) -> impl FnOnce(io::Error) -> GroupError {
    let at = at.to_owned();
    move |error| GroupError::Refused { what, at, reason: error.to_string() }
}
