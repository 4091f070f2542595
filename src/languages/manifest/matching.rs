use std::cmp::Reverse;
use std::collections::HashMap;

use super::{Certainty, ExpectedTest, Manifest, Pattern};

impl Manifest {
    /// The required tests that none of the reported ids can be. Each id counts for one test.
    ///
    /// Patterns are single ids or ranges of sorted ids, and two ranges are disjoint or one lies in
    /// the other; so giving ids to the narrowest first leaves none without that could have one.
    #[must_use]
    pub fn missing<'i>(&self, reported: impl IntoIterator<Item = &'i str>) -> Vec<&ExpectedTest> {
        let mut ids: Vec<&str> = reported.into_iter().collect();
        ids.sort_unstable();
        let mut free = Free::new(&ids);

        let required = self.expected.iter().enumerate();
        let required: Vec<_> =
            required.filter(|(_, expected)| expected.certainty == Certainty::Required).collect();
        let mut missing = Vec::new();
        let mut ranges = Vec::new();
        for (index, expected) in &required {
            if let Pattern::Exact(id) = &expected.pattern
                && !free.take_exact(id)
            {
                missing.push(*index);
            }
        }
        for (index, expected) in &required {
            match &expected.pattern {
                Pattern::Parametrised(id) if !free.take_exact(id) => {
                    ranges.push((format!("{id}["), *index));
                }
                Pattern::Prefix(prefix) => ranges.push((prefix.clone(), *index)),
                Pattern::Exact(_) | Pattern::Parametrised(_) => {}
            }
        }
        ranges.sort_by_key(|(prefix, index)| (Reverse(prefix.len()), *index));
        for (prefix, index) in ranges {
            if !free.take_prefixed(&prefix) {
                missing.push(index);
            }
        }
        missing.sort_unstable();
        missing.into_iter().map(|index| &self.expected[index]).collect()
    }
}

/// Sorted ids, and which of them are still to be had.
struct Free<'i> {
    ids: &'i [&'i str],
    /// For each id, one at or behind it that may be free; followed until one points at itself.
    next: Vec<usize>,
    /// Where to look for the next of several equal ids.
    seen: HashMap<&'i str, usize>,
}

impl<'i> Free<'i> {
    fn new(ids: &'i [&'i str]) -> Self {
        let mut seen = HashMap::with_capacity(ids.len());
        for (index, id) in ids.iter().enumerate() {
            seen.entry(*id).or_insert(index);
        }
        Self { ids, next: (0..=ids.len()).collect(), seen }
    }

    fn take_exact(&mut self, id: &str) -> bool {
        let Some(at) = self.seen.get(id).copied() else { return false };
        self.take_from(at, |found| found == id)
    }

    fn take_prefixed(&mut self, prefix: &str) -> bool {
        let at = self.ids.partition_point(|id| *id < prefix);
        self.take_from(at, |found| found.starts_with(prefix))
    }

    fn take_from(&mut self, at: usize, fits: impl Fn(&str) -> bool) -> bool {
        let found = self.free_from(at);
        if self.ids.get(found).is_none_or(|id| !fits(id)) {
            return false;
        }
        self.next[found] = found + 1;
        true
    }

    /// The first free one at or behind, with the path halved for whoever comes next.
    fn free_from(&mut self, mut at: usize) -> usize {
        while self.next[at] != at {
            let next = self.next[at];
            self.next[at] = self.next[next];
            at = next;
        }
        at
    }
}
