//! What holds for every operation, written into the document once.

use serde_json::{Map, Value, json};

use crate::http::{Microversion, SERVICE_TYPE, View};
use crate::routes::is_open;
use crate::wire::{
    InstanceSummary, InstanceView, JobSummary, JobView, PlanView, PointView, RestoreView,
    ServiceView,
};

/// The resources that can be shown with some of their fields only.
const SELECTABLE: [(&str, &[&str]); 8] = [
    ("InstanceSummary", InstanceSummary::FIELDS),
    ("InstanceView", InstanceView::FIELDS),
    ("JobSummary", JobSummary::FIELDS),
    ("JobView", JobView::FIELDS),
    ("PlanView", PlanView::FIELDS),
    ("PointView", PointView::FIELDS),
    ("RestoreView", RestoreView::FIELDS),
    ("ServiceView", ServiceView::FIELDS),
];

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Adds to every operation the headers it takes and gives, and to every path with GET its HEAD.
pub(super) fn apply(document: &mut Value) {
    for (name, _) in SELECTABLE {
        if let Some(schema) = document.pointer_mut(&format!("/components/schemas/{name}")) {
            forget_required(schema);
        }
    }
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else { return };
    for (path, item) in paths {
        let Some(item) = item.as_object_mut() else { continue };
        let open = is_open(path);
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                parameters(operation, open);
                responses(operation, open);
            }
        }
        if let Some(get) = item.get("get") {
            let head = head(get.clone());
            item.insert("head".to_owned(), head);
        }
    }
}

/// With `fields`, any field may be missing.
fn forget_required(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    schema.remove("required");
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        forget_required(part);
    }
}

fn parameters(operation: &mut Value, open: bool) {
    let mut headers = vec![json!({
        "name": "X-OpenStack-Request-ID",
        "in": "header",
        "required": false,
        "description": "The id that the request has for its client, `req-<uuid>`: it is logged \
                        and sent on. Anything else is ignored.",
        "schema": {"type": "string"},
    })];
    if !open {
        let versions = [Microversion::V1_0, Microversion::V1_1];
        let mut words: Vec<_> = versions.map(|version| format!("{SERVICE_TYPE} {version}")).into();
        words.push(format!("{SERVICE_TYPE} latest"));
        headers.push(json!({
            "name": "OpenStack-API-Version",
            "in": "header",
            "required": false,
            "description": "The microversion; the oldest where it is left out.",
            "schema": {"type": "string", "enum": words},
        }));
    }
    let Some(operation) = operation.as_object_mut() else { return };
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    if let Some(parameters) = parameters.as_array_mut() {
        parameters.extend(headers);
    }
}

fn responses(operation: &mut Value, open: bool) {
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    if open {
        // Nobody is asked who they are, and there is nothing that could be missing.
        for status in ["401", "403", "404"] {
            responses.remove(status);
        }
    } else {
        let problems = json!({"$ref": "#/components/schemas/Problems"});
        let not_served = json!({
            "description": "The version asked for is not served.",
            "content": {"application/json": {"schema": problems}},
        });
        responses.entry("406").or_insert(not_served);
    }
    for (status, response) in responses {
        let Some(response) = response.as_object_mut() else { continue };
        let headers = response.entry("headers").or_insert_with(|| json!({}));
        let Some(headers) = headers.as_object_mut() else { continue };
        header(headers, "X-OpenStack-Request-ID", "The id of the request, as in the logs.", true);
        if !open {
            let text = "The version of the answer; missing where none was settled.";
            header(headers, "OpenStack-API-Version", text, false);
            header(headers, "Vary", "Headers that the answer depends on.", false);
        }
        match status.as_str() {
            "401" => header(headers, "WWW-Authenticate", "Where to get a token.", true),
            "503" => header(headers, "Retry-After", "Seconds to wait.", true),
            _ => {}
        }
    }
}

fn header(headers: &mut Map<String, Value>, name: &str, description: &str, required: bool) {
    let value = json!({
        "description": description, "required": required, "schema": {"type": "string"},
    });
    headers.entry(name).or_insert(value);
}

/// The same answer without its body.
fn head(mut operation: Value) -> Value {
    if let Some(id) = operation["operationId"].as_str().map(str::to_owned) {
        operation["operationId"] = json!(format!("{id}_head"));
    }
    let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
    for (_, response) in responses.into_iter().flatten() {
        if let Some(response) = response.as_object_mut() {
            response.remove("content");
        }
    }
    operation
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn properties(schemas: &Value, schema: &Value) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            names.extend(properties(schemas, &schemas[name]));
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            names.extend(properties(schemas, part));
        }
        names.extend(schema["properties"].as_object().into_iter().flatten().map(|p| p.0.clone()));
        names
    }

    #[test]
    fn the_fields_that_can_be_asked_for_are_those_there_are() {
        let document = crate::openapi::document();
        let schemas = &document["components"]["schemas"];
        for (name, fields) in SELECTABLE {
            let known: BTreeSet<_> = fields.iter().map(|field| (*field).to_owned()).collect();
            assert_eq!(properties(schemas, &schemas[name]), known, "{name}");
        }
    }
}
