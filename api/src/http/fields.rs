use firn_core::ErrorKind;
use serde::Serialize;
use serde_json::Value;

use super::{ApiError, Pieces, json};

/// Which fields of a resource an answer shows; all where the client named none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fields(Option<Vec<&'static str>>);

impl Fields {
    /// Takes `a,b` out of a query; `known` are the fields that there are.
    pub(super) fn parse(values: &[&str], known: &'static [&'static str]) -> Result<Self, ApiError> {
        if values.is_empty() {
            return Ok(Self(None));
        }
        let mut fields = Vec::new();
        for word in values.iter().flat_map(|value| value.split(',')) {
            let field = known.iter().copied().find(|field| *field == word.trim());
            let field = field.ok_or_else(|| {
                let word: String = word.chars().take(64).collect();
                ApiError::field("fields", format!("no field is called {word:?}"))
            })?;
            fields.push(field);
        }
        Ok(Self(Some(fields)))
    }

    /// `body` with these fields only, in JSON.
    pub(crate) fn json(&self, body: &impl Serialize) -> Result<Pieces, ApiError> {
        let written = match self.select(body) {
            Some(short) => json(&short),
            None => json(body),
        };
        written.map_err(unwritten)
    }

    /// Writes one row of a list with these fields only.
    pub(super) fn write_row(
        &self,
        buffer: &mut Vec<u8>,
        row: &impl Serialize,
    ) -> Result<(), serde_json::Error> {
        let Some(fields) = &self.0 else { return serde_json::to_writer(buffer, row) };
        let mut short = serde_json::to_value(row)?;
        retain(&mut short, fields);
        serde_json::to_writer(buffer, &short)
    }

    /// `body`, a resource or a list of them under its name, with these fields only.
    ///
    /// `None` where all fields are wanted, which is cheaper without this.
    fn select(&self, body: &impl Serialize) -> Option<Value> {
        let fields = self.0.as_ref()?;
        let mut body = serde_json::to_value(body).unwrap_or_default();
        for (name, value) in body.as_object_mut()? {
            match value {
                Value::Array(resources) if !name.ends_with("_links") => {
                    resources.iter_mut().for_each(|resource| retain(resource, fields));
                }
                Value::Object(_) => retain(value, fields),
                _ => {}
            }
        }
        Some(body)
    }
}

fn retain(resource: &mut Value, fields: &[&str]) {
    if let Value::Object(resource) = resource {
        resource.retain(|field, _| fields.contains(&field.as_str()));
    }
}

pub(super) fn unwritten(cause: serde_json::Error) -> ApiError {
    ApiError::failed(ErrorKind::Internal, "an answer cannot be written as JSON", cause)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KNOWN: &[&str] = &["id", "name", "links"];

    #[test]
    fn only_the_named_fields_are_left() {
        let fields = Fields::parse(&["id,name", "id"], KNOWN).unwrap();
        let list = json!({"jobs": [{"id": 1, "x": 2}, {"name": 3}], "jobs_links": [{"href": 1}]});
        let short = json!({"jobs": [{"id": 1}, {"name": 3}], "jobs_links": [{"href": 1}]});
        assert_eq!(fields.select(&list), Some(short));
        let one = json!({"job": {"id": 1, "links": []}});
        assert_eq!(fields.select(&one), Some(json!({"job": {"id": 1}})));
        assert_eq!(Fields::parse(&[], KNOWN).unwrap().select(&one), None);
        for bad in ["", "ID", "id,", "secret", "id;name"] {
            assert!(Fields::parse(&[bad], KNOWN).is_err(), "{bad}");
        }
    }
}
