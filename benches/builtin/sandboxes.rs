use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tester::app::engines;
use tester::builtin::Builtin;
use tester::config::{DevSettings, EngineChoice, PerRuntime, Sources};
use tester::domain::{
    ExecutionEvent, ExecutionRequest, LanguageCode, Locale, ProgramText, RequestedLimits,
    RunStatus, Runtime, TraceContext,
};
use tester::gateways::{Executor as _, ExecutorError};
use tester::sandbox::Runner;

use crate::program::Program;

/// Where the test frameworks are: installed once, for the tests as well.
const TOOLCHAINS: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/execution");
/// Sandboxes of a language that are kept started.
const WARM: usize = 2;
/// Between two askings of a full queue.
const PAUSE: Duration = Duration::from_millis(200);

/// Sandboxes of this process, by the namespace engine, and the built-in engine over them.
pub(crate) struct Sandboxes {
    runner: Runner,
    pub(crate) builtin: Builtin,
}

impl Sandboxes {
    /// Starts them for the languages of these programs.
    pub(crate) async fn start(programs: &[Program]) -> anyhow::Result<Self> {
        let settings = DevSettings::load(&Sources::default());
        let mut settings = settings.map_err(|problems| anyhow::anyhow!("{problems}"))?.sandbox;
        settings.executable = Some(env!("CARGO_BIN_EXE_tester").into());
        settings.engine = Some(EngineChoice::Namespace);
        settings.warm = PerRuntime::default();
        for program in programs {
            *settings.warm.get_mut(Runtime::of(program.language)) = WARM;
        }
        let engine = engines::for_dev(&settings, Path::new(TOOLCHAINS)).await?;
        let runner = Runner::start(engine, &settings);
        let builtin = Builtin::new(Arc::new(runner.clone()));
        Ok(Self { runner, builtin })
    }

    pub(crate) async fn stop(self) {
        self.runner.refuse_work();
        self.runner.cut_work_off();
        self.runner.destroy().await;
    }

    /// How a suite ends on a source.
    pub(crate) async fn run(
        &self,
        language: LanguageCode,
        source: &str,
        tests: &str,
    ) -> anyhow::Result<RunStatus> {
        let request = ExecutionRequest {
            source: ProgramText::parse(source.to_owned())?,
            tests: ProgramText::parse(tests.to_owned())?,
            language,
            limits: RequestedLimits::default(),
            locale: Locale::English,
            trace: TraceContext::random(),
        };
        let mut execution = loop {
            match self.runner.start(request.clone()).await {
                Err(ExecutorError::Busy { .. }) => tokio::time::sleep(PAUSE).await,
                started => break started?,
            }
        };
        while let Some(event) = execution.recv().await {
            if let ExecutionEvent::Result(verdict) = event? {
                if matches!(verdict.status, RunStatus::Unavailable | RunStatus::Unsupported) {
                    bail!("{}", verdict.error);
                }
                return Ok(verdict.status);
            }
        }
        None.context("the run ended without a verdict")
    }
}
