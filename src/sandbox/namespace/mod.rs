//! Sandboxes of Linux namespaces, made by this executable itself: no daemon, no image, and no
//! root where the host lets anybody make user namespaces.
//!
//! | file | who runs it |
//! |---|---|
//! | `engine`, `mode`, `prepare`, `sandbox`, `worker` | the host: starts stages, ends them, accounts for them |
//! | `stage` | `tester sandbox-stage outside`: unshares, is the handle on the sandbox |
//! | `inside`, `root`, `bounds`, `loopback` | `tester sandbox-stage inside`: PID 1 until it becomes the supervisor |
//! | `reduced` | `tester sandbox-stage reduced-inside`: the same where namespaces are refused |
//!
//! Deliberately absent: mounts, pipes and names on the host that would outlive a sandbox. All but
//! its control group is in its namespaces, and goes with the last process in them.

mod bounds;
mod engine;
mod inside;
mod loopback;
mod mode;
mod mountinfo;
mod plan;
mod prepare;
mod reduced;
mod root;
mod sandbox;
mod stage;
mod step;
mod worker;

pub use self::engine::{NamespaceEngine, Refusal, probe};
pub(super) use self::inside::NOBODY;
pub use self::mode::Mode;
pub(super) use self::prepare::prepare;
pub use self::stage::{Part, run as run_stage};
