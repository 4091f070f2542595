use super::*;
use crate::languages::ExpectedTest;

fn of(patterns: impl IntoIterator<Item = Pattern>) -> Manifest {
    let expected = patterns.into_iter().map(|pattern| ExpectedTest {
        pattern,
        line: 1,
        certainty: Certainty::Required,
    });
    Manifest { reading: Reading::Complete, expected: expected.collect(), shadows: Vec::new() }
}

fn exact(id: &str) -> Pattern {
    Pattern::Exact(id.to_owned())
}

fn prefix(id: &str) -> Pattern {
    Pattern::Prefix(id.to_owned())
}

fn parametrised(id: &str) -> Pattern {
    Pattern::Parametrised(id.to_owned())
}

fn missing(manifest: &Manifest, reported: &[&str]) -> Vec<Pattern> {
    let missing = manifest.missing(reported.iter().copied());
    missing.into_iter().map(|expected| expected.pattern.clone()).collect()
}

#[test]
fn each_id_counts_for_one_test() {
    let manifest = of([prefix(""), exact("a"), prefix("a"), exact("b")]);
    assert_eq!(missing(&manifest, &["a", "a #2", "b", "c"]), []);
    assert_eq!(missing(&manifest, &["a", "b", "c"]), [prefix("a")]);
    assert_eq!(missing(&manifest, &["a", "a #2", "b"]), [prefix("")]);
    assert_eq!(missing(&manifest, &["x"]), [exact("a"), prefix("a"), exact("b")]);
}

#[test]
fn parametrised_tests_report_with_brackets_or_without() {
    let manifest = of([parametrised("test_a"), parametrised("test_b")]);
    assert_eq!(missing(&manifest, &["test_a", "test_b[1]", "test_b[2]"]), []);
    assert_eq!(missing(&manifest, &["test_a_more[1]", "test_b(1)"]).len(), 2);
    let manifest = of([parametrised("A#a"), exact("A#a")]);
    assert_eq!(missing(&manifest, &["A#a", "A#a[1]"]), []);
}

#[test]
fn optional_tests_are_never_missing() {
    let mut manifest = of([exact("a")]);
    manifest.expected[0].certainty = Certainty::Optional;
    assert_eq!(missing(&manifest, &[]), []);
}

#[test]
fn thousands_of_ids_are_compared_in_no_time() {
    let ids: Vec<String> = (0..5_000).map(|n| format!("a {n}")).collect();
    let patterns = (0..5_000).map(|n| if n % 2 == 0 { exact(&ids[n]) } else { prefix("a ") });
    let manifest = of(patterns);
    let begun = std::time::Instant::now();
    assert_eq!(manifest.missing(ids.iter().map(String::as_str)).len(), 0);
    assert_eq!(manifest.missing(ids[1..].iter().map(String::as_str)).len(), 1);
    assert!(begun.elapsed().as_millis() < 500, "{:?}", begun.elapsed());
}
