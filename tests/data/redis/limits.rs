//! Limits that hold over all instances together.

use super::instances::{Instances, PATIENT};
use crate::case::{Case, cases};

const FIVE: (&str, &str) = ("RATE_LIMIT_GENERATE_PER_MINUTE", "5");

pub fn cases() -> Vec<Case> {
    cases![
        instances_share_one_limit_to_the_request,
        the_quota_counts_what_was_done_through_every_instance,
        a_quota_is_not_given_twice_when_redis_goes_and_comes_back_empty,
    ]
}

async fn instances_share_one_limit_to_the_request() {
    let instances = Instances::start_with(&[FIVE], PATIENT).await;
    let user = instances.user();
    let requests = (0..40).map(|number| {
        let app = if number % 2 == 0 { &instances.one } else { &instances.other };
        user.post(app, number)
    });
    let mut admitted = 0;
    for answer in futures_util::future::join_all(requests).await {
        if answer.status() == 200 {
            admitted += 1;
            continue;
        }
        let wait = answer.header("retry-after").expect("when to come back");
        assert!((1..=60).contains(&wait.parse::<u32>().expect("seconds")), "{wait}");
        answer.error(429, "RATE_LIMITED").await;
    }
    assert_eq!(admitted, 5);
}

async fn the_quota_counts_what_was_done_through_every_instance() {
    let instances = Instances::start_with(&[FIVE], PATIENT).await;
    let user = instances.user();
    for (number, app) in [&instances.one, &instances.other, &instances.one].iter().enumerate() {
        user.generate(app, number).await;
    }
    for app in [&instances.one, &instances.other] {
        let status = user.send(app, "GET", "/api/user/status").await.json().await;
        assert_eq!(status["quota"]["used"], 3, "{status}");
        assert_eq!(status["quota"]["remaining"], 2, "{status}");
    }
}

async fn a_quota_is_not_given_twice_when_redis_goes_and_comes_back_empty() {
    let mut instances = Instances::start_with(&[FIVE], PATIENT).await;
    let user = instances.user();
    for number in 0..3 {
        user.generate(&instances.one, number).await;
    }
    instances.redis.kill();
    for number in 3..5 {
        user.generate(&instances.one, number).await;
    }
    user.post(&instances.one, 5).await.error(429, "RATE_LIMITED").await;
    instances.redis.start_again().await;
    let other = instances.user();
    super::instances::until("counting in Redis", async || {
        user.post(&instances.one, 6).await.error(429, "RATE_LIMITED").await;
        other.post(&instances.one, 7).await;
        !instances.redis.names("limit:generate:").await.is_empty()
    })
    .await;
    user.post(&instances.one, 8).await.error(429, "RATE_LIMITED").await;
}
