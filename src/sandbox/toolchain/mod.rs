//! The host's own interpreters and compilers, and what is installed beside them once.
//!
//! - `found`: asks the programs on the search path what and where they really are.
//! - `frameworks`: fetches pytest, Jest's parts or JUnit with the host's ordinary clients.
//! - this file: puts both together, once for every version of the harness and the interpreter.

mod found;
mod frameworks;

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use ring::digest;
use tokio::sync::OnceCell;

use self::found::Found;
use super::namespace::{self, Mode};
use super::{EngineError, harness};
use crate::config::PerRuntime;
use crate::domain::Runtime;

/// Told what is being installed, for a person who waits.
pub type Progress = dyn Fn(&str) + Send + Sync;

/// Written into a toolchain's folder when it is complete. Renaming a finished folder into place
/// would do, were there not caches that hold the path they were made at.
const DONE: &str = "prepared";

/// A runtime of this host, ready to be shown to sandboxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// Which.
    pub runtime: Runtime,
    /// The interpreter itself, no shim and no link.
    pub interpreter: PathBuf,
    /// Folders outside the system's own that it needs to read.
    pub readable: Vec<PathBuf>,
    /// The installed harness with its frameworks: what `/opt/tester/RUNTIME` shows.
    pub folder: PathBuf,
}

/// The toolchains of this host, each looked for, and its frameworks installed, when it is first
/// asked for. Slow the first time ever; afterwards the interpreter is only asked for its version.
pub struct Toolchains {
    data_dir: PathBuf,
    tester: PathBuf,
    mode: Mode,
    progress: Box<Progress>,
    found: PerRuntime<OnceCell<Toolchain>>,
}

impl Toolchains {
    /// Those that are, or will be, in this folder. `tester` is this executable's own path,
    /// `mode` the one of the engine that will use them: harnesses are prepared in a sandbox, at the
    /// paths they will run at.
    #[must_use]
    pub fn new(data_dir: PathBuf, tester: PathBuf, mode: Mode, progress: Box<Progress>) -> Self {
        Self { data_dir, tester, mode, progress, found: PerRuntime::default() }
    }

    /// One of them. Who asks while it is being installed waits. A failure is not kept: what is
    /// missing may be installed meanwhile.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unsupported`] when the interpreter is missing or too old, or its frameworks
    /// can't be had; it says what to install.
    pub async fn get(&self, runtime: Runtime) -> Result<&Toolchain, EngineError> {
        let install =
            || install(runtime, &self.data_dir, &self.tester, &self.mode, &*self.progress);
        self.found.get(runtime).get_or_try_init(install).await
    }
}

impl fmt::Debug for Toolchains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Toolchains").field("found", &self.found).finish_non_exhaustive()
    }
}

async fn install(
    runtime: Runtime,
    data_dir: &Path,
    tester: &Path,
    mode: &Mode,
    progress: &Progress,
) -> Result<Toolchain, EngineError> {
    let found = found::find(runtime).await?;
    let folders = absolute(&data_dir.join("toolchains"))?;
    let folder = folders.join(format!("{runtime}-{}", fingerprint(&found, mode)));
    let done = folder.join(DONE);
    let toolchain = Toolchain {
        runtime,
        interpreter: found.interpreter.clone(),
        readable: found.readable.clone(),
        folder,
    };
    if done.exists() {
        return Ok(toolchain);
    }
    let _lock = lock(&folders.join(format!("{runtime}.lock")), progress).await?;
    // Whoever held the lock may just have done it.
    if !done.exists() {
        fill(&toolchain.folder, &found, progress).await?;
        progress(&format!("Preparing the {} harness …", found.title));
        prepare(&toolchain, &found, tester, mode).await?;
        fs::write(&done, "").map_err(at(&done))?;
    }
    Ok(toolchain)
}

/// Harness and frameworks, in a folder that nobody else looks at yet, whatever an earlier attempt
/// left in it.
async fn fill(folder: &Path, found: &Found, progress: &Progress) -> Result<(), EngineError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(at(folder))?;
    }
    for (name, contents) in harness::files(found.runtime) {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(at(parent))?;
        fs::write(&path, contents).map_err(at(&path))?;
    }
    frameworks::fetch(found, folder, progress).await
}

/// Bytecode, class archives, code caches: made by programs that others wrote, so in a sandbox, and
/// at the paths of later, which some of them hold.
async fn prepare(
    toolchain: &Toolchain,
    found: &Found,
    tester: &Path,
    mode: &Mode,
) -> Result<(), EngineError> {
    let folder = &toolchain.folder;
    let owner = fs::metadata(folder).map_err(at(folder))?;
    let (user, group) = (owner.uid(), owner.gid());
    let readable_by_all = |path: &Path| {
        let mode = fs::metadata(path)?.permissions().mode();
        fs::set_permissions(
            path,
            fs::Permissions::from_mode(mode | 0o444 | ((mode & 0o100) / 0o100 * 0o111)),
        )
    };
    each(folder, &readable_by_all).map_err(at(folder))?;
    let command = frameworks::preparation(found, folder, &mode.harness(found.runtime, folder));
    if user == 0 {
        each(folder, &|path| chown(path, Some(namespace::NOBODY), Some(namespace::NOBODY)))
            .map_err(at(folder))?;
    }
    let prepared = namespace::prepare(tester, mode, toolchain, &command).await;
    if user == 0 {
        each(folder, &|path| chown(path, Some(user), Some(group))).map_err(at(folder))?;
    }
    prepared
}

/// Does something with a folder and all that is in it, links left out.
fn each(path: &Path, act: &dyn Fn(&Path) -> io::Result<()>) -> io::Result<()> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_symlink() {
        return Ok(());
    }
    act(path)?;
    if kind.is_dir() {
        for entry in fs::read_dir(path)? {
            each(&entry?.path(), act)?;
        }
    }
    Ok(())
}

/// Another build of the harness, another interpreter or another version of it gets a folder of
/// its own, and so does another mode, which has other paths.
fn fingerprint(found: &Found, mode: &Mode) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut add = |bytes: &[u8]| {
        context.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(bytes);
    };
    add(mode.as_str().as_bytes());
    add(found.version.as_bytes());
    add(found.interpreter.as_os_str().as_encoded_bytes());
    for (name, contents) in harness::files(found.runtime) {
        add(name.as_bytes());
        add(&contents);
    }
    let hash = context.finish();
    hash.as_ref()[..8].iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// Held until the file is dropped, or its process is.
async fn lock(path: &Path, progress: &Progress) -> Result<File, EngineError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let file = File::create(path).map_err(at(path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            progress("Waiting for another TESTER that is installing the same …");
        }
        Err(TryLockError::Error(error)) => return Err(at(path)(error)),
    }
    let waiting = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
    waiting.map_err(io::Error::other).and_then(|locked| locked).map_err(at(path))
}

fn absolute(path: &Path) -> Result<PathBuf, EngineError> {
    fs::create_dir_all(path).map_err(at(path))?;
    fs::canonicalize(path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> EngineError + use<> {
    let path = path.to_owned();
    move |error| EngineError::Unavailable(format!("{}: {error}", path.display()))
}
