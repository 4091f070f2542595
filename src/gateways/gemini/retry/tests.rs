use super::*;
use crate::gateways::LlmError;

const SECOND: Duration = Duration::from_secs(1);

fn schedule(max_attempts: u32, deadline: Duration) -> RetrySchedule {
    let settings = GeminiSettings {
        api_key: "key".into(),
        base_url: "http://localhost/".parse().expect("a URL"),
        connect_timeout: SECOND,
        idle_timeout: SECOND,
        total_timeout: deadline,
        max_attempts,
        backoff_min: SECOND,
        backoff_max: SECOND * 30,
        max_output_tokens: 1,
        temperature: 0.0,
    };
    RetrySchedule::new(&settings, Instant::now() + deadline)
}

fn failure(retry: Retry) -> Failure {
    Failure { error: LlmError::Unreachable(String::new()), retry }
}

#[tokio::test(start_paused = true)]
async fn waits_double_with_jitter_up_to_the_longest() {
    let mut schedule = schedule(9, SECOND * 10_000);
    for seconds in [1, 2, 4, 8, 16, 30, 30, 30] {
        let wait = schedule.wait_after(&failure(Retry::AfterBackoff)).expect("another attempt");
        let longest = (SECOND * seconds * 2).min(SECOND * 30);
        assert!(wait >= SECOND * seconds && wait <= longest, "{wait:?} for {seconds} s");
    }
    assert_eq!(schedule.wait_after(&failure(Retry::AfterBackoff)), None);
}

#[tokio::test(start_paused = true)]
async fn no_two_schedules_wait_alike() {
    let waits: Vec<_> = (0..8)
        .map(|_| schedule(4, SECOND * 100).wait_after(&failure(Retry::AfterBackoff)))
        .collect();
    assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn the_providers_delay_is_kept_also_when_it_is_longer_than_ours() {
    let mut schedule = schedule(4, SECOND * 100);
    let wait = schedule.wait_after(&failure(Retry::NotBefore(SECOND * 40)));
    assert_eq!(wait, Some(SECOND * 40));
    let wait = schedule.wait_after(&failure(Retry::NotBefore(Duration::ZERO)));
    assert!(wait.is_some_and(|wait| wait >= SECOND * 2), "{wait:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_final_what_is_the_last_attempt_and_what_is_too_late_has_no_wait() {
    assert_eq!(schedule(4, SECOND * 100).wait_after(&failure(Retry::Never)), None);
    assert_eq!(schedule(1, SECOND * 100).wait_after(&failure(Retry::AfterBackoff)), None);
    assert_eq!(schedule(0, SECOND * 100).wait_after(&failure(Retry::AfterBackoff)), None);
    let past = failure(Retry::NotBefore(SECOND * 100));
    assert_eq!(schedule(4, SECOND * 100).wait_after(&past), None);
    let beyond_time = failure(Retry::NotBefore(Duration::MAX));
    assert_eq!(schedule(4, SECOND * 100).wait_after(&beyond_time), None);
}
