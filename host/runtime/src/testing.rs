//! Helpers for unit tests, of other crates too.

use super::bindings::types::Identity;

/// Returns what a plugin of that name might say of itself.
pub fn described(name: &str) -> Identity {
    Identity {
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        summary: String::new(),
        parameters: "{}".to_owned(),
        uses_as_of: false,
    }
}
