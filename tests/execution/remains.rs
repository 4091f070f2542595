use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The user of everything that runs in a sandbox.
const NOBODY: u32 = 65_534;
/// How long the kernel and the Docker daemon may take to bury what was ended.
const PATIENCE: Duration = Duration::from_mins(1);

/// What of sandboxes there is on this machine.
#[derive(Debug)]
pub struct Remains(BTreeSet<String>);

impl Remains {
    pub fn now() -> Self {
        let mut things = BTreeSet::new();
        things.extend(containers());
        cgroups(Path::new("/sys/fs/cgroup"), 0, &mut things);
        things.extend(processes());
        things.extend(mounts());
        Self(things)
    }

    /// What there is now and was not then. What is about to vanish is waited for.
    pub fn what_is_new(&self) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let new = self.difference(&Self::now());
            if new.is_empty() || begun.elapsed() > PATIENCE {
                return new;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn difference(&self, now: &Self) -> Vec<String> {
        now.0.difference(&self.0).cloned().collect()
    }
}

/// None where no Docker daemon answers.
fn containers() -> Vec<String> {
    let asked = Command::new("docker")
        .args(["ps", "--all", "--quiet", "--no-trunc", "--filter", "label=tester.sandbox=1"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let Ok(answer) = asked else { return Vec::new() };
    String::from_utf8_lossy(&answer.stdout).lines().map(|id| format!("container {id}")).collect()
}

/// Those that the namespace engine makes: in a group `tester`, of either version.
fn cgroups(folder: &Path, depth: usize, found: &mut BTreeSet<String>) {
    // Controller, slices and scopes of a session, and the engine's own group.
    const DEEPEST: usize = 8;
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        // Not following links: version 1 has some, of controllers that are mounted together.
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let path = entry.path();
        if folder.file_name().is_some_and(|name| name == "tester") {
            found.insert(format!("cgroup {}", path.display()));
        } else if depth < DEEPEST {
            cgroups(&path, depth + 1, found);
        }
    }
}

/// Supervisors, those that make namespaces, and whatever runs as the sandboxes' user.
fn processes() -> Vec<String> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().filter(|name| name.bytes().all(|b| b.is_ascii_digit()))
        else {
            continue;
        };
        // Either is gone when the process is: then it is no remains.
        let (Ok(cmdline), Ok(status)) =
            (fs::read(entry.path().join("cmdline")), fs::metadata(entry.path()))
        else {
            continue;
        };
        let cmdline = String::from_utf8_lossy(&cmdline).replace('\0', " ");
        let ours = cmdline.contains("tester supervise") || cmdline.contains("sandbox-stage");
        let nobodys = status.uid() == NOBODY || real_user(&entry.path()) == Some(NOBODY);
        if ours || (nobodys && !is_of_this_machine(&entry.path())) {
            found.push(format!("process {pid}: {}", cmdline.trim()));
        }
    }
    found
}

/// Whether it sees the processes that we see, as services that run as nobody do and nothing in a
/// sandbox does.
fn is_of_this_machine(process: &Path) -> bool {
    let namespace = |process: &Path| fs::read_link(process.join("ns/pid")).ok();
    let theirs = namespace(process);
    theirs.is_some() && theirs == namespace(Path::new("/proc/self"))
}

/// The owner of a process's folder is root when it is not dumpable.
fn real_user(process: &Path) -> Option<u32> {
    let status = fs::read_to_string(process.join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Those that the engines make, by their places: all are below folders that are named after TESTER.
/// What was mounted anew at the same place, as by a restarted Docker daemon, is nothing new.
fn mounts() -> Vec<String> {
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let places = text.lines().filter_map(|line| line.split(' ').nth(4));
    let ours = places.filter(|place| place.contains("tester") && !is_the_daemons_own(place));
    ours.map(|place| format!("mount {place}")).collect()
}

/// The daemon keeps a handle of the machine's own network from the first time on that something
/// runs in it, such as a step of an image's build.
fn is_the_daemons_own(place: &str) -> bool {
    place.ends_with("/netns/default")
}
