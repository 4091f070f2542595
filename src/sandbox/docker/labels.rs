//! Who a container belongs to, written on the container itself.
//!
//! Several workers may share one daemon, and they may live in different containers: no lock file
//! and no process id means the same to all of them. So a worker never asks whether another one is
//! alive; it relies on two facts instead. A sandbox ends by itself when its worker goes, because
//! the daemon then closes its standard input and the supervisor leaves at the end of it. And none
//! is needed beyond its deadline, because a warm one is replaced and a run is ended long before.
//! What is ours, not of this worker, and either over or past its deadline may be destroyed by
//! anyone: should its worker be alive, it was about to do the same.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use uuid::Uuid;

use crate::domain::Runtime;

/// On every container of ours, and on nothing else.
pub(super) const SANDBOX: &str = "tester.sandbox";
const RUNTIME: &str = "tester.sandbox.runtime";
const OWNER: &str = "tester.sandbox.owner";
const CREATED: &str = "tester.sandbox.created";
const DEADLINE: &str = "tester.sandbox.deadline";

/// A container that is created but not started may be one that its worker is about to start.
const STARTING: Duration = Duration::from_mins(1);

/// The labels of a container created now by `owner`.
pub(super) fn of_new(
    runtime: Runtime,
    owner: Uuid,
    now: SystemTime,
    lifetime: Duration,
) -> HashMap<String, String> {
    HashMap::from([
        (SANDBOX.to_owned(), "1".to_owned()),
        (RUNTIME.to_owned(), runtime.to_string()),
        (OWNER.to_owned(), owner.simple().to_string()),
        (CREATED.to_owned(), seconds(now).to_string()),
        (DEADLINE.to_owned(), seconds(now).saturating_add(lifetime.as_secs()).to_string()),
    ])
}

/// Whether `me` may destroy this container because nobody needs it any more.
pub(super) fn is_abandoned(container: &ContainerSummary, me: Uuid, now: SystemTime) -> bool {
    let label = |name| container.labels.as_ref().and_then(|labels| labels.get(name));
    let number = |name| label(name).and_then(|text| text.parse::<u64>().ok());
    if label(SANDBOX).is_none()
        || label(OWNER).is_some_and(|owner| *owner == me.simple().to_string())
    {
        return false;
    }
    // A label that can't be read is none that any worker of ours wrote: long past.
    let now = seconds(now);
    let past = |limit: u64| limit <= now;
    match container.state {
        Some(ContainerSummaryStateEnum::EXITED | ContainerSummaryStateEnum::DEAD) => true,
        Some(ContainerSummaryStateEnum::CREATED) => {
            past(number(CREATED).unwrap_or(0).saturating_add(STARTING.as_secs()))
        }
        _ => past(number(DEADLINE).unwrap_or(0)),
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_mins(10);

    fn container(owner: Uuid, state: ContainerSummaryStateEnum) -> ContainerSummary {
        ContainerSummary {
            labels: Some(of_new(Runtime::Python, owner, UNIX_EPOCH, LIFETIME)),
            state: Some(state),
            ..ContainerSummary::default()
        }
    }

    fn after(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_worker_never_reaps_its_own() {
        let me = Uuid::new_v4();
        let own = container(me, ContainerSummaryStateEnum::EXITED);
        assert!(!is_abandoned(&own, me, after(10_000)));
    }

    #[test]
    fn what_ended_is_reaped_whoever_made_it() {
        let other = container(Uuid::new_v4(), ContainerSummaryStateEnum::EXITED);
        assert!(is_abandoned(&other, Uuid::new_v4(), after(1)));
    }

    #[test]
    fn what_runs_for_another_worker_is_left_alone_until_its_deadline() {
        let other = container(Uuid::new_v4(), ContainerSummaryStateEnum::RUNNING);
        assert!(!is_abandoned(&other, Uuid::new_v4(), after(599)));
        assert!(is_abandoned(&other, Uuid::new_v4(), after(600)));
    }

    #[test]
    fn what_another_worker_is_about_to_start_is_left_alone_for_a_minute() {
        let other = container(Uuid::new_v4(), ContainerSummaryStateEnum::CREATED);
        assert!(!is_abandoned(&other, Uuid::new_v4(), after(59)));
        assert!(is_abandoned(&other, Uuid::new_v4(), after(60)));
    }

    #[test]
    fn a_container_without_our_label_is_nobody_we_know() {
        let stranger = ContainerSummary {
            state: Some(ContainerSummaryStateEnum::EXITED),
            ..ContainerSummary::default()
        };
        assert!(!is_abandoned(&stranger, Uuid::new_v4(), after(10_000)));
    }

    #[test]
    fn labels_that_make_no_sense_count_as_long_past() {
        let mut odd = container(Uuid::new_v4(), ContainerSummaryStateEnum::RUNNING);
        let labels = odd.labels.as_mut().expect("made with labels");
        labels.insert(DEADLINE.to_owned(), "soon".to_owned());
        assert!(is_abandoned(&odd, Uuid::new_v4(), after(1)));
    }
}
