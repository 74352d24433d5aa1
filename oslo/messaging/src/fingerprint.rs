//! Tests that notice when a message changes although its version does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

use crate::Schema;

/// One schema with the fingerprint that was recorded for it. See
/// [`schema_fingerprints!`](crate::schema_fingerprints).
pub struct Recorded {
    /// `name/version`, and behind a blank what tells apart two bodies of the same schema:
    /// `instance.list/1 answer`.
    pub schema: &'static str,
    /// What [`fingerprint`] gave when the schema was last looked at.
    pub fingerprint: &'static str,
    /// Bodies in which everything occurs that may occur: each optional field with and without,
    /// each kind of value.
    pub samples: Vec<Value>,
    /// Whether the receiver's type takes a body, and why not.
    pub read: fn(Value) -> Result<(), String>,
}

/// The fingerprint of a body's shape: names of fields, which of them are always there, and kinds of
/// values. Values themselves do not count.
pub fn fingerprint(samples: &[Value]) -> String {
    // FNV-1a: enough against mistakes, and the same for ever.
    let hash = shape(samples).bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

/// The shape that is behind a fingerprint, for people: `{job_id:string,retries?:integer|null}`.
pub fn shape(samples: &[Value]) -> String {
    let mut shape = Shape::default();
    for sample in samples {
        shape.add(sample);
    }
    shape.to_string()
}

/// What is wrong with recorded schemas; `Err` lists all of it, for people.
pub fn check(recorded: &[Recorded]) -> Result<(), String> {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for Recorded { schema, fingerprint: before, samples, read } in recorded {
        let name = schema.split_once(' ').map_or(*schema, |(name, _)| name);
        if let Err(error) = name.parse::<Schema>() {
            wrong.push(format!("{schema}: {error}"));
        }
        if !seen.insert(*schema) {
            wrong.push(format!("{schema}: recorded twice"));
        }
        if samples.is_empty() {
            wrong.push(format!("{schema}: no sample"));
        }
        for sample in samples {
            if let Err(error) = read(sample.clone()) {
                wrong.push(format!("{schema}: the receiver cannot read {sample}: {error}"));
            }
        }
        let now = fingerprint(samples);
        if now != *before {
            wrong.push(format!(
                "{schema}: its fingerprint is {now}, recorded is {before}; it is {} now. If \
                 receivers of the version before still do the right thing, record the new \
                 fingerprint; otherwise this is a new version of the schema",
                shape(samples),
            ));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Makes a test, of the given name, that fails when one of the messages changes its shape while its
/// version stays. The samples are anything that serializes, best made by the very code that sends
/// it; `as` names the type by which it is read.
///
/// ```
/// # #[derive(serde::Deserialize)] struct Wake { job_id: u64 }
/// # fn wake(job_id: u64) -> serde_json::Value { serde_json::json!({ "job_id": job_id }) }
/// oslo_messaging::schema_fingerprints! { messages_do_not_change_silently:
///     "job.wake/1" = "d6f9be2f1c4faf1a" as Wake => [wake(1)],
/// }
/// ```
#[macro_export]
macro_rules! schema_fingerprints {
    ($test:ident: $(
        $schema:literal = $fingerprint:literal $(as $read:ty)? => [$($sample:expr),+ $(,)?]
    ),+ $(,)?) => {
        #[test]
        fn $test() {
            let sample = |sample: Result<$crate::fingerprint::JsonValue, _>| match sample {
                Ok(sample) => sample,
                Err(error) => {
                    let error: $crate::fingerprint::JsonError = error;
                    panic!("a sample is no JSON: {error}")
                }
            };
            let recorded = [$(
                $crate::fingerprint::Recorded {
                    schema: $schema,
                    fingerprint: $fingerprint,
                    samples: vec![$(sample($crate::fingerprint::to_value(&$sample))),+],
                    read: |_body| {
                        $(
                            $crate::fingerprint::from_value::<$read>(_body)
                                .map_err(|error| error.to_string())?;
                        )?
                        Ok(())
                    },
                }
            ),+];
            if let Err(wrong) = $crate::fingerprint::check(&recorded) {
                panic!("{wrong}");
            }
        }
    };
}

// For the macro: its users need not have serde_json.
#[doc(hidden)]
pub use serde_json::{Error as JsonError, Value as JsonValue, from_value, to_value};

/// What occurs at one place.
#[derive(Default)]
struct Shape {
    kinds: BTreeSet<&'static str>,
    items: Option<Box<Shape>>,
    fields: BTreeMap<String, (Shape, usize)>,
    objects: usize,
}

impl Shape {
    fn add(&mut self, value: &Value) {
        match value {
            Value::Null => _ = self.kinds.insert("null"),
            Value::Bool(_) => _ = self.kinds.insert("boolean"),
            Value::Number(number) if number.is_f64() => _ = self.kinds.insert("number"),
            Value::Number(_) => _ = self.kinds.insert("integer"),
            Value::String(_) => _ = self.kinds.insert("string"),
            Value::Array(items) => {
                let shape = self.items.get_or_insert_default();
                items.iter().for_each(|item| shape.add(item));
            }
            Value::Object(fields) => {
                self.objects += 1;
                for (name, value) in fields {
                    let (shape, count) = self.fields.entry(name.clone()).or_default();
                    shape.add(value);
                    *count += 1;
                }
            }
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: Vec<String> = self.kinds.iter().map(|kind| (*kind).to_owned()).collect();
        if let Some(items) = &self.items {
            kinds.push(format!("[{items}]"));
        }
        if self.objects > 0 {
            let fields = self.fields.iter().map(|(name, (shape, count))| {
                let optional = if *count < self.objects { "?" } else { "" };
                format!("{name}{optional}:{shape}")
            });
            kinds.push(format!("{{{}}}", fields.collect::<Vec<_>>().join(",")));
        }
        f.write_str(&kinds.join("|"))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[test]
    fn shapes_tell_fields_kinds_and_what_is_optional() {
        for (samples, expected) in [
            (vec![json!({ "b": 1, "a": "x" })], "{a:string,b:integer}"),
            (vec![json!({ "a": 1 }), json!({})], "{a?:integer}"),
            (vec![json!({ "a": null }), json!({ "a": 1.5 })], "{a:null|number}"),
            (vec![json!([{ "a": 1 }, { "a": 2, "b": true }])], "[{a:integer,b?:boolean}]"),
            (vec![json!([])], "[]"),
            (vec![json!("x")], "string"),
        ] {
            assert_eq!(shape(&samples), expected);
        }
    }

    #[test]
    fn values_do_not_count_and_everything_else_does() {
        let of = |value| fingerprint(&[value]);
        let base = of(json!({ "id": "a", "sizes": [1] }));
        assert_eq!(base, of(json!({ "sizes": [2, 3], "id": "b" })));
        for other in [
            json!({ "id": "a" }),
            json!({ "id": "a", "sizes": [1], "new": null }),
            json!({ "id": 1, "sizes": [1] }),
            json!({ "id": "a", "sizes": ["1"] }),
            json!({ "name": "a", "sizes": [1] }),
        ] {
            assert_ne!(base, of(other));
        }
    }

    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Wake {
        job_id: u64,
    }

    crate::schema_fingerprints! { the_macro_passes_what_is_recorded:
        "job.wake/1" = "d6f9be2f1c4faf1a" as Wake => [json!({ "job_id": 1 })],
        "job.wake/1 answer" = "704be0d8faaffc58" => [json!("done"), "other"],
    }

    #[test]
    fn every_difference_is_listed() {
        let read: fn(Value) -> Result<(), String> =
            |body| serde_json::from_value::<Wake>(body).map(drop).map_err(|e| e.to_string());
        let recorded =
            |schema, fingerprint, samples| Recorded { schema, fingerprint, samples, read };
        let wrong = check(&[
            recorded("job.wake/1", "0", vec![json!({ "job_id": 1 })]),
            recorded("job.wake/1", "d6f9be2f1c4faf1a", vec![json!({ "job_id": 1 })]),
            recorded("Job", "d6f9be2f1c4faf1a", vec![json!({ "job_id": 1 })]),
            recorded("job.end/1", "", vec![]),
            recorded("job.go/1", "704be0d8faaffc58", vec![json!("x")]),
        ])
        .unwrap_err();
        for expected in [
            "job.wake/1: its fingerprint is",
            "{job_id:integer}",
            "job.wake/1: recorded twice",
            "is no schema",
            "job.end/1: no sample",
            "job.go/1: the receiver cannot read \"x\"",
        ] {
            assert!(wrong.contains(expected), "{expected} is not in\n{wrong}");
        }
    }
}
