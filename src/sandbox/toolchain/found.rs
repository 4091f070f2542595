//! What the host has. Programs on the search path may be shims (pyenv, nvm, sdkman), links or
//! wrappers, so each is asked itself what it is.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde::Deserialize;
use tokio::process::Command;

use crate::domain::Runtime;
use crate::sandbox::EngineError;

/// Oldest versions that run the harnesses: major, minor.
const OLDEST_PYTHON: (u32, u32) = (3, 9);
const OLDEST_NODE: (u32, u32) = (18, 20);
const OLDEST_JAVA: (u32, u32) = (17, 0);

const ASK_PYTHON: &str = "import json, os, sys
print(json.dumps({
    'executable': os.path.realpath(getattr(sys, '_base_executable', sys.executable)),
    'prefixes': [os.path.realpath(sys.base_prefix), os.path.realpath(sys.base_exec_prefix)],
    'version': '.'.join(map(str, sys.version_info[:3])),
}))";
const ASK_NODE: &str = "console.log(JSON.stringify({
    executable: require('fs').realpathSync(process.execPath),
    prefixes: [require('path').resolve(require('fs').realpathSync(process.execPath), '../..')],
    version: process.versions.node,
}))";

/// A runtime of the host.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) runtime: Runtime,
    /// Name and version, for people.
    pub(super) title: String,
    pub(super) version: String,
    pub(super) interpreter: PathBuf,
    pub(super) readable: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Answer {
    executable: PathBuf,
    prefixes: Vec<PathBuf>,
    version: String,
}

/// Finds a runtime.
pub(super) async fn find(runtime: Runtime) -> Result<Found, EngineError> {
    match runtime {
        Runtime::Python => python().await,
        Runtime::Node => node().await,
        Runtime::Java => java().await,
    }
}

async fn python() -> Result<Found, EngineError> {
    let needs = "Python tests need Python 3.9 or newer: install python3, with pip";
    let answer = ask("python3", &["-I", "-c", ASK_PYTHON], needs).await?;
    found(Runtime::Python, "Python", answer, OLDEST_PYTHON, needs)
}

async fn node() -> Result<Found, EngineError> {
    let needs =
        "JavaScript and TypeScript tests need Node 18.20 or newer: install nodejs, with npm";
    let answer = ask("node", &["-e", ASK_NODE], needs).await?;
    found(Runtime::Node, "Node", answer, OLDEST_NODE, needs)
}

async fn java() -> Result<Found, EngineError> {
    let needs = "Java tests need a JDK, version 17 or newer: install default-jdk-headless";
    let missing = || EngineError::Unsupported(needs.to_owned());
    let output = Command::new("java")
        .args(["-XshowSettings:properties", "-version"])
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|_| missing())?;
    let settings = String::from_utf8_lossy(&output.stderr);
    let home = property(&settings, "java.home").ok_or_else(missing)?;
    let home = std::fs::canonicalize(home).map_err(|_| missing())?;
    // A JRE has no compiler, and a compiler of another version won't do.
    if !["javac", "jar"].iter().all(|tool| home.join("bin").join(tool).exists()) {
        return Err(EngineError::Unsupported(format!(
            "{needs} ({} has no compiler)",
            home.display()
        )));
    }
    let answer = Answer {
        executable: home.join("bin/java"),
        version: property(&settings, "java.version").ok_or_else(missing)?.to_owned(),
        prefixes: vec![home],
    };
    found(Runtime::Java, "Java", answer, OLDEST_JAVA, needs)
}

async fn ask(program: &str, arguments: &[&str], needs: &str) -> Result<Answer, EngineError> {
    let missing = |_| EngineError::Unsupported(needs.to_owned());
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| missing(error.to_string()))?;
    serde_json::from_slice(&output.stdout).map_err(|error| missing(error.to_string()))
}

fn found(
    runtime: Runtime,
    name: &str,
    answer: Answer,
    oldest: (u32, u32),
    needs: &str,
) -> Result<Found, EngineError> {
    let Answer { executable, prefixes, version } = answer;
    if numbers(&version).is_none_or(|version| version < oldest) {
        return Err(EngineError::Unsupported(format!("{needs} (found {version})")));
    }
    let mut readable: Vec<_> =
        prefixes.into_iter().filter(|prefix| !is_of_system(prefix)).collect();
    readable.dedup();
    Ok(Found {
        runtime,
        title: format!("{name} {version}"),
        version,
        interpreter: executable,
        readable,
    })
}

/// Sandboxes see these anyway.
fn is_of_system(path: &Path) -> bool {
    path == Path::new("/") || path.starts_with("/usr")
}

fn property<'a>(settings: &'a str, name: &str) -> Option<&'a str> {
    settings
        .lines()
        .find_map(|line| line.trim().strip_prefix(name)?.trim_start().strip_prefix("= "))
}

/// Major and minor version; a Java version may be one number.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit());
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().and_then(|part| part.parse().ok()).unwrap_or(0);
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_three_runtimes_are_understood() {
        assert_eq!(numbers("3.13.5"), Some((3, 13)));
        assert_eq!(numbers("20.20.2"), Some((20, 20)));
        assert_eq!(numbers("21"), Some((21, 0)));
        assert_eq!(numbers("25-ea"), Some((25, 0)));
        assert_eq!(numbers("17.0.15"), Some((17, 0)));
        assert_eq!(numbers("v"), None);
    }

    #[test]
    fn the_home_of_a_jdk_is_read_from_its_settings() {
        let settings =
            "Property settings:\n    java.home = /usr/lib/jvm/a b\n    java.version = 21\n";
        assert_eq!(property(settings, "java.home"), Some("/usr/lib/jvm/a b"));
        assert_eq!(property(settings, "java.vendor"), None);
    }
}
