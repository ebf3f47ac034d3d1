//! Errors as values.

pub use crate::bindings::types::{Fault, FaultKind};

/// The result of everything that can fail in a plugin.
pub type Result<T, E = Fault> = std::result::Result<T, E>;

impl Fault {
    /// The parameters make no sense: the manifest must change.
    pub fn invalid_parameters(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::InvalidParameters, message: message.into() }
    }

    /// The input is not what was declared.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::InvalidInput, message: message.into() }
    }

    /// The plugin itself failed.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { kind: FaultKind::Internal, message: message.into() }
    }
}
