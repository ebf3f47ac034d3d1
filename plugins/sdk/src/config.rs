//! Parameters: declared once, checked by the host against the declaration, read by name.

use serde_json::{Map, Value, json};

use crate::{Fault, Result, Timestamp};

/// The parameters that a plugin takes, as JSON Schema for the host and for people.
#[derive(Debug, Default)]
pub struct Parameters {
    properties: Map<String, Value>,
}

impl Parameters {
    /// No parameters; the host refuses any that are given.
    pub fn none() -> Self {
        Self::default()
    }

    /// An integer of the range, and the default where the manifest does not name it.
    pub fn integer(self, name: &str, range: std::ops::RangeInclusive<i64>, default: i64, summary: &str) -> Self {
        self.with(
            name,
            json!({
                "type": "integer", "minimum": range.start(), "maximum": range.end(), "default": default,
                "description": summary,
            }),
        )
    }

    /// A number of the range, and the default where the manifest does not name it.
    pub fn number(self, name: &str, range: std::ops::RangeInclusive<f64>, default: f64, summary: &str) -> Self {
        self.with(
            name,
            json!({
                "type": "number", "minimum": range.start(), "maximum": range.end(), "default": default,
                "description": summary,
            }),
        )
    }

    /// A text, and the default where the manifest does not name it.
    pub fn text(self, name: &str, default: &str, summary: &str) -> Self {
        self.with(name, json!({"type": "string", "default": default, "description": summary}))
    }

    fn with(mut self, name: &str, property: Value) -> Self {
        self.properties.insert(name.to_owned(), property);
        self
    }

    /// The JSON Schema of the parameter object.
    pub fn schema(&self) -> String {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": self.properties,
            "additionalProperties": false,
        })
        .to_string()
    }
}

/// What a plugin is opened with: its parameters, defaults filled in, and the time if it asked for it.
#[derive(Debug)]
pub struct Config {
    values: Map<String, Value>,
    as_of: Option<Timestamp>,
}

impl Config {
    /// `params` are the given parameters, `schema` the declared ones, whose defaults fill the gaps.
    #[doc(hidden)]
    pub fn new(params: &str, schema: &str, as_of: Option<Timestamp>) -> Result<Self> {
        let object = |text: &str, what: &str| match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Fault::invalid_parameters(format!("{what} is not a JSON object"))),
            Err(error) => Err(Fault::invalid_parameters(format!("{what} is not JSON: {error}"))),
        };
        let mut values = object(params, "the parameters")?;
        if let Some(Value::Object(declared)) = object(schema, "the parameter schema")?.get("properties") {
            for (name, property) in declared {
                if let (None, Some(default)) = (values.get(name), property.get("default")) {
                    values.insert(name.clone(), default.clone());
                }
            }
        }
        Ok(Self { values, as_of })
    }

    /// The integer parameter of that name.
    pub fn integer(&self, name: &str) -> Result<i64> {
        self.get(name, "an integer", Value::as_i64)
    }

    /// The number parameter of that name.
    pub fn number(&self, name: &str) -> Result<f64> {
        self.get(name, "a number", Value::as_f64)
    }

    /// The text parameter of that name.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.get(name, "a text", Value::as_str)
    }

    /// The time the host computes for, if the description says `uses_as_of`.
    pub fn as_of(&self) -> Result<Timestamp> {
        self.as_of.ok_or_else(|| Fault::internal("no `as-of` was given: the description must say `uses_as_of`"))
    }

    fn get<'a, T>(&'a self, name: &str, what: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<T> {
        let value =
            self.values.get(name).ok_or_else(|| Fault::invalid_parameters(format!("parameter `{name}` is missing")))?;
        read(value).ok_or_else(|| Fault::invalid_parameters(format!("parameter `{name}` must be {what}, is {value}")))
    }
}
