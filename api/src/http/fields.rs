use serde::Serialize;
use serde_json::Value;

use super::ApiError;

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

    /// `body`, a resource or a list of them under its name, with these fields only.
    ///
    /// `None` where all fields are wanted, which is cheaper without this.
    pub(crate) fn select(&self, body: &impl Serialize) -> Option<Value> {
        let fields = self.0.as_ref()?;
        let mut body = serde_json::to_value(body).unwrap_or_default();
        for (name, value) in body.as_object_mut()? {
            match value {
                Value::Object(resource) => {
                    resource.retain(|field, _| fields.contains(&field.as_str()));
                }
                Value::Array(resources) if !name.ends_with("_links") => {
                    for resource in resources.iter_mut().filter_map(Value::as_object_mut) {
                        resource.retain(|field, _| fields.contains(&field.as_str()));
                    }
                }
                _ => {}
            }
        }
        Some(body)
    }
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
