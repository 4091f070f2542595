//! The images of the sandboxes, one a runtime: what is in them, how they are told apart, and how
//! they are built.
//!
//! An image belongs to the executable that built it, because the supervisor in it is a copy of that
//! executable and the two must speak the same protocol. Its version is a hash over everything that
//! is put into it; so a worker runs on nothing but its own images, and images of other builds may
//! lie beside them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bollard::models::BuildInfo;
use bollard::query_parameters::BuildImageOptions;
use bollard::{API_DEFAULT_VERSION, Docker, body_full};
use futures_util::StreamExt as _;
use ring::digest::{Context, SHA256};
use tokio::time::timeout;

use crate::config::DockerSettings;
use crate::domain::Runtime;
use crate::sandbox::harness;

/// On an image: the version that it was built as.
pub const VERSION_LABEL: &str = "tester.image.version";

/// Variables that tell package tools how to reach the world. Where they are set for us, they are
/// set for the steps of a build.
pub const BUILD_VARIABLES: [&str; 8] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "PIP_INDEX_URL",
    "NPM_CONFIG_REGISTRY",
];

/// Names the file with the certificate authorities that this system trusts, where it is not the usual one.
pub const CERTIFICATES_VARIABLE: &str = "SSL_CERT_FILE";
const USUAL_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A first build fetches some hundred megabytes of packages.
const BUILD_DEADLINE: Duration = Duration::from_mins(20);
/// The daemon answers when the whole context is there.
const ANSWER_SECONDS: u64 = 300;
/// What is shown of a log when a build fails.
const LAST_LINES: usize = 20;
/// The same every time, so that the same files are the same context.
const MODIFIED: u64 = 946_684_800;

/// This program as a file: the supervisor of every sandbox.
#[derive(Clone, Debug)]
pub struct Executable {
    path: PathBuf,
    digest: Vec<u8>,
}

impl Executable {
    /// Reads it through once, to know it by its content.
    ///
    /// # Errors
    ///
    /// When the file can't be read.
    pub async fn read(path: PathBuf) -> io::Result<Self> {
        tokio::task::spawn_blocking(move || {
            let mut file = std::fs::File::open(&path)?;
            let mut hash = Context::new(&SHA256);
            let mut chunk = vec![0; 256 * 1024];
            loop {
                match file.read(&mut chunk)? {
                    0 => break,
                    length => hash.update(&chunk[..length]),
                }
            }
            Ok(Self { path, digest: hash.finish().as_ref().to_vec() })
        })
        .await?
    }
}

/// How the steps of a build reach the world: as this machine does.
#[derive(Clone, Debug, Default)]
pub struct BuildHost {
    arguments: BTreeMap<String, String>,
    certificates: Option<PathBuf>,
}

impl BuildHost {
    /// Takes what it needs from the environment, which `variable` looks up.
    #[must_use]
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let arguments = BUILD_VARIABLES
            .iter()
            .filter_map(|&name| Some((name.to_owned(), variable(name)?)))
            .collect();
        let certificates = variable(CERTIFICATES_VARIABLE)
            .map_or_else(|| PathBuf::from(USUAL_CERTIFICATES), PathBuf::from);
        Self { arguments, certificates: certificates.exists().then_some(certificates) }
    }
}

/// Why an image could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The daemon can't be reached, or broke off.
    #[error("{0}")]
    Daemon(String),
    /// A step failed.
    #[error("the image for {runtime} could not be built: {reason}\n{log}")]
    Step {
        /// The image that was being built.
        runtime: Runtime,
        /// In the daemon's words.
        reason: String,
        /// The last lines that were printed.
        log: String,
    },
    /// A file can't be read, or the progress not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Which version of a runtime's image belongs to this executable.
#[must_use]
pub fn version(runtime: Runtime, base_image: &str, executable: &Executable) -> String {
    let mut hash = Context::new(&SHA256);
    // A length before each part, so that no two lists of parts read the same.
    let mut part = |bytes: &[u8]| {
        hash.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(bytes);
    };
    part(base_image.as_bytes());
    part(dockerfile(runtime).as_bytes());
    for (name, content) in harness::files(runtime) {
        part(name.as_bytes());
        part(&content);
    }
    part(&executable.digest);
    let digest = hash.finish();
    let first = digest.as_ref().first_chunk().expect("SHA-256 has 32 bytes");
    format!("{:016x}", u64::from_be_bytes(*first))
}

/// The name of an image.
#[must_use]
pub fn tag(runtime: Runtime, version: &str) -> String {
    format!("tester-sandbox-{runtime}:{version}")
}

/// Builds the images of all runtimes, one after the other, and returns their names. What the
/// daemon has built before is not built again.
///
/// # Errors
///
/// [`BuildError`] at the first image that can't be built.
pub async fn build_images(
    settings: &DockerSettings,
    executable: &Executable,
    host: &BuildHost,
    progress: &mut (dyn Write + Send),
) -> Result<Vec<String>, BuildError> {
    let docker = connect(&settings.socket).await?;
    let mut tags = Vec::new();
    for runtime in Runtime::ALL {
        let tag = build_image(&docker, runtime, settings, executable, host, progress).await?;
        writeln!(progress, "{tag} is ready")?;
        tags.push(tag);
    }
    Ok(tags)
}

async fn build_image(
    docker: &Docker,
    runtime: Runtime,
    settings: &DockerSettings,
    executable: &Executable,
    host: &BuildHost,
    progress: &mut (dyn Write + Send),
) -> Result<String, BuildError> {
    let version = version(runtime, &settings.base_image, executable);
    let tag = tag(runtime, &version);
    let mut arguments: HashMap<_, _> = host.arguments.clone().into_iter().collect();
    arguments.insert("BASE".to_owned(), settings.base_image.clone());
    let options = BuildImageOptions {
        dockerfile: "Dockerfile".to_owned(),
        t: Some(tag.clone()),
        buildargs: Some(arguments),
        labels: Some(HashMap::from([(VERSION_LABEL.to_owned(), version)])),
        // A daemon that makes nothing but sandboxes needs no bridge, and may have none; and a proxy
        // often listens on this machine's own loopback.
        networkmode: Some("host".to_owned()),
        rm: true,
        forcerm: true,
        ..BuildImageOptions::default()
    };
    let context = context(runtime, executable, host)?;
    let mut log = VecDeque::new();
    let build = async {
        let mut steps =
            std::pin::pin!(docker.build_image(options, None, Some(body_full(context.into()))));
        while let Some(step) = steps.next().await {
            let step = step.map_err(|error| BuildError::Step {
                runtime,
                reason: error.to_string(),
                log: log.iter().cloned().collect::<Vec<_>>().join("\n"),
            })?;
            report(step, &mut log, progress)?;
        }
        Ok(tag)
    };
    timeout(BUILD_DEADLINE, build).await.unwrap_or_else(|_| {
        let minutes = BUILD_DEADLINE.as_secs() / 60;
        Err(BuildError::Daemon(format!("an image was not built within {minutes} minutes")))
    })
}

/// Passes on what a step prints, and keeps the last of it.
fn report(
    step: BuildInfo,
    log: &mut VecDeque<String>,
    progress: &mut (dyn Write + Send),
) -> io::Result<()> {
    let Some(text) = step.stream else { return Ok(()) };
    progress.write_all(text.as_bytes())?;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        log.push_back(line.to_owned());
        if log.len() > LAST_LINES {
            log.pop_front();
        }
    }
    Ok(())
}

async fn connect(socket: &Path) -> Result<Docker, BuildError> {
    let path = socket.to_string_lossy();
    let docker = Docker::connect_with_unix(&path, ANSWER_SECONDS, API_DEFAULT_VERSION)
        .map_err(|error| BuildError::Daemon(error.to_string()))?;
    docker.negotiate_version().await.map_err(|error| BuildError::Daemon(error.to_string()))
}

/// Everything that goes into an image, as an archive.
fn context(runtime: Runtime, executable: &Executable, host: &BuildHost) -> io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let mut add = |name: &str, mode, content: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_mtime(MODIFIED);
        header.set_size(u64::try_from(content.len()).unwrap_or(u64::MAX));
        archive.append_data(&mut header, name, content)
    };
    add("Dockerfile", 0o644, dockerfile(runtime).as_bytes())?;
    // Always there, for `COPY` knows no "if": empty where this system names no authorities.
    let certificates = host.certificates.as_ref().map(std::fs::read).transpose()?;
    add("certificates.crt", 0o644, &certificates.unwrap_or_default())?;
    for (name, content) in harness::files(runtime) {
        add(&format!("harness/{name}"), 0o644, &content)?;
    }
    add("tester", 0o755, &std::fs::read(&executable.path)?)?;
    archive.into_inner()
}

const fn dockerfile(runtime: Runtime) -> &'static str {
    match runtime {
        Runtime::Python => include_str!("../../../docker/python.Dockerfile"),
        Runtime::Node => include_str!("../../../docker/node.Dockerfile"),
        Runtime::Java => include_str!("../../../docker/java.Dockerfile"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn executable(digest: u8) -> Executable {
        Executable { path: PathBuf::from("/dev/null"), digest: vec![digest; 32] }
    }

    #[test]
    fn another_executable_or_base_or_runtime_is_another_version() {
        let one = version(Runtime::Python, "debian:trixie-slim", &executable(1));
        assert_eq!(one.len(), 16);
        assert_eq!(one, version(Runtime::Python, "debian:trixie-slim", &executable(1)));
        assert_ne!(one, version(Runtime::Python, "debian:trixie-slim", &executable(2)));
        assert_ne!(one, version(Runtime::Python, "debian:forky-slim", &executable(1)));
        assert_ne!(one, version(Runtime::Node, "debian:trixie-slim", &executable(1)));
    }

    #[test]
    fn a_context_is_the_same_twice_and_ends_with_the_executable() {
        let host = BuildHost::default();
        let archive = context(Runtime::Python, &executable(1), &host).expect("all is readable");
        let again = context(Runtime::Python, &executable(1), &host).expect("all is readable");
        assert_eq!(archive, again);
        let mut archive = tar::Archive::new(archive.as_slice());
        let names: Vec<_> = archive
            .entries()
            .expect("an archive")
            .map(|entry| entry.and_then(|entry| Ok(entry.path()?.into_owned())).expect("a name"))
            .collect();
        assert!(names.contains(&PathBuf::from("harness/requirements.txt")), "{names:?}");
        assert_eq!(names.last(), Some(&PathBuf::from("tester")));
    }

    #[test]
    fn a_build_is_told_only_how_to_reach_the_world() {
        let host = BuildHost::from_environment(|name| match name {
            "HTTPS_PROXY" => Some("proxy".to_owned()),
            "SSL_CERT_FILE" => Some("/no/such/file".to_owned()),
            _ => None,
        });
        let arguments = BTreeMap::from([("HTTPS_PROXY".to_owned(), "proxy".to_owned())]);
        assert_eq!(host.arguments, arguments);
        assert_eq!(host.certificates, None);
    }

    #[test]
    fn of_a_long_log_the_last_lines_are_kept() {
        let (mut log, mut shown) = (VecDeque::new(), Vec::new());
        for number in 0..100 {
            let step = BuildInfo { stream: Some(format!("{number}\n\n")), ..BuildInfo::default() };
            report(step, &mut log, &mut shown).expect("memory takes it");
        }
        assert_eq!(log.len(), LAST_LINES);
        assert_eq!(log.back().map(String::as_str), Some("99"));
    }
}
