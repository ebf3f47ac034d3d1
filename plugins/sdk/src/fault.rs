//! Errors of plugins, as values.

pub use crate::bindings::types::{Fault, FaultKind};

/// The result of a call that can fail in a plugin.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

impl Fault {
    /// Returns a fault that says that the parameters make no sense, so the manifest must change.
    pub fn invalid_parameters(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::InvalidParameters, message: message.into() }
    }

    /// Returns a fault that says that the input is not as declared.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::InvalidInput, message: message.into() }
    }

    /// Returns a fault that says that the plugin itself failed.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Internal, message: message.into() }
    }
}
