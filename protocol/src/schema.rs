//! The JSON Schema and the AsyncAPI document of the contract, generated from the types.

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Value, json};

use crate::{ClientFrame, EventData, NoticeData, SUBPROTOCOL, ServerFrame};

/// Where [`document`] is committed, beside the AsyncAPI document.
pub const SCHEMA_FILE: &str = "tidings.v1.schema.json";

/// One schema document (draft 2020-12). `#/$defs/ClientFrame` and `#/$defs/ServerFrame` describe one object
/// of a text frame each; the document itself accepts either.
pub fn document() -> Value {
    let mut generator = SchemaGenerator::new(SchemaSettings::draft2020_12());
    let client = generator.subschema_for::<ClientFrame>();
    let server = generator.subschema_for::<ServerFrame>();
    let data = generator.subschema_for::<EventData>();
    let notice_data = generator.subschema_for::<NoticeData>();
    let mut definitions = generator.take_definitions(true);
    // What the derived schema of an event cannot say: its type, and that its kind decides the shape of its data.
    if let Some(event) = definitions.get_mut("event") {
        event["allOf"] = json!([data]);
        event["properties"]["type"] = json!({"const": "event", "type": "string"});
        if let Some(required) = event["required"].as_array_mut() {
            required.insert(0, json!("type"));
        }
    }
    // The same of a notice, whose kinds may be others as well.
    let named: Vec<Value> = definitions["NoticeData"]["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|of_kind| of_kind["properties"]["kind"]["const"].clone())
        .collect();
    if let Some(notice) = definitions.get_mut("Notice") {
        notice["anyOf"] = json!([notice_data, {"properties": {"kind": {"not": {"enum": named}}}}]);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tidings:protocol:v1",
        "title": "Tidings wire contract, version 1",
        "anyOf": [client, server],
        "$defs": definitions,
    })
}

/// An AsyncAPI 3 document of the socket. Its payloads are those of [`document`], in the file beside it.
pub fn async_api() -> Value {
    let schema = document();
    let message = |summary: &str, payload: &str| {
        json!({
            "summary": summary,
            "contentType": "application/json",
            "payload": {
                "schemaFormat": "application/schema+json;version=draft-2020-12",
                "schema": {"$ref": format!("{SCHEMA_FILE}#/$defs/{payload}")},
            },
        })
    };
    let types = |definitions: &[&str]| {
        let mut types = Vec::new();
        for name in definitions {
            collect_types(&schema["$defs"][*name], &mut types);
        }
        types.join(", ")
    };
    let from_client = format!("One object from a client: {}", types(&["ClientFrame", "Command"]));
    let from_server = format!("One object from the server: {}", types(&["ServerFrame", "event"]));
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tidings",
            "version": "1",
            "description": "A text frame carries one or more of these objects, separated by newlines. The whole \
                contract is in docs/protocol.md.",
        },
        "defaultContentType": "application/json",
        "channels": {
            "socket": {
                "address": "/ws",
                "description": format!("A WebSocket with the subprotocol {SUBPROTOCOL}."),
                "messages": {
                    "clientObject": message(&from_client, "ClientFrame"),
                    "serverObject": message(&from_server, "ServerFrame"),
                },
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            },
        },
        "operations": {
            "takeFromClient": {
                "action": "receive",
                "channel": {"$ref": "#/channels/socket"},
                "messages": [{"$ref": "#/channels/socket/messages/clientObject"}],
            },
            "sayToClient": {
                "action": "send",
                "channel": {"$ref": "#/channels/socket"},
                "messages": [{"$ref": "#/channels/socket/messages/serverObject"}],
            },
        },
    })
}

/// The `type` of each alternative of a definition.
fn collect_types(definition: &Value, types: &mut Vec<String>) {
    if let Some(name) = definition["properties"]["type"]["const"].as_str() {
        types.push(name.to_owned());
    }
    for key in ["anyOf", "oneOf"] {
        for alternative in definition[key].as_array().into_iter().flatten() {
            collect_types(alternative, types);
        }
    }
}
