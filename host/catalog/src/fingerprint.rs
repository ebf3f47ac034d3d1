//! Fingerprints: everything that results depend on besides data.

use serde::{Deserialize, Serialize};

use smelt_common::digest::of_parts;

/// The value of [`Fingerprint::key`] if a cleaner imports `privacy` and there is no pseudonym key.
pub const PLAIN: &str = "none";

/// Everything that results depend on besides data. If the fingerprint changes, the results are no longer current.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fingerprint {
    /// The plugin's name.
    pub plugin: String,
    /// The version that the component gives itself, for people.
    pub version: String,
    /// The component's sha256.
    pub component: String,
    /// The contract's version.
    pub contract: String,
    /// The parameters, as a JSON object.
    pub parameters: String,
    /// The settings of the host that the results depend on, such as format and pattern.
    pub host: String,
    /// The id of the pseudonym key, or [`PLAIN`], for a cleaner that imports `privacy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The time that the plugin was told, in microseconds since the epoch; `None` if the plugin asks for no time.
    pub as_of: Option<i64>,
}

impl Fingerprint {
    /// Returns a fingerprint for tests.
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

    /// Returns the fingerprint with the time `as_of`, in microseconds since the epoch, if the plugin asks for a time.
    pub fn at(&self, as_of: i64) -> Self {
        match self.as_of {
            Some(_) => Self { as_of: Some(as_of), ..self.clone() },
            None => self.clone(),
        }
    }

    /// Returns a sha256 over everything that changes results.
    pub fn digest(&self) -> String {
        // Neither the version that a component gives itself nor the name in the manifest changes results.
        let Self { plugin: _, version: _, component, contract, parameters, host, key, as_of } = self;
        let as_of = as_of.map(|as_of| as_of.to_string()).unwrap_or_default();
        let key = key.as_deref().unwrap_or_default();
        of_parts([component.as_str(), contract, parameters, host, key, &as_of])
    }

    /// Returns the id of the pseudonym key that the results depend on; `None` if they depend on none.
    pub fn key_id(&self) -> Option<&str> {
        self.key.as_deref().filter(|key| *key != PLAIN)
    }

    /// Returns the reason why results with this fingerprint are not current under `new`; `None` if they are.
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
