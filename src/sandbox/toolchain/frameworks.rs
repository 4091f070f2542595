//! Fetching test frameworks, with the clients the host's owner has set up, mirrors and all.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::found::Found;
use super::{Progress, at};
use crate::domain::Runtime;
use crate::sandbox::EngineError;

/// Where Debian's packages put jars.
const SYSTEM_JARS: &str = "/usr/share/java";
/// Where they are put when they are fetched for TESTER alone, in the harness's folder.
const OWN_JARS: &str = "packages/usr/share/java";
/// How much of a client's complaint is passed on.
const COMPLAINT_LINES: usize = 12;

/// Fetches what the harness in this folder needs.
pub(super) async fn fetch(
    found: &Found,
    folder: &Path,
    progress: &Progress,
) -> Result<(), EngineError> {
    match found.runtime {
        Runtime::Python => fetch_python(found, folder, progress).await,
        Runtime::Node => fetch_node(found, folder, progress).await,
        Runtime::Java => fetch_java(folder, progress).await,
    }
}

/// The command that prepares a filled harness folder, called `inside` in a sandbox.
pub(super) fn preparation(found: &Found, folder: &Path, inside: &str) -> Vec<String> {
    let interpreter = found.interpreter.to_string_lossy().into_owned();
    match found.runtime {
        Runtime::Python => vec![interpreter, "-I".to_owned(), format!("{inside}/prepare.py")],
        Runtime::Node => {
            vec![interpreter, format!("{inside}/prepare.js"), "--prune".to_owned()]
        }
        Runtime::Java => {
            let home = interpreter.strip_suffix("/bin/java").unwrap_or_default();
            let jars = if folder.join(OWN_JARS).exists() {
                format!("{inside}/{OWN_JARS}")
            } else {
                SYSTEM_JARS.to_owned()
            };
            vec![
                "/usr/bin/env".to_owned(),
                format!("JAVA_HOME={home}"),
                "/bin/sh".to_owned(),
                format!("{inside}/prepare.sh"),
                jars,
                inside.to_owned(),
            ]
        }
    }
}

async fn fetch_python(
    found: &Found,
    folder: &Path,
    progress: &Progress,
) -> Result<(), EngineError> {
    let pip = || {
        let mut command = Command::new(&found.interpreter);
        command.args(["-m", "pip", "--disable-pip-version-check", "--no-input"]);
        command
    };
    if client(pip().arg("--version"), "pip").await.is_err() {
        return Err(EngineError::Unsupported(format!(
            "{} has no pip, which installs pytest: install python3-pip",
            found.title
        )));
    }
    progress(&format!("Installing pytest for {} …", found.title));
    let mut install = pip();
    install
        .args(["install", "--quiet", "--no-compile", "--target", "lib", "-r", "requirements.txt"])
        .current_dir(folder);
    client(&mut install, "pip").await
}

async fn fetch_node(found: &Found, folder: &Path, progress: &Progress) -> Result<(), EngineError> {
    progress(&format!("Installing Jest for {} …", found.title));
    // npm is a script that starts the `node` of the search path, which is the one that was found.
    let mut npm = Command::new("npm");
    npm.args([
        "ci",
        "--omit=dev",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
    ])
    .current_dir(folder);
    client(&mut npm, "npm").await
}

async fn fetch_java(folder: &Path, progress: &Progress) -> Result<(), EngineError> {
    let list = folder.join("jars.txt");
    let jars = fs::read_to_string(&list).map_err(at(&list))?;
    let mut jars = jars.lines().filter_map(|line| line.split_whitespace().nth(1));
    if jars.all(|jar| Path::new(SYSTEM_JARS).join(jar).exists()) {
        return Ok(());
    }
    progress("Fetching JUnit and Mockito from Debian's packages …");
    let list = folder.join("debian-packages.txt");
    let packages = fs::read_to_string(&list).map_err(at(&list))?;
    let debs = folder.join("debs");
    fs::create_dir_all(&debs).map_err(at(&debs))?;
    let mut download = Command::new("apt-get");
    download.args(["download", "-qq"]).args(packages.split_whitespace()).current_dir(&debs);
    if let Err(error) = client(&mut download, "apt-get").await {
        return Err(EngineError::Unsupported(format!(
            "Java tests need JUnit 5 and Mockito: install {} ({error})",
            packages.split_whitespace().collect::<Vec<_>>().join(" ")
        )));
    }
    for entry in fs::read_dir(&debs).map_err(at(&debs))? {
        let deb = entry.map_err(at(&debs))?.path();
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("-x").arg(&deb).arg(folder.join("packages"));
        client(&mut unpack, "dpkg-deb").await?;
    }
    fs::remove_dir_all(&debs).map_err(at(&debs))
}

async fn client(command: &mut Command, name: &str) -> Result<(), EngineError> {
    let output =
        command.stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(|error| {
            EngineError::Unsupported(format!("{name} can't be started: {error}"))
        })?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = complaint.lines().collect();
    let last = lines.len().saturating_sub(COMPLAINT_LINES);
    let status = output.status;
    Err(EngineError::Unavailable(format!("{name} failed ({status}): {}", lines[last..].join("\n"))))
}
