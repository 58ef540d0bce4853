//! Whether a value is what a schema of the OpenAPI document says.

use jsonschema::{Draft, Validator};
use serde_json::Value;

/// What a value is, or what its reference leads to.
pub(crate) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let target = document.pointer(reference.strip_prefix('#').unwrap());
            target.unwrap_or_else(|| panic!("{reference} leads nowhere"))
        }
        None => value,
    }
}

/// What judges by a schema of the document.
pub(crate) fn validator(document: &Value, schema: &Value) -> Validator {
    let mut root = schema.clone();
    // Where the references of the schema lead.
    root["components"] = document["components"].clone();
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
    options.build(&root).unwrap_or_else(|error| panic!("{schema} is no schema: {error}"))
}

/// Fails if a value breaks the schema, or has a member that the document does not know.
#[track_caller]
pub(crate) fn assert_valid(document: &Value, schema: &Value, value: &Value) {
    let mut document = document.clone();
    for schema in document["components"]["schemas"].as_object_mut().unwrap().values_mut() {
        if schema["type"] == "object" {
            schema["additionalProperties"] = false.into();
        }
    }
    let validator = validator(&document, schema);
    let found: Vec<_> = validator.iter_errors(value).map(|error| error.to_string()).collect();
    assert_eq!(found, [] as [String; 0], "{value}");
}
