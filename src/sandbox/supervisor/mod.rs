//! PID 1 of every sandbox: starts the harness, relays what it reports, and is the last to go.
//!
//! It is this executable again (`tester supervise`), small on purpose: one thread, one poll loop,
//! no runtime. User code has the same uid, so it makes itself unreadable (`/proc/1/mem`,
//! `/proc/1/fd`, ptrace) before anything else runs, and takes nothing on trust that comes up from
//! the harness: not a length, not an order, not a name.
//!
//! - `frames`: bytes to frames, never holding more than one frame's bound.
//! - `gate`: which of the harness's frames are believed.
//! - `harness`: the child, its channel and its two outputs.
//! - `processes`: reaping, and ending everything that lives in the sandbox.
//! - `relay`: the loop that ties them together.

mod frames;
mod gate;
mod harness;
mod processes;
mod relay;

use std::ffi::OsString;
use std::io;

use nix::sys::prctl;

pub(super) use self::processes::end_all;
use self::relay::Relay;

/// Supervises one harness, from its start to the end of everything it left running.
///
/// Returns when nothing but the caller is left alive in the sandbox.
///
/// # Errors
///
/// When the host is gone or does not keep to the protocol, or the kernel refuses the basics. The
/// harness and all it started are dead then too.
pub fn run(harness: &[OsString]) -> io::Result<()> {
    processes::close_inherited();
    prctl::set_dumpable(false)?;
    // Without a PID namespace orphans would go to the host's init and outlive the run.
    prctl::set_child_subreaper(true)?;
    let ended = Relay::start(harness).and_then(Relay::run);
    if ended.is_err() {
        processes::end_all();
    }
    ended
}
