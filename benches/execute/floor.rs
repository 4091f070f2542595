//! What is compared with: the test frameworks as people call them, on the host and by `docker run`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::kernel;
use crate::program::Language;
use crate::readings::Sample;
use crate::worker::Images;

/// Debian's JUnit 5 with its console, all in one.
const JUNIT: &str = "java/usr/share/java/junit-platform-console-standalone.jar";

/// The frameworks.
#[derive(Debug)]
pub(crate) struct Floor {
    tools: PathBuf,
    images: Option<Images>,
    versions: String,
}

/// A program laid out for one run after another. Deleted when dropped.
#[derive(Debug)]
pub(crate) struct Laid {
    language: Language,
    folder: TempDir,
}

impl Laid {
    fn program(&self) -> PathBuf {
        self.folder.path().join("program")
    }
}

impl Floor {
    /// Finds what scripts/bench-floor has installed.
    pub(crate) fn find(images: Option<Images>) -> anyhow::Result<Self> {
        let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench-tools");
        for tool in ["python/bin/pytest", "node_modules/.bin/jest", JUNIT] {
            if !tools.join(tool).exists() {
                bail!(
                    "{} is missing: scripts/bench-floor installs it, and scripts/bench execute \
                     does that by itself",
                    tools.join(tool).display()
                );
            }
        }
        std::fs::create_dir_all(tools.join("runs"))?;
        let mut floor = Self { tools, images, versions: String::new() };
        floor.versions = floor.ask_versions()?;
        Ok(floor)
    }

    pub(crate) const fn images(&self) -> Option<&Images> {
        self.images.as_ref()
    }

    /// For people: which interpreters and frameworks these are.
    pub(crate) fn versions(&self) -> &str {
        &self.versions
    }

    /// Lays a program out where nothing of it has ever run.
    pub(crate) fn lay(&self, language: Language) -> anyhow::Result<Laid> {
        let folder = TempDir::with_prefix_in("run-", self.tools.join("runs"))?;
        // Whoever runs it in a container is another user.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        let laid = Laid { language, folder };
        std::fs::create_dir(laid.program())?;
        std::fs::create_dir(laid.folder.path().join("tmp"))?;
        language.write_to(&laid.program())?;
        Ok(laid)
    }

    /// Runs the framework on the host.
    pub(crate) fn bare(&self, laid: &Laid) -> anyhow::Result<Sample> {
        let mut command = match laid.language {
            Language::Python => {
                let mut command = Command::new(self.tools.join("python/bin/python3"));
                command.args(["-m", "pytest", "-q"]);
                command
            }
            Language::JavaScript | Language::TypeScript => {
                Command::new(self.tools.join("node_modules/.bin/jest"))
            }
            Language::Java => {
                let mut command = Command::new("sh");
                command.args(["-c", &java_line(&self.tools.join(JUNIT))]);
                command
            }
        };
        // Jest and the shell line keep what they make in the folder for temporary files; so the
        // next run of the same files finds it, and nobody else does.
        command.current_dir(laid.program()).env("TMPDIR", laid.folder.path().join("tmp"));
        let cpu = kernel::children_cpu_ms()?;
        let milliseconds = timed(&mut command, laid.language)?;
        Ok(Sample { milliseconds, cpu_ms: Some(kernel::children_cpu_ms()? - cpu) })
    }

    /// Runs the framework in a container of our own image, made for it; `None` without docker.
    pub(crate) fn docker_run(&self, laid: &Laid) -> anyhow::Result<Option<Sample>> {
        let Some(images) = &self.images else { return Ok(None) };
        let image = images.tag(laid.language.runtime())?;
        let mount = |from: &Path, to: &str| format!("{}:{to}:ro", from.display());
        let mut command = Command::new("docker");
        command.args(["run", "--rm", "--network", "none"]);
        match laid.language {
            Language::Python => command
                .args(["--volume", &mount(&laid.program(), "/work"), "--workdir", "/work"])
                .args(["--env", "PYTHONPATH=/opt/tester/python/lib", "--entrypoint", "python3"])
                // Nothing can be written beside the files.
                .args([image, "-m", "pytest", "-q", "-p", "no:cacheprovider"]),
            Language::JavaScript | Language::TypeScript => {
                // The whole of it: Jest is looked for in the folders above.
                let inside = laid.program();
                let inside = inside.strip_prefix(&self.tools)?;
                command
                    .args(["--volume", &mount(&self.tools, "/tools")])
                    .arg("--workdir")
                    .arg(Path::new("/tools").join(inside))
                    .args(["--entrypoint", "/tools/node_modules/.bin/jest", image])
            }
            Language::Java => command
                .args(["--volume", &mount(&laid.program(), "/work"), "--workdir", "/work"])
                .args(["--volume", &mount(&self.tools.join(JUNIT), "/junit.jar")])
                .args(["--env", "TMPDIR=/tmp", "--entrypoint", "sh", image, "-c"])
                .arg(java_line(Path::new("/junit.jar"))),
        };
        let milliseconds = timed(&mut command, laid.language)?;
        // The container is no child of ours, but of the daemon.
        Ok(Some(Sample { milliseconds, cpu_ms: None }))
    }

    fn ask_versions(&self) -> anyhow::Result<String> {
        let jest = self.tools.join("node_modules/.bin/jest");
        let host = [
            said(Command::new(self.tools.join("python/bin/python3")).arg("--version"))?,
            said(Command::new(self.tools.join("python/bin/pytest")).arg("--version"))?,
            format!("Node {}", said(Command::new("node").arg("--version"))?),
            format!("Jest {}", said(Command::new(jest).arg("--version"))?),
            said(Command::new("javac").arg("--version"))?,
            format!("JUnit {}", self.junit_version().unwrap_or_else(|| "unknown".to_owned())),
        ];
        let mut versions = format!("On the host: {}.", host.join(", "));
        if let Some(images) = &self.images {
            let mut inside = Vec::new();
            for (runtime, program) in [("python", "python3"), ("node", "node"), ("java", "javac")] {
                let mut command = Command::new("docker");
                command.args(["run", "--rm", "--network", "none", "--entrypoint", program]);
                let said = said(command.args([images.tag(runtime)?, "--version"]))?;
                inside.push(if runtime == "node" { format!("Node {said}") } else { said });
            }
            versions.push_str(&format!("\nIn the images: {}.", inside.join(", ")));
        }
        Ok(versions)
    }

    /// Debian names it in a link beside the jar.
    fn junit_version(&self) -> Option<String> {
        let jars = std::fs::read_dir(self.tools.join(JUNIT).parent()?).ok()?;
        jars.flatten().find_map(|jar| {
            let name = jar.file_name().into_string().ok()?;
            Some(name.strip_prefix("junit-jupiter-engine-")?.strip_suffix(".jar")?.to_owned())
        })
    }
}

fn java_line(junit: &Path) -> String {
    let junit = junit.display();
    format!(
        "javac -d \"$TMPDIR/classes\" -cp '{junit}' ./*.java && \
         java -jar '{junit}' -cp \"$TMPDIR/classes\" --scan-classpath"
    )
}

/// Milliseconds that the command took. That not all tests passed is an error.
fn timed(command: &mut Command, language: Language) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    let milliseconds = begun.elapsed().as_secs_f64() * 1_000.0;
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    let marker = language.all_passed();
    if !output.status.success() || !(out.contains(&marker) || err.contains(&marker)) {
        bail!("{command:?} must say {marker:?}: {}\n{out}\n{err}", output.status);
    }
    Ok(milliseconds)
}

fn said(command: &mut Command) -> anyhow::Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
