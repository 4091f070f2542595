//! Pages of other origins that call the API.

use std::sync::Arc;

use serde_json::json;
use tester_peers::http::Server;

use super::site::Serve;
use super::stage::{Stage, cases};

cases![pages_of_configured_origins_call_the_api_and_others_do_not];

async fn pages_of_configured_origins_call_the_api_and_others_do_not(stage: Arc<Stage>) {
    let (client, stranger) = (elsewhere().await, elsewhere().await);
    let serve = Serve::start_with(&[("ALLOWED_ORIGINS", &client.url())]).await;
    let page = stage.browser().await;
    // As the clients that there are do it: a token in the header, a stream as the answer.
    let call = "const [url, token, done] = arguments;
        const headers = {Authorization: token, 'Content-Type': 'application/json', 'Accept-Language': 'en'};
        const body = JSON.stringify({
            input_code: 'def f():\\n    return 1\\n', language: 'python', turnstile_token: crypto.randomUUID(),
        });
        fetch(`${url}/api/generate`, {method: 'POST', headers, body})
            .then(async answer => done({
                status: answer.status,
                trace: answer.headers.get('X-Trace-ID') !== null,
                done: (await answer.text()).includes('\"type\":\"done\"'),
            }))
            .catch(error => done(error.name));";
    let arguments = vec![json!(serve.url()), json!(serve.peers.authorization())];
    page.visit(&client.url()).await;
    let answer = page.client().execute_async(call, arguments.clone()).await.expect("an end");
    assert_eq!(answer, json!({"status": 200, "trace": true, "done": true}));
    page.visit(&stranger.url()).await;
    let answer = page.client().execute_async(call, arguments).await.expect("an end");
    assert_eq!(answer, "TypeError");
    let complaints = page.complaints().await;
    assert!(complaints.iter().all(|it| it.contains("blocked by CORS policy")), "{complaints:?}");
    assert_eq!(serve.peers.gemini.requests_seen(), 1);
}

/// An origin with an empty page.
async fn elsewhere() -> Server {
    let server = Server::start(async |_, mut connection| {
        let page =
            b"<!doctype html><html lang=en><title>Elsewhere</title><link rel=icon href=data:>";
        connection.respond(200, &[("content-type", "text/html")], page).await?;
        Ok(connection)
    });
    server.await.expect("a free port")
}
