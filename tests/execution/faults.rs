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
pub const TAKE_THE_ENGINE_AWAY: [&str; 3] = [
    "faults::a_removed_image_is_named_and_missed_no_longer",
    "faults::a_restarted_daemon_is_used_again",
    "faults::a_warm_container_that_was_killed_is_not_handed_out",
];
/// From the moment on that a daemon is back.
const RECOVERY: Duration = Duration::from_secs(30);
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
        test("faults::a_full_disk_for_temporary_files_is_no_matter", full_disk),
    ];
    match engine {
        Engine::Namespace => tests.push(test(
            "faults::a_warm_sandbox_that_was_killed_is_not_handed_out",
            warm_one_is_killed,
        )),
        Engine::Docker => {
            tests.push(test(TAKE_THE_ENGINE_AWAY[0], no_image));
            tests.push(test(TAKE_THE_ENGINE_AWAY[1], daemon_restarts));
            tests.push(test(TAKE_THE_ENGINE_AWAY[2], warm_container_is_killed));
        }
        Engine::Runsc => tests.push(test(TAKE_THE_ENGINE_AWAY[2], warm_container_is_killed)),
    }
    tests
}

async fn killed(shared: Arc<Shared>) {
    let worker = Arc::new(Worker::start(shared.engine(), SMALL).await);
    let answer = send(&worker, sleeping(60));
    worker.until("running", 1).await;
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
    worker.until("running", 1).await;
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
    let knobs = SMALL.replace("running = 1", "running = 2");
    let knobs = format!("{knobs}sandbox.drain_ms = 500\n");
    let worker = Arc::new(Worker::start(shared.engine(), &knobs).await);
    let answer = send(&worker, sleeping(60));
    let stream = worker.post("/execute/stream").json(&sleeping(60)).send().await;
    let stream = stream.expect("an answer");
    worker.until("running", 2).await;
    let begun = Instant::now();
    worker.terminate();
    let (status, body) = answer.await.expect("no panic").expect("an answer");
    assert_eq!((status, body["code"].as_str()), (503, Some("UNAVAILABLE")), "{body}");
    let text = soon("the end of the stream", stream.text()).await.expect("an orderly end");
    assert!(text.contains("event: error\ndata: "), "{text}");
    assert!(text.contains("\"code\":\"UNAVAILABLE\""), "{text}");
    assert!(!text.contains("event: result"), "{text}");
    assert_eq!(worker.ended().await, Some(0));
    // gVisor takes its time to end a container.
    assert!(begun.elapsed() < Duration::from_secs(20), "it took {:?}", begun.elapsed());
}

async fn full_queue(shared: Arc<Shared>) {
    let worker = Arc::new(Worker::start(shared.engine(), SMALL).await);
    let first = send(&worker, sleeping(2));
    worker.until("running", 1).await;
    let second = send(&worker, sleeping(0));
    worker.until("queued", 1).await;
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
    // gVisor takes a second for each.
    let usual = if shared.engine() == Engine::Runsc { SOAK / 5 } else { SOAK };
    let after = run(jobs.unwrap_or(usual)).await;
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

async fn warm_container_is_killed(shared: Arc<Shared>) {
    let _alone = ENGINE_IN_USE.write().await;
    let format = "{{.Label \"tester.sandbox.owner\"}} {{.ID}}";
    let list = || {
        let list = docker(&["ps", "--filter", "label=tester.sandbox=1", "--format", format]);
        let pairs = list.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(owner, id)| (owner.to_owned(), id.to_owned())).collect::<Vec<_>>()
    };
    let others: Vec<String> = list().into_iter().map(|(owner, _)| owner).collect();
    let worker = Worker::start(shared.engine(), SMALL).await;
    settle(&worker).await;
    let own = list().into_iter().filter(|(owner, _)| !others.contains(owner));
    let own: Vec<String> = own.map(|(_, id)| id).collect();
    assert!(!own.is_empty(), "no sandbox was there to be killed");
    for id in own {
        docker(&["kill", &id]);
    }
    assert_eq!(worker.execute(&trivial("python")).await["status"], "passed");
    end(&worker).await;
}

/// Runs are kept in memory and in the sandbox: what the worker's own disk holds is no matter.
async fn full_disk(shared: Arc<Shared>) {
    let disk = SmallDisk::mount();
    let mut filler = std::fs::File::create(disk.folder.path().join("filler")).expect("a file");
    let full = std::io::copy(&mut std::io::repeat(b'x'), &mut filler).expect_err("1 MiB is small");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let folder = disk.folder.path().to_str().expect("a name that is text");
    let variables = [("TMPDIR", folder), ("HOME", folder), ("XDG_RUNTIME_DIR", folder)];
    let worker = Worker::start_with(shared.engine(), SMALL, &variables).await;
    for language in ["python", "javascript", "typescript", "java"] {
        assert_eq!(worker.execute(&trivial(language)).await["status"], "passed", "{language}");
    }
    end(&worker).await;
}

/// A file system of 1 MiB, for as long as this lives.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mount = ["-t", "tmpfs", "-o", "size=1m", "tester-small-disk"];
        let done = Command::new("mount").args(mount).arg(folder.path()).status();
        assert!(done.expect("mount is there").success(), "only root mounts");
        Self { folder }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: whoever still has a file open there does not keep it mounted.
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
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
    worker.until("running", 1).await;
    engine_does("stop").await;
    let version = Command::new("docker").arg("version").output().expect("docker is there");
    assert!(!version.status.success(), "another engine than the one under test was stopped");
    // Some more while there is no daemon at all.
    let late: Vec<_> = (0..3).map(|_| send(&worker, sleeping(0))).collect();
    sleep(Duration::from_secs(1)).await;
    engine_does("start").await;
    let back = Instant::now();
    for answer in answers.into_iter().chain(late) {
        let answer = soon("an answer", answer).await.expect("no panic");
        let (status, verdict) = answer.expect("the worker lives");
        // What ran or waited meanwhile is told so; nothing hangs, nothing is made up.
        let told = ["passed", "crashed", "unavailable", "timeout"];
        let is = verdict["status"].as_str().unwrap_or_default();
        assert!(status == 200 && told.contains(&is), "{status} {verdict}");
        assert_eq!(verdict["success"], is == "passed", "{verdict}");
    }
    recovers(&worker).await;
    assert!(back.elapsed() < RECOVERY, "it took {:?}", back.elapsed());
    end(&worker).await;
}

/// Starts or stops the engine that `scripts/docker-engine` keeps.
async fn engine_does(step: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/docker-engine");
    let done = tokio::process::Command::new(script).arg(step).output().await;
    assert!(done.expect("the script is there").status.success(), "{step}");
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
