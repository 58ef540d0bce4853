//! A light validator: whether a value is what a schema of the OpenAPI document says.

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

/// What a value breaks of a schema, as far as this API's schemas go.
fn violations(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolve(document, schema);
    for keyword in ["oneOf", "anyOf"] {
        if let Some(options) = schema[keyword].as_array() {
            let fits = options.iter().any(|option| {
                let mut broken = Vec::new();
                violations(document, option, value, at, &mut broken);
                broken.is_empty()
            });
            if !fits {
                found.push(format!("{at}: none of {keyword}"));
            }
        }
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let types: Vec<_> = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![kind],
    };
    if !types.contains(&kind) {
        found.push(format!("{at}: {kind} is none of {types:?}"));
    }
    if let Some(options) = schema["enum"].as_array()
        && !options.contains(value)
    {
        found.push(format!("{at}: {value} is not listed"));
    }
    if let (Some(number), Some(least)) = (value.as_i64(), schema["minimum"].as_i64())
        && number < least
    {
        found.push(format!("{at}: below {least}"));
    }
    if let (Some(text), Some(most)) = (value.as_str(), schema["maxLength"].as_u64())
        && text.chars().count() as u64 > most
    {
        found.push(format!("{at}: longer than {most}"));
    }
    if let Some(items) = value.as_array() {
        for (index, item) in items.iter().enumerate() {
            violations(document, &schema["items"], item, &format!("{at}/{index}"), found);
        }
    }
    if let Some(members) = value.as_object() {
        let known = schema["properties"].as_object().cloned().unwrap_or_default();
        for (name, member) in members {
            match known.get(name) {
                Some(schema) => violations(document, schema, member, &format!("{at}/{name}"), found),
                None => found.push(format!("{at}/{name}: not documented")),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !members.contains_key(name) {
                found.push(format!("{at}/{name}: missing"));
            }
        }
    }
}

#[track_caller]
pub(crate) fn assert_valid(document: &Value, schema: &Value, value: &Value) {
    let mut found = Vec::new();
    violations(document, schema, value, "", &mut found);
    assert_eq!(found, [] as [String; 0], "{value}");
}
