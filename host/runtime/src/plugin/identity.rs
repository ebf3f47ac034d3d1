//! The identity of a loaded component.

use std::path::Path;
use std::sync::Arc;

use crate::Contract;
use smelt_common::binary::Binary;

/// Returns the name of the plugin whose component is in such a file. A crate's file has `_` where its name has `-`, and
/// a plugin's name has no `_`.
pub fn plugin_of(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-")
}

/// Identifies a loaded component.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Its name in the manifest.
    pub name: Arc<str>,
    /// The version that it declares.
    pub version: String,
    /// Its bytes.
    pub binary: Binary,
    /// The version of the contract for which it was built.
    pub contract: Contract,
    /// A sentence of the guest that says what it is.
    pub summary: String,
    /// The JSON Schema of its parameters.
    pub parameters: String,
    /// True if it can ask for pseudonyms, so that its results depend on their key.
    pub pseudonymises: bool,
}

impl Identity {
    /// Returns the sha256 of the component.
    pub fn sha256(&self) -> &str {
        self.binary.sha256()
    }
}
