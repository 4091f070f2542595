//! The page as a person has it before them: what is shown, and what they do with hands and keys.

use std::path::PathBuf;
use std::time::Duration;

use fantoccini::actions::{InputSource as _, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::key::Key;
use fantoccini::wd::WindowHandle;
use fantoccini::{Client, Locator};
use serde_json::{Value, json};

use super::browser::Command;
use super::support::PATIENCE;

/// Between two looks at something that is about to change.
const LOOK: Duration = Duration::from_millis(25);

/// Kept by the page from before its first script on: what its content policy refused, and every
/// step of a generation, with its words.
const WITNESS: &str = r"
    window.witness = {refused: [], steps: []};
    addEventListener('securitypolicyviolation', event =>
        witness.refused.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
    addEventListener('DOMContentLoaded', () => {
        const progress = document.getElementById('progress');
        if (progress === null) return;
        const note = () => {
            const seen = {step: progress.dataset.step, words: progress.textContent.trim()};
            const last = witness.steps.at(-1);
            if (last?.step !== seen.step || last?.words !== seen.words) witness.steps.push(seen);
        };
        new MutationObserver(note).observe(progress, {
            attributes: true, characterData: true, childList: true, subtree: true,
        });
    });
";

/// A browser's window, of one session. Clones are the same window.
#[derive(Clone)]
pub struct Page {
    client: Client,
    downloads: PathBuf,
}

impl Page {
    pub const fn new(client: Client, downloads: PathBuf) -> Self {
        Self { client, downloads }
    }

    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Where its downloads go.
    pub fn downloads(&self) -> &std::path::Path {
        &self.downloads
    }

    /// Goes to an address and waits until the console is there to be used.
    pub async fn open(&self, url: &str) {
        self.visit(url).await;
        self.until("the console", "document.documentElement.dataset.ready === 'true'").await;
    }

    /// Goes to an address, whatever is there.
    pub async fn visit(&self, url: &str) {
        self.devtools("Page.enable", &json!({})).await;
        let witness = json!({ "source": WITNESS });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", &witness).await;
        self.client.goto(url).await.expect("the address answers");
    }

    /// Opens the same address in another tab, and looks at that from now on. Gives the tab before.
    pub async fn open_tab(&self, url: &str) -> WindowHandle {
        let before = self.client.window().await.expect("a window is there");
        let tab = self.client.new_window(true).await.expect("another tab");
        self.switch_to(&tab.handle).await;
        self.open(url).await;
        before
    }

    /// Looks at another tab; gives the one before.
    pub async fn switch_to(&self, tab: &WindowHandle) -> WindowHandle {
        let before = self.client.window().await.expect("a window is there");
        self.client.switch_to_window(tab.clone()).await.expect("the tab is there");
        before
    }

    pub async fn reload(&self) {
        self.client.refresh().await.expect("the address answers");
        self.until("the console", "document.documentElement.dataset.ready === 'true'").await;
    }

    // --- Looking --------------------------------------------------------------------------------

    /// The value of an expression in the page.
    pub async fn eval(&self, expression: &str) -> Value {
        self.call(&format!("return ({expression});"), &[]).await
    }

    /// What a function's body returns, with these `arguments`.
    pub async fn call(&self, body: &str, arguments: &[Value]) -> Value {
        let body = format!("const $ = css => document.querySelector(css);\n{body}");
        let answer = self.client.execute(&body, arguments.to_vec()).await;
        answer.unwrap_or_else(|error| panic!("{error} in {body}"))
    }

    /// Waits until an expression holds in the page.
    pub async fn until(&self, what: &str, expression: &str) {
        let body =
            format!("const $ = css => document.querySelector(css);\nreturn Boolean({expression});");
        let wait = async {
            loop {
                // While a document is on its way there is none to ask.
                if self.client.execute(&body, Vec::new()).await.is_ok_and(|held| held == true) {
                    return;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        if tokio::time::timeout(PATIENCE, wait).await.is_err() {
            let told = self
                .eval(
                    "[$('#notice:not([hidden])'), $('#progress'), $('#verdict'), $('#account-state')]
                         .map(element => element?.textContent.trim())",
                )
                .await;
            panic!("{what}: not within {PATIENCE:?} ({expression}); the page says {told}");
        }
    }

    pub async fn text(&self, css: &str) -> String {
        let text = self.call("return $(arguments[0]).textContent.trim();", &[json!(css)]).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    pub async fn value(&self, css: &str) -> String {
        let value = self.call("return $(arguments[0]).value;", &[json!(css)]).await;
        value.as_str().unwrap_or_default().to_owned()
    }

    pub async fn is_shown(&self, css: &str) -> bool {
        let shown = "return $(arguments[0])?.checkVisibility({visibilityProperty: true}) ?? false;";
        self.call(shown, &[json!(css)]).await == true
    }

    pub async fn until_shown(&self, css: &str) {
        self.until(&format!("{css} is shown"), &format!("{}?.checkVisibility()", one(css))).await;
    }

    pub async fn until_gone(&self, css: &str) {
        let gone = format!("!({}?.checkVisibility() ?? false)", one(css));
        self.until(&format!("{css} is gone"), &gone).await;
    }

    pub async fn until_text(&self, css: &str, part: &str) {
        let holds = format!("{}?.textContent.includes({})", one(css), json!(part));
        self.until(&format!("{css} says {part:?}"), &holds).await;
    }

    pub async fn until_value(&self, css: &str, part: &str) {
        let holds = format!("{}?.value.includes({})", one(css), json!(part));
        self.until(&format!("{css} holds {part:?}"), &holds).await;
    }

    /// Waits until a generation is there, or beyond a failure with what the page says of it.
    pub async fn until_step(&self, step: &str) {
        let there = format!("$('#progress').dataset.step === {}", json!(step));
        self.until(&format!("the step {step}"), &there).await;
    }

    /// Waits for a notice with this code.
    pub async fn until_notice(&self, code: &str) {
        let there = format!("$('#notice').dataset.code === {}", json!(code));
        self.until(&format!("the notice {code}"), &there).await;
        self.until_shown("#notice").await;
    }

    /// Waits for the end of a run with this status.
    pub async fn until_verdict(&self, status: &str) {
        let there = format!("$('#verdict').dataset.status === {}", json!(status));
        self.until(&format!("the verdict {status}"), &there).await;
    }

    /// Waits until the focus is on what this selects.
    pub async fn until_focused(&self, css: &str) {
        let there = format!("document.activeElement?.matches({})", json!(css));
        self.until(&format!("the focus on {css}"), &there).await;
    }

    /// Waits until the tests that are shown are these, line by line.
    pub async fn until_tests_are(&self, text: &str) {
        let lines = "[...document.querySelectorAll('#tests-lines .line')]
                         .map(line => line.textContent).join('\\n')";
        self.until("the tests are shown", &format!("{lines} === {}", json!(text))).await;
    }

    /// Waits until the tests that are shown hold this text, on one line.
    pub async fn until_tests_show(&self, part: &str) {
        self.until_text("#tests-lines", part).await;
    }

    /// Every step since the document began, without those that follow themselves.
    pub async fn steps(&self) -> Vec<String> {
        let steps = self.eval("witness.steps.map(({step}) => step)").await;
        let mut steps: Vec<String> = serde_json::from_value(steps).expect("steps have names");
        steps.dedup();
        steps
    }

    // --- Doing ----------------------------------------------------------------------------------

    async fn element(&self, css: &str) -> Element {
        self.until_shown(css).await;
        let found = self.client.find(Locator::Css(css)).await;
        found.unwrap_or_else(|error| panic!("{css}: {error}"))
    }

    /// Clicks where it is, once it can be clicked.
    pub async fn click(&self, css: &str) {
        let enabled = format!("{}?.disabled === false || !('disabled' in {0})", one(css));
        self.until_shown(css).await;
        self.until(&format!("{css} can be clicked"), &enabled).await;
        let clicked = self.element(css).await.click().await;
        clicked.unwrap_or_else(|error| panic!("{css} can't be clicked: {error}"));
    }

    /// Replaces the text of a field, as one pastes.
    pub async fn fill(&self, css: &str, text: &str) {
        self.until_shown(css).await;
        self.call("$(arguments[0]).focus(); $(arguments[0]).select();", &[json!(css)]).await;
        if text.is_empty() {
            self.press("Delete").await;
        } else {
            self.paste(text).await;
        }
    }

    /// Pastes a text where the cursor is.
    pub async fn paste(&self, text: &str) {
        self.devtools("Input.insertText", &json!({ "text": text })).await;
    }

    /// Chooses what has this value.
    pub async fn choose(&self, css: &str, value: &str) {
        let option = format!("{css} option[value={}]", json!(value));
        self.until(&format!("{option} is offered"), &format!("{} !== null", one(&option))).await;
        let chosen = self.element(css).await.select_by_value(value).await;
        chosen.unwrap_or_else(|error| panic!("{css} can't be {value}: {error}"));
    }

    /// Gives a file to an input for files.
    pub async fn choose_file(&self, css: &str, path: &std::path::Path) {
        let input = self.client.find(Locator::Css(css)).await.expect("there is one");
        input.send_keys(&path.display().to_string()).await.expect("it takes files");
    }

    /// Presses keys together: `Tab`, `Control+Shift+Enter`, `a`.
    pub async fn press(&self, chord: &str) {
        let keys: Vec<char> = chord.split('+').map(key).collect();
        let downs = keys.iter().map(|&value| KeyAction::Down { value });
        let ups = keys.iter().rev().map(|&value| KeyAction::Up { value });
        let actions = downs.chain(ups).fold(KeyActions::new("keys".to_owned()), KeyActions::then);
        let pressed = self.client.perform_actions(actions).await;
        pressed.unwrap_or_else(|error| panic!("{chord} can't be pressed: {error}"));
    }

    /// Types a text where the focus is, key by key.
    pub async fn type_text(&self, text: &str) {
        let keys =
            text.chars().map(|letter| if letter == '\n' { Key::Enter.into() } else { letter });
        let keys = keys.flat_map(|value| [KeyAction::Down { value }, KeyAction::Up { value }]);
        let actions = keys.fold(KeyActions::new("keys".to_owned()), KeyActions::then);
        self.client.perform_actions(actions).await.expect("there is a keyboard");
    }

    /// Pastes a program, waits until the page can take it, and asks for its tests.
    pub async fn generate(&self, source: &str) {
        self.fill("#source", source).await;
        self.click("#generate").await;
    }

    /// Pastes a program and its tests, and runs them.
    pub async fn run(&self, language: &str, source: &str, tests: &str) {
        self.fill("#source", source).await;
        self.choose("#language", language).await;
        self.fill("#tests", tests).await;
        self.click("#run").await;
    }

    /// Signs in with a password, and waits until the dialog is gone.
    pub async fn sign_in(&self, email: &str, password: &str) {
        if !self.is_shown("#account").await {
            self.click("#account-open").await;
        }
        self.fill("#email", email).await;
        self.fill("#password", password).await;
        self.click("#sign-in").await;
        self.until_gone("#account").await;
    }

    // --- Beyond a person's reach ----------------------------------------------------------------

    /// A command of the Chrome `DevTools` Protocol.
    pub async fn devtools(&self, method: &str, parameters: &Value) -> Value {
        let answer = self.client.issue_cmd(Command::devtools(method, parameters)).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Takes the network away, or gives it back.
    pub async fn set_offline(&self, offline: bool) {
        self.devtools("Network.enable", &json!({})).await;
        let conditions = json!({
            "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        self.devtools("Network.emulateNetworkConditions", &conditions).await;
    }

    /// A screen of that many CSS pixels.
    pub async fn set_screen(&self, width: u32, height: u32) {
        let screen = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen).await;
    }

    /// What is wrong with the pages that were shown since the last look: every line of the browser's
    /// log but those about answers that were errors, which tests bring about.
    pub async fn complaints(&self) -> Vec<String> {
        let Ok(lines) = self.client.issue_cmd(Command::log()).await else {
            return vec!["the browser is gone".to_owned()];
        };
        let lines = lines.as_array().cloned().unwrap_or_default();
        let complaints = lines.iter().filter(|line| {
            line["source"] != "network"
                && matches!(line["level"].as_str(), Some("SEVERE" | "WARNING"))
        });
        complaints.map(|line| format!("{} {}", line["source"], line["message"])).collect()
    }
}

/// The expression of the element that a selector names.
fn one(css: &str) -> String {
    format!("document.querySelector({})", json!(css))
}

fn key(name: &str) -> char {
    let key = match name {
        "Alt" => Key::Alt,
        "Backspace" => Key::Backspace,
        "Control" => Key::Control,
        "Delete" => Key::Delete,
        "Down" => Key::Down,
        "End" => Key::End,
        "Enter" => Key::Enter,
        "Escape" => Key::Escape,
        "F1" => Key::F1,
        "Home" => Key::Home,
        "Shift" => Key::Shift,
        "Space" => return ' ',
        "Tab" => Key::Tab,
        "Up" => Key::Up,
        _ => {
            let mut letters = name.chars();
            let letter = letters.next().expect("a key has a name");
            assert!(letters.next().is_none(), "no key is called {name}");
            return letter;
        }
    };
    key.into()
}
