//! What a sandbox sees: a root on a tmpfs, the system's programs read-only, two folders to write
//! in, and nothing else of the host.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{chdir, pivot_root};

use super::mountinfo;
use super::plan::{Access, Harness, Plan};
use super::step::{During as _, StepError};

/// Where the old root is while the new one is built. Sources are named from here, because the new
/// root starts its life mounted over one of the host's folders.
const HOST: &str = "/.host";

/// Where programs and libraries are, but for `/usr`: links into it, on most systems of today.
const SYSTEM_FOLDERS: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// What of the host's `/etc` the dynamic loader and the JDKs of Debian need.
const SYSTEM_CONFIGURATION: [&str; 4] =
    ["ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives"];

/// What is written into `/etc` instead of showing the host's.
const CONFIGURATION: [(&str, &str); 6] = [
    ("passwd", "nobody:x:65534:65534:nobody:/work:/usr/sbin/nologin\n"),
    ("group", "nogroup:x:65534:\n"),
    ("hosts", "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n"),
    ("hostname", "sandbox\n"),
    ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ("host.conf", "multi off\n"),
];

const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
const DEVICE_LINKS: [(&str, &str); 4] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
];

/// Folders that are the sandbox's own: no folder of the host can be seen in their place.
const OWN_FOLDERS: [&str; 6] = ["/work", "/tmp", "/proc", "/dev", "/opt/tester", HOST];

/// Replaces the root of this process. `owner` is the user that the program will be, as seen from
/// the user namespace that owns the mounts.
pub(super) fn build(plan: &Plan, owner: u32) -> Result<(), StepError> {
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    enter_empty_root()?;
    show_system()?;
    show_configuration()?;
    for folder in &plan.readable {
        show_prefix(folder)?;
    }
    show_tester(plan)?;
    make_devices()?;
    mount_proc()?;
    leave_host()?;
    make_writable_folders(plan, owner)?;
    seal(plan)
}

fn enter_empty_root() -> Result<(), StepError> {
    change_mount("/", MsFlags::MS_PRIVATE | MsFlags::MS_REC).during("make mounts private")?;
    mount_tmpfs("/tmp", "mode=0755,size=4m,nr_inodes=2048").during("mount the root")?;
    make_folder(Path::new("/tmp/.host")).during("make a place for the old root")?;
    pivot_root("/tmp", "/tmp/.host").during("change the root")?;
    chdir("/").during("enter the root")
}

fn show_system() -> Result<(), StepError> {
    show(Path::new("/usr"))?;
    for name in SYSTEM_FOLDERS {
        let path = Path::new("/").join(name);
        match fs::read_link(on_host(&path)) {
            Ok(target) => {
                symlink(target, &path).during(format_args!("link {}", path.display()))?;
            }
            Err(_) => show_if_there(&path)?,
        }
    }
    Ok(())
}

fn show_configuration() -> Result<(), StepError> {
    make_folder(Path::new("/etc")).during("make /etc")?;
    for (name, text) in CONFIGURATION {
        fs::write(Path::new("/etc").join(name), text).during(format_args!("write /etc/{name}"))?;
    }
    symlink("/usr/share/zoneinfo/Etc/UTC", "/etc/localtime").during("link /etc/localtime")?;
    for name in SYSTEM_CONFIGURATION {
        show_if_there(&Path::new("/etc").join(name))?;
    }
    let entries = fs::read_dir(on_host(Path::new("/etc"))).during("read /etc")?;
    for entry in entries {
        let name = entry.during("read /etc")?.file_name();
        // Debian's JDKs keep their configuration, jvm.cfg among it, in /etc/java-17-openjdk.
        if name.to_str().is_some_and(|name| name.starts_with("java-")) {
            show_if_there(&Path::new("/etc").join(name))?;
        }
    }
    Ok(())
}

/// Shows a toolchain that is installed by itself, in a home directory for instance.
fn show_prefix(folder: &Path) -> Result<(), StepError> {
    let plain =
        folder.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    let taken = folder.parent().is_none()
        || OWN_FOLDERS
            .iter()
            .any(|own| folder.starts_with(own) || Path::new(own).starts_with(folder));
    if !plain || !folder.is_absolute() || taken {
        return Err(io::Error::from(io::ErrorKind::InvalidInput))
            .during(format_args!("show {}", folder.display()));
    }
    if folder.starts_with("/usr") {
        return Ok(());
    }
    show(folder)
}

fn show_tester(plan: &Plan) -> Result<(), StepError> {
    let own = Path::new("/opt/tester");
    make_folder(own).during("make /opt/tester")?;
    bind(&plan.executable, &own.join("tester"))?;
    if let Some(Harness { name, folder, .. }) = &plan.harness {
        bind(folder, &own.join(name))?;
    }
    Ok(())
}

fn make_devices() -> Result<(), StepError> {
    let folder = Path::new("/dev");
    make_folder(folder).during("make /dev")?;
    for name in DEVICES {
        show(&folder.join(name))?;
    }
    for (name, target) in DEVICE_LINKS {
        symlink(target, folder.join(name)).during(format_args!("link /dev/{name}"))?;
    }
    make_folder(&folder.join("shm")).during("make /dev/shm")
}

/// Only processes, and of those only one's own: there is nothing of the host in it, and no trace
/// of the supervisor, which can't be traced and is therefore invisible.
fn mount_proc() -> Result<(), StepError> {
    make_folder(Path::new("/proc")).during("make /proc")?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, Some("hidepid=invisible,subset=pid"))
        .during("mount /proc")
}

fn leave_host() -> Result<(), StepError> {
    umount2(HOST, MntFlags::MNT_DETACH).during("leave the old root")?;
    fs::remove_dir(HOST).during("remove the place of the old root")
}

fn make_writable_folders(plan: &Plan, owner: u32) -> Result<(), StepError> {
    let bounds = &plan.bounds;
    let room = format!("size={},nr_inodes={}", bounds.files_bytes, bounds.files_count);
    for (path, mode) in [("/work", "0700"), ("/tmp", "1777"), ("/dev/shm", "1777")] {
        make_folder(Path::new(path)).during(format_args!("make {path}"))?;
        mount_tmpfs(path, &format!("mode={mode},uid={owner},gid={owner},{room}"))
            .during(format_args!("mount {path}"))?;
    }
    Ok(())
}

/// Makes everything read-only but what is there to be written. A bind mount takes its source's
/// flags, and what is mounted below the source has its own, so each mount is gone through.
fn seal(plan: &Plan) -> Result<(), StepError> {
    let mut writable: Vec<PathBuf> =
        ["/work", "/tmp", "/dev/shm", "/proc"].map(PathBuf::from).into();
    if let Some(Harness { name, access: Access::Write, .. }) = &plan.harness {
        writable.push(Path::new("/opt/tester").join(name));
    }
    let mounts = fs::read_to_string("/proc/self/mountinfo").during("read the mounts")?;
    for seen in mountinfo::parse(&mounts) {
        if writable.contains(&seen.path) {
            continue;
        }
        let mut flags = seen.locked | MsFlags::MS_RDONLY | MsFlags::MS_NOSUID;
        if seen.path.starts_with("/dev") {
            flags |= MsFlags::MS_NOEXEC;
        } else {
            flags |= MsFlags::MS_NODEV;
        }
        change_mount(&seen.path, MsFlags::MS_BIND | MsFlags::MS_REMOUNT | flags)
            .during(format_args!("make {} read-only", seen.path.display()))?;
    }
    Ok(())
}

fn show_if_there(path: &Path) -> Result<(), StepError> {
    if on_host(path).exists() { show(path) } else { Ok(()) }
}

/// Shows a file or folder of the host at the same place.
fn show(path: &Path) -> Result<(), StepError> {
    bind(path, path)
}

fn bind(source: &Path, target: &Path) -> Result<(), StepError> {
    let step = || format!("show {} as {}", source.display(), target.display());
    let source = on_host(source);
    if fs::metadata(&source).during(step())?.is_dir() {
        make_folder(target).during(step())?;
    } else {
        File::create(target).during(step())?;
    }
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(&source), target, None::<&str>, flags, None::<&str>).during(step())
}

/// Where a path of the host is now. A link with an absolute target would lead into the new root,
/// which is why the engine resolves what it plans.
fn on_host(path: &Path) -> PathBuf {
    Path::new(HOST).join(path.strip_prefix("/").unwrap_or(path))
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

fn mount_tmpfs(path: &str, options: &str) -> nix::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), path, Some("tmpfs"), flags, Some(options))
}

fn change_mount(path: impl AsRef<Path>, flags: MsFlags) -> nix::Result<()> {
    mount(None::<&str>, path.as_ref(), None::<&str>, flags, None::<&str>)
}
