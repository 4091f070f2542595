use super::*;
use crate::sandbox::protocol::{Breakage, CollectedTest, FinishedTest, HarnessEvent, Part, Phase};

const EXITED: Ending = Ending::Exited { code: Some(0), signal: None };

/// A run of these tests that went its regular way.
fn reported(tests: &[(&str, TestStatus)]) -> Transcript {
    let mut transcript = unfinished(tests);
    transcript.event(HarnessEvent::Done);
    transcript
}

fn unfinished(tests: &[(&str, TestStatus)]) -> Transcript {
    let mut transcript = Transcript::default();
    transcript.event(collected(tests.iter().map(|(id, _)| *id)));
    for (id, status) in tests {
        transcript.event(HarnessEvent::Started { id: (*id).to_owned() });
        transcript.event(finished(id, *status));
    }
    transcript
}

fn collected<'a>(ids: impl Iterator<Item = &'a str>) -> HarnessEvent {
    let test = |id: &str| CollectedTest { id: id.to_owned(), name: id.to_owned(), line: Some(1) };
    HarnessEvent::Collected { tests: ids.map(test).collect() }
}

fn finished(id: &str, status: TestStatus) -> HarnessEvent {
    let message = (status == TestStatus::Failed).then(|| "assert 1 == 2".to_owned());
    HarnessEvent::Finished(FinishedTest {
        id: id.to_owned(),
        status,
        duration_ms: 1.0,
        message,
        detail: None,
        line: Some(2),
    })
}

struct Run {
    transcript: Transcript,
    ending: Ending,
    usage: Usage,
    source: &'static str,
    tests: &'static str,
}

impl Run {
    fn of(transcript: Transcript) -> Self {
        let usage = Usage::default();
        Self { transcript, ending: EXITED, usage, source: "", tests: "" }
    }

    fn judged(&self) -> Verdict {
        self.judged_as(LanguageCode::Python)
    }

    fn judged_as(&self, language: LanguageCode) -> Verdict {
        judge(&Facts {
            language,
            locale: Locale::English,
            manifest: &crate::languages::manifest(language, self.source, self.tests),
            transcript: &self.transcript,
            ending: self.ending,
            usage: self.usage,
            idle_cpu: Some(Duration::from_millis(100)),
            wall: Duration::from_millis(123),
            limits: &LIMITS,
            isolation: "namespace".to_owned(),
        })
    }

    fn status(&self) -> RunStatus {
        self.judged().status
    }
}

const LIMITS: Limits = Limits {
    wall: Duration::from_secs(10),
    memory_bytes: 256 << 20,
    processes: 64,
    cpu_millis: 1_000,
    output_bytes: 1 << 20,
    files_bytes: 64 << 20,
    files_count: 4_096,
};

const TWO: &str = "def test_a():\n    pass\n\ndef test_b():\n    pass\n";

#[test]
fn a_run_passes_when_every_expected_test_passed() {
    let passed = TestStatus::Passed;
    let run = Run { tests: TWO, ..Run::of(reported(&[("test_a", passed), ("test_b", passed)])) };
    let verdict = run.judged();
    assert_eq!((verdict.status, verdict.success), (RunStatus::Passed, true));
    assert_eq!(verdict.error, "");
    assert_eq!(verdict.stats.tests.passed, 2);
}

#[test]
fn a_test_that_is_in_the_text_and_never_reports_makes_the_run_incomplete() {
    let run = Run { tests: TWO, ..Run::of(reported(&[("test_a", TestStatus::Passed)])) };
    let verdict = run.judged();
    assert_eq!(verdict.status, RunStatus::Incomplete);
    assert!(verdict.error.contains("test_b"), "{}", verdict.error);
}

#[test]
fn a_failed_test_or_a_failed_set_up_fails_the_run() {
    for status in [TestStatus::Failed, TestStatus::Error] {
        let run = Run::of(reported(&[("test_a", TestStatus::Passed), ("test_b", status)]));
        assert_eq!(run.status(), RunStatus::Failed);
    }
}

#[test]
fn a_run_without_a_test_that_ran_is_not_passed() {
    assert_eq!(Run::of(reported(&[])).status(), RunStatus::Error);
    let run = Run::of(reported(&[("test_a", TestStatus::Skipped)]));
    assert_eq!(run.status(), RunStatus::Incomplete);
    let hidden = "if a:\n    def test_a():\n        pass\n";
    let run = Run { tests: hidden, ..Run::of(reported(&[])) };
    assert_eq!(run.status(), RunStatus::Incomplete);
}

#[test]
fn an_end_without_the_last_word_is_no_pass_whatever_was_reported() {
    let all = || unfinished(&[("test_a", TestStatus::Passed)]);
    let ended = |ending| Run { ending, ..Run::of(all()) }.status();
    assert_eq!(ended(EXITED), RunStatus::Incomplete);
    assert_eq!(ended(Ending::Exited { code: Some(1), signal: None }), RunStatus::Incomplete);
    assert_eq!(ended(Ending::Exited { code: None, signal: Some(11) }), RunStatus::Crashed);
    assert_eq!(ended(Ending::Timeout), RunStatus::Timeout);
    assert_eq!(ended(Ending::OutputLimit), RunStatus::OutputLimit);
    assert_eq!(ended(Ending::Lost), RunStatus::Crashed);
}

#[test]
fn the_kernels_word_on_memory_comes_before_every_report() {
    let usage = Usage { out_of_memory_kills: Some(1), ..Usage::default() };
    for ending in [EXITED, Ending::Timeout, Ending::Exited { code: None, signal: Some(9) }] {
        let run = Run { ending, usage, ..Run::of(reported(&[("test_a", TestStatus::Passed)])) };
        let verdict = run.judged();
        assert_eq!(verdict.status, RunStatus::OutOfMemory);
        let reached = LimitReached { limit: Limit::Memory, value: LIMITS.memory_bytes };
        assert_eq!(verdict.limits_reached, [reached]);
    }
}

#[test]
fn a_runtime_that_noticed_its_want_of_memory_itself_is_understood() {
    let ending = Ending::Exited { code: Some(3), signal: None };
    let run = Run { ending, ..Run::of(Transcript::default()) };
    assert_eq!(run.judged_as(LanguageCode::Java).status, RunStatus::OutOfMemory);
    assert_eq!(run.judged().status, RunStatus::Incomplete);
    let mut transcript = Transcript::default();
    transcript.output(b"FATAL ERROR: JavaScript heap out of memory\n");
    let ending = Ending::Exited { code: None, signal: Some(6) };
    let run = Run { ending, ..Run::of(transcript) };
    assert_eq!(run.judged_as(LanguageCode::JavaScript).status, RunStatus::OutOfMemory);
}

#[test]
fn reports_against_the_rules_are_tampering() {
    let passed = TestStatus::Passed;
    let a = || HarnessEvent::Started { id: "test_a".to_owned() };
    let cases: [(&str, Vec<HarnessEvent>); 7] = [
        ("started and not collected", vec![a()]),
        ("started twice", vec![collected(["test_a"].into_iter()), a(), a()]),
        ("finished and not collected", vec![finished("test_a", passed)]),
        (
            "finished and not started",
            vec![collected(["test_a"].into_iter()), finished("test_a", passed)],
        ),
        (
            "finished twice",
            vec![
                collected(["test_a"].into_iter()),
                a(),
                finished("test_a", TestStatus::Failed),
                finished("test_a", passed),
            ],
        ),
        ("collected twice", vec![collected(["test_a", "test_a"].into_iter())]),
        ("more after the end", vec![HarnessEvent::Done, collected(["test_a"].into_iter())]),
    ];
    for (what, events) in cases {
        let mut transcript = Transcript::default();
        for event in events {
            transcript.event(event);
        }
        transcript.event(HarnessEvent::Done);
        assert_eq!(Run::of(transcript).status(), RunStatus::Tampered, "{what}");
    }
}

#[test]
fn a_pass_by_a_judge_of_ones_own_is_tampering_and_a_failure_stays_one() {
    let shadowing = |status| Run {
        source: "const expect = () => ({ toBe() {} });",
        tests: "test('a', () => { expect(1).toBe(2); });",
        ..Run::of(reported(&[("a", status)]))
    };
    let status = |status| shadowing(status).judged_as(LanguageCode::JavaScript).status;
    assert_eq!(status(TestStatus::Passed), RunStatus::Tampered);
    assert_eq!(status(TestStatus::Failed), RunStatus::Failed);
}

#[test]
fn what_breaks_before_a_test_runs_is_an_error_with_its_place() {
    let mut transcript = Transcript::default();
    transcript.event(HarnessEvent::Broken(Breakage {
        phase: Phase::Compile,
        part: Some(Part::Source),
        line: Some(3),
        message: "SyntaxError: invalid syntax".to_owned(),
        detail: None,
    }));
    transcript.event(HarnessEvent::Done);
    let verdict = Run::of(transcript).judged();
    assert_eq!(verdict.status, RunStatus::Error);
    assert_eq!(verdict.error, "The code does not compile (line 3): SyntaxError: invalid syntax");
}

#[test]
fn a_test_that_was_cut_off_keeps_what_it_printed() {
    let mut transcript = Transcript::default();
    transcript.event(collected(["test_a", "test_b"].into_iter()));
    transcript.event(HarnessEvent::Started { id: "test_a".to_owned() });
    transcript.output(b"before the end");
    let verdict = Run { ending: Ending::Timeout, ..Run::of(transcript) }.judged();
    assert_eq!(verdict.tests[0].status, TestStatus::Unfinished);
    assert_eq!(verdict.tests[0].output, "before the end");
    assert_eq!(verdict.stats.tests.unfinished, 2);
    assert!(verdict.output.contains("before the end"), "{}", verdict.output);
}

#[test]
fn the_cpu_time_of_waiting_is_not_the_runs() {
    let usage = Usage { cpu: Some(Duration::from_millis(150)), ..Usage::default() };
    let run = Run { usage, ..Run::of(reported(&[("test_a", TestStatus::Passed)])) };
    assert_eq!(run.judged().stats.cpu_ms, Some(50));
}

#[test]
fn a_report_reads_like_the_frameworks_own() {
    let tests = [
        ("test_a", TestStatus::Passed),
        ("test_b", TestStatus::Failed),
        ("test_c", TestStatus::Skipped),
    ];
    insta::assert_snapshot!(Run::of(reported(&tests)).judged().output);
    let tests = [("math > adds", TestStatus::Passed), ("math > subtracts", TestStatus::Failed)];
    let run = Run::of(reported(&tests));
    insta::assert_snapshot!(run.judged_as(LanguageCode::JavaScript).output);
    let tests = [("CalcTest#adds", TestStatus::Passed), ("CalcTest#subtracts", TestStatus::Failed)];
    let run = Run::of(reported(&tests));
    insta::assert_snapshot!(run.judged_as(LanguageCode::Java).output);
}
