use serde_json::{Value, json};

use super::worker::Engine;

/// Looks at a verdict and says what is wrong with it.
pub type Check = fn(&Value) -> Result<(), String>;

/// A program, its tests, and what the verdict on them must be.
pub struct Case {
    pub name: String,
    pub language: &'static str,
    pub source: String,
    pub tests: String,
    /// `limits` of the request; null for none.
    pub limits: Value,
    /// Any of these statuses is right; more than one only where the race is the kernel's.
    pub status: Vec<&'static str>,
    /// Each test that must be reported, and how. Empty: not looked at.
    pub results: Vec<(&'static str, &'static str)>,
    /// Texts that must stand in `output`.
    pub output: Vec<&'static str>,
    /// Texts that must stand in `error`.
    pub error: Vec<&'static str>,
    /// Line of a test, by its id.
    pub lines: Vec<(&'static str, u64)>,
    /// Texts that must stand in the `message` of a test, by its id.
    pub messages: Vec<(&'static str, &'static str)>,
    /// Texts that must stand in the `output` of a test, by its id.
    pub printed: Vec<(&'static str, &'static str)>,
    /// Tests that printed nothing.
    pub silent: Vec<&'static str>,
    /// Limits that must be named as reached, with their values. Empty: not looked at.
    pub reached: Vec<(&'static str, u64)>,
    /// What is right with gVisor, whose kernel is its own; empty where it is the same.
    pub on_gvisor: Vec<&'static str>,
    /// Whatever else must be so.
    pub also: Option<Check>,
}

impl Case {
    pub fn new(name: &str, language: &'static str, source: &str, tests: &str) -> Self {
        Self {
            name: format!("{language}::{name}"),
            language,
            source: source.to_owned(),
            tests: tests.to_owned(),
            limits: Value::Null,
            status: vec!["passed"],
            results: Vec::new(),
            output: Vec::new(),
            error: Vec::new(),
            lines: Vec::new(),
            messages: Vec::new(),
            printed: Vec::new(),
            silent: Vec::new(),
            reached: Vec::new(),
            on_gvisor: Vec::new(),
            also: None,
        }
    }

    pub fn status(mut self, status: &'static str) -> Self {
        self.status = vec![status];
        self
    }

    pub fn status_in(mut self, statuses: &[&'static str]) -> Self {
        self.status = statuses.to_vec();
        self
    }

    pub fn results(mut self, results: &[(&'static str, &'static str)]) -> Self {
        self.results = results.to_vec();
        self
    }

    pub fn lines(mut self, lines: &[(&'static str, u64)]) -> Self {
        self.lines = lines.to_vec();
        self
    }

    pub fn messages(mut self, messages: &[(&'static str, &'static str)]) -> Self {
        self.messages = messages.to_vec();
        self
    }

    pub fn printed(mut self, printed: &[(&'static str, &'static str)]) -> Self {
        self.printed = printed.to_vec();
        self
    }

    pub fn silent(mut self, ids: &[&'static str]) -> Self {
        self.silent = ids.to_vec();
        self
    }

    pub fn reached(mut self, limits: &[(&'static str, u64)]) -> Self {
        self.reached = limits.to_vec();
        self
    }

    /// Results of single tests are then not looked at under gVisor.
    pub fn on_gvisor(mut self, statuses: &[&'static str]) -> Self {
        self.on_gvisor = statuses.to_vec();
        self
    }

    pub fn output(mut self, texts: &[&'static str]) -> Self {
        self.output = texts.to_vec();
        self
    }

    pub fn error(mut self, texts: &[&'static str]) -> Self {
        self.error = texts.to_vec();
        self
    }

    pub fn limits(mut self, limits: Value) -> Self {
        self.limits = limits;
        self
    }

    pub fn also(mut self, check: Check) -> Self {
        self.also = Some(check);
        self
    }

    pub fn body(&self) -> Value {
        json!({
            "input_code": self.source,
            "test_code": self.tests,
            "language": self.language,
            "limits": self.limits,
        })
    }

    /// Everything that is not as it must be.
    pub fn check(&self, verdict: &Value, engine: Engine) -> Vec<String> {
        let mut wrong = Vec::new();
        let status = verdict["status"].as_str().unwrap_or("(none)");
        let differs = engine == Engine::Runsc && !self.on_gvisor.is_empty();
        let right = if differs { &self.on_gvisor } else { &self.status };
        if !right.contains(&status) {
            wrong.push(format!("status is {status}, expected {right:?}"));
        }
        if verdict["success"] != (status == "passed") {
            wrong.push("success is not what the status says".to_owned());
        }
        if verdict["isolation"] != engine.isolation() {
            wrong.push(format!("isolation is {}", verdict["isolation"]));
        }
        if (status == "passed") != verdict["error"].as_str().is_some_and(str::is_empty) {
            wrong.push(format!("error is {}", verdict["error"]));
        }
        if !differs {
            self.check_tests(verdict, &mut wrong);
        }
        if let Some(check) = self.also
            && let Err(what) = check(verdict)
        {
            wrong.push(what);
        }
        wrong
    }

    fn check_tests(&self, verdict: &Value, wrong: &mut Vec<String>) {
        let tests = verdict["tests"].as_array().cloned().unwrap_or_default();
        let find = |id: &str| tests.iter().find(|test| test["id"] == id);
        for (id, expected) in &self.results {
            match find(id) {
                None => wrong.push(format!("no test {id} was reported")),
                Some(test) if test["status"] != *expected => {
                    wrong.push(format!("{id} is {}, expected {expected}", test["status"]));
                }
                Some(_) => {}
            }
        }
        if !self.results.is_empty() && tests.len() != self.results.len() {
            wrong.push(format!("{} tests, expected {}", tests.len(), self.results.len()));
        }
        for (id, line) in &self.lines {
            let found = find(id).map(|test| test["line"].clone());
            if found != Some(json!(line)) {
                wrong.push(format!("{id} has line {found:?}, expected {line}"));
            }
        }
        for (field, expected) in [("message", &self.messages), ("output", &self.printed)] {
            for (id, text) in expected {
                let found = find(id).map_or(Value::Null, |test| test[field].clone());
                if !found.as_str().is_some_and(|found| found.contains(text)) {
                    wrong.push(format!("{field} of {id} is {found}, expected {text:?} in it"));
                }
            }
        }
        for id in &self.silent {
            if find(id).is_none_or(|test| test["output"] != "") {
                wrong.push(format!("{id} printed something"));
            }
        }
        let reached = verdict["limits_reached"].as_array().cloned().unwrap_or_default();
        for (limit, value) in &self.reached {
            if !reached.contains(&json!({"limit": limit, "value": value})) {
                wrong.push(format!(
                    "{limit} of {value} is not among the limits reached: {reached:?}"
                ));
            }
        }
        for (field, texts) in [("output", &self.output), ("error", &self.error)] {
            let text = verdict[field].as_str().unwrap_or_default();
            for expected in texts {
                if !text.contains(expected) {
                    wrong.push(format!("{field} does not contain {expected:?}"));
                }
            }
        }
    }
}

/// A job that always passes.
pub fn trivial(language: &str) -> Value {
    let (source, tests) = match language {
        "python" => ("def one():\n    return 1\n", "def test_one():\n    assert one() == 1\n"),
        "java" => (
            "class One { static int one() { return 1; } }",
            "import org.junit.jupiter.api.*;\nclass OneTest {\n  @Test void one() { Assertions.assertEquals(1, One.one()); }\n}",
        ),
        _ => ("function one() { return 1; }", "test('one', () => { expect(one()).toBe(1); });"),
    };
    json!({"input_code": source, "test_code": tests, "language": language})
}
