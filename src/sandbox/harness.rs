//! What runs in a sandbox for each runtime.

use crate::domain::Runtime;

/// Program and arguments of a runtime's harness, as they are called inside a sandbox.
#[must_use]
pub fn argv(runtime: Runtime) -> Vec<String> {
    let argv: &[&str] = match runtime {
        Runtime::Python => &["python3", "-I", "/opt/tester/python/harness.py"],
        Runtime::Node => &["node", "/opt/tester/node/harness.js"],
        Runtime::Java => &["java", "-jar", "/opt/tester/java/harness.jar"],
    };
    argv.iter().map(|&argument| argument.to_owned()).collect()
}
