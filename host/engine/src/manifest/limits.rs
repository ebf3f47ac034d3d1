//! `[limits]`: limits on what smelt reads, and on what plugins use.

use serde::Deserialize;
use serde_json::{Map, Value};

use smelt_common::Error;
use smelt_common::error::Result;
use smelt_formats::DecodeLimits;
use smelt_runtime::Limits;

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsSection {
    /// How often smelt tries an object, or a KPI over the same silver, before it parks what the plugin fails at. Default 3.
    pub max_attempts: u32,
    /// Limits on reading bronze.
    pub decode: DecodeLimits,
    /// Limits of each plugin, unless its section has others.
    pub plugin: Limits,
}

impl LimitsSection {
    /// Returns the limits of one plugin: those of all plugins, replaced by the ones that its section has.
    pub fn of_plugin(&self, own: &Map<String, Value>) -> Result<Limits> {
        let mut all = match serde_json::to_value(&self.plugin) {
            Ok(Value::Object(all)) => all,
            other => return Err(Error::internal(format!("limits are no table: {other:?}"))),
        };
        all.extend(own.clone());
        let limits: Limits =
            serde_json::from_value(all.into()).map_err(|error| Error::config(format!("limits: {error}")))?;
        match limits.wrong() {
            None => Ok(limits),
            Some(wrong) => Err(Error::config(format!("limits: {wrong}"))),
        }
    }
}

impl Default for LimitsSection {
    fn default() -> Self {
        Self { max_attempts: 3, decode: DecodeLimits::default(), plugin: Limits::default() }
    }
}
