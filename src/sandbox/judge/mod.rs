//! From what was seen of a run to the verdict on it.
//!
//! The order of the rules is the order of trust: what the kernel and the supervisor saw comes
//! before what the harness reported, and what it reported counts only if it reported all of it.

mod report;
#[cfg(test)]
mod tests;
mod transcript;
mod words;

use std::time::Duration;

use self::report::report;
pub(super) use self::transcript::{TESTS_MAX, Transcript};
use self::words::Reason;
use super::engine::Usage;
use crate::domain::{
    LanguageCode, Limit, LimitReached, Limits, Locale, RunStats, RunStatus, TestCounts, TestResult,
    TestStatus, Verdict, whole_milliseconds,
};
use crate::languages::{Manifest, Role};

/// The status with which a JVM ends that ran out of heap (`-XX:+ExitOnOutOfMemoryError`).
const JAVA_OUT_OF_MEMORY: i32 = 3;
/// How V8 ends itself when its heap is used up.
const SIGABRT: i32 = 6;
/// How V8 ends what it prints before it aborts for want of memory.
const NODE_OUT_OF_MEMORY: &str = "JavaScript heap out of memory";

/// How the run came to its end, as the host saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The harness ended, and nothing else lived on.
    Exited {
        /// Its exit status, if it ended by itself.
        code: Option<i32>,
        /// The signal that ended it, if one did.
        signal: Option<i32>,
    },
    /// The wall time was over; the host ended it.
    Timeout,
    /// More was printed than is kept; the host ended it.
    OutputLimit,
    /// The supervisor fell silent: its sandbox was taken away, or killed as a whole.
    Lost,
}

/// Everything a verdict is made of.
pub(super) struct Facts<'a> {
    pub(super) language: LanguageCode,
    pub(super) locale: Locale,
    pub(super) manifest: &'a Manifest,
    pub(super) transcript: &'a Transcript,
    pub(super) ending: Ending,
    /// What the run used, by the kernel's accounts.
    pub(super) usage: Usage,
    /// CPU time used before the claim, which is not the run's.
    pub(super) idle_cpu: Option<Duration>,
    /// From claim to death.
    pub(super) wall: Duration,
    pub(super) limits: &'a Limits,
    pub(super) isolation: String,
}

/// Judges a run.
pub(super) fn judge(facts: &Facts<'_>) -> Verdict {
    let (status, reason) = decide(facts);
    let mut tests = facts.transcript.results();
    if tests.iter().any(|test| test.status == TestStatus::Unfinished)
        && status != RunStatus::Timeout
    {
        explain_unfinished(&mut tests, facts.locale);
    }
    let cost = account(facts, &tests);
    let output = report(facts, &tests, &cost);
    Verdict {
        success: status == RunStatus::Passed,
        output,
        error: reason.text(facts.locale),
        status,
        stats: cost,
        limits_reached: limits_reached(facts, status),
        isolation: facts.isolation.clone(),
        language: facts.language,
        tests,
    }
}

/// A verdict where nothing ran.
pub(super) fn nothing_ran(
    language: LanguageCode,
    status: RunStatus,
    why: &str,
    locale: Locale,
) -> Verdict {
    let reason = match status {
        RunStatus::Unsupported => Reason::Unsupported(why.to_owned()),
        _ => Reason::Unavailable,
    };
    Verdict {
        success: false,
        output: String::new(),
        error: reason.text(locale),
        status,
        tests: Vec::new(),
        stats: RunStats::default(),
        limits_reached: Vec::new(),
        isolation: String::new(),
        language,
    }
}

fn decide(facts: &Facts<'_>) -> (RunStatus, Reason) {
    let transcript = facts.transcript;
    if let Some(reason) = transcript.tampering() {
        return (RunStatus::Tampered, Reason::Tampered(reason.to_owned()));
    }
    if out_of_memory(facts) {
        return (RunStatus::OutOfMemory, Reason::OutOfMemory(facts.limits.memory_bytes));
    }
    match facts.ending {
        Ending::Timeout => (RunStatus::Timeout, Reason::Timeout(facts.limits.wall)),
        Ending::OutputLimit => {
            (RunStatus::OutputLimit, Reason::OutputLimit(facts.limits.output_bytes))
        }
        Ending::Lost => (RunStatus::Crashed, Reason::Lost),
        Ending::Exited { signal: Some(signal), .. } => (RunStatus::Crashed, Reason::Signal(signal)),
        Ending::Exited { code, .. } if !transcript.is_done() => {
            (RunStatus::Incomplete, Reason::EndedEarly(code.unwrap_or_default()))
        }
        Ending::Exited { .. } => decide_by_reports(facts),
    }
}

/// The run came to its regular end: now the reports count, if they are complete.
fn decide_by_reports(facts: &Facts<'_>) -> (RunStatus, Reason) {
    let transcript = facts.transcript;
    if let Some(breakage) = transcript.breakages().first() {
        return (RunStatus::Error, Reason::Broken(breakage.clone()));
    }
    let entries = transcript.entries();
    if let Some(entry) = entries.iter().find(|entry| entry.finished.is_none()) {
        return (RunStatus::Incomplete, Reason::Unfinished(entry.test.id.clone()));
    }
    let reported: Vec<&str> = entries.iter().map(|entry| entry.test.id.as_str()).collect();
    if let Some(missing) = facts.manifest.missing(reported.iter().copied()).first() {
        return (RunStatus::Incomplete, Reason::Missing(missing.pattern.id().to_owned()));
    }
    if entries.is_empty() {
        return match facts.manifest.expected.first() {
            // The text has some, if only under a condition.
            Some(test) => (RunStatus::Incomplete, Reason::Missing(test.pattern.id().to_owned())),
            None => (RunStatus::Error, Reason::NoTests),
        };
    }
    let count = |status| entries.iter().filter(|entry| entry.status() == status).count();
    let (failed, errors) = (count(TestStatus::Failed), count(TestStatus::Error));
    if failed + errors > 0 {
        return (RunStatus::Failed, Reason::Failed { failed: failed + errors, of: entries.len() });
    }
    if count(TestStatus::Passed) == 0 {
        return (RunStatus::Incomplete, Reason::AllSkipped);
    }
    // Honest code may call something of its own so; but then a pass proves nothing.
    if let Some(shadow) = facts.manifest.shadows.iter().find(|shadow| shadow.role == Role::Judge) {
        return (RunStatus::Tampered, Reason::Shadowed(shadow.name.clone()));
    }
    (RunStatus::Passed, Reason::None)
}

fn out_of_memory(facts: &Facts<'_>) -> bool {
    if facts.usage.out_of_memory_kills.is_some_and(|kills| kills > 0) {
        return true;
    }
    // Where a language's own runtime notices first, it ends in a way of its own.
    match (facts.language, facts.ending) {
        (LanguageCode::Java, Ending::Exited { code: Some(JAVA_OUT_OF_MEMORY), .. }) => {
            !facts.transcript.is_done()
        }
        (
            LanguageCode::JavaScript | LanguageCode::TypeScript,
            Ending::Exited { signal: Some(SIGABRT), .. },
        ) => facts.transcript.all_output().contains(NODE_OUT_OF_MEMORY),
        _ => false,
    }
}

fn limits_reached(facts: &Facts<'_>, status: RunStatus) -> Vec<LimitReached> {
    let limits = facts.limits;
    let by_status = match status {
        RunStatus::Timeout => Some((Limit::Wall, whole_milliseconds(limits.wall))),
        RunStatus::OutOfMemory => Some((Limit::Memory, limits.memory_bytes)),
        RunStatus::OutputLimit => Some((Limit::Output, limits.output_bytes)),
        _ => None,
    };
    let refused = facts.usage.refused_processes.is_some_and(|refused| refused > 0);
    let processes = refused.then_some((Limit::Processes, u64::from(limits.processes)));
    [by_status, processes]
        .into_iter()
        .flatten()
        .map(|(limit, value)| LimitReached { limit, value })
        .collect()
}

fn account(facts: &Facts<'_>, tests: &[TestResult]) -> RunStats {
    let cpu = facts.usage.cpu.map(|cpu| cpu.saturating_sub(facts.idle_cpu.unwrap_or_default()));
    RunStats {
        wall_ms: whole_milliseconds(facts.wall),
        cpu_ms: cpu.map(whole_milliseconds),
        peak_memory_bytes: facts.usage.peak_memory_bytes,
        tests: TestCounts::of(tests),
    }
}

fn explain_unfinished(tests: &mut [TestResult], locale: Locale) {
    for test in tests.iter_mut().filter(|test| test.status == TestStatus::Unfinished) {
        test.message = Some(words::UNFINISHED.pick(locale).to_owned());
    }
}
