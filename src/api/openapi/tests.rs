use std::collections::BTreeSet;

use serde_json::{Value, json};
use utoipa::OpenApi as _;

use super::*;
use crate::api::{api_routes, ops_routes};

fn document() -> Value {
    serde_json::to_value(Document::openapi()).expect("a document is maps, lists and strings")
}

/// `METHOD /path` of every operation.
fn documented(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("a path item").keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect()
}

#[test]
fn what_is_documented_is_what_is_registered() {
    let api = api_routes().map(|(method, path, _)| format!("{method} /api{path}"));
    let ops = ops_routes().map(|(method, path, _)| format!("{method} {path}"));
    let registered: BTreeSet<String> = api.into_iter().chain(ops).collect();
    assert_eq!(documented(&document()), registered);
}

#[test]
fn every_error_code_is_listed_under_its_status() {
    let document = document();
    let mut listed = Vec::new();
    for (_, response) in refusals::components() {
        let response = serde_json::to_value(response).expect("a response is plain");
        let schema = &response["content"]["application/json"]["schema"];
        let codes = &schema["allOf"][1]["properties"]["code"]["enum"];
        listed.extend(codes.as_array().expect("codes").clone());
    }
    // The derived schema knows every variant.
    assert_eq!(json!(listed), document["components"]["schemas"]["ErrorCode"]["enum"]);
}

#[test]
fn every_operation_takes_a_language_and_tells_its_trace_id() {
    let document = document();
    for operation in documented(&document) {
        let (method, path) = operation.split_once(' ').expect("a method and a path");
        let operation = &document["paths"][path][method.to_lowercase()];
        let parameters = operation["parameters"].as_array().expect("parameters");
        assert!(
            parameters.contains(&json!({"$ref": "#/components/parameters/AcceptLanguage"})),
            "{method} {path}"
        );
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let response = match response["$ref"].as_str() {
                Some(reference) => document.pointer(&reference[1..]).expect("a component"),
                None => response,
            };
            let header = &response["headers"]["X-Trace-ID"]["$ref"];
            assert_eq!(header, "#/components/headers/X-Trace-ID", "{method} {path} {status}");
        }
    }
}
