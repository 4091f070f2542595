//! The console's page as a browser gets it. What it does there is seen in `tests/console`.

use std::io::Read as _;

use crate::support::{Answer, DevApp, TestApp, answered};

const SITE_KEY: &str = "0x4AAAAAAADnPIDROrmt1Wwj";

fn header(answer: &Answer, name: &str) -> String {
    answer.header(name).unwrap_or_default()
}

#[tokio::test]
async fn the_page_is_served_with_its_own_policy() {
    for answer in [
        answered(DevApp::start_with(&[]).await.request("GET", "/")).await,
        answered(TestApp::start().await.request("GET", "/")).await,
    ] {
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
        let policy = header(&answer, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src"), "{policy}");
        assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        // With `no-referrer` the page's own requests would have no origin to be told by.
        assert_eq!(header(&answer, "referrer-policy"), "same-origin");
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
        assert!(answer.text().await.contains("<title>TESTER</title>"));
    }
}

#[tokio::test]
async fn the_page_knows_the_deployment_and_lets_in_only_what_is_configured() {
    let app =
        TestApp::start_with(&[("TURNSTILE_SITE_KEY", SITE_KEY), ("TURNSTILE_ACTION", "generate")])
            .await;
    let settings = answered(app.request("GET", "/console/settings.json")).await.json().await;
    let url = settings["supabase"]["url"].as_str().expect("a URL").to_owned();
    assert!(url.starts_with("http://") && !url.ends_with('/'), "{url}");
    assert_eq!(settings["supabase"].as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(
        settings["turnstile"],
        serde_json::json!({"site_key": SITE_KEY, "action": "generate"})
    );
    let page = answered(app.request("GET", "/")).await;
    let policy = header(&page, "content-security-policy");
    let turnstile = "https://challenges.cloudflare.com";
    for rule in [
        format!("script-src 'self' {turnstile};"),
        format!("frame-src {turnstile};"),
        format!("connect-src 'self' {url};"),
    ] {
        assert!(policy.contains(&rule), "{rule} is not in {policy}");
    }
    let local = DevApp::start_with(&[]).await;
    let settings = answered(local.request("GET", "/console/settings.json")).await.json().await;
    assert_eq!(settings, serde_json::json!({"supabase": null, "turnstile": null}));
}

#[tokio::test]
async fn files_are_compressed_for_who_takes_it_and_not_sent_twice() {
    let app = DevApp::start_with(&[]).await;
    let plain = answered(app.request("GET", "/console/main.js")).await;
    assert_eq!(header(&plain, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&plain, "cache-control"), "no-cache");
    let vary = header(&plain, "vary").to_lowercase();
    assert!(vary.split(", ").any(|name| name == "accept-encoding"), "{vary}");
    let tag = header(&plain, "etag");
    let text = plain.text().await;
    let request = app.request("GET", "/console/main.js").header("accept-encoding", "br, gzip");
    let packed = answered(request).await;
    assert_eq!(header(&packed, "content-encoding"), "gzip");
    let packed = packed.bytes().await;
    assert!(packed.len() * 2 < text.len(), "{} of {}", packed.len(), text.len());
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).expect("gzip");
    assert_eq!(unpacked, text);
    let request = app.request("GET", "/console/main.js").header("accept-encoding", "gzip;q=0");
    assert_eq!(header(&answered(request).await, "content-encoding"), "");
    for tags in [tag.clone(), format!("\"other\", W/{tag}")] {
        let request = app.request("GET", "/console/main.js").header("if-none-match", tags);
        let known = answered(request).await;
        assert_eq!(known.status(), 304);
        assert_eq!(known.text().await, "");
    }
}

#[tokio::test]
async fn nothing_but_the_files_of_the_page_is_served() {
    let app = DevApp::start_with(&[]).await;
    for path in [
        "/console/",
        "/console/index.html",
        "/console/mod.rs",
        "/console/..%2fmod.rs",
        "/console/%2e%2e/mod.rs",
        "/console/page/main.js",
        "/index.html",
    ] {
        let answer = answered(app.request("GET", path)).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.json().await["code"], "NOT_FOUND", "{path}");
    }
    let refused = answered(app.request("POST", "/")).await;
    assert_eq!((refused.status(), header(&refused, "allow").as_str()), (405, "GET"));
}

#[tokio::test]
async fn the_local_page_is_for_this_machine_only() {
    let app = DevApp::start_with(&[]).await;
    let foreign = app.request("GET", "/").header("host", "evil.example");
    assert_eq!(answered(foreign).await.status(), 403);
}
