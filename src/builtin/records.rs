//! What an explorer printed, read with the suspicion that user code deserves: it runs in the same
//! process, may print whatever it likes, and may have changed what the explorer is made of.

use serde::Deserialize;

use crate::domain::{Coverage, Mutants, Verdict};

/// Most records that are read of a run; an honest one has some for each target.
const RECORDS_MAX: usize = 20_000;
/// Most tests of a suite.
const TESTS_MAX: usize = 1_000;
/// Most rows of a test.
const ROWS_MAX: usize = 500;
/// Most of what is said to be skipped that is passed on.
const SKIPPED_MAX: usize = 100;
/// Longest line that is passed on to a person, in characters.
const LINE_MAX: usize = 300;

/// One record.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Record {
    Entering { target: String },
    Broken { error: String },
    Draft { test: Block },
    Header { text: String },
    Test { test: Block },
    Summary(Summary),
}

/// The text of one test, in parts: rows of its table can be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Block {
    /// What it tests.
    pub(super) target: String,
    pub(super) before: String,
    #[serde(default)]
    pub(super) rows: Vec<Row>,
    #[serde(default)]
    pub(super) after: String,
    /// The id the harness reports, of a test without rows.
    #[serde(default)]
    pub(super) test_id: Option<String>,
}

/// A row of a table of cases.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Row {
    /// The id the harness reports.
    pub(super) test_id: String,
    /// Whole lines.
    pub(super) text: String,
}

/// What the explorer says of its work at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Summary {
    #[serde(default)]
    pub(super) lines: Coverage,
    #[serde(default)]
    pub(super) branches: Coverage,
    #[serde(default)]
    pub(super) mutants: Mutants,
    /// Cases that differed from run to run.
    #[serde(default)]
    pub(super) dropped: u32,
    #[serde(default)]
    pub(super) skipped: Vec<String>,
}

/// Everything a run told.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// What the explorer was about to run, the latest last.
    pub(super) entered: Vec<String>,
    /// Why the source can't be loaded.
    pub(super) broken: Option<String>,
    /// The head of the file, as last told.
    pub(super) header: String,
    pub(super) drafts: Vec<Block>,
    pub(super) tests: Vec<Block>,
    /// There is one if the explorer came to its end.
    pub(super) summary: Option<Summary>,
}

impl Records {
    /// Reads what was printed in a run. A test that was not ended by its own report printed its
    /// records all the same.
    pub(super) fn of(verdict: &Verdict, nonce: &str) -> Self {
        let by_test = verdict.tests.iter().map(|test| test.output.as_str());
        let records = Self::read(by_test.flat_map(str::lines), nonce);
        if records.is_empty() {
            // Nothing was collected, or the process was gone before it could say what runs.
            return Self::read(verdict.output.lines(), nonce);
        }
        records
    }

    fn read<'a>(lines: impl Iterator<Item = &'a str>, nonce: &str) -> Self {
        let mut records = Self::default();
        let marked = lines.filter_map(|line| line.trim_start().strip_prefix(nonce));
        for json in marked.take(RECORDS_MAX) {
            // What can't be read is user code's, or was cut off.
            if let Ok(record) = serde_json::from_str(json) {
                records.add(record);
            }
        }
        records
    }

    fn is_empty(&self) -> bool {
        self.entered.is_empty() && self.broken.is_none() && self.summary.is_none()
    }

    fn add(&mut self, record: Record) {
        match record {
            Record::Entering { target } => self.entered.push(target),
            Record::Broken { error } => self.broken = Some(one_line(&error)),
            Record::Header { text } if is_text(&text) => self.header = text,
            Record::Header { .. } => {}
            Record::Draft { test } => keep(&mut self.drafts, test),
            Record::Test { test } => keep(&mut self.tests, test),
            Record::Summary(summary) => self.summary = Some(summary.tamed()),
        }
    }
}

impl Summary {
    fn tamed(mut self) -> Self {
        self.lines.covered = self.lines.covered.min(self.lines.total);
        self.branches.covered = self.branches.covered.min(self.branches.total);
        self.mutants.killed = self.mutants.killed.min(self.mutants.total);
        self.skipped.truncate(SKIPPED_MAX);
        for what in &mut self.skipped {
            *what = one_line(what);
        }
        self
    }
}

/// Keeps a test that can stand in a file, without the rows that can't.
fn keep(blocks: &mut Vec<Block>, mut block: Block) {
    block.rows.retain(|row| is_text(&row.text) && !row.test_id.is_empty());
    block.rows.truncate(ROWS_MAX);
    let has_cases =
        !block.rows.is_empty() || block.test_id.as_ref().is_some_and(|id| !id.is_empty());
    let sound = is_text(&block.before) && is_text(&block.after);
    if has_cases && sound && blocks.len() < TESTS_MAX {
        blocks.push(block);
    }
}

/// Whether a text has no character that acts on whoever reads it; explorers escape those.
fn is_text(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// A text on one line, of bounded length.
pub(super) fn one_line(text: &str) -> String {
    let line: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LINE_MAX + 1).collect();
    let line = line.trim();
    if line.chars().count() > LINE_MAX {
        return line.chars().take(LINE_MAX - 1).chain(['…']).collect();
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NONCE: &str = "f00d";

    fn read(text: &str) -> Records {
        Records::read(text.lines(), NONCE)
    }

    #[test]
    fn records_are_found_among_whatever_else_is_printed() {
        let records = read(
            "hello\nf00d {\"kind\":\"entering\",\"target\":\"<module>\"}\nf00d \nf00dx\n\
             beef {\"kind\":\"broken\",\"error\":\"not ours\"}\n\
             f00d {\"kind\":\"header\",\"text\":\"import pytest\\n\"}\n\
             f00d {\"kind\":\"test\",\"test\":{\"target\":\"f\",\"section\":\"behaviour\",\"name\":\"test_f\",\
             \"before\":\"a\\n\",\"rows\":[{\"test_id\":\"test_f[x]\",\"text\":\"b\\n\"}],\"after\":\"c\\n\"}}\n\
             f00d {\"kind\":\"summary\",\"lines\":{\"covered\":3,\"total\":2},\"skipped\":[\"g: hung\\u001b\"]}\n\
             f00d {\"kind\":\"te",
        );
        assert_eq!(records.entered, ["<module>"]);
        assert_eq!(records.broken, None);
        assert_eq!(records.header, "import pytest\n");
        let [test] = &records.tests[..] else { panic!("{:?}", records.tests) };
        assert_eq!((test.target.as_str(), test.rows.len()), ("f", 1));
        let summary = records.summary.expect("a summary");
        assert_eq!(summary.lines, Coverage { covered: 2, total: 2 });
        assert_eq!(summary.skipped, ["g: hung"]);
    }

    #[test]
    fn what_would_act_on_a_reader_is_left_out() {
        let block = |before: &str, row: &str| Block {
            before: before.to_owned(),
            rows: vec![Row { test_id: "t".to_owned(), text: row.to_owned() }],
            ..Block::default()
        };
        let mut blocks = Vec::new();
        for (before, row) in [("a\u{1b}", "b"), ("a", "b\u{7}"), ("a\t\n", "b")] {
            keep(&mut blocks, block(before, row));
        }
        assert_eq!(blocks, [block("a\t\n", "b")]);
    }

    #[test]
    fn a_test_without_an_id_could_never_be_verified() {
        let mut blocks = Vec::new();
        keep(&mut blocks, Block { before: "a".to_owned(), ..Block::default() });
        assert_eq!(blocks, []);
    }

    #[test]
    fn a_long_reason_is_cut_and_stands_on_one_line() {
        let line = one_line(&format!("a\nb{}", "한".repeat(1_000)));
        assert!(line.starts_with("a b한") && line.ends_with('…'), "{line}");
        assert_eq!(line.chars().count(), LINE_MAX);
    }

    proptest! {
        #[test]
        fn no_output_makes_the_reader_panic_or_believe_a_line_without_the_nonce(
            text in "(f00d |\\{\"kind\":\"|entering|test|summary|\"|\\}|:|,|[ -~]|\\n|\\PC)*"
        ) {
            let records = read(&text);
            let marked = text.lines().filter(|line| line.trim_start().starts_with(NONCE)).count();
            prop_assert!(records.entered.len() + records.tests.len() <= marked);
        }
    }
}
