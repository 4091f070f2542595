//! Which engine makes this process's sandboxes, and the proof that it does what it must.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::{DockerSettings, EngineChoice, SandboxSettings};
use crate::domain::{
    ExecutionEvent, ExecutionRequest, LanguageCode, Locale, ProgramText, RequestedLimits,
    RunStatus, Runtime, TestStatus, TraceContext, Verdict,
};
use crate::gateways::Executor as _;
use crate::sandbox::docker::DockerEngine;
use crate::sandbox::docker::images::{self, BuildHost, Executable};
use crate::sandbox::{Engine, EngineError, NoEngine, Runner};

/// Why tests can't be run here.
#[derive(Debug, thiserror::Error)]
pub enum EngineProblem {
    /// Our own executable, which every sandbox starts, can't be read.
    #[error("this executable can't be read: {0}")]
    Executable(#[from] io::Error),
    /// The engine can't be used, or one of its runtimes can't.
    #[error("tests can't be run here: {0}")]
    Unusable(String),
    /// Sandboxes start, but what runs in them does not behave.
    #[error("the {runtime} sandbox failed its trial: {what}")]
    Trial {
        /// Which.
        runtime: Runtime,
        /// What came instead.
        what: String,
    },
}

/// The engine of `tester worker`: docker unless told otherwise, whole or not at all. What an
/// earlier worker left is destroyed.
///
/// # Errors
///
/// [`EngineProblem`] when the engine or any runtime can't be used.
pub async fn for_worker(
    settings: &SandboxSettings,
    data_dir: &Path,
) -> Result<Arc<dyn Engine>, EngineProblem> {
    let engine = match settings.engine {
        None | Some(EngineChoice::Docker) => docker(settings).await?,
        Some(EngineChoice::Namespace) => {
            host::namespace(settings, data_dir).await.map_err(EngineProblem::Unusable)?
        }
    };
    let mut problems = Vec::new();
    for runtime in Runtime::ALL {
        if let Err(error) = engine.check(runtime).await {
            problems.push(format!("{runtime}: {error}"));
        }
    }
    if !problems.is_empty() {
        return Err(EngineProblem::Unusable(problems.join("; ")));
    }
    reap(&*engine).await;
    Ok(engine)
}

/// The engine of `tester dev`: what this machine has, the embedded one first.
///
/// # Errors
///
/// [`EngineProblem`] when the engine that was asked for can't be used, or none can.
pub async fn for_dev(
    settings: &SandboxSettings,
    data_dir: &Path,
) -> Result<Arc<dyn Engine>, EngineProblem> {
    let engine = match settings.engine {
        Some(EngineChoice::Docker) => docker(settings).await?,
        Some(EngineChoice::Namespace) => {
            host::namespace(settings, data_dir).await.map_err(EngineProblem::Unusable)?
        }
        None => match host::namespace(settings, data_dir).await {
            Ok(engine) => engine,
            Err(refusal) => match usable_docker(settings).await {
                Ok(engine) => {
                    tracing::info!(refusal, "no namespaces here: tests run in Docker");
                    engine
                }
                Err(problem) => {
                    tracing::warn!(
                        refusal,
                        %problem,
                        "neither namespaces nor Docker: tests run in the REDUCED mode, with \
                         weaker isolation. Run only code that you trust as your own"
                    );
                    match host::reduced(settings, data_dir).await {
                        Ok(engine) => engine,
                        // Generating works all the same.
                        Err(refusal) => {
                            tracing::error!(refusal, "tests can't be run on this machine");
                            Arc::new(NoEngine(refusal))
                        }
                    }
                }
            },
        },
    };
    reap(&*engine).await;
    Ok(engine)
}

/// Has every runtime run a test that passes and one that fails, and believes what it sees.
///
/// # Errors
///
/// [`EngineProblem::Trial`] when a verdict is not the right one.
pub async fn prove(runner: &Runner) -> Result<(), EngineProblem> {
    // One after the other, for a queue may have room for one alone.
    for runtime in Runtime::ALL {
        let verdict =
            trial(runner, runtime).await.map_err(|what| EngineProblem::Trial { runtime, what })?;
        let statuses: Vec<TestStatus> = verdict.tests.iter().map(|test| test.status).collect();
        let sound = verdict.status == RunStatus::Failed
            && statuses == [TestStatus::Passed, TestStatus::Failed];
        if !sound {
            let what = format!("{} {statuses:?}: {}", verdict.status.as_str(), verdict.error);
            return Err(EngineProblem::Trial { runtime, what });
        }
    }
    Ok(())
}

async fn trial(runner: &Runner, runtime: Runtime) -> Result<Verdict, String> {
    let (language, source, tests) = match runtime {
        Runtime::Python => (
            LanguageCode::Python,
            "one = 1\n",
            "def test_right():\n    assert one == 1\n\ndef test_wrong():\n    assert one == 2\n",
        ),
        Runtime::Node => (
            LanguageCode::JavaScript,
            "const one = 1;\n",
            "test('right', () => expect(one).toBe(1));\ntest('wrong', () => expect(one).toBe(2));\n",
        ),
        Runtime::Java => (
            LanguageCode::Java,
            "class One { static final int ONE = 1; }\n",
            "import static org.junit.jupiter.api.Assertions.assertEquals;\n\
             import org.junit.jupiter.api.*;\n\
             @TestMethodOrder(MethodOrderer.MethodName.class)\n\
             class OneTest {\n\
             @Test void right() { assertEquals(1, One.ONE); }\n\
             @Test void wrong() { assertEquals(2, One.ONE); }\n\
             }\n",
        ),
    };
    let text = |text: &str| ProgramText::parse(text.to_owned()).map_err(|error| error.to_string());
    let request = ExecutionRequest {
        source: text(source)?,
        tests: text(tests)?,
        language,
        limits: RequestedLimits::default(),
        locale: Locale::English,
        trace: TraceContext::random(),
    };
    let mut execution = runner.start(request).await.map_err(|error| error.to_string())?;
    while let Some(event) = execution.recv().await {
        if let ExecutionEvent::Result(verdict) = event.map_err(|error| error.to_string())? {
            return Ok(*verdict);
        }
    }
    Err("the run ended without a verdict".to_owned())
}

/// Builds the images of the docker engine, and tells how it goes.
///
/// # Errors
///
/// [`EngineProblem`] when one can't be built.
pub async fn build_images(
    settings: &DockerSettings,
    progress: &mut (dyn io::Write + Send),
) -> Result<(), EngineProblem> {
    let executable = Executable::read(std::env::current_exe()?).await?;
    let host = BuildHost::from_environment(super::environment::variable);
    images::build_images(settings, &executable, &host, progress)
        .await
        .map(drop)
        .map_err(|error| EngineProblem::Unusable(error.to_string()))
}

async fn docker(settings: &SandboxSettings) -> Result<Arc<dyn Engine>, EngineProblem> {
    let executable = Executable::read(executable(settings)?).await?;
    let engine =
        DockerEngine::connect(settings, &executable).await.map_err(|error| unusable(&error))?;
    Ok(Arc::new(engine))
}

fn executable(settings: &SandboxSettings) -> io::Result<PathBuf> {
    settings.executable.clone().map_or_else(std::env::current_exe, Ok)
}

/// Docker with all images: in `auto`, a daemon that was never prepared is no choice.
async fn usable_docker(settings: &SandboxSettings) -> Result<Arc<dyn Engine>, EngineProblem> {
    let engine = docker(settings).await?;
    for runtime in Runtime::ALL {
        engine.check(runtime).await.map_err(|error| unusable(&error))?;
    }
    Ok(engine)
}

async fn reap(engine: &dyn Engine) {
    match engine.reap().await {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "destroyed sandboxes that an earlier worker left"),
        Err(error) => tracing::warn!(%error, "can't look for what an earlier worker left"),
    }
}

fn unusable(error: &EngineError) -> EngineProblem {
    EngineProblem::Unusable(error.to_string())
}

/// The engines that need nothing but this machine's own kernel.
#[cfg(target_os = "linux")]
mod host {
    use super::{Arc, Engine, Path, SandboxSettings};
    use crate::sandbox::namespace::{self, Mode, NamespaceEngine};
    use crate::sandbox::toolchain::Toolchains;

    pub(super) async fn namespace(
        settings: &SandboxSettings,
        data_dir: &Path,
    ) -> Result<Arc<dyn Engine>, String> {
        start(settings, data_dir, Mode::Namespaces).await
    }

    pub(super) async fn reduced(
        settings: &SandboxSettings,
        data_dir: &Path,
    ) -> Result<Arc<dyn Engine>, String> {
        let work = data_dir.join("work");
        start(settings, data_dir, Mode::Reduced { work }).await
    }

    async fn start(
        settings: &SandboxSettings,
        data_dir: &Path,
        mode: Mode,
    ) -> Result<Arc<dyn Engine>, String> {
        let tester = super::executable(settings).map_err(|error| error.to_string())?;
        namespace::probe(&tester, &mode).await.map_err(|refusal| refusal.to_string())?;
        let progress = Box::new(|what: &str| tracing::info!("{what}"));
        let toolchains =
            Toolchains::new(data_dir.to_owned(), tester.clone(), mode.clone(), progress);
        let engine = NamespaceEngine::new(tester, mode, toolchains, settings.limits)
            .map_err(|error| error.to_string())?;
        Ok(Arc::new(engine))
    }
}

/// Elsewhere there are none.
#[cfg(not(target_os = "linux"))]
mod host {
    use super::{Arc, Engine, Path, SandboxSettings};

    const NONE: &str = "namespaces are Linux's; install Docker and run \
                        `tester worker --build-images`";

    pub(super) async fn namespace(
        _: &SandboxSettings,
        _: &Path,
    ) -> Result<Arc<dyn Engine>, String> {
        Err(NONE.to_owned())
    }

    pub(super) async fn reduced(_: &SandboxSettings, _: &Path) -> Result<Arc<dyn Engine>, String> {
        Err(NONE.to_owned())
    }
}
