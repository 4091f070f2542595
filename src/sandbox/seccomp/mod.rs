//! The one syscall policy of all sandboxes, in the two forms engines need it.

mod policy;

/// Why the filter is not in force.
#[derive(Debug, thiserror::Error)]
#[error("the seccomp filter can't be applied: {0}")]
pub struct SeccompError(String);

/// The policy as the JSON that Docker takes: `SecurityOpt: ["seccomp=<json>"]`.
#[must_use]
pub fn docker_profile() -> String {
    String::new()
}

/// Puts the policy in force for the calling thread, and for all it starts and executes from now
/// on. There is no way back; it sets `no_new_privs` first.
///
/// # Errors
///
/// [`SeccompError`] when the kernel or the architecture has no seccomp.
pub fn apply() -> Result<(), SeccompError> {
    Err(SeccompError(String::new()))
}
