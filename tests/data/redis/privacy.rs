//! What somebody learns who reads all of Redis.

use serde_json::json;
use tester_peers::gemini::StreamedAnswer;

use super::instances::Instances;
use crate::case::{Case, cases};

pub fn cases() -> Vec<Case> {
    cases![nothing_in_redis_tells_who_did_what]
}

async fn nothing_in_redis_tells_who_did_what() {
    let instances = Instances::start().await;
    let user = instances.user();
    let secret = "kept_between_us_42";
    let body = json!({
        "input_code": format!("def {secret}(a):\n    return a\n"),
        "description": format!("{secret} is told to nobody"),
        "language": "python",
        "turnstile_token": "token-of-privacy",
    });
    let answer = format!("def test_{secret}():\n    assert {secret}(1) == 1\n");
    instances.one.gemini.enqueue(StreamedAnswer::text([answer]));
    let generated = user.generate_body(&instances.one, &body).await;
    user.items(&instances.other).await;
    user.send(&instances.other, "GET", "/api/user/status").await;
    for kind in ["cache:", "page:", "pages-of:", "limit:generate:", "limit:status:"] {
        assert!(!instances.redis.names(kind).await.is_empty(), "nothing of {kind}");
    }
    let id = user.id;
    let mut telling: Vec<Vec<u8>> = [
        secret.to_owned(),
        id.to_string(),
        id.simple().to_string(),
        generated.id.clone(),
        generated.id.replace('-', ""),
        "ada@example.com".to_owned(),
        "python".to_owned(),
        "gemini".to_owned(),
        "created_at".to_owned(),
    ]
    .map(String::into_bytes)
    .into();
    telling.push(id.as_bytes().to_vec());
    for held in instances.redis.everything().await {
        for word in &telling {
            let found = held.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
            let (word, held) = (String::from_utf8_lossy(word), String::from_utf8_lossy(&held));
            assert!(!found, "{word} in {held}");
        }
    }
}
