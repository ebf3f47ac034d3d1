//! What results depend on besides data.

use serde::{Deserialize, Serialize};

use smelt_common::digest::of_parts;

/// Stands in a fingerprint for the id of a key where pseudonyms are made without one.
pub const PLAIN: &str = "none";

/// What results depend on besides data, and so what tells whether they are still current.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// The plugin's name.
    pub plugin: String,
    /// The version it gives itself: for people.
    pub version: String,
    /// The component's sha256.
    pub component: String,
    /// The contract's version.
    pub contract: String,
    /// The parameters, as a JSON object.
    pub parameters: String,
    /// The host's own part in the result: format and pattern.
    pub host: String,
    /// The id of the pseudonym key, or [`PLAIN`], for a cleaner that imports `privacy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The time it was computed for, in microseconds since the epoch, if the plugin is told it.
    pub as_of: Option<i64>,
}

impl Fingerprint {
    /// One that some component may have, for tests.
    #[cfg(any(test, feature = "testing"))]
    pub fn some() -> Self {
        Self {
            plugin: "p".into(),
            version: "1.0.0".into(),
            component: "c0ffee00".into(),
            contract: "0.1.0".into(),
            parameters: "{}".into(),
            host: String::new(),
            key: None,
            as_of: None,
        }
    }

    /// The same at a time, in microseconds since the epoch, for a plugin that is told it.
    pub fn at(&self, as_of: i64) -> Self {
        match self.as_of {
            Some(_) => Self { as_of: Some(as_of), ..self.clone() },
            None => self.clone(),
        }
    }

    /// All of it, as one sha256.
    pub fn digest(&self) -> String {
        // The version is the component's own word for itself and the name is the manifest's: neither changes results.
        let Self { plugin: _, version: _, component, contract, parameters, host, key, as_of } = self;
        let as_of = as_of.map(|as_of| as_of.to_string()).unwrap_or_default();
        let key = key.as_deref().unwrap_or_default();
        of_parts([component.as_str(), contract, parameters, host, key, &as_of])
    }

    /// The id of the pseudonym key that results depend on, if they do.
    pub fn key_id(&self) -> Option<&str> {
        self.key.as_deref().filter(|key| *key != PLAIN)
    }

    /// Why results under `self` are not current under `new`, or `None` if they are.
    pub fn difference(&self, new: &Self) -> Option<String> {
        if self.digest() == new.digest() {
            return None;
        }
        let short = |fingerprint: &Self| {
            format!("{} ({})", fingerprint.version, fingerprint.component.get(..8).unwrap_or_default())
        };
        let mut why = Vec::new();
        if self.component != new.component {
            why.push(format!("new component {} → {}", short(self), short(new)));
        }
        if self.contract != new.contract {
            why.push(format!("new contract {} → {}", self.contract, new.contract));
        }
        if self.parameters != new.parameters {
            why.push(format!("new parameters {} → {}", self.parameters, new.parameters));
        }
        if self.host != new.host {
            why.push(format!("new settings {} → {}", self.host, new.host));
        }
        if self.key != new.key {
            let short = |fingerprint: &Self| fingerprint.key.clone().unwrap_or_else(|| "no pseudonyms".to_owned());
            why.push(format!("new pseudonym key {} → {}", short(self), short(new)));
        }
        if self.as_of != new.as_of {
            why.push("a new day".to_owned());
        }
        Some(why.join(", "))
    }
}
