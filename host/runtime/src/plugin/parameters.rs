//! Checks parameters against the JSON Schema that the plugin declares. The schema comes from a guest as well, so the
//! check must be bounded in time.

use jsonschema::PatternOptions;
use serde_json::Value;

use super::identity::Identity;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::text::guest_text;

/// How many nodes a schema may have once its references are expanded. A few lines of references to references could
/// take years.
const NODES: usize = 10_000;
/// How deep an expanded schema may be.
const DEPTH: usize = 200;
/// The longest message of the validator that is shown, in bytes. It quotes the schema.
const SHOWN_BYTES: usize = 2000;

/// Checks a parameter object against the plugin's JSON Schema.
///
/// # Errors
/// Returns [`Kind::Plugin`] if the schema itself is wrong, and [`Kind::InvalidConfig`] if the parameters do not fit it.
pub fn check_parameters(identity: &Identity, params: &Value) -> Result<()> {
    let name = &identity.name;
    let unfit = |what: String| Error::plugin(format!("plugin `{name}`: its parameter schema {what}"));
    let schema: Value = serde_json::from_str(&identity.parameters)
        .map_err(|error| unfit(format!("is not JSON: {}", guest_text(&error.to_string(), SHOWN_BYTES))))?;
    bounded(&schema, &schema, &mut NODES.clone(), 0).map_err(unfit)?;
    // These patterns have no look-around and no back references, so matching takes time in proportion to the text.
    let validator = jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|error| unfit(format!("is not JSON Schema: {}", guest_text(&error.to_string(), SHOWN_BYTES))))?;
    match validator.validate(params) {
        Ok(()) => whole_numbers(&schema, params).map_err(|(parameter, value)| {
            Error::config(format!(
                "plugin `{name}`: parameter `{parameter}`: {value} has a point; an integer without one would be right"
            ))
        }),
        Err(error) => {
            let known = schema["properties"].as_object().map(|all| all.keys().cloned().collect::<Vec<_>>().join(", "));
            let known = known.filter(|known| !known.is_empty()).unwrap_or_else(|| "none".into());
            let known = guest_text(&known, SHOWN_BYTES);
            // The path is a JSON Pointer. It is empty if the object as a whole is wrong, as with an unknown parameter.
            let which = match error.instance_path().as_str().strip_prefix('/') {
                Some(parameter) => format!("parameter `{parameter}`"),
                None => "parameters".to_owned(),
            };
            let error = guest_text(&error.to_string(), SHOWN_BYTES);
            Err(Error::new(Kind::InvalidConfig, format!("plugin `{name}`: {which}: {error}; it takes: {known}")))
        }
    }
}

/// Checks that no integer is written with a point. JSON Schema accepts 4.0 as an integer, but most readers of JSON do
/// not. The error holds the first such parameter.
fn whole_numbers<'p>(schema: &Value, params: &'p Value) -> Result<(), (&'p str, &'p Value)> {
    let is_integer = |name: &String| schema["properties"][name]["type"] == "integer";
    let mut parameters = params.as_object().into_iter().flatten();
    match parameters.find(|(name, value)| value.is_f64() && is_integer(name)) {
        Some((name, value)) => Err((name, value)),
        None => Ok(()),
    }
}

/// Checks that the part of the schema, with its references expanded, has no more nodes than are left.
fn bounded(part: &Value, schema: &Value, left: &mut usize, depth: usize) -> Result<(), String> {
    let below = depth + 1;
    *left = left.checked_sub(1).filter(|_| below <= DEPTH).ok_or_else(|| {
        format!("has more than {NODES} nodes once its references are expanded, is too deep or refers to itself")
    })?;
    match part {
        Value::Array(parts) => parts.iter().try_for_each(|part| bounded(part, schema, left, below)),
        Value::Object(parts) => parts.iter().try_for_each(|(key, part)| match key.as_str() {
            "$dynamicRef" | "$recursiveRef" => Err(format!("uses `{key}`; only `$ref` is accepted")),
            "$ref" => {
                let target = part.as_str().and_then(|to| schema.pointer(to.strip_prefix('#')?));
                let target = target.ok_or("refers to what is not in it; `#/$defs/…` would be right")?;
                bounded(target, schema, left, below)
            }
            _ => bounded(part, schema, left, below),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, params: &Value) -> Result<(), String> {
        let identity = Identity {
            name: "p".into(),
            version: String::new(),
            binary: smelt_common::binary::Binary::new("", []),
            contract: crate::Contract::NEWEST,
            summary: String::new(),
            parameters: schema.to_string(),
            pseudonymises: false,
        };
        check_parameters(&identity, params).map_err(|error| error.to_string())
    }

    #[test]
    fn references_within_a_schema_are_followed() {
        let schema = json!({"properties": {"a": {"$ref": "#/$defs/n"}, "b": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"maximum": 1}}});
        assert_eq!(check(&schema, &json!({"a": 1})), Ok(()));
        assert!(check(&schema, &json!({"b": 2})).is_err());
    }

    #[test]
    fn a_schema_that_would_take_for_ever_is_refused() {
        // Each definition doubles the previous one.
        let doubled = |n: usize| json!({"allOf": [{"$ref": format!("#/$defs/d{}", n + 1)}, {"$ref": format!("#/$defs/d{}", n + 1)}]});
        let mut definitions: serde_json::Map<_, _> = (0..60).map(|n| (format!("d{n}"), doubled(n))).collect();
        definitions.insert("d60".into(), json!({"type": "object"}));
        for (schema, words) in [
            (json!({"$ref": "#/$defs/d0", "$defs": definitions}), "more than 10000 nodes once"),
            (json!({"$defs": {"a": {"$ref": "#/$defs/a"}}}), "too deep or refers to itself"),
            (json!({"$dynamicRef": "#a"}), "uses `$dynamicRef`"),
            (json!({"$ref": "https://example.com/schema"}), "refers to what is not in it"),
            (json!({"properties": {"a": {"pattern": "(?=a)b"}}}), "is not JSON Schema"),
        ] {
            let error = check(&schema, &json!({"a": "x"})).expect_err(words);
            assert!(error.contains(words), "`{words}` is not in: {error}");
        }
    }

    #[test]
    fn what_a_schema_says_cannot_drive_a_terminal() {
        let error = check(&json!({"properties": {"\u{1b}[31m": {}, "a": {"const": "\u{1b}[2J"}}}), &json!({"a": 1}));
        assert!(!error.as_ref().is_err_and(|error| error.contains('\u{1b}')), "{error:?}");
        assert!(error.is_err());
    }
}
