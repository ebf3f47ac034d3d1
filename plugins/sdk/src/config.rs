//! Parameters: the plugin declares them once, the host validates the manifest's values, and the plugin reads them by
//! name.

use serde_json::{Map, Value, json};

use crate::{Fault, Result, Timestamp};

/// The parameters that a plugin takes. The host and people read them as a JSON Schema.
///
/// ```
/// # use smelt_sdk::Parameters;
/// let parameters = Parameters::none().integer("limit", 1..=10_000, 10, "How many products to list.");
/// ```
#[derive(Debug, Default)]
pub struct Parameters {
    properties: Map<String, Value>,
}

impl Parameters {
    /// Declares no parameters. The host refuses a manifest that gives any.
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds an integer in `range`. If the manifest does not set it, it has the value `default`.
    pub fn integer(self, name: &str, range: std::ops::RangeInclusive<i64>, default: i64, summary: &str) -> Self {
        self.with(
            name,
            json!({
                "type": "integer", "minimum": range.start(), "maximum": range.end(), "default": default,
                "description": summary,
            }),
        )
    }

    /// Adds a number in `range`. If the manifest does not set it, it has the value `default`.
    pub fn number(self, name: &str, range: std::ops::RangeInclusive<f64>, default: f64, summary: &str) -> Self {
        self.with(
            name,
            json!({
                "type": "number", "minimum": range.start(), "maximum": range.end(), "default": default,
                "description": summary,
            }),
        )
    }

    /// Adds a text. If the manifest does not set it, it has the value `default`.
    pub fn text(self, name: &str, default: &str, summary: &str) -> Self {
        self.with(name, json!({"type": "string", "default": default, "description": summary}))
    }

    /// Adds a text that the manifest must set: a file that it names, say.
    pub fn required_text(self, name: &str, summary: &str) -> Self {
        self.with(name, json!({"type": "string", "description": summary}))
    }

    /// Adds a text that is one of `choices`. If the manifest does not set it, it has the value `default`.
    pub fn choice<const N: usize>(self, name: &str, choices: [&str; N], default: &str, summary: &str) -> Self {
        let choices = choices.as_slice();
        self.with(name, json!({"type": "string", "enum": choices, "default": default, "description": summary}))
    }

    /// Adds an integer in `range` that has no value unless the manifest sets it.
    pub fn optional_integer(self, name: &str, range: std::ops::RangeInclusive<i64>, summary: &str) -> Self {
        self.with(
            name,
            json!({"type": "integer", "minimum": range.start(), "maximum": range.end(), "description": summary}),
        )
    }

    fn with(mut self, name: &str, property: Value) -> Self {
        self.properties.insert(name.to_owned(), property);
        self
    }

    /// Returns the JSON Schema (2020-12) of the parameter object.
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

/// The settings of an open plugin: its parameters, with defaults filled in, and the time if its description asks for
/// it.
#[derive(Debug, Clone)]
pub struct Config {
    values: Map<String, Value>,
    /// The names of all parameters, with or without a value.
    declared: Vec<String>,
    as_of: Option<Timestamp>,
}

impl Config {
    /// Reads the parameters given in `params`, and adds the defaults that `schema` declares.
    #[doc(hidden)]
    pub fn new(params: &str, schema: &str, as_of: Option<Timestamp>) -> Result<Self> {
        let object = |text: &str, what: &str| match serde_json::from_str(text) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Fault::invalid_parameters(format!("{what} is not a JSON object"))),
            Err(error) => Err(Fault::invalid_parameters(format!("{what} is not JSON: {error}"))),
        };
        let mut values = object(params, "the parameters")?;
        let mut declared = Vec::new();
        if let Some(Value::Object(properties)) = object(schema, "the parameter schema")?.get("properties") {
            for (name, property) in properties {
                declared.push(name.clone());
                if let (None, Some(default)) = (values.get(name), property.get("default")) {
                    values.insert(name.clone(), default.clone());
                }
            }
        }
        Ok(Self { values, declared, as_of })
    }

    /// Returns the integer parameter of that name.
    ///
    /// # Errors
    /// Fails if the description does not declare such a parameter.
    pub fn integer(&self, name: &str) -> Result<i64> {
        self.get(name, "an integer", Value::as_i64)
    }

    /// Returns the integer parameter of that name, if it has a value.
    ///
    /// # Errors
    /// Fails if its value is no integer.
    pub fn find_integer(&self, name: &str) -> Result<Option<i64>> {
        self.values.contains_key(name).then(|| self.integer(name)).transpose()
    }

    /// Returns the number parameter of that name.
    ///
    /// # Errors
    /// Fails if the description does not declare such a parameter.
    pub fn number(&self, name: &str) -> Result<f64> {
        self.get(name, "a number", Value::as_f64)
    }

    /// Returns the text parameter of that name.
    ///
    /// # Errors
    /// Fails if the description does not declare such a parameter.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.get(name, "a text", Value::as_str)
    }

    /// Returns the text of that name which a part was told, and which is no parameter: see
    /// [`Flow::told_alone`](crate::Flow::told_alone).
    pub fn given(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(Value::as_str)
    }

    /// Returns the time that the host computes for: the beginning of the current day, UTC.
    ///
    /// # Errors
    /// Fails unless the description says `uses_as_of`.
    pub fn as_of(&self) -> Result<Timestamp> {
        self.as_of.ok_or_else(|| Fault::internal("no `as-of` was given: the description must say `uses_as_of`"))
    }

    /// Returns the JSON object of the parameters that `wanted` names, or of all of them, in the order of their names.
    /// Equal parameters give equal text, whether they were given or are defaults.
    ///
    /// # Errors
    /// Fails if a wanted parameter is not declared.
    pub(crate) fn setting(&self, wanted: Option<&[&str]>) -> Result<String> {
        for name in wanted.unwrap_or_default() {
            if !self.declared.iter().any(|known| known == name) {
                return Err(Fault::internal(format!("a setting names `{name}`, which is no parameter")));
            }
        }
        let mut values: Vec<_> = self.values.iter().collect();
        values.retain(|(name, _)| wanted.is_none_or(|wanted| wanted.contains(&name.as_str())));
        values.sort_by_key(|&(name, _)| name);
        let members = values.into_iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())));
        Ok(format!("{{{}}}", members.collect::<Vec<_>>().join(",")))
    }

    fn get<'a, T>(&'a self, name: &str, what: &str, read: impl Fn(&'a Value) -> Option<T>) -> Result<T> {
        let value =
            self.values.get(name).ok_or_else(|| Fault::invalid_parameters(format!("parameter `{name}` is missing")))?;
        read(value).ok_or_else(|| Fault::invalid_parameters(format!("parameter `{name}` must be {what}, is {value}")))
    }
}
