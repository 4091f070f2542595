//! The run as the language's own test framework would report it, from what was seen of it. Made
//! here and not in the sandbox, so that a run that was killed has a report too, and no code can
//! write one.

use super::Facts;
use super::transcript::Entry;
use crate::domain::{LanguageCode, RunStats, TestResult, TestStatus};

/// What pytest's rules are as wide as.
const WIDTH: usize = 80;
/// A report is cut here: printed output is bounded already, failure texts are, and names are.
const REPORT_MAX: usize = 4 * 1024 * 1024;

/// The report, in the style of the language's framework.
pub(super) fn report(facts: &Facts<'_>, tests: &[TestResult], stats: &RunStats) -> String {
    let mut text = match facts.language {
        LanguageCode::Python => pytest(facts, tests, stats),
        LanguageCode::JavaScript | LanguageCode::TypeScript => jest(facts, tests, stats),
        LanguageCode::Java => junit(facts, tests, stats),
    };
    if text.len() > REPORT_MAX {
        let mut end = REPORT_MAX;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str("\n… (cut)\n");
    }
    text
}

fn pytest(facts: &Facts<'_>, tests: &[TestResult], stats: &RunStats) -> String {
    let mut out = rule('=', "test session starts");
    let count = tests.len();
    out += &format!("collected {count} item{}\n\n", plural(count));
    if !tests.is_empty() {
        let dots: String = tests.iter().map(|test| letter(test.status)).collect();
        out += &format!("test_code.py {dots}\n\n");
    }
    out += &loose(facts, |text| rule('-', "Captured output") + text);
    if !facts.transcript.breakages().is_empty() {
        out += &rule('=', "ERRORS");
        for breakage in facts.transcript.breakages() {
            out += &rule('_', "ERROR collecting test_code.py");
            out += &block(breakage.detail.as_deref().unwrap_or(&breakage.message));
        }
    }
    for (status, title) in [
        (TestStatus::Error, "ERRORS"),
        (TestStatus::Failed, "FAILURES"),
        (TestStatus::Unfinished, "UNFINISHED"),
    ] {
        let entries: Vec<&Entry> = with_status(facts, status).collect();
        if entries.is_empty() {
            continue;
        }
        out += &rule('=', title);
        for entry in entries {
            out += &rule('_', &entry.test.name);
            out += &block(entry.detail().unwrap_or_default());
            let printed = entry.output();
            if !printed.is_empty() {
                out += &rule('-', "Captured output");
                out += &block(&printed);
            }
        }
    }
    let mut summary = String::new();
    for test in tests {
        let word = match test.status {
            TestStatus::Failed => "FAILED",
            TestStatus::Error => "ERROR",
            TestStatus::Unfinished => "UNFINISHED",
            TestStatus::Passed | TestStatus::Skipped => continue,
        };
        let message = test.message.as_ref().map(|text| format!(" - {text}")).unwrap_or_default();
        summary += &format!("{word} test_code.py::{}{message}\n", test.id);
    }
    if !summary.is_empty() {
        out += &rule('=', "short test summary info");
        out += &summary;
    }
    let counts = &stats.tests;
    let mut parts = Vec::new();
    for (count, word) in [
        (counts.failed, "failed"),
        (counts.passed, "passed"),
        (counts.skipped, "skipped"),
        (counts.unfinished, "unfinished"),
        (counts.errors + u32::try_from(facts.transcript.breakages().len()).unwrap_or(1), "error"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let parts = if parts.is_empty() { "no tests ran".to_owned() } else { parts.join(", ") };
    out + &rule('=', &format!("{parts} in {}", seconds(stats)))
}

fn jest(facts: &Facts<'_>, tests: &[TestResult], stats: &RunStats) -> String {
    let extension = if facts.language == LanguageCode::TypeScript { "ts" } else { "js" };
    let counts = &stats.tests;
    let broken = facts.transcript.breakages();
    let good = counts.passed > 0
        && counts.failed + counts.errors + counts.unfinished == 0
        && broken.is_empty();
    let mut out = format!("{} ./test_code.{extension}\n", if good { "PASS" } else { "FAIL" });
    let mut open: Vec<&str> = Vec::new();
    for test in tests {
        let path: Vec<&str> = test.id.split(" > ").collect();
        let titles = &path[..path.len() - 1];
        let shared = open.iter().zip(titles).take_while(|(open, title)| open == title).count();
        for (depth, title) in titles.iter().enumerate().skip(shared) {
            out += &format!("{:indent$}{title}\n", "", indent = 2 * (depth + 1));
        }
        open = titles.to_vec();
        let mark = match test.status {
            TestStatus::Passed => "✓",
            TestStatus::Failed | TestStatus::Error => "✕",
            TestStatus::Skipped | TestStatus::Unfinished => "○",
        };
        let word = match test.status {
            TestStatus::Skipped => "skipped ",
            TestStatus::Unfinished => "unfinished ",
            _ => "",
        };
        let indent = 2 * path.len();
        let time = if test.duration_ms >= 1.0 {
            format!(" ({:.0} ms)", test.duration_ms)
        } else {
            String::new()
        };
        out += &format!("{:indent$}{mark} {word}{}{time}\n", "", test.name);
    }
    for breakage in broken {
        out += "\n  ● Test suite failed to run\n\n";
        out += &indented(breakage.detail.as_deref().unwrap_or(&breakage.message));
    }
    for entry in facts.transcript.entries() {
        if matches!(entry.status(), TestStatus::Failed | TestStatus::Error) {
            out += &format!("\n  ● {}\n\n", entry.test.id.replace(" > ", " › "));
            out += &indented(entry.detail().unwrap_or_default());
        }
        let printed = entry.output();
        if !printed.is_empty() {
            out += &format!("\n  console ({})\n\n", entry.test.id.replace(" > ", " › "));
            out += &indented(&printed);
        }
    }
    out += &loose(facts, |text| "\n  console\n\n".to_owned() + &indented(text));
    let mut parts = Vec::new();
    for (count, word) in [
        (counts.failed + counts.errors, "failed"),
        (counts.unfinished, "unfinished"),
        (counts.skipped, "skipped"),
        (counts.passed, "passed"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.push(format!("{} total", counts.total));
    out + &format!("\nTests:       {}\nTime:        {}\n", parts.join(", "), seconds(stats))
}

fn junit(facts: &Facts<'_>, tests: &[TestResult], stats: &RunStats) -> String {
    let mut out = String::from("JUnit Jupiter\n");
    let mut open = "";
    for test in tests {
        let (class, _) = test.id.split_once('#').unwrap_or((&test.id, ""));
        if class != open {
            out += &format!("├─ {class}\n");
            open = class;
        }
        let mark = match test.status {
            TestStatus::Passed => "[OK]",
            TestStatus::Failed | TestStatus::Error => "[X]",
            TestStatus::Skipped => "[S]",
            TestStatus::Unfinished => "[?]",
        };
        let message = test.message.as_ref().map(|text| format!(" {text}")).unwrap_or_default();
        out += &format!("│  ├─ {} {mark}{message}\n", test.name);
    }
    for breakage in facts.transcript.breakages() {
        out.push('\n');
        out += &block(breakage.detail.as_deref().unwrap_or(&breakage.message));
    }
    let failures: Vec<&Entry> = facts
        .transcript
        .entries()
        .iter()
        .filter(|entry| matches!(entry.status(), TestStatus::Failed | TestStatus::Error))
        .collect();
    if !failures.is_empty() {
        out += &format!("\nFailures ({}):\n", failures.len());
        for entry in failures {
            out += &format!("  JUnit Jupiter:{}\n", entry.test.id.replace('#', ":"));
            out += &indented(entry.detail().unwrap_or_default());
        }
    }
    for entry in facts.transcript.entries() {
        let printed = entry.output();
        if !printed.is_empty() {
            out += &format!("\nOutput of {}:\n", entry.test.id);
            out += &block(&printed);
        }
    }
    out += &loose(facts, |text| "\nOutput:\n".to_owned() + &block(text));
    let counts = &stats.tests;
    out += &format!("\nTest run finished after {} ms\n", stats.wall_ms);
    for (count, word) in [
        (counts.total, "found"),
        (counts.skipped, "skipped"),
        (counts.total - counts.skipped, "started"),
        (counts.unfinished, "unfinished"),
        (counts.passed, "successful"),
        (counts.failed + counts.errors, "failed"),
    ] {
        out += &format!("[{count:>10} tests {word:<10} ]\n");
    }
    out
}

fn with_status<'a>(
    facts: &'a Facts<'_>,
    status: TestStatus,
) -> impl Iterator<Item = &'a Entry> + use<'a> {
    facts.transcript.entries().iter().filter(move |entry| entry.status() == status)
}

/// What was printed outside of every test, if anything was.
fn loose(facts: &Facts<'_>, section: impl FnOnce(&str) -> String) -> String {
    let text = facts.transcript.loose_output();
    if text.is_empty() { text } else { ended(section(&text)) }
}

/// A title in the middle of a line.
fn rule(line: char, title: &str) -> String {
    let length = title.chars().count() + 2;
    let sides = WIDTH.saturating_sub(length).max(2);
    let left = sides / 2;
    let (left, right): (String, String) = (
        std::iter::repeat_n(line, left).collect(),
        std::iter::repeat_n(line, sides - left).collect(),
    );
    format!("{left} {title} {right}\n")
}

const fn letter(status: TestStatus) -> char {
    match status {
        TestStatus::Passed => '.',
        TestStatus::Failed => 'F',
        TestStatus::Error => 'E',
        TestStatus::Skipped => 's',
        TestStatus::Unfinished => '?',
    }
}

fn block(text: &str) -> String {
    ended(text.to_owned())
}

fn ended(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut out, line| {
        if !line.is_empty() {
            out.push_str("    ");
            out.push_str(line);
        }
        out.push('\n');
        out
    })
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn seconds(stats: &RunStats) -> String {
    format!("{}.{:02}s", stats.wall_ms / 1_000, stats.wall_ms % 1_000 / 10)
}
