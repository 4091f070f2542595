use std::collections::HashSet;

use super::records::Block;
use crate::domain::{LanguageCode, SourceCode};
use crate::languages;

/// A file of tests, in parts that can be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Suite {
    head: String,
    blocks: Vec<Block>,
}

impl Suite {
    /// Puts a file together. A test whose ids are another's already is left out: a framework would
    /// run one of the two, or refuse both.
    pub(super) fn new(head: String, blocks: Vec<Block>) -> Self {
        let mut seen = HashSet::new();
        let mut suite = Self { head, blocks: Vec::new() };
        for mut block in blocks {
            block.rows.retain(|row| seen.insert(row.test_id.clone()));
            let fresh = match &block.test_id {
                Some(id) if block.rows.is_empty() => seen.insert(id.clone()),
                _ => !block.rows.is_empty(),
            };
            if fresh {
                suite.blocks.push(block);
            }
        }
        suite
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The whole file.
    pub(super) fn text(&self) -> String {
        self.clone().into_chunks().concat()
    }

    /// A text for each test, in the order of the file; the first begins with the head.
    pub(super) fn into_chunks(self) -> Vec<String> {
        let mut head = self.head;
        let chunk = |block: &Block| std::mem::take(&mut head) + &block.text();
        self.blocks.iter().map(chunk).collect()
    }

    /// Test functions.
    pub(super) const fn tests(&self) -> usize {
        self.blocks.len()
    }

    /// Cases: rows of tables, and tests without one.
    pub(super) fn cases(&self) -> usize {
        self.blocks.iter().map(|block| block.rows.len().max(1)).sum()
    }

    /// Leaves cases out; how many there were.
    pub(super) fn leave_out(&mut self, ids: &HashSet<String>) -> usize {
        let before = if self.is_empty() { 0 } else { self.cases() };
        self.blocks.retain_mut(|block| {
            if block.rows.is_empty() {
                return block.test_id.as_ref().is_none_or(|id| !ids.contains(id));
            }
            block.rows.retain(|row| !ids.contains(&row.test_id));
            !block.rows.is_empty()
        });
        before - if self.is_empty() { 0 } else { self.cases() }
    }

    /// Leaves out whole tests: those that are no program of the language, and from the end those
    /// beyond `max_chars`. What they test.
    pub(super) fn make_fit(&mut self, language: LanguageCode, max_chars: usize) -> Vec<String> {
        let mut left_out = Vec::new();
        if !parses(&self.text(), language) {
            let head = self.head.clone();
            self.blocks.retain(|block| {
                let sound = parses(&format!("{head}{}", block.text()), language);
                if !sound {
                    left_out.push(block.target.clone());
                }
                sound
            });
        }
        let mut length = self.text().chars().count();
        while length > max_chars
            && let Some(block) = self.blocks.pop()
        {
            length -= block.text().chars().count();
            left_out.push(block.target);
        }
        left_out
    }
}

impl Block {
    fn text(&self) -> String {
        let rows = self.rows.iter().map(|row| row.text.as_str());
        let mut text: String =
            [self.before.as_str()].into_iter().chain(rows).chain([self.after.as_str()]).collect();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }
}

fn parses(text: &str, language: LanguageCode) -> bool {
    SourceCode::parse(text).is_ok_and(|code| languages::check(&code, language).is_ok())
}

#[cfg(test)]
mod tests {
    use super::super::records::Row;
    use super::*;

    fn table(name: &str, rows: &[&str]) -> Block {
        let row =
            |row: &&str| Row { test_id: format!("{name}[{row}]"), text: format!("    ({row}),\n") };
        Block {
            target: name.to_owned(),
            before: "\n\n@table([\n".to_owned(),
            rows: rows.iter().map(row).collect(),
            after: format!("])\ndef {name}(x):\n    pass\n"),
            test_id: None,
        }
    }

    fn plain(name: &str) -> Block {
        Block {
            target: name.to_owned(),
            before: format!("\n\ndef {name}():\n    assert 1\n"),
            test_id: Some(name.to_owned()),
            ..Block::default()
        }
    }

    fn ids(ids: &[&str]) -> HashSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn chunks_are_the_file_one_test_each() {
        let suite = Suite::new("import x\n".to_owned(), vec![table("f", &["1", "2"]), plain("g")]);
        assert_eq!((suite.tests(), suite.cases()), (2, 3));
        let text = suite.text();
        assert_eq!(
            text,
            "import x\n\n\n@table([\n    (1),\n    (2),\n])\ndef f(x):\n    pass\n\n\ndef g():\n    assert 1\n"
        );
        let chunks = suite.into_chunks();
        assert_eq!(chunks.len(), 2);
        assert_eq!(chunks.concat(), text);
    }

    #[test]
    fn a_table_without_rows_goes_with_its_last_one() {
        let mut suite = Suite::new(String::new(), vec![table("f", &["1", "2"]), plain("g")]);
        assert_eq!(suite.leave_out(&ids(&["f[1]", "unknown"])), 1);
        assert_eq!(suite.tests(), 2);
        assert_eq!(suite.leave_out(&ids(&["f[2]", "g"])), 2);
        assert!(suite.is_empty());
    }

    #[test]
    fn an_id_that_is_taken_is_left_out() {
        let suite =
            Suite::new(String::new(), vec![plain("f"), plain("f"), table("g", &["1", "1"])]);
        assert_eq!((suite.tests(), suite.cases()), (2, 2));
    }

    #[test]
    fn what_does_not_parse_or_fit_is_left_out_by_name() {
        let mut broken = plain("broken");
        broken.before = "\n\ndef broken(:\n".to_owned();
        let mut suite = Suite::new(String::new(), vec![plain("f"), broken, plain("g")]);
        let room = suite.blocks[0].text().chars().count();
        assert_eq!(suite.make_fit(LanguageCode::Python, room), ["broken", "g"]);
        assert_eq!(suite.blocks, [plain("f")]);
    }
}
