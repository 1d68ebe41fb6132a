//! The OpenAPI document: committed as it is made, complete, and sound in itself.

use std::collections::BTreeSet;

use fiscaflow_core::api::VERBS;
use fiscaflow_server::openapi;
use serde_json::Value;

use crate::support::{Request, Server};

#[test]
fn the_committed_document_is_up_to_date() {
    let committed = include_str!("../../openapi.json");
    assert_eq!(openapi::text(), committed, "run `cargo xtask gen` and commit what it writes");
}

#[tokio::test]
async fn it_is_served_without_a_token() {
    let server = Server::in_memory().await;
    let reply = Request::new(server.address, "GET", "/api-docs/openapi.json").send().await;
    assert_eq!((reply.status, reply.json()), (200, openapi::document()));
}

#[test]
fn it_lists_every_verb_once() {
    let document = openapi::document();
    let mut listed = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let Some(name) = operation["operationId"].as_str() else {
                assert!(["/health", "/ready", "/outside"].contains(&path.as_str()));
                continue;
            };
            let verb = fiscaflow_core::api::verb(name).unwrap();
            assert_eq!(*path, format!("/api/v1{}", verb.path));
            assert_eq!(method, &format!("{:?}", verb.method).to_lowercase());
            assert!(listed.insert(name.to_owned()), "{name} is listed twice");
            check_path_parameters(path, operation);
        }
    }
    assert_eq!(listed, VERBS.iter().map(|verb| verb.name.to_owned()).collect());
}

fn check_path_parameters(path: &str, operation: &Value) {
    let in_path = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
    let declared = operation["parameters"].as_array().unwrap().iter();
    let declared = declared.filter(|it| it["in"] == "path" && it["required"] == true);
    let declared: BTreeSet<_> = declared.map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(declared, in_path.collect(), "{path}");
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let document = openapi::document();
    let mut used = BTreeSet::new();
    collect_references(&document, &mut used);
    for reference in &used {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
    }
    for kind in ["parameters", "responses", "schemas"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(used.contains(&reference), "{reference} is not used");
        }
    }
}

fn collect_references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.insert(reference.clone());
            }
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}
