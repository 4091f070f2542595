use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{LanguageCode, Locale, ProgramText, TraceContext};

/// What a user wants to see run: tests, and the code they test.
#[derive(Clone, Debug)]
pub struct ExecutionRequest {
    /// The code under test.
    pub source: ProgramText,
    /// The tests.
    pub tests: ProgramText,
    /// The language of both.
    pub language: LanguageCode,
    /// Limits below the configured ones.
    pub limits: RequestedLimits,
    /// The language of messages.
    pub locale: Locale,
    /// Where in a trace the run was asked for.
    pub trace: TraceContext,
}

/// What a caller may lower for one run. A value above the configured limit is cut down to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestedLimits {
    /// Longest run in milliseconds of wall time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    /// Most output in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<u64>,
}

/// How a run ended, all in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Every test passed or was skipped, and at least one passed.
    Passed,
    /// A test failed.
    Failed,
    /// The code does not compile, import or collect, or has no test.
    Error,
    /// The wall time was used up.
    Timeout,
    /// The memory was used up.
    OutOfMemory,
    /// More was printed than is kept.
    OutputLimit,
    /// The process was ended by a signal.
    Crashed,
    /// The run ended early, an expected test never reported, or all were skipped.
    Incomplete,
    /// The run tried to talk its way to a verdict.
    Tampered,
    /// This worker can't run that language.
    Unsupported,
    /// No sandbox could be had.
    Unavailable,
}

/// How one test ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestStatus {
    /// It passed.
    Passed,
    /// An assertion did not hold, or something was raised.
    Failed,
    /// What surrounds it (set-up, tear-down) failed.
    Error,
    /// It was left out on purpose.
    Skipped,
    /// It began and never reported an end.
    Unfinished,
}

/// One test's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TestResult {
    /// What tells it from the others: the framework's own id.
    pub id: String,
    /// What the framework displays.
    pub name: String,
    /// How it ended.
    pub status: TestStatus,
    /// How long it took, by the sandbox's own clock.
    pub duration_ms: f64,
    /// In short, what is wrong.
    #[schema(required = true)]
    pub message: Option<String>,
    /// The line of the test code that failed, or where the test is defined; counted from 1.
    #[schema(required = true)]
    pub line: Option<u32>,
    /// What was printed while it ran.
    pub output: String,
}

/// What a run cost, from the host's clock and the kernel's accounts, never from the sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunStats {
    /// From claim to death, in milliseconds.
    pub wall_ms: u64,
    /// CPU time in milliseconds; null where the host can't account for it.
    #[schema(required = true)]
    pub cpu_ms: Option<u64>,
    /// Most memory held, in bytes; null where the host can't account for it.
    #[schema(required = true)]
    pub peak_memory_bytes: Option<u64>,
    /// Tests by how they ended.
    pub tests: TestCounts,
}

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TestCounts {
    /// All of them.
    pub total: u32,
    /// Those that passed.
    pub passed: u32,
    /// Those that failed.
    pub failed: u32,
    /// Those whose surroundings failed.
    pub errors: u32,
    /// Those left out on purpose.
    pub skipped: u32,
    /// Those that never reported an end.
    pub unfinished: u32,
}

/// A limit that a run reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LimitReached {
    /// Which.
    pub limit: Limit,
    /// Its value: milliseconds for `wall`, bytes for `memory` and `output`, a count for `processes`.
    pub value: u64,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Wall time, in milliseconds.
    Wall,
    /// Memory, in bytes.
    Memory,
    /// What is printed, in bytes.
    Output,
    /// Processes and threads.
    Processes,
}

/// What came of running tests, and why it can be believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Verdict {
    /// True for `passed` alone.
    pub success: bool,
    /// The run as the test framework would report it.
    pub output: String,
    /// What is wrong, in short; empty when nothing is.
    pub error: String,
    /// How the run ended.
    pub status: RunStatus,
    /// Each test, in the order it was found.
    pub tests: Vec<TestResult>,
    /// What the run cost.
    pub stats: RunStats,
    /// The limits that were reached.
    pub limits_reached: Vec<LimitReached>,
    /// How the run was isolated: `docker/runc`, `docker/runsc`, `namespace`, `reduced`, …; empty
    /// when nothing ran.
    pub isolation: String,
    /// The language of the run.
    #[schema(value_type = String)]
    pub language: LanguageCode,
}

/// What happens while tests run.
#[derive(Clone, Debug, PartialEq)]
pub enum ExecutionEvent {
    /// A test ended. What the final verdict says of it counts.
    Test(TestResult),
    /// The end: there is nothing after it.
    Result(Box<Verdict>),
}

impl RunStatus {
    /// Its name on the wire and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Timeout => "timeout",
            Self::OutOfMemory => "out_of_memory",
            Self::OutputLimit => "output_limit",
            Self::Crashed => "crashed",
            Self::Incomplete => "incomplete",
            Self::Tampered => "tampered",
            Self::Unsupported => "unsupported",
            Self::Unavailable => "unavailable",
        }
    }
}

impl TestCounts {
    /// Counts results.
    #[must_use]
    pub fn of(tests: &[TestResult]) -> Self {
        let mut counts = Self::default();
        for test in tests {
            counts.total += 1;
            *match test.status {
                TestStatus::Passed => &mut counts.passed,
                TestStatus::Failed => &mut counts.failed,
                TestStatus::Error => &mut counts.errors,
                TestStatus::Skipped => &mut counts.skipped,
                TestStatus::Unfinished => &mut counts.unfinished,
            } += 1;
        }
        counts
    }
}

/// Whole milliseconds, as verdicts count them.
#[must_use]
pub fn whole_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
