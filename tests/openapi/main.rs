//! The description of the API, against the running program.

mod server;

use std::collections::BTreeSet;

use serde_json::Value;

use self::server::Server;

/// `(path, method, operation)` of everything described.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().expect("paths").iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("a path item");
        item.iter().map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// Every value of `$ref`, wherever it stands.
fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// The paths that a described one is served under, with something in the place of its parameter.
fn served_under(path: &str) -> Vec<String> {
    let path = path.replace("{id}", "9d6b3b0e-6d0c-4a39-9a3c-2f7f5a3a9f11");
    assert!(!path.contains('{'), "{path} has a parameter this test doesn't know");
    match path.strip_prefix("/api/") {
        Some(rest) => vec![format!("/api/v1/{rest}"), path.clone()],
        None => vec![path],
    }
}

#[tokio::test]
async fn the_description_is_the_reviewed_one() {
    let mut document = Server::start().await.document("/api/openapi.json").await;
    document["info"]["version"] = "[version]".into();
    insta::assert_json_snapshot!("openapi", document);
}

#[tokio::test]
async fn both_prefixes_serve_the_same_description() {
    let server = Server::start().await;
    let first = server.document("/api/openapi.json").await;
    assert_eq!(server.document("/api/v1/openapi.json").await, first);
    assert_eq!(first["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[tokio::test]
async fn the_description_is_openapi_3_1_with_one_name_an_operation() {
    let document = Server::start().await.document("/api/openapi.json").await;
    let version = document["openapi"].as_str().expect("a version");
    assert!(version.starts_with("3.1"), "{version}");
    let mut seen = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = operation["operationId"].as_str().expect("a name");
        assert!(seen.insert(name), "{method} {path} shares the name {name}");
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = Server::start().await.document("/api/openapi.json").await;
    let references = references(&document);
    for reference in &references {
        let pointer = reference.strip_prefix('#').expect("a reference into the document itself");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    let components = document["components"].as_object().expect("components");
    for (kind, named) in components.iter().filter(|(kind, _)| *kind != "securitySchemes") {
        for name in named.as_object().expect("components by name").keys() {
            let reference = format!("#/components/{kind}/{name}");
            // No operation answers 405: it is what methods that are no operation get.
            let stands_alone = name == "MethodNotAllowed";
            assert!(stands_alone || references.contains(&&*reference), "{reference} is unused");
        }
    }
}

#[tokio::test]
async fn every_scheme_an_operation_asks_for_is_described() {
    let document = Server::start().await.document("/api/openapi.json").await;
    let schemes = &document["components"]["securitySchemes"];
    for (path, method, operation) in operations(&document) {
        for requirement in operation["security"].as_array().expect("each says what it needs") {
            for scheme in requirement.as_object().expect("a requirement").keys() {
                assert!(schemes[scheme].is_object(), "{method} {path} needs {scheme}");
            }
        }
    }
}

#[tokio::test]
async fn every_path_has_the_described_methods_and_no_other() {
    let server = Server::start().await;
    let document = server.document("/api/openapi.json").await;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let methods = item.as_object().expect("a path item").keys();
        let described: BTreeSet<String> = methods.map(|method| method.to_uppercase()).collect();
        for path in served_under(path) {
            let answer = server.ask("PUT", &path).await;
            assert_eq!(answer.status(), 405, "{path}");
            let allow = answer.headers()["allow"].to_str().expect("methods are ASCII");
            let routed: BTreeSet<String> = allow.split(", ").map(str::to_owned).collect();
            assert_eq!(routed, described, "{path}");
        }
    }
}

#[tokio::test]
async fn every_operation_answers_with_a_described_status_and_type() {
    let server = Server::start().await;
    let document = server.document("/api/openapi.json").await;
    for (path, method, operation) in operations(&document) {
        for path in served_under(path) {
            let answer = server.ask(&method.to_uppercase(), &path).await;
            let status = answer.status().as_u16().to_string();
            let response = &operation["responses"][&status];
            assert!(response.is_object(), "{method} {path} answered {status}");
            let response = match response["$ref"].as_str() {
                Some(reference) => document.pointer(&reference[1..]).expect("a component"),
                None => response,
            };
            let described = response["content"].as_object().map(|content| content.keys().next());
            let sent =
                answer.headers().get("content-type").map(|kind| kind.to_str().expect("ASCII"));
            assert_eq!(sent, described.flatten().map(String::as_str), "{method} {path} {status}");
        }
    }
}
