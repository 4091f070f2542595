//! What goes wrong around a run: workers that are killed or stopped, queues that are full, sandboxes,
//! images and daemons that vanish.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::ENGINE_IN_USE;
use super::case::trivial;
use super::worker::{Engine, Shared, Test, Worker, soon, test};

/// One warm sandbox of the cheapest runtime.
const SMALL: &str = "sandbox.running = 1\nsandbox.queued = 1\nsandbox.python.warm = 1\n\
                     sandbox.node.warm = 0\nsandbox.java.warm = 0\n";
/// Jobs of the soak, unless `TESTER_TEST_SOAK` says otherwise.
const SOAK: usize = 100;
/// Tests during which nobody else can use the engine.
pub const TAKE_THE_ENGINE_AWAY: [&str; 2] = [
    "faults::a_removed_image_is_named_and_missed_no_longer",
    "faults::a_restarted_daemon_is_used_again",
];
/// Between two looks at something that is about to change.
const LOOK: Duration = Duration::from_millis(20);

pub fn tests(engine: Engine) -> Vec<Test> {
    let mut tests = vec![
        test("faults::what_a_killed_worker_left_is_destroyed_by_the_next", killed),
        test("faults::a_stopping_worker_finishes_what_it_took_on", stopped),
        test("faults::a_run_longer_than_the_grace_time_is_cut_off", cut_off),
        test("faults::a_full_queue_says_when_to_come_back", full_queue),
        test("faults::more_jobs_than_sandboxes_are_all_served", more_jobs_than_sandboxes),
        test("faults::nothing_grows_with_the_jobs", soak),
    ];
    match engine {
        Engine::Namespace => tests.push(test(
            "faults::a_warm_sandbox_that_was_killed_is_not_handed_out",
            warm_one_is_killed,
        )),
        Engine::Docker => {
            tests.push(test(TAKE_THE_ENGINE_AWAY[0], no_image));
            tests.push(test(TAKE_THE_ENGINE_AWAY[1], daemon_restarts));
        }
        Engine::Runsc => {}
    }
    tests
}

async fn killed(shared: Arc<Shared>) {
    let worker = Arc::new(Worker::start(shared.engine(), SMALL).await);
    let answer = send(&worker, sleeping(60));
    until(&worker, "running", 1).await;
    worker.kill().await;
    assert!(answer.await.expect("no panic").is_none(), "a killed worker answered");
    let next = Worker::start(shared.engine(), SMALL).await;
    // Containers die by themselves when their worker does, a little later; then they are removed.
    soon("the end of what was left", async {
        while !left_by(worker.pid()).is_empty() {
            sleep(LOOK).await;
        }
    })
    .await;
    assert_eq!(next.execute(&trivial("python")).await["status"], "passed");
    end(&next).await;
}

async fn stopped(shared: Arc<Shared>) {
    let worker = Arc::new(Worker::start(shared.engine(), SMALL).await);
    let answer = send(&worker, sleeping(2));
    until(&worker, "running", 1).await;
    worker.terminate();
    soon("a worker that says it is draining", async {
        while worker.health().await.0 != 503 {
            sleep(LOOK).await;
        }
    })
    .await;
    assert_eq!(worker.health().await.1["status"], "draining");
    let refused = worker.post("/execute").json(&trivial("python")).send().await.expect("an answer");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let body: Value = refused.json().await.expect("JSON");
    assert_eq!(body["code"], "UNAVAILABLE", "{body}");
    let (status, verdict) = answer.await.expect("no panic").expect("an answer");
    assert_eq!((status, verdict["status"].as_str()), (200, Some("passed")), "{verdict}");
    assert_eq!(worker.ended().await, Some(0));
}

async fn cut_off(shared: Arc<Shared>) {
    let knobs = format!("{SMALL}sandbox.drain_ms = 500\n");
    let worker = Arc::new(Worker::start(shared.engine(), &knobs).await);
    let answer = send(&worker, sleeping(60));
    until(&worker, "running", 1).await;
    worker.terminate();
    let (status, body) = answer.await.expect("no panic").expect("an answer");
    assert_eq!((status, body["code"].as_str()), (503, Some("UNAVAILABLE")), "{body}");
    assert_eq!(worker.ended().await, Some(0));
}

async fn full_queue(shared: Arc<Shared>) {
    let worker = Arc::new(Worker::start(shared.engine(), SMALL).await);
    let first = send(&worker, sleeping(2));
    until(&worker, "running", 1).await;
    let second = send(&worker, sleeping(0));
    until(&worker, "queued", 1).await;
    let third = worker.post("/execute").json(&trivial("python")).send().await.expect("an answer");
    assert_eq!(third.status(), 429);
    let wait = third.headers().get("retry-after").and_then(|value| value.to_str().ok());
    let wait: u64 = wait.and_then(|value| value.parse().ok()).expect("seconds to wait");
    assert!((1..=60).contains(&wait), "{wait}");
    let body: Value = third.json().await.expect("JSON");
    assert_eq!(body["code"], "RATE_LIMITED", "{body}");
    for answer in [first, second] {
        let (status, verdict) = answer.await.expect("no panic").expect("an answer");
        assert_eq!((status, verdict["status"].as_str()), (200, Some("passed")), "{verdict}");
    }
    assert_eq!(worker.execute(&trivial("python")).await["status"], "passed");
    end(&worker).await;
}

async fn more_jobs_than_sandboxes(shared: Arc<Shared>) {
    let knobs = SMALL.replace("queued = 1", "queued = 16");
    let worker = Arc::new(Worker::start(shared.engine(), &knobs).await);
    let answers: Vec<_> = (0..10).map(|_| send(&worker, trivial("python"))).collect();
    for answer in answers {
        let (status, verdict) = answer.await.expect("no panic").expect("an answer");
        assert_eq!((status, verdict["status"].as_str()), (200, Some("passed")), "{verdict}");
    }
    end(&worker).await;
}

async fn soak(shared: Arc<Shared>) {
    let jobs = std::env::var("TESTER_TEST_SOAK").ok().and_then(|jobs| jobs.parse().ok());
    let worker = Worker::start(shared.engine(), SMALL).await;
    let run = async |count: usize| {
        for _ in 0..count {
            assert_eq!(worker.execute(&trivial("python")).await["status"], "passed");
        }
        settle(&worker).await;
        Footprint::of(worker.pid())
    };
    // Pools, buffers and arenas have the size they need after some jobs.
    let before = run(30).await;
    let after = run(jobs.unwrap_or(SOAK)).await;
    assert!(
        after.memory_kib < before.memory_kib * 5 / 4 + 4_096,
        "memory grew: {before:?}, then {after:?}"
    );
    assert!(after.files <= before.files + 4, "descriptors grew: {before:?}, then {after:?}");
    assert!(after.threads <= before.threads + 4, "threads grew: {before:?}, then {after:?}");
    assert!(after.children <= before.children + 2, "children grew: {before:?}, then {after:?}");
    assert!(after.mounts <= before.mounts + 8, "mounts grew: {before:?}, then {after:?}");
    end(&worker).await;
}

async fn warm_one_is_killed(shared: Arc<Shared>) {
    let worker = Worker::start(shared.engine(), SMALL).await;
    settle(&worker).await;
    let stages = children(worker.pid());
    let inside: Vec<u32> = stages.iter().flat_map(|stage| children(*stage)).collect();
    assert!(!inside.is_empty(), "no sandbox was there to be killed");
    for stage in stages {
        let killed = Command::new("kill").args(["-KILL", &stage.to_string()]).status();
        assert!(killed.expect("kill is there").success());
    }
    soon("the end of the sandboxes", async {
        while inside.iter().any(|pid| std::path::Path::new(&format!("/proc/{pid}")).exists()) {
            sleep(LOOK).await;
        }
    })
    .await;
    assert_eq!(worker.execute(&trivial("python")).await["status"], "passed");
    end(&worker).await;
}

async fn no_image(shared: Arc<Shared>) {
    let _alone = ENGINE_IN_USE.write().await;
    let worker = Worker::start(shared.engine(), SMALL).await;
    settle(&worker).await;
    let images = docker(&["ps", "--filter", "label=tester.sandbox=1", "--format", "{{.Image}}"]);
    let image = images.lines().find(|image| image.contains("python")).expect("a warm sandbox");
    docker(&["tag", image, "tester-sandbox-kept:test"]);
    docker(&["rmi", "--force", image]);
    // The one that is warm still serves; behind it there are no more.
    worker.execute(&trivial("python")).await;
    let verdict = worker.execute(&trivial("python")).await;
    assert_eq!(verdict["status"], "unsupported", "{verdict}");
    let error = verdict["error"].as_str().unwrap_or_default();
    assert!(error.contains("tester worker --build-images"), "{error}");
    let (status, health) = worker.health().await;
    assert_eq!((status, health["status"].as_str()), (200, Some("degraded")), "{health}");
    assert_eq!(worker.execute(&trivial("javascript")).await["status"], "passed");
    docker(&["tag", "tester-sandbox-kept:test", image]);
    docker(&["rmi", "tester-sandbox-kept:test"]);
    recovers(&worker).await;
    end(&worker).await;
}

async fn daemon_restarts(shared: Arc<Shared>) {
    let _alone = ENGINE_IN_USE.write().await;
    let worker =
        Arc::new(Worker::start(shared.engine(), &SMALL.replace("queued = 1", "queued = 16")).await);
    let answers: Vec<_> = (0..6).map(|_| send(&worker, sleeping(1))).collect();
    until(&worker, "running", 1).await;
    for step in ["stop", "start"] {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/docker-engine");
        let done = tokio::process::Command::new(script).arg(step).output().await;
        assert!(done.expect("the script is there").status.success(), "{step}");
    }
    for answer in answers {
        let answer = soon("an answer", answer).await.expect("no panic");
        let (status, verdict) = answer.expect("the worker lives");
        // What ran or waited meanwhile is told so; nothing hangs, nothing is made up.
        let told = ["passed", "crashed", "unavailable", "tampered", "timeout"];
        let is = verdict["status"].as_str().unwrap_or_default();
        assert!(status == 200 && told.contains(&is), "{status} {verdict}");
    }
    recovers(&worker).await;
    end(&worker).await;
}

/// Jobs pass again, without anybody's help.
async fn recovers(worker: &Worker) {
    soon("a job that passes again", async {
        while worker.execute(&trivial("python")).await["status"] != "passed" {
            sleep(LOOK).await;
        }
    })
    .await;
}

async fn end(worker: &Worker) {
    worker.terminate();
    assert_eq!(worker.ended().await, Some(0));
}

/// Posts a job in the background. Gives status and body, or nothing when the worker vanished.
fn send(worker: &Arc<Worker>, job: Value) -> tokio::task::JoinHandle<Option<(u16, Value)>> {
    let worker = Arc::clone(worker);
    tokio::spawn(async move {
        let answer = worker.post("/execute").json(&job).send().await.ok()?;
        Some((answer.status().as_u16(), answer.json().await.ok()?))
    })
}

fn sleeping(seconds: u64) -> Value {
    json!({
        "input_code": "import time\n",
        "test_code": format!("def test_sleeps():\n    time.sleep({seconds})\n"),
        "language": "python",
    })
}

async fn until(worker: &Worker, what: &str, count: u64) {
    soon(&format!("{what} of {count}"), async {
        while worker.health().await.1[what] != count {
            sleep(LOOK).await;
        }
    })
    .await;
}

/// Waits until the next sandbox is warm and those used are gone.
async fn settle(worker: &Worker) {
    soon("a warm sandbox", async {
        while worker.health().await.1["warm"]["python"] != 1 {
            sleep(LOOK).await;
        }
    })
    .await;
    let begun = Instant::now();
    let mut before = Footprint::of(worker.pid()).children;
    while begun.elapsed() < Duration::from_secs(10) {
        sleep(Duration::from_millis(300)).await;
        let now = Footprint::of(worker.pid()).children;
        if now == before {
            return;
        }
        before = now;
    }
}

/// What a process holds.
#[derive(Debug)]
struct Footprint {
    memory_kib: u64,
    threads: u64,
    files: usize,
    children: usize,
    mounts: usize,
}

impl Footprint {
    fn of(pid: u32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let number = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0)
        };
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count);
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        Self {
            memory_kib: number("VmRSS:"),
            threads: number("Threads:"),
            files,
            children: children(pid).len(),
            mounts: mounts.lines().count(),
        }
    }
}

fn children(pid: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = tasks.map(|task| std::fs::read_to_string(task.path().join("children")));
    let lists: String = lists.map(Result::unwrap_or_default).collect();
    lists.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Control groups of a worker that is gone, and containers of any that is.
fn left_by(pid: u32) -> Vec<String> {
    let mut left = Vec::new();
    let mark = format!("ns-{pid}-");
    for controller in std::fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
        let groups = std::fs::read_dir(controller.path().join("tester"));
        let names = groups.into_iter().flatten().flatten().map(|group| group.file_name());
        left.extend(
            names.filter_map(|name| name.into_string().ok()).filter(|name| name.starts_with(&mark)),
        );
    }
    let label = "label=tester.sandbox=1";
    let dead = ["ps", "--all", "--quiet", "--filter", label, "--filter", "status=exited"];
    if let Ok(output) = Command::new("docker").args(dead).output() {
        left.extend(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned));
    }
    left
}

fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().expect("docker is there");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("names are text")
}
