use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use tester::domain::{
    Effort, Freshness, GenerationId, GenerationRequest, LanguageCode, Locale, RunStatus,
    SourceCode, SuiteReport, Writer,
};
use tester::gateways::{TestWriter as _, WriterError, WritingEvent};

use crate::options::Options;
use crate::program::{Pair, Program, Variant};
use crate::sandboxes::Sandboxes;

/// How often a suite is run on the correct version once more, after all runs of the engine's own.
const RUNS: usize = 5;

/// What came of one variant of one program.
#[derive(Debug)]
pub(crate) struct Trial {
    pub(crate) id: String,
    pub(crate) language: LanguageCode,
    pub(crate) variant: Variant,
    /// From the order to the last test, or to the refusal.
    pub(crate) took: Duration,
    pub(crate) suite: Result<Suite, WriterError>,
}

/// A suite and how it did.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) report: SuiteReport,
    /// Runs on the correct version that did not pass.
    pub(crate) false_alarms: usize,
    /// Whether a test fails on the buggy version.
    pub(crate) caught: bool,
}

impl Trial {
    pub(crate) async fn run(
        sandboxes: &Sandboxes,
        options: &Options,
        program: &Program,
        variant: Variant,
        pair: Pair<'_>,
    ) -> anyhow::Result<Self> {
        let Program { id, language, .. } = program;
        let begun = Instant::now();
        let written = write(sandboxes, options, *language, pair.correct).await;
        let took = begun.elapsed();
        let suite = match written {
            Ok((text, report)) => {
                if let Some(folder) = &options.keep {
                    keep(folder, program, variant, &text)?;
                }
                Ok(judge(sandboxes, *language, pair, &text, report).await.context(id.clone())?)
            }
            Err(error) => Err(error),
        };
        Ok(Self { id: id.clone(), language: *language, variant, took, suite })
    }

    pub(crate) fn caught(&self) -> bool {
        self.suite.as_ref().is_ok_and(|suite| suite.caught)
    }

    pub(crate) fn false_alarms(&self) -> usize {
        self.suite.as_ref().map_or(0, |suite| suite.false_alarms)
    }

    /// Progress, for whoever waits.
    pub(crate) fn line(&self) -> String {
        let Self { id, variant, took, suite, .. } = self;
        let came = match suite {
            Err(error) => format!("no suite: {error}"),
            Ok(Suite { report, false_alarms, caught }) => {
                let caught = if *caught { "caught" } else { "missed" };
                let alarms = if *false_alarms > 0 { ", FALSE ALARMS" } else { "" };
                let SuiteReport { tests, rows, mutants, .. } = report;
                let (killed, total) = (mutants.killed, mutants.total);
                format!("{caught}{alarms}, {tests} tests, {rows} rows, {killed}/{total} mutants")
            }
        };
        format!("{id} {}: {came}, {:.1} s", variant.name(), took.as_secs_f64())
    }
}

async fn write(
    sandboxes: &Sandboxes,
    options: &Options,
    language: LanguageCode,
    source: &str,
) -> Result<(String, SuiteReport), WriterError> {
    let request = GenerationRequest {
        source: SourceCode::parse(source).expect("programs of an evaluation can be sent"),
        language,
        writer: Writer::Builtin,
        description: None,
        freshness: Freshness::CachedWillDo,
        locale: Locale::English,
        effort: Effort { budget: Duration::from_millis(options.budget_ms), seed: options.seed },
    };
    let mut writing = sandboxes.builtin.write(&request, GenerationId::random()).await?;
    let (mut text, mut report) = (String::new(), SuiteReport::default());
    while let Some(event) = writing.next().await {
        match event? {
            WritingEvent::Test(test) => text += &test,
            WritingEvent::Finished { suite, .. } => report = suite.unwrap_or_default(),
            WritingEvent::Step(_) | WritingEvent::Answer(_) => {}
        }
    }
    Ok((text, report))
}

async fn judge(
    sandboxes: &Sandboxes,
    language: LanguageCode,
    pair: Pair<'_>,
    text: &str,
    report: SuiteReport,
) -> anyhow::Result<Suite> {
    let mut false_alarms = 0;
    for _ in 0..RUNS {
        if sandboxes.run(language, pair.correct, text).await? != RunStatus::Passed {
            false_alarms += 1;
        }
    }
    let caught = sandboxes.run(language, pair.buggy, text).await? != RunStatus::Passed;
    Ok(Suite { report, false_alarms, caught })
}

fn keep(folder: &Path, program: &Program, variant: Variant, text: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let end = match program.language {
        LanguageCode::Python => "py",
        _ => "js",
    };
    let id = program.id.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let path = folder.join(format!("{id}.{}.{end}", variant.name()));
    fs::write(&path, text).with_context(|| format!("{}", path.display()))
}
