use std::collections::HashMap;

use crate::domain::{TestResult, TestStatus};
use crate::sandbox::output;
use crate::sandbox::protocol::{Breakage, CollectedTest, FinishedTest, HarnessEvent};

/// Most tests a run may have. More are no suite that anybody reads, and each costs memory here.
pub(in crate::sandbox) const TESTS_MAX: usize = 5_000;
/// What is kept of all failure texts together, in bytes.
const DETAILS_MAX: usize = 1024 * 1024;

/// Everything a run reported, checked against the rules of reporting: a test is collected, starts
/// once and finishes once, in this order, and nothing comes after the end.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Transcript {
    tests: Vec<Entry>,
    by_id: HashMap<String, usize>,
    /// Tests that run now, the latest last: what is printed is its.
    running: Vec<usize>,
    /// Printed while no test ran.
    loose_output: Vec<u8>,
    broken: Vec<Breakage>,
    details_bytes: usize,
    tampered: Option<String>,
    done: bool,
}

/// One test as it was reported.
#[derive(Debug)]
pub(in crate::sandbox) struct Entry {
    pub(in crate::sandbox) test: CollectedTest,
    pub(in crate::sandbox) started: bool,
    pub(in crate::sandbox) finished: Option<FinishedTest>,
    output: Vec<u8>,
}

impl Transcript {
    /// Takes one event in. Gives the result of a test that ended with it.
    pub(in crate::sandbox) fn event(&mut self, event: HarnessEvent) -> Option<TestResult> {
        if self.done {
            self.tampered("something was reported after the end");
            return None;
        }
        match event {
            HarnessEvent::Collected { tests } => self.collect(tests),
            HarnessEvent::Started { id } => self.start(&id),
            HarnessEvent::Finished(finished) => return self.finish(finished),
            HarnessEvent::Broken(mut breakage) => {
                breakage.message = output::tame(&breakage.message);
                breakage.detail = breakage.detail.map(|detail| output::tame(&detail));
                self.broken.push(breakage);
            }
            HarnessEvent::Tampered { reason } => self.tampered(&reason),
            HarnessEvent::Done => self.done = true,
        }
        None
    }

    /// Takes printed bytes in.
    pub(in crate::sandbox) fn output(&mut self, bytes: &[u8]) {
        let sink = match self.running.last() {
            Some(&index) => &mut self.tests[index].output,
            None => &mut self.loose_output,
        };
        sink.extend_from_slice(bytes);
    }

    /// Notes that the run can't be believed. The first reason counts.
    pub(in crate::sandbox) fn tampered(&mut self, reason: &str) {
        self.tampered.get_or_insert_with(|| reason.to_owned());
    }

    pub(in crate::sandbox) fn tampering(&self) -> Option<&str> {
        self.tampered.as_deref()
    }

    pub(in crate::sandbox) const fn is_done(&self) -> bool {
        self.done
    }

    pub(in crate::sandbox) fn breakages(&self) -> &[Breakage] {
        &self.broken
    }

    pub(in crate::sandbox) fn entries(&self) -> &[Entry] {
        &self.tests
    }

    /// Everything that was printed, test by test.
    pub(in crate::sandbox) fn all_output(&self) -> String {
        let tests = self.tests.iter().map(Entry::output);
        tests.chain([self.loose_output()]).collect()
    }

    pub(in crate::sandbox) fn loose_output(&self) -> String {
        output::text(&self.loose_output)
    }

    /// The tests as results, in the order they were collected.
    pub(in crate::sandbox) fn results(&self) -> Vec<TestResult> {
        self.tests.iter().map(Entry::result).collect()
    }

    fn collect(&mut self, tests: Vec<CollectedTest>) {
        for mut test in tests {
            test.name = output::tame(&test.name);
            if self.tests.len() >= TESTS_MAX {
                return self.tampered("more tests were reported than a run may have");
            }
            let index = self.tests.len();
            if self.by_id.insert(test.id.clone(), index).is_some() {
                return self.tampered("a test was collected twice");
            }
            let entry = Entry { test, started: false, finished: None, output: Vec::new() };
            self.tests.push(entry);
        }
    }

    fn start(&mut self, id: &str) {
        match self.by_id.get(id) {
            None => self.tampered("a test started that was not collected"),
            Some(&index) if self.tests[index].started => {
                self.tampered("a test started twice");
            }
            Some(&index) => {
                self.tests[index].started = true;
                self.running.push(index);
            }
        }
    }

    fn finish(&mut self, mut finished: FinishedTest) -> Option<TestResult> {
        let Some(&index) = self.by_id.get(&finished.id) else {
            self.tampered("a test finished that was not collected");
            return None;
        };
        let entry = &mut self.tests[index];
        if !entry.started || entry.finished.is_some() || finished.status == TestStatus::Unfinished {
            self.tampered("a test finished that was not running");
            return None;
        }
        self.running.retain(|running| *running != index);
        finished.message = finished.message.map(|message| output::tame(&message));
        finished.detail = finished.detail.map(|detail| output::tame(&detail));
        self.details_bytes += finished.detail.as_ref().map_or(0, String::len);
        if self.details_bytes > DETAILS_MAX {
            finished.detail = None;
        }
        if !finished.duration_ms.is_finite() || finished.duration_ms < 0.0 {
            finished.duration_ms = 0.0;
        }
        entry.finished = Some(finished);
        Some(entry.result())
    }
}

impl Entry {
    pub(in crate::sandbox) fn status(&self) -> TestStatus {
        self.finished.as_ref().map_or(TestStatus::Unfinished, |finished| finished.status)
    }

    pub(in crate::sandbox) fn detail(&self) -> Option<&str> {
        let finished = self.finished.as_ref()?;
        finished.detail.as_deref().or(finished.message.as_deref())
    }

    pub(in crate::sandbox) fn output(&self) -> String {
        output::text(&self.output)
    }

    fn result(&self) -> TestResult {
        let finished = self.finished.as_ref();
        TestResult {
            id: self.test.id.clone(),
            name: self.test.name.clone(),
            status: self.status(),
            duration_ms: finished.map_or(0.0, |finished| finished.duration_ms),
            message: finished.and_then(|finished| finished.message.clone()),
            line: finished.and_then(|finished| finished.line).or(self.test.line),
            output: self.output(),
        }
    }
}
