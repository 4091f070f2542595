//! The one syscall policy of all sandboxes, in the two forms engines need it.
//!
//! - `policy`: the table, an allow-list with its reasons.
//! - `rule`: what the table is made of.
//!
//! Docker's daemon is given the table as JSON ([`docker_profile`]); the namespace engine puts it
//! in force itself ([`apply`]). Neither knows a call that the other doesn't.

mod policy;
mod rule;
#[cfg(test)]
mod tests;

use seccompiler::{BpfProgram, TargetArch};
use serde_json::{Value, json};

use self::policy::{ALLOWED, UNKNOWN, exists_on};
use self::rule::{Arch, Rule};

/// Why the filter is not in force.
#[derive(Debug, thiserror::Error)]
pub enum SeccompError {
    /// Nobody wrote down the system calls of this machine.
    #[error("there is no seccomp policy for this processor architecture")]
    Architecture,
    /// The kernel refused it, or the policy can't be compiled.
    #[error("the seccomp filter can't be put in force: {0}")]
    Filter(#[from] seccompiler::Error),
}

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;

/// The policy as the JSON that Docker takes: `SecurityOpt: ["seccomp=<json>"]`.
///
/// No 32-bit and no x32 calls: an architecture without subarchitectures kills whoever tries.
#[must_use]
pub fn docker_profile() -> String {
    let mut syscalls = vec![json!({
        "names": [UNKNOWN],
        "action": "SCMP_ACT_ERRNO",
        "errnoRet": ENOSYS,
    })];
    syscalls.extend(ALLOWED.iter().flat_map(docker_entries));
    json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": EPERM,
        "archMap": [
            { "architecture": "SCMP_ARCH_X86_64", "subArchitectures": [] },
            { "architecture": "SCMP_ARCH_AARCH64", "subArchitectures": [] },
        ],
        "syscalls": syscalls,
    })
    .to_string()
}

/// An entry for each value: Docker allows what any entry allows.
fn docker_entries(rule: &Rule) -> Vec<Value> {
    let entry =
        |args: Value| json!({ "names": rule.syscalls, "action": "SCMP_ACT_ALLOW", "args": args });
    let Some(condition) = rule.condition else { return vec![entry(json!([]))] };
    let entries = condition.equals.iter().map(|value| {
        entry(json!([{
            "index": condition.argument,
            "value": condition.mask,
            "valueTwo": value,
            "op": "SCMP_CMP_MASKED_EQ",
        }]))
    });
    entries.collect()
}

/// Puts the policy in force for the calling thread, and for all it starts and executes from now
/// on. There is no way back; it sets `no_new_privs` first.
///
/// # Errors
///
/// [`SeccompError`] when the kernel or the architecture has no seccomp.
pub fn apply() -> Result<(), SeccompError> {
    for program in namespace_filter()? {
        seccompiler::apply_filter(&program)?;
    }
    Ok(())
}

/// The policy as programs for this machine's kernel, in the order in which they are put in force:
/// the second forbids to add a third.
///
/// # Errors
///
/// [`SeccompError`] on an architecture the policy does not know.
pub fn namespace_filter() -> Result<[BpfProgram; 2], SeccompError> {
    let arch = Arch::here().ok_or(SeccompError::Architecture)?;
    let target = match arch {
        Arch::X86_64 => TargetArch::x86_64,
        Arch::Aarch64 => TargetArch::aarch64,
    };
    let unknown = json!([{ "syscall": UNKNOWN }]);
    // This one passes what the first already answers: of two refusals the later filter's wins.
    let mut allowed = vec![json!({ "syscall": UNKNOWN })];
    allowed.extend(ALLOWED.iter().flat_map(|rule| filter_entries(rule, arch)));
    Ok([
        compile(&json!({ "errno": ENOSYS }), &json!("allow"), &unknown, target)?,
        compile(&json!("allow"), &json!({ "errno": EPERM }), &Value::from(allowed), target)?,
    ])
}

fn filter_entries(rule: &Rule, arch: Arch) -> Vec<Value> {
    let mut entries = Vec::new();
    for syscall in rule.syscalls.iter().filter(|name| exists_on(arch, name)) {
        match rule.condition {
            None => entries.push(json!({ "syscall": syscall })),
            Some(condition) => entries.extend(condition.equals.iter().map(|value| {
                json!({
                    "syscall": syscall,
                    "args": [{
                        "index": condition.argument,
                        "type": "qword",
                        "op": { "masked_eq": condition.mask },
                        "val": value,
                    }],
                })
            })),
        }
    }
    entries
}

fn compile(
    on_match: &Value,
    otherwise: &Value,
    rules: &Value,
    target: TargetArch,
) -> Result<BpfProgram, SeccompError> {
    const NAME: &str = "sandbox";
    let filters = json!({
        NAME: { "match_action": on_match, "mismatch_action": otherwise, "filter": rules },
    });
    let mut programs = seccompiler::compile_from_json(filters.to_string().as_bytes(), target)?;
    Ok(programs.remove(NAME).expect("it was compiled under this name"))
}
