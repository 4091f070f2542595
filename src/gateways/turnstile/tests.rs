use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use serde_json::json;
use tester_peers::Gate;
use tester_peers::turnstile::{TurnstileAnswer, TurnstileCall, TurnstilePeer};
use url::Url;

use super::*;

const SECRET: &str = "0x4AAAAAAA-a-turnstile-secret";
/// Long enough for any answer on this machine.
const AMPLE: Duration = Duration::from_secs(30);

async fn peer() -> TurnstilePeer {
    TurnstilePeer::start(SECRET).await.expect("a free port")
}

fn check(url: &str, secret: &str, timeout: Duration) -> Turnstile {
    check_of_origin(url, secret, timeout, &[], None)
}

fn check_of_origin(
    url: &str,
    secret: &str,
    timeout: Duration,
    hostnames: &[&str],
    action: Option<&str>,
) -> Turnstile {
    // A second installation is refused, and the first one is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let verify_url = Url::parse(url).expect("the peer's own URL");
    let settings = TurnstileSettings {
        secret: secret.into(),
        verify_url,
        hostnames: hostnames.iter().map(|name| (*name).to_owned()).collect(),
        action: action.map(str::to_owned),
        site_key: None,
        timeout,
    };
    Turnstile::new(Client::new(), settings)
}

fn raw(status: u16, body: impl Into<String>) -> TurnstileAnswer {
    TurnstileAnswer::Raw { status, body: body.into() }
}

fn refused(codes: &str) -> Result<(), BotCheckError> {
    Err(BotCheckError::Refused { codes: codes.to_owned() })
}

fn unavailable(outcome: &Result<(), BotCheckError>) -> bool {
    matches!(outcome, Err(BotCheckError::Unavailable(_)))
}

#[tokio::test]
async fn a_fresh_token_passes_with_everything_siteverify_asks_for() {
    let peer = peer().await;
    let check = check(&peer.url(), SECRET, AMPLE);
    let client = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9)).to_canonical();

    assert_eq!(check.verify(Some("token"), Some(client)).await, Ok(()));

    let [call] = <[TurnstileCall; 1]>::try_from(peer.calls()).expect("one call");
    assert_eq!(call.secret.as_deref(), Some(SECRET));
    assert_eq!(call.response.as_deref(), Some("token"));
    assert_eq!(call.remoteip.as_deref(), Some("203.0.113.9"));
    let key = call.idempotency_key.expect("an idempotency key");
    assert!(Uuid::try_parse(&key).is_ok(), "{key}");
}

#[tokio::test]
async fn an_ipv4_address_is_sent_as_such_also_when_mapped_into_ipv6() {
    let peer = peer().await;
    let mapped = IpAddr::V6(Ipv4Addr::new(203, 0, 113, 9).to_ipv6_mapped());
    let check = check(&peer.url(), SECRET, AMPLE);
    assert_eq!(check.verify(Some("a"), Some(mapped)).await, Ok(()));
    assert_eq!(check.verify(Some("b"), None).await, Ok(()));
    let addresses: Vec<_> = peer.calls().into_iter().map(|call| call.remoteip).collect();
    assert_eq!(addresses, [Some("203.0.113.9".to_owned()), None]);
}

#[tokio::test]
async fn a_token_passes_once() {
    let peer = peer().await;
    let check = check(&peer.url(), SECRET, AMPLE);
    assert_eq!(check.verify(Some("token"), None).await, Ok(()));
    let again = check.verify(Some("token"), None).await;
    assert_eq!(again, refused("timeout-or-duplicate"));
}

#[tokio::test]
async fn no_call_is_made_without_a_token_that_could_pass() {
    let peer = peer().await;
    let check = check(&peer.url(), SECRET, AMPLE);
    let long = "x".repeat(2_049);
    for token in [None, Some(""), Some(long.as_str())] {
        assert_eq!(check.verify(token, None).await, Err(BotCheckError::Missing));
    }
    assert_eq!(peer.calls(), []);
    assert_eq!(check.verify(Some(&long[1..]), None).await, Ok(()));
}

#[tokio::test]
async fn internal_errors_and_broken_connections_are_retried_once_with_the_same_key() {
    for failure in [TurnstileAnswer::Fail(&["internal-error"]), TurnstileAnswer::Broken] {
        let peer = peer().await;
        peer.script([failure.clone()]);
        let check = check(&peer.url(), SECRET, AMPLE);

        assert_eq!(check.verify(Some("token"), None).await, Ok(()), "{failure:?}");

        let [first, second] = <[TurnstileCall; 2]>::try_from(peer.calls()).expect("two calls");
        assert_eq!(first, second, "{failure:?}");
    }
}

#[tokio::test]
async fn the_second_failure_is_final() {
    for failure in [TurnstileAnswer::Fail(&["internal-error"]), TurnstileAnswer::Broken] {
        let peer = peer().await;
        peer.script([failure.clone(), failure.clone()]);
        let check = check(&peer.url(), SECRET, AMPLE);
        let outcome = check.verify(Some("token"), None).await;
        assert!(unavailable(&outcome), "{failure:?}: {outcome:?}");
        assert_eq!(peer.calls().len(), 2, "{failure:?}");
    }
}

#[tokio::test]
async fn a_silent_service_is_given_up_at_the_deadline_of_each_call() {
    let peer = peer().await;
    peer.script([TurnstileAnswer::Silent, TurnstileAnswer::Silent]);
    let check = check(&peer.url(), SECRET, AMPLE);
    let deadlines_pass = async {
        for calls in 1..=2 {
            peer.called(calls).await;
            tokio::time::pause();
            tokio::time::advance(AMPLE).await;
            tokio::time::resume();
        }
    };
    let (outcome, ()) = tokio::join!(check.verify(Some("token"), None), deadlines_pass);
    assert_eq!(outcome, Err(BotCheckError::Unavailable("no answer in time".to_owned())));
    assert_eq!(peer.calls().len(), 2);
}

#[tokio::test]
async fn a_service_that_is_down_closes_the_door() {
    let url = peer().await.url();
    let outcome = check(&url, SECRET, AMPLE).verify(Some("token"), None).await;
    assert!(unavailable(&outcome), "{outcome:?}");
}

#[tokio::test]
async fn a_refused_token_is_not_tried_again() {
    for codes in [
        &["invalid-input-response", "made-up"][..],
        &["timeout-or-duplicate"],
        &["missing-input-response"],
        &["made-up"],
        &[],
    ] {
        let peer = peer().await;
        peer.script([TurnstileAnswer::Fail(codes)]);
        let outcome = check(&peer.url(), SECRET, AMPLE).verify(Some("token"), None).await;
        assert_eq!(outcome, refused(&codes.join(",")));
        assert_eq!(peer.calls().len(), 1, "{codes:?}");
    }
}

#[tokio::test]
async fn a_slow_answer_counts_when_it_comes_in_time() {
    let peer = peer().await;
    let gate = Gate::closed();
    peer.script([TurnstileAnswer::Held(gate.clone())]);
    let check = check(&peer.url(), SECRET, AMPLE);
    let answered = async {
        peer.called(1).await;
        gate.open();
    };
    let (outcome, ()) = tokio::join!(check.verify(Some("token"), None), answered);
    assert_eq!(outcome, Ok(()));
    assert_eq!(peer.calls().len(), 1);
}

#[tokio::test]
async fn only_tokens_of_our_sites_pass_when_they_are_named() {
    let peer = peer().await;
    let sites = ["app.example.com", "xn--bcher-kva.example"];
    let check = check_of_origin(&peer.url(), SECRET, AMPLE, &sites, None);
    for (number, (hostname, passes)) in [
        (Some("app.example.com"), true),
        (Some("APP.Example.com"), true),
        (Some("XN--bcher-kva.example"), true),
        (Some("example.com"), false),
        (Some("evil.app.example.com"), false),
        (Some("app.example.com.evil.example"), false),
        (Some("app.example.com."), false),
        (Some(" app.example.com"), false),
        (Some(""), false),
        (None, false),
    ]
    .into_iter()
    .enumerate()
    {
        peer.set_origin(hostname, Some("generate"));
        let outcome = check.verify(Some(&number.to_string()), None).await;
        let expected = if passes { Ok(()) } else { refused("hostname-mismatch") };
        assert_eq!(outcome, expected, "{hostname:?}");
    }
    assert_eq!(peer.calls().len(), 10, "none is asked about again");
}

#[tokio::test]
async fn only_tokens_for_our_action_pass_when_it_is_named() {
    let peer = peer().await;
    let check = check_of_origin(&peer.url(), SECRET, AMPLE, &[], Some("generate"));
    for (number, (action, passes)) in [
        (Some("generate"), true),
        (Some("Generate"), false),
        (Some("generate "), false),
        (Some("sign-in"), false),
        (Some(""), false),
        (None, false),
    ]
    .into_iter()
    .enumerate()
    {
        peer.set_origin(Some("anywhere.example"), action);
        let outcome = check.verify(Some(&number.to_string()), None).await;
        let expected = if passes { Ok(()) } else { refused("action-mismatch") };
        assert_eq!(outcome, expected, "{action:?}");
    }
}

#[tokio::test]
async fn where_neither_site_nor_action_is_named_any_will_do() {
    let peer = peer().await;
    let check = check(&peer.url(), SECRET, AMPLE);
    peer.set_origin(None, None);
    assert_eq!(check.verify(Some("a"), None).await, Ok(()));
    peer.set_origin(Some("localhost"), Some(""));
    assert_eq!(check.verify(Some("b"), None).await, Ok(()));
}

#[tokio::test]
async fn an_answer_whose_site_or_action_is_no_text_does_not_pass() {
    for answer in [
        r#"{"success":true,"hostname":null,"action":"generate"}"#,
        r#"{"success":true,"hostname":["app.example.com"],"action":"generate"}"#,
        r#"{"success":true,"hostname":"app.example.com","action":null}"#,
        r#"{"success":true,"hostname":"app.example.com","action":1}"#,
        r#"{"success":true,"hostname":"app.example.com","hostname":"x","action":"generate"}"#,
    ] {
        let peer = peer().await;
        peer.script([raw(200, answer)]);
        let sites = ["app.example.com"];
        let check = check_of_origin(&peer.url(), SECRET, AMPLE, &sites, Some("generate"));
        assert!(check.verify(Some("token"), None).await.is_err(), "{answer}");
        assert_eq!(check.verify(Some("token"), None).await, Ok(()), "the usual answer");
    }
}

#[tokio::test]
async fn a_refusal_says_what_the_service_says_whatever_the_site() {
    let peer = peer().await;
    let answer =
        json!({"success": false, "error-codes": ["timeout-or-duplicate"], "hostname": "x"});
    peer.script([raw(200, answer.to_string())]);
    let sites = ["app.example.com"];
    let check = check_of_origin(&peer.url(), SECRET, AMPLE, &sites, Some("generate"));
    assert_eq!(check.verify(Some("token"), None).await, refused("timeout-or-duplicate"));
}

#[tokio::test]
async fn a_wrong_secret_is_our_fault_and_is_never_shown() {
    let peer = peer().await;
    let check = check(&peer.url(), "0x4AAAAAAA-another-secret", AMPLE);
    let outcome = check.verify(Some("token"), None).await;
    let reason = "siteverify refuses us: invalid-input-secret".to_owned();
    assert_eq!(outcome, Err(BotCheckError::Unavailable(reason)));
    assert!(!format!("{check:?}").contains("another-secret"));
}

#[tokio::test]
async fn only_a_plain_success_opens_the_door() {
    let padded = json!({"success": true, "cdata": "x".repeat(ANSWER_MAX_BYTES)}).to_string();
    for answer in [
        raw(200, ""),
        raw(200, "<html>success</html>"),
        raw(200, "true"),
        raw(200, "{}"),
        raw(200, r#"{"success":"true"}"#),
        raw(200, r#"{"success":1}"#),
        raw(200, r#"{"success":false,"success":true}"#),
        raw(200, r#"{"success":true} trailing"#),
        raw(200, padded),
        raw(302, r#"{"success":true}"#),
        raw(403, r#"{"success":true}"#),
        raw(500, r#"{"success":true}"#),
        raw(503, ""),
    ] {
        let peer = peer().await;
        peer.script([answer.clone()]);
        let outcome = check(&peer.url(), SECRET, AMPLE).verify(Some("token"), None).await;
        assert!(unavailable(&outcome), "{answer:?}: {outcome:?}");
        assert_eq!(peer.calls().len(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn a_refusal_counts_whatever_status_it_comes_with() {
    let peer = peer().await;
    peer.script([raw(400, r#"{"success":false,"error-codes":["timeout-or-duplicate"]}"#)]);
    let outcome = check(&peer.url(), SECRET, AMPLE).verify(Some("token"), None).await;
    assert_eq!(outcome, refused("timeout-or-duplicate"));
}

#[tokio::test]
async fn what_is_no_error_code_is_not_repeated() {
    let peer = peer().await;
    let mut codes: Vec<_> =
        ["timeout-or-duplicate", SECRET, "a\nb", "\u{1b}[31m", "한"].map(str::to_owned).into();
    codes.push("c".repeat(1_000));
    codes.resize(12, "made-up".to_owned());
    peer.script([raw(200, json!({"success": false, "error-codes": codes}).to_string())]);
    let outcome = check(&peer.url(), SECRET, AMPLE).verify(Some("token"), None).await;
    let listed = "timeout-or-duplicate,no-code,no-code,no-code,no-code,no-code,made-up,made-up";
    assert_eq!(outcome, refused(listed));
}

#[tokio::test]
async fn without_a_check_everybody_passes() {
    assert_eq!(NoBotCheck(()).verify(None, None).await, Ok(()));
}
