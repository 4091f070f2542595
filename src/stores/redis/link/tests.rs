use std::future::ready;

use redis::cmd;
use secrecy::SecretString;
use tester_peers::redis::{Answer, RedisPeer};

use super::*;
use crate::domain::CacheKey;

/// Generous, for a loaded machine.
const NEVER_REACHED: Duration = Duration::from_mins(1);
/// For the tests in which nothing comes.
const SOON_OVER: Duration = Duration::from_secs(1);

fn settings(peer: &RedisPeer, timeout: Duration) -> RedisSettings {
    RedisSettings { url: SecretString::from(peer.url()), timeout, connect_timeout: NEVER_REACHED }
}

async fn peer(answer: Answer) -> RedisPeer {
    RedisPeer::start(answer).await.expect("a free port")
}

async fn link_to(peer: &RedisPeer, timeout: Duration) -> RedisLink {
    let link = RedisLink::start(&settings(peer, timeout));
    link.tried().await;
    link
}

/// Asks for nothing in particular.
async fn ask(link: &RedisLink) -> Option<String> {
    link.run(Operation::CacheGet, async |mut connection: MultiplexedConnection| {
        cmd("GETRANGE").arg("x").arg(0).arg(1).query_async(&mut connection).await
    })
    .await
}

/// Asks until there is an answer; the test's own patience is the runner's.
async fn answered(link: &RedisLink) {
    while ask(link).await.is_none() {
        let mut state = link.shared.state.subscribe();
        state.wait_for(|state| matches!(state, State::Up(_))).await.expect("a sender");
    }
}

fn questions(peer: &RedisPeer) -> usize {
    peer.commands().iter().filter(|command| command[0] == "GETRANGE").count()
}

#[tokio::test]
async fn questions_are_asked_on_connections_that_were_there_before() {
    let peer = peer(Answer::Empty).await;
    let link = link_to(&peer, NEVER_REACHED).await;
    let made = peer.connections();
    for _ in 0..10 {
        assert_eq!(ask(&link).await.as_deref(), Some(""));
    }
    assert_eq!(peer.connections(), made);
}

#[tokio::test]
async fn after_the_first_late_answer_nobody_asks() {
    let peer = peer(Answer::Empty).await;
    let link = link_to(&peer, SOON_OVER).await;
    peer.set_answer(Answer::Silence);
    assert_eq!(ask(&link).await, None);
    for _ in 0..10 {
        assert_eq!(ask(&link).await, None);
    }
    assert_eq!(questions(&peer), 1);
}

#[tokio::test]
async fn a_link_that_broke_comes_back_by_itself() {
    let peer = peer(Answer::Empty).await;
    let link = link_to(&peer, NEVER_REACHED).await;
    for failing in [Answer::Close, Answer::Bytes(b"hello\r\n"), Answer::Bytes(b"*-7\r\n:1:1")] {
        peer.set_answer(failing);
        assert_eq!(ask(&link).await, None);
        peer.set_answer(Answer::Empty);
        answered(&link).await;
    }
}

#[tokio::test]
async fn a_server_that_serves_nobody_is_left_alone_until_a_write_succeeds() {
    for refusal in [
        b"-LOADING in progress\r\n".as_slice(),
        b"-READONLY You can't write against a read only replica.\r\n",
        b"-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"-MISCONF errors writing to disk\r\n",
    ] {
        let peer = peer(Answer::To("SET", refusal)).await;
        let link = link_to(&peer, NEVER_REACHED).await;
        assert_eq!(ask(&link).await, None);
        assert_eq!(questions(&peer), 0);
        peer.set_answer(Answer::Empty);
        answered(&link).await;
        peer.set_answer(Answer::Bytes(refusal));
        assert_eq!(ask(&link).await, None);
        let asked = questions(&peer);
        assert_eq!(ask(&link).await, None);
        assert_eq!(questions(&peer), asked);
    }
}

#[tokio::test]
async fn a_refusal_of_one_command_concerns_no_other() {
    let peer = peer(Answer::Empty).await;
    let link = link_to(&peer, NEVER_REACHED).await;
    for refusal in [
        b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n".as_slice(),
        b"-NOPERM this user has no permissions to run the 'getrange' command\r\n",
        b"-ERR something\r\n",
    ] {
        peer.set_answer(Answer::To("GETRANGE", refusal));
        assert_eq!(ask(&link).await, None);
        peer.set_answer(Answer::Empty);
        assert_eq!(ask(&link).await.as_deref(), Some(""));
    }
    assert_eq!(peer.connections(), 2, "none was made anew");
}

#[tokio::test]
async fn an_answer_of_another_shape_breaks_the_link() {
    let peer = peer(Answer::Empty).await;
    let link = link_to(&peer, NEVER_REACHED).await;
    peer.set_answer(Answer::Bytes(b"*1\r\n:1\r\n"));
    assert_eq!(ask(&link).await, None);
    let asked = questions(&peer);
    assert_eq!(ask(&link).await, None);
    assert_eq!(questions(&peer), asked);
}

#[tokio::test]
async fn a_late_failure_of_former_connections_leaves_the_new_ones_alone() {
    let peer = peer(Answer::Empty).await;
    let link = link_to(&peer, NEVER_REACHED).await;
    let former = link.shared.connections().expect("the link is up");
    link.shared.open(&former, &Failure::Timeout);
    answered(&link).await;
    link.shared.open(&former, &Failure::Timeout);
    assert!(ask(&link).await.is_some());
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_known_to_be_so_at_once() {
    let nobody = peer(Answer::Empty).await.url();
    let settings = RedisSettings {
        url: SecretString::from(nobody),
        timeout: NEVER_REACHED,
        connect_timeout: NEVER_REACHED,
    };
    let link = RedisLink::start(&settings);
    link.tried().await;
    assert_eq!(ask(&link).await, None);
}

#[tokio::test]
async fn a_link_that_is_dropped_leaves_no_connection() {
    let peer = peer(Answer::Empty).await;
    let link = link_to(&peer, NEVER_REACHED).await;
    let other = link.clone();
    drop(link);
    assert!(ask(&other).await.is_some(), "a clone holds it");
    drop(other);
    peer.left_alone().await;
}

#[tokio::test]
async fn what_redis_missed_it_is_told_before_it_is_asked_again() {
    let peer = peer(Answer::Empty).await;
    let link = link_to(&peer, NEVER_REACHED).await;
    let owner = CacheKey([7; 32]);
    let version = super::super::name("pages-of", &owner);
    peer.set_answer(Answer::Close);
    let untold = link.untold();
    untold.mark(owner);
    assert_eq!(ask(&link).await, None);
    assert!(untold.holds(&owner));
    let before = peer.commands().len();
    peer.set_answer(Answer::Empty);
    answered(&link).await;
    assert!(!untold.holds(&owner));
    let told = peer.asked(&["SET", &version, "held"]).await;
    let commands = peer.commands();
    assert!(commands[before..told].iter().all(|command| command[0] != "GETRANGE"));
}

#[tokio::test]
async fn a_reminder_is_heard_while_the_link_is_up() {
    let peer = peer(Answer::Empty).await;
    let link = link_to(&peer, NEVER_REACHED).await;
    let owner = CacheKey([7; 32]);
    link.untold().mark(owner);
    link.untold().remind();
    peer.asked(&["SET", &super::super::name("pages-of", &owner), "held"]).await;
}

#[tokio::test]
async fn who_can_not_be_told_of_changes_is_not_asked_either() {
    let peer = peer(Answer::Empty).await;
    let link = link_to(&peer, NEVER_REACHED).await;
    let refused = redis::RedisError::from((redis::ErrorKind::Extension, "WRONGTYPE"));
    let told: Option<()> = link.run(Operation::PagesForget, |_| ready(Err(refused))).await;
    assert_eq!(told, None);
    assert!(link.shared.connections().is_none());
}
