//! Preparing an installed harness, in a sandbox that may write into its folder.

use std::path::Path;

use super::mode::{Mode, environment};
use super::plan::{Access, Bounds, Harness, Plan};
use super::sandbox::{NamespaceSandbox, Place};
use super::worker::Worker;
use crate::sandbox::toolchain::Toolchain;
use crate::sandbox::{EngineError, Sandbox as _};

/// Room for unpacked class files and training runs.
const FILES_BYTES: u64 = 1024 * 1024 * 1024;
const FILES_COUNT: u64 = 256 * 1024;
const PROCESSES: u64 = 1024;

/// Runs a command that may write into the toolchain's folder, which it sees where runs will see
/// it: what it makes may hold that path.
///
/// # Errors
///
/// [`EngineError::Unavailable`] when it fails, with what it printed.
pub(in crate::sandbox) async fn prepare(
    tester: &Path,
    mode: &Mode,
    toolchain: &Toolchain,
    command: &[String],
) -> Result<(), EngineError> {
    // Complaints and output together: the caller shows them to a person.
    let mut argv: Vec<_> = ["/bin/sh", "-c", r#"exec "$@" 2>&1"#, "sh"].map(str::to_owned).into();
    argv.extend_from_slice(command);
    let failed = |why: &str| {
        let runtime = toolchain.runtime;
        EngineError::Unavailable(format!("the {runtime} harness can't be prepared: {why}"))
    };
    let work = Worker::this()
        .and_then(|worker| mode.make_work(&worker.next_name()))
        .map_err(|error| failed(&error.to_string()))?;
    let name = toolchain.runtime.as_str().to_owned();
    let plan = Plan {
        argv,
        environment: environment(work.as_deref()),
        readable: toolchain.readable.clone(),
        executable: tester.to_owned(),
        harness: Some(Harness { name, folder: toolchain.folder.clone(), access: Access::Write }),
        work: work.clone(),
        bounds: Bounds {
            processes: Some(PROCESSES),
            files_bytes: FILES_BYTES,
            file_bytes: FILES_BYTES,
            files_count: FILES_COUNT,
            memory: None,
        },
    };
    let mut sandbox =
        NamespaceSandbox::start(tester, mode.part(), &plan, Place { group: None, work })
            .await
            .map_err(|error| failed(&error.to_string()))?;
    let outcome = sandbox.outcome().await?;
    Box::new(sandbox).remove().await?;
    match outcome {
        (Some(0), _) => Ok(()),
        (_, printed) => Err(failed(printed.trim())),
    }
}
