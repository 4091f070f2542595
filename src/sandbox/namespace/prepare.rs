//! Preparing an installed harness, in a sandbox that may write into its folder.

use std::path::Path;

use super::engine::environment;
use super::plan::{Access, Bounds, Harness, Plan};
use super::sandbox::NamespaceSandbox;
use super::stage::Part;
use crate::sandbox::EngineError;
use crate::sandbox::toolchain::Toolchain;

/// Room for unpacked class files and training runs.
const FILES_BYTES: u64 = 1024 * 1024 * 1024;
const FILES_COUNT: u64 = 256 * 1024;
const PROCESSES: u64 = 1024;

/// Runs a command with the toolchain's folder at `/opt/tester/RUNTIME`, to be written. What it
/// makes may hold that path.
///
/// # Errors
///
/// [`EngineError::Unavailable`] when it fails, with what it printed.
pub(in crate::sandbox) async fn prepare(
    tester: &Path,
    toolchain: &Toolchain,
    command: &[String],
) -> Result<(), EngineError> {
    // Complaints and output together: the caller shows them to a person.
    let mut argv: Vec<_> = ["/bin/sh", "-c", r#"exec "$@" 2>&1"#, "sh"].map(str::to_owned).into();
    argv.extend_from_slice(command);
    let name = toolchain.runtime.as_str().to_owned();
    let plan = Plan {
        argv,
        environment: environment(),
        readable: toolchain.readable.clone(),
        executable: tester.to_owned(),
        harness: Some(Harness { name, folder: toolchain.folder.clone(), access: Access::Write }),
        bounds: Bounds {
            processes: Some(PROCESSES),
            files_bytes: FILES_BYTES,
            files_count: FILES_COUNT,
            memory: None,
        },
    };
    let failed = |why: &str| {
        EngineError::Unavailable(format!(
            "the {} harness can't be prepared: {why}",
            toolchain.runtime
        ))
    };
    let mut sandbox = NamespaceSandbox::start(tester, Part::Outside, &plan, None)
        .await
        .map_err(|error| failed(&error.to_string()))?;
    match sandbox.outcome().await? {
        (Some(0), _) => Ok(()),
        (_, printed) => Err(failed(printed.trim())),
    }
}
