//! Limits the kernel keeps by process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::plan::{Bounds, MemoryBound};
use super::step::{During as _, StepError};

/// Files a process may have open. Enough for honest tests, little enough for their supervisor.
const OPEN_FILES: u64 = 1024;

/// Holds this process, and all it starts, to these limits.
pub(super) fn apply(bounds: &Bounds) -> Result<(), StepError> {
    let limits = [
        Some((Resource::RLIMIT_CORE, 0)),
        Some((Resource::RLIMIT_NOFILE, OPEN_FILES)),
        Some((Resource::RLIMIT_FSIZE, bounds.file_bytes)),
        bounds.processes.map(|count| (Resource::RLIMIT_NPROC, count)),
        bounds.memory.map(|memory| match memory {
            MemoryBound::Addresses(bytes) => (Resource::RLIMIT_AS, bytes),
            MemoryBound::Data(bytes) => (Resource::RLIMIT_DATA, bytes),
        }),
    ];
    for (resource, limit) in limits.into_iter().flatten() {
        // The host may hold us to less, and that can't be raised again.
        let (_, most) = getrlimit(resource).during("read a limit")?;
        let limit = limit.min(most);
        setrlimit(resource, limit, limit).during(format_args!("limit {resource:?}"))?;
    }
    Ok(())
}
