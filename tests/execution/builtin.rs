//! The built-in engine with real sandboxes, through HTTP: what it writes passes, what it can't test it
//! says, and it never hangs.

use std::sync::Arc;

use serde_json::{Value, json};
use tester_peers::gemini::Failure;

use super::support::{Answer, Frame, Process, TestApp, answered};
use super::worker::{ONE_FOLDER, Shared, TOKEN, Test, Worker, soon, test, toolchains};

/// What a search may take here: hostile sources use all of it.
const BUDGET_MS: u64 = 4_000;

const PYTHON: &str = "\
def clamp(value, low, high):
    \"\"\"Moves a value into a range.

    >>> clamp(11, 0, 10)
    10
    \"\"\"
    if low > high:
        raise ValueError(\"low must not be greater than high\")
    return max(low, min(value, high))
";
const JAVASCRIPT: &str = "\
/**
 * Moves a value into a range.
 * @param {number} value
 * @param {number} low
 * @param {number} high
 * @example clamp(11, 0, 10) // => 10
 */
function clamp(value, low, high) {
  if (low > high) throw new RangeError('low must not be greater than high');
  return Math.max(low, Math.min(value, high));
}
";

/// Sources that mean no good, and whether there is something beside it that can be tested.
const HOSTILE: [(&str, &str, bool); 14] = [
    ("python", "while True:\n    pass\n", false),
    ("python", "import os\nos._exit(0)\n", false),
    ("python", "import no_such_module\n\ndef f(x):\n    return x\n", false),
    (
        "python",
        "def hangs(x):\n    while True:\n        x = x\n\ndef twice(x: int):\n    return 2 * x\n",
        true,
    ),
    (
        "python",
        "import os\n\ndef forks():\n    while True:\n        os.fork()\n\ndef twice(x: int):\n    return 2 * x\n",
        true,
    ),
    // Whatever patches what the framework itself needs can't pass in it either.
    (
        "python",
        "import builtins\nbuiltins.len = builtins.repr = builtins.isinstance = None\n\ndef twice(x: int):\n    return 2 * x\n",
        false,
    ),
    (
        "python",
        "import builtins\nbuiltins.abs = builtins.divmod = None\n\ndef twice(x: int):\n    return 2 * x\n",
        true,
    ),
    ("javascript", "while (true) {}\n", false),
    ("javascript", "process.exit(0);\n", false),
    ("javascript", "const gone = require('no-such-module');\nconst f = x => x;\n", false),
    (
        "javascript",
        "function hangs(x) { for (;;) {} }\nfunction twice(x) { return 2 * x; }\n",
        true,
    ),
    (
        "javascript",
        "function exits() { process.exit(1); }\nfunction twice(x) { return 2 * x; }\n",
        true,
    ),
    ("javascript", "Array.prototype.map = null;\nfunction twice(x) { return 2 * x; }\n", false),
    (
        "javascript",
        "JSON.stringify = () => 'gone'; Array.prototype.flatMap = null;\nfunction twice(x) { return 2 * x; }\n",
        true,
    ),
];

pub fn tests() -> Vec<Test> {
    vec![
        test("builtin::dev_writes_tests_that_pass_without_a_key", without_a_key),
        test("builtin::hostile_sources_end_in_an_error_or_a_suite_for_the_rest", hostile),
        test("builtin::serve_offers_it_at_no_cost_when_told_to", offered),
        test("builtin::serve_falls_back_to_it_when_the_model_is_down", fallback),
        test("builtin::a_client_that_leaves_ends_the_search_on_the_worker", leaving),
    ]
}

fn order(language: &str, source: &str) -> Value {
    json!({
        "input_code": source,
        "language": language,
        "model": "builtin",
        "budget_ms": BUDGET_MS,
        "turnstile_token": format!("token-{}", uuid::Uuid::new_v4()),
    })
}

/// The steps that status frames tell of.
fn steps(frames: &[Frame]) -> Vec<&str> {
    let frames = frames.iter().filter(|frame| frame.event() == Some("status"));
    frames.filter_map(|frame| frame.data()["step"].as_str()).collect()
}

async fn dev(shared: &Shared) -> Process {
    let path = std::env::var("PATH").expect("a search path");
    let docker = std::env::var("DOCKER_HOST").ok();
    let mut variables = vec![("PATH", path.as_str())];
    variables.extend(docker.as_deref().map(|docker| ("DOCKER_HOST", docker)));
    variables.extend(shared.engine().variables());
    Process::dev(&toolchains(), &variables).await
}

async fn without_a_key(shared: Arc<Shared>) {
    let _alone = ONE_FOLDER.lock().await;
    let process = dev(&shared).await;
    let ask = |body: Value| {
        let request = process.request("POST", "/api/generate").header("accept-language", "en");
        answered(request.json(&body))
    };
    for (language, source) in [("python", PYTHON), ("javascript", JAVASCRIPT)] {
        let mut body = order(language, source);
        // The default, for there is nothing else.
        body.as_object_mut().expect("an object").remove("model");
        body["seed"] = json!(std::process::id());
        let (code, others) = ask(body.clone()).await.events().collect().await;
        assert_eq!(steps(&others), ["exploring", "checking", "saving_history"], "{others:?}");
        let done = others.last().expect("a last frame").data().clone();
        assert_eq!((&done["type"], &done["model"]), (&json!("done"), &json!("builtin")));
        assert_eq!((&done["cached"], &done["usage"]["total_tokens"]), (&json!(false), &json!(0)));
        let suite = &done["suite"];
        assert!(suite["tests"].as_u64().is_some_and(|tests| tests > 0), "{suite}");
        assert_eq!(suite["lines"]["covered"], suite["lines"]["total"], "{language}: {suite}");
        assert!(suite["mutants"]["killed"].as_u64() > Some(0), "{language}: {suite}");

        let job = json!({ "code": source, "test_code": code, "language": language });
        let answer = process.request("POST", "/api/execution/execute").json(&job).send();
        let verdict = soon("a verdict", answer).await.map(Answer::new).expect("an answer");
        let verdict = verdict.json().await;
        assert_eq!(verdict["status"], "passed", "{language}:\n{code}\n{verdict:#}");

        let id = done["history_id"].as_str().expect("it was saved");
        let row = answered(process.request("GET", &format!("/api/history/{id}"))).await;
        assert_eq!(row.json().await["generated_code"], code);

        let (again, others) = ask(body).await.events().collect().await;
        let done = others.last().expect("a last frame").data();
        assert_eq!((again, &done["cached"]), (code, &json!(true)));
        assert_eq!(&done["suite"], suite, "what was known of it is still told");
    }
    assert_eq!(process.terminate().await, Some(0));
}

async fn hostile(shared: Arc<Shared>) {
    let worker = shared.get().await;
    let app = in_front_of(worker, "builtin.offered = true").await;
    for (language, source, testable) in HOSTILE {
        let answer = app.generate(&order(language, source)).await;
        assert_eq!(answer.status(), 200, "{source}");
        let (code, others) = answer.events().collect().await;
        let last = others.last().expect("a last frame");
        if testable {
            assert_eq!(last.data()["type"], "done", "{source}\n{last:?}");
            assert!(code.contains("twice"), "{source}\n{code}");
        } else {
            assert_eq!(last.event(), Some("error"), "{source}\n{code}");
            assert_eq!(last.data()["code"], "GENERATION_ERROR", "{last:?}");
            assert_eq!(code, "", "nothing was sent before");
        }
    }
}

async fn in_front_of(worker: &Worker, knobs: &str) -> TestApp {
    let variables = [("WORKER_URL", worker.url()), ("WORKER_AUTH_TOKEN", TOKEN)];
    TestApp::start_configured(&variables, knobs).await
}

async fn offered(shared: Arc<Shared>) {
    let app = in_front_of(shared.get().await, "builtin.offered = true").await;
    // Opens the wallet.
    app.get("/api/user/status").await.json().await;
    let balance = app.supabase.balance(app.user);
    let (code, others) = app.generate(&order("python", PYTHON)).await.events().collect().await;
    assert!(code.contains("def test_"), "{code}");
    assert_eq!(others.last().expect("a last frame").data()["model"], "builtin");
    assert_eq!(app.supabase.balance(app.user), balance);
    assert_eq!(app.gemini.requests_seen(), 0, "no model is asked");
}

async fn fallback(shared: Arc<Shared>) {
    let knobs = "builtin.fallback = true\ngemini.max_attempts = 1";
    let app = in_front_of(shared.get().await, knobs).await;
    app.gemini.set_default(Failure::unavailable());
    app.get("/api/user/status").await.json().await;
    let balance = app.supabase.balance(app.user);
    let mut body = order("javascript", JAVASCRIPT);
    body["model"] = Value::Null;
    let (code, others) = app.generate(&body).await.events().collect().await;
    assert!(code.contains("clamp"), "{code}");
    assert_eq!(steps(&others)[..2], ["falling_back", "exploring"], "{others:?}");
    let done = others.last().expect("a last frame").data();
    assert_eq!((&done["type"], &done["model"]), (&json!("done"), &json!("builtin")));
    assert_eq!(app.supabase.balance(app.user), balance, "the price was given back");
    // The answer is the built-in engine's: a model that is back is asked again.
    app.gemini.set_default(tester_peers::gemini::StreamedAnswer::text(["test('x', () => {});\n"]));
    body["turnstile_token"] = json!("token-again");
    let (_, others) = app.generate(&body).await.events().collect().await;
    assert_eq!(others.last().expect("a last frame").data()["cached"], false);
}

async fn leaving(shared: Arc<Shared>) {
    let knobs = "sandbox.running = 1\nsandbox.node.warm = 0\nsandbox.java.warm = 0\n";
    let worker = Worker::start(shared.engine(), knobs).await;
    let app = in_front_of(&worker, "builtin.offered = true").await;
    let mut body = order("python", "while True:\n    pass\n");
    body["budget_ms"] = json!(10_000);
    let mut events = app.generate(&body).await.events();
    assert_eq!(events.expect().await.data()["step"], "exploring");
    worker.until("running", 1).await;
    drop(events);
    worker.until("running", 0).await;
    worker.terminate();
    assert_eq!(worker.ended().await, Some(0));
}
