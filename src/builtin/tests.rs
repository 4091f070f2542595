//! The engine over sandboxes that answer by a script: what it makes of every way a run can end. What
//! explorers find in real sandboxes is in `tests/execution`.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use super::*;
use crate::domain::{
    BUILTIN_NAME, Effort, ExecutionEvent, ExecutionRequest, Freshness, Locale, RunStats, RunStatus,
    SourceCode, TestCounts, TestResult, TestStatus, Verdict, Writer,
};
use crate::gateways::{Execution, ExecutorError};

/// How one run of the script goes.
enum Run {
    /// It prints these records, and ends so.
    Explorer { records: &'static [&'static str], status: RunStatus },
    /// These tests fail, all others of the file pass.
    Suite { failing: &'static [&'static str] },
    /// It is not taken on.
    Refused(ExecutorError),
    /// It never ends.
    Endless,
}

/// Plays the runs of a script in their order; the last one again and again.
struct Script {
    runs: Mutex<VecDeque<Run>>,
    asked: Mutex<Vec<ExecutionRequest>>,
    endless: Mutex<Vec<mpsc::Sender<Result<ExecutionEvent, ExecutorError>>>>,
}

impl Script {
    fn new(runs: impl IntoIterator<Item = Run>) -> Arc<Self> {
        Arc::new(Self {
            runs: Mutex::new(runs.into_iter().collect()),
            asked: Mutex::new(Vec::new()),
            endless: Mutex::new(Vec::new()),
        })
    }

    fn asked(&self) -> Vec<ExecutionRequest> {
        self.asked.lock().expect("nobody panics with it").clone()
    }
}

#[async_trait]
impl Executor for Script {
    async fn start(&self, request: ExecutionRequest) -> Result<Execution, ExecutorError> {
        self.asked.lock().expect("nobody panics with it").push(request.clone());
        let mut runs = self.runs.lock().expect("nobody panics with it");
        let again = match runs.front() {
            Some(Run::Suite { failing }) if runs.len() == 1 => Some(Run::Suite { failing }),
            Some(Run::Refused(error)) if runs.len() == 1 => Some(Run::Refused(error.clone())),
            _ => None,
        };
        let run = again.or_else(|| runs.pop_front()).expect("a script is long enough");
        let (sender, execution) = mpsc::channel(1);
        let verdict = match run {
            Run::Explorer { records, status } => explored(&request, records, status),
            Run::Suite { failing } => checked(&request, failing),
            Run::Refused(error) => return Err(error),
            Run::Endless => {
                self.endless.lock().expect("nobody panics with it").push(sender);
                return Ok(execution);
            }
        };
        let result = ExecutionEvent::Result(Box::new(verdict));
        sender.try_send(Ok(result)).expect("there is room");
        Ok(execution)
    }
}

fn explored(request: &ExecutionRequest, records: &[&str], status: RunStatus) -> Verdict {
    let tests = request.tests.as_str();
    let (_, behind) = tests.split_once("\"nonce\":\"").expect("a plan has a nonce");
    let (nonce, _) = behind.split_once('"').expect("it is a text");
    let lines: Vec<_> = records.iter().map(|record| format!("{nonce} {record}")).collect();
    let output = lines.join("\n");
    let test = TestResult { output, ..result("test_explore", TestStatus::Passed) };
    verdict(vec![test], status)
}

fn checked(request: &ExecutionRequest, failing: &[&str]) -> Verdict {
    let names = request.tests.as_str().split("def ").skip(1);
    let names = names.filter_map(|text| text.split('(').next());
    let status = |name: &str| {
        if failing.contains(&name) { TestStatus::Failed } else { TestStatus::Passed }
    };
    let tests: Vec<_> = names.map(|name| result(name, status(name))).collect();
    let passed = tests.iter().all(|test| test.status == TestStatus::Passed);
    verdict(tests, if passed { RunStatus::Passed } else { RunStatus::Failed })
}

fn result(id: &str, status: TestStatus) -> TestResult {
    TestResult {
        id: id.to_owned(),
        name: id.to_owned(),
        status,
        duration_ms: 1.0,
        message: None,
        line: None,
        output: String::new(),
    }
}

fn verdict(tests: Vec<TestResult>, status: RunStatus) -> Verdict {
    Verdict {
        success: status == RunStatus::Passed,
        output: String::new(),
        error: format!("It ended with {}.", status.as_str()),
        status,
        stats: RunStats { wall_ms: 100, tests: TestCounts::of(&tests), ..RunStats::default() },
        tests,
        limits_reached: Vec::new(),
        isolation: "script".to_owned(),
        language: LanguageCode::Python,
    }
}

fn request(language: LanguageCode) -> GenerationRequest {
    GenerationRequest {
        source: SourceCode::parse("def f(x):\n    return x\n").expect("a source"),
        language,
        writer: Writer::Builtin,
        description: None,
        freshness: Freshness::CachedWillDo,
        locale: Locale::English,
        effort: Effort { budget: Duration::from_secs(10), seed: 7 },
    }
}

async fn write(script: &Arc<Script>) -> Result<Vec<WritingEvent>, WriterError> {
    let builtin = Builtin::new(Arc::clone(script) as Arc<dyn Executor>);
    let writing = builtin.write(&request(LanguageCode::Python), GenerationId::random()).await?;
    writing.collect::<Vec<_>>().await.into_iter().collect()
}

/// The text and the report.
fn suite(events: &[WritingEvent]) -> (String, SuiteReport) {
    let text = events.iter().filter_map(|event| match event {
        WritingEvent::Test(text) => Some(text.as_str()),
        _ => None,
    });
    let Some(WritingEvent::Finished { suite: Some(report), .. }) = events.last() else {
        panic!("no end: {events:?}")
    };
    (text.collect(), report.clone())
}

const MODULE: &str = r#"{"kind":"entering","target":"<module>"}"#;
const F: &str = r#"{"kind":"entering","target":"f"}"#;
const G: &str = r#"{"kind":"entering","target":"g"}"#;
const HEADER: &str = r#"{"kind":"header","text":"import pytest\n"}"#;
const TEST_F: &str = r#"{"kind":"test","test":{"target":"f","before":"\n\ndef test_f():\n    assert f(1) == 1\n","test_id":"test_f"}}"#;
const TEST_G: &str = r#"{"kind":"test","test":{"target":"g","before":"\n\ndef test_g():\n    assert g(1) == 1\n","test_id":"test_g"}}"#;
const DRAFT_F: &str = r#"{"kind":"draft","test":{"target":"f","before":"\n\ndef test_f():\n    assert f(1) == 1\n","test_id":"test_f"}}"#;
const SUMMARY: &str = r#"{"kind":"summary","lines":{"covered":2,"total":2},"branches":{"covered":0,"total":0},"mutants":{"killed":3,"total":4},"dropped":1,"skipped":[]}"#;

const PASSES: Run = Run::Suite { failing: &[] };

fn complete(records: &'static [&'static str]) -> Run {
    Run::Explorer { records, status: RunStatus::Passed }
}

#[tokio::test]
async fn a_suite_is_sent_test_by_test_once_it_has_passed_five_times() {
    let script = Script::new([complete(&[MODULE, F, G, HEADER, TEST_F, TEST_G, SUMMARY]), PASSES]);
    let events = write(&script).await.expect("a suite");
    assert_eq!(events[0], WritingEvent::Step(WritingStep::Exploring));
    assert_eq!(events[1], WritingEvent::Step(WritingStep::Checking));
    assert_eq!(events.len(), 5, "two steps, two tests, the end: {events:?}");
    let (text, report) = suite(&events);
    assert!(text.starts_with("import pytest\n\n\ndef test_f():"), "{text}");
    assert_eq!((report.tests, report.rows, report.unstable_dropped), (2, 2, 1));
    assert_eq!((report.mutants.killed, report.mutants.total), (3, 4));
    let asked = script.asked();
    assert_eq!(asked.len(), 1 + 5);
    assert!(asked[1..].iter().all(|run| run.tests.as_str() == text), "what is sent is what ran");
    assert!(asked[0].tests.as_str().contains("\"seed\":7"));
}

#[tokio::test]
async fn what_fails_in_any_of_the_runs_is_left_out_and_the_rest_must_pass_five_times() {
    let script = Script::new([
        complete(&[MODULE, F, G, HEADER, TEST_F, TEST_G, SUMMARY]),
        PASSES,
        PASSES,
        PASSES,
        Run::Suite { failing: &["test_g"] },
        PASSES,
    ]);
    let (text, report) = suite(&write(&script).await.expect("a suite"));
    assert!(text.contains("test_f") && !text.contains("test_g"), "{text}");
    assert_eq!((report.tests, report.unstable_dropped), (1, 2));
    let last: Vec<_> = script.asked().into_iter().rev().take(5).collect();
    assert!(last.iter().all(|run| run.tests.as_str() == text));
}

#[tokio::test]
async fn nothing_is_sent_when_nothing_passes() {
    let script = Script::new([
        complete(&[MODULE, F, HEADER, TEST_F, SUMMARY]),
        Run::Suite { failing: &["test_f"] },
    ]);
    let error = write(&script).await.expect_err("no test is left");
    assert_eq!(error, ExplorationError::NothingTestable.into());
}

#[tokio::test]
async fn a_test_that_fails_under_a_name_nobody_knows_ends_it() {
    let odd = r#"{"kind":"test","test":{"target":"f","before":"\n\ndef test_f():\n    assert f(1) == 1\n","test_id":"other"}}"#;
    let records: &'static [&'static str] = Box::leak(Box::new([MODULE, HEADER, odd, SUMMARY]));
    let script = Script::new([complete(records), Run::Suite { failing: &["test_f"] }]);
    let error = write(&script).await.expect_err("it can't be left out");
    assert_eq!(error, ExplorationError::Unstable.into());
}

#[tokio::test]
async fn a_target_that_hangs_is_skipped_by_the_next_search() {
    let script = Script::new([
        Run::Explorer { records: &[MODULE, F, HEADER, DRAFT_F, G], status: RunStatus::Timeout },
        complete(&[MODULE, F, HEADER, TEST_F, SUMMARY]),
        PASSES,
    ]);
    let (text, report) = suite(&write(&script).await.expect("a suite for the rest"));
    assert!(text.contains("test_f"));
    assert_eq!(report.skipped, ["g: It ended with timeout"]);
    assert!(script.asked()[1].tests.as_str().contains("\"skip\":[\"g\"]"));
}

#[tokio::test]
async fn what_was_drafted_is_delivered_when_no_search_comes_to_its_end() {
    let cut_off = || Run::Explorer {
        records: &[MODULE, F, HEADER, DRAFT_F, G],
        status: RunStatus::OutOfMemory,
    };
    let script = Script::new([cut_off(), cut_off(), cut_off(), cut_off(), PASSES]);
    let (text, report) = suite(&write(&script).await.expect("the drafts"));
    assert!(text.contains("test_f"), "{text}");
    assert_eq!(report.mutants.total, 0, "nobody counted any");
}

#[tokio::test]
async fn drafts_of_the_only_target_are_delivered_though_the_next_search_has_nothing_to_add() {
    let script = Script::new([
        Run::Explorer { records: &[MODULE, F, HEADER, DRAFT_F], status: RunStatus::Timeout },
        complete(&[MODULE, HEADER, SUMMARY]),
        PASSES,
    ]);
    let (text, report) = suite(&write(&script).await.expect("the drafts"));
    assert!(text.contains("test_f"), "{text}");
    assert_eq!(report.skipped, ["f: It ended with timeout"]);
}

#[tokio::test]
async fn a_source_that_cannot_be_loaded_is_told_with_its_reason() {
    let raises = r#"{"kind":"broken","error":"ModuleNotFoundError: No module named 'numpy'"}"#;
    let records: &'static [&'static str] = Box::leak(Box::new([MODULE, raises]));
    for (run, reason) in [
        (complete(records), "ModuleNotFoundError: No module named 'numpy'"),
        (Run::Explorer { records: &[MODULE], status: RunStatus::Timeout }, "It ended with timeout"),
    ] {
        let error = write(&Script::new([run])).await.expect_err("nothing can be explored");
        let reason = reason.to_owned();
        assert_eq!(error, ExplorationError::Unloadable { reason }.into());
    }
}

#[tokio::test]
async fn an_explorer_that_says_nothing_is_not_blamed_on_the_source() {
    let script = Script::new([complete(&[])]);
    let error = write(&script).await.expect_err("nothing was said");
    assert!(matches!(error, WriterError::Exploration(ExplorationError::Unavailable(_))), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_waited_for_but_not_for_ever() {
    let busy = || Run::Refused(ExecutorError::Busy { retry_after: Duration::from_secs(9) });
    let script =
        Script::new([busy(), busy(), complete(&[MODULE, F, HEADER, TEST_F, SUMMARY]), PASSES]);
    write(&script).await.expect("a place was free in time");
    let error = write(&Script::new([busy()])).await.expect_err("none ever was");
    let retry_after = Duration::from_secs(9);
    assert_eq!(error, ExplorationError::Busy { retry_after }.into());
}

#[tokio::test]
async fn whoever_drops_the_stream_ends_the_run() {
    let script = Script::new([Run::Endless]);
    let builtin = Builtin::new(Arc::clone(&script) as Arc<dyn Executor>);
    let mut writing = builtin
        .write(&request(LanguageCode::Python), GenerationId::random())
        .await
        .expect("a stream");
    assert!(writing.next().await.is_some(), "the first step");
    assert!(futures_util::poll!(writing.next()).is_pending());
    let sender = script.endless.lock().expect("nobody panics with it")[0].clone();
    assert!(!sender.is_closed());
    drop(writing);
    assert!(sender.is_closed());
}

#[tokio::test]
async fn a_source_beyond_a_job_is_refused_with_the_limit() {
    let builtin = Builtin::new(Script::new([]));
    let mut request = request(LanguageCode::Python);
    let source = format!("x = '{}'", "\\n".repeat(40_000));
    request.source = SourceCode::parse(&source).expect("it may be sent");
    let writing = builtin.write(&request, GenerationId::random()).await.expect("a stream");
    let last = writing.collect::<Vec<_>>().await.pop().expect("an end");
    let Err(WriterError::Exploration(ExplorationError::TooLong { actual, max })) = last else {
        panic!("{last:?}")
    };
    assert!(actual > max && max == 100_000, "{actual} {max}");
}

#[tokio::test]
async fn other_languages_are_refused() {
    let builtin = Builtin::new(Script::new([]));
    for language in LanguageCode::ALL.into_iter().filter(|language| !builtin.writes(*language)) {
        let refused = builtin.write(&request(language), GenerationId::random()).await.err();
        assert_eq!(refused, Some(ExplorationError::Language(language).into()));
    }
    assert_eq!(Writer::Builtin.name(), BUILTIN_NAME);
}
