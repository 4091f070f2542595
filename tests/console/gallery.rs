//! Pictures of the page, for people. `scripts/screenshots` keeps them in docs/console.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tester_peers::gemini::{StreamedAnswer, Usage};

use super::page::Page;
use super::stage::{Stage, cases};

cases![pictures_of_the_page];

const SOURCE: &str = r#"class Account:
    """Holds money, in cents. Never less than nothing."""

    def __init__(self, balance=0):
        if balance < 0:
            raise ValueError("a balance is not negative")
        self.balance = balance

    def withdraw(self, amount):
        if amount <= 0:
            raise ValueError("an amount is positive")
        if amount > self.balance:
            raise ValueError("not enough money")
        self.balance -= amount
        return self.balance
"#;

const TESTS: &str = r#"import pytest


def test_withdraw_returns_what_is_left():
    assert Account(500).withdraw(200) == 300


def test_all_of_it_can_be_withdrawn():
    assert Account(500).withdraw(500) == 0


@pytest.mark.parametrize("amount", [0, -1])
def test_an_amount_that_is_not_positive_is_refused(amount):
    with pytest.raises(ValueError, match="positive"):
        Account(500).withdraw(amount)


def test_nobody_overdraws():
    with pytest.raises(ValueError, match="not enough"):
        Account(100).withdraw(101)
"#;

async fn pictures_of_the_page(stage: Arc<Stage>) {
    let (dev, _alone) = stage.workshop().await;
    let usage = Usage { prompt: 812, output: 264, thoughts: 190 };
    let page = stage.page(dev.url()).await;
    page.set_screen(1280, 860).await;
    for (name, theme, locale) in
        [("light", "light", "en"), ("dark", "dark", "en"), ("korean", "light", "ko")]
    {
        dev.gemini.enqueue(StreamedAnswer::text([TESTS]).usage(usage));
        page.choose("#theme", theme).await;
        page.choose("#locale", locale).await;
        page.generate(&format!("{SOURCE}\n# {name}\n")).await;
        page.until_step("done").await;
        page.click("#run").await;
        page.until_verdict("passed").await;
        keep(&page, name).await;
    }
    page.choose("#locale", "en").await;
    let broken = TESTS.replace("== 300", "== 200");
    page.run("python", SOURCE, &broken).await;
    page.until_verdict("failed").await;
    page.click(".result[data-status=failed] button").await;
    keep(&page, "failed-run").await;
    page.set_screen(360, 740).await;
    page.run("python", SOURCE, TESTS).await;
    page.until_verdict("passed").await;
    page.call("scrollTo(0, 0);", &[]).await;
    keep(&page, "phone").await;
}

/// Takes a picture; keeps it where `TESTER_SCREENSHOTS` says.
async fn keep(page: &Page, name: &str) {
    let picture = page.devtools("Page.captureScreenshot", &json!({"format": "png"})).await;
    let picture = STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
    assert!(picture.starts_with(b"\x89PNG"));
    let Some(folder) = std::env::var_os("TESTER_SCREENSHOTS").map(PathBuf::from) else { return };
    fs::create_dir_all(&folder).expect("a writable folder");
    fs::write(folder.join(format!("{name}.png")), picture).expect("a writable folder");
}
