//! What operators look at exists: an alert on a metric that nobody writes never fires, and nobody
//! misses it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{production_lines, rust_files, source};

/// The files under `deploy/` that name metrics.
const WATCHERS: [&str; 4] = [
    "grafana/tester.json",
    "kubernetes/worker.yaml",
    "prometheus/adapter-values.yaml",
    "prometheus/alerts.yml",
];

/// How the names of all metrics of ours begin.
const OURS: &str = "tester_";

/// What Prometheus adds to the name of a histogram.
const PARTS_OF_A_HISTOGRAM: [&str; 3] = ["_bucket", "_sum", "_count"];

#[test]
fn every_metric_that_somebody_watches_is_written() {
    let lines: Vec<_> =
        rust_files(&source()).iter().flat_map(|file| production_lines(file)).collect();
    let mut unknown = Vec::new();
    for watcher in WATCHERS {
        let watched = watched(watcher);
        assert!(!watched.is_empty(), "{watcher} names no metric");
        for metric in watched {
            let literal = format!("\"{metric}\"");
            if !lines.iter().any(|(_, line)| line.contains(&literal)) {
                unknown.push(format!("{watcher} watches {metric}, which nothing writes"));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
}

#[test]
fn a_histogram_is_known_by_any_of_its_parts() {
    let names = names_in("rate(tester_a_seconds_bucket[5m]) + tester_b{x=\"tester-c\"}, xtester_d");
    assert_eq!(names, BTreeSet::from(["tester_a_seconds".to_owned(), "tester_b".to_owned()]));
}

fn watched(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file);
    names_in(&fs::read_to_string(path).expect("a readable file"))
}

fn names_in(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with(OURS))
        .map(|word| {
            let part = PARTS_OF_A_HISTOGRAM.iter().find_map(|part| word.strip_suffix(part));
            part.unwrap_or(word).to_owned()
        })
        .collect()
}
