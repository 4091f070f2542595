use super::*;

#[test]
fn a_name_tells_its_kind_and_nothing_else() {
    let key = CacheKey([0xab; 32]);
    assert_eq!(name("page", &key), format!("tester:page:{}", "ab".repeat(32)));
}

#[test]
fn a_time_to_live_below_a_millisecond_is_none() {
    assert_eq!(milliseconds(Duration::from_micros(999)), None);
    assert_eq!(milliseconds(Duration::from_millis(1)), Some(1));
    assert_eq!(milliseconds(Duration::MAX), None);
}
