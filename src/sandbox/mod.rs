//! Where strangers' code runs: engines that make sandboxes, a pool that keeps them warm, the
//! protocol spoken with what is inside, and the verdict on what came of it.
//!
//! A sandbox is used for one job and destroyed. In it the supervisor (PID 1, this executable
//! again) starts the language's harness and relays what it reports; user code can neither read
//! nor end the supervisor, and the host believes nobody else.

#[cfg(target_os = "linux")]
pub mod cgroup;
pub mod docker;
pub mod engine;
pub mod harness;
mod judge;
#[cfg(target_os = "linux")]
pub mod namespace;
mod output;
pub mod pool;
pub mod protocol;
mod run;
mod runner;
#[cfg(target_os = "linux")]
pub mod seccomp;
#[cfg(target_os = "linux")]
pub mod supervisor;
#[cfg(target_os = "linux")]
pub mod toolchain;

pub use self::engine::{Engine, EngineError, NoEngine, Sandbox, Usage};
pub use self::runner::{Runner, RunnerHealth};
