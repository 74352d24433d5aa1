use std::collections::HashMap;

use actix_web::http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::Answer;

/// The OpenAPI document, as a judge of answers.
pub(crate) struct Document {
    document: Value,
    validators: std::cell::RefCell<HashMap<String, std::rc::Rc<Validator>>>,
}

impl Document {
    pub(crate) fn new() -> Self {
        let mut document = firn_api::openapi_document();
        forbid_undocumented_fields(&mut document);
        Self { document, validators: Default::default() }
    }

    pub(crate) fn methods(&self) -> Vec<(String, Vec<String>)> {
        let paths = self.document["paths"].as_object().unwrap();
        let methods = |item: &Value| {
            let methods = item.as_object().unwrap().keys().map(|key| key.to_uppercase());
            let mut methods: Vec<_> =
                methods.filter(|key| Method::from_bytes(key.as_bytes()).is_ok()).collect();
            methods.sort_unstable();
            methods
        };
        paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
    }

    /// Panics where the answer is not one that the document foresees.
    pub(crate) fn check(&self, method: &Method, path: &str, answer: &Answer) {
        let request_id = answer.header("x-openstack-request-id");
        assert!(request_id.starts_with("req-") && request_id.len() == 40, "{request_id:?}");
        let path = path.split('?').next().unwrap_or_default();
        let operation = self.operation(method, path);
        // What no route took is a plain problem; so is what a route does not have a method for.
        let Some((pointer, operation)) = operation else {
            assert!(matches!(answer.status, 404 | 405), "{method} {path}: {}", answer.status);
            if *method != Method::HEAD {
                self.validate("/components/schemas/Problems", &answer.body);
            }
            return;
        };
        let status = answer.status.to_string();
        let response = &operation["responses"][&status];
        assert!(response.is_object(), "{method} {path}: {status} is not documented");
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let there = answer.headers.contains_key(name.to_lowercase());
            assert!(there || header["required"] == false, "{method} {path}: no {name}");
        }
        if *method == Method::HEAD || response.get("content").is_none() {
            assert!(response.get("content").is_none(), "{method} {path}: {status} has a body");
            return;
        }
        let media = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
        assert!(response["content"][&media].is_object(), "{method} {path}: {status} as {media:?}");
        let media = media.replace('/', "~1");
        let schema = format!("{pointer}/responses/{status}/content/{media}/schema");
        let body = if answer.body.is_null() { json!(answer.text) } else { answer.body.clone() };
        self.validate(&schema, &body);
    }

    fn operation(&self, method: &Method, path: &str) -> Option<(String, &Value)> {
        let paths = self.document["paths"].as_object().unwrap();
        let exact = paths.keys().find(|template| *template == path);
        let template = exact.or_else(|| paths.keys().find(|template| matches(template, path)))?;
        let method = method.as_str().to_lowercase();
        let operation = paths[template].get(&method)?;
        let key = template.replace('~', "~0").replace('/', "~1");
        Some((format!("/paths/{key}/{method}"), operation))
    }

    fn validate(&self, pointer: &str, body: &Value) {
        let known = self.validators.borrow().get(pointer).cloned();
        let validator = known.unwrap_or_else(|| {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": format!("#/document{}", pointer.replace('{', "%7B").replace('}', "%7D")),
                "document": self.document,
                "components": self.document["components"],
            });
            let options = jsonschema::options().should_validate_formats(true);
            let validator = std::rc::Rc::new(options.build(&schema).unwrap());
            self.validators.borrow_mut().insert(pointer.to_owned(), validator.clone());
            validator
        });
        let errors: Vec<_> = validator
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{pointer}: {errors:#?}\n{body:#}");
    }
}

/// An answer must not hold what the document does not say.
fn forbid_undocumented_fields(document: &mut Value) {
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object_mut().unwrap();
    for (name, schema) in schemas {
        let part_of_another = format!(r##""allOf":[{{"$ref":"#/components/schemas/{name}"}}"##);
        let object = schema.get("properties").is_some() || schema.get("allOf").is_some();
        if object && !text.contains(&part_of_another) {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
}

fn matches(template: &str, path: &str) -> bool {
    let path = if path == "/" { path } else { path.trim_end_matches('/') };
    let template = template.split('/');
    let mut parts = path.split('/');
    let same = template.clone().zip(path.split('/')).all(|(template, part)| {
        template == part || (template.starts_with('{') && !part.is_empty())
    });
    parts.by_ref().count() == template.count() && same
}
