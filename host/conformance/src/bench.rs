//! The input that all tests of a plugin share.

use crate::options::Options;
use crate::report::{Verdict, failed, passed};
use smelt_common::error::{Kind, Result};

/// The time that a plugin is told as `as-of`, unless a golden case says otherwise: 2025-01-01T00:00:00Z.
pub(crate) const AS_OF: i64 = 1_735_689_600_000_000;

/// The input that all tests of a plugin share.
pub(crate) struct Bench<'b> {
    pub(crate) options: &'b Options,
    /// The bytes of the component.
    pub(crate) component: &'b [u8],
    /// The time that the plugin is told, if it uses one.
    pub(crate) as_of: i64,
}

/// Judges the result of `open`. If the schema accepts parameters that the plugin refuses, that is not the plugin's
/// fault.
pub(crate) fn opened(opened: Result<()>) -> Verdict {
    match opened {
        Ok(()) => passed(""),
        Err(error) if error.kind() == Kind::InvalidConfig => {
            Verdict::CouldNotRun(format!("{error}; give other parameters with --parameters"))
        }
        Err(error) => failed("`open` with these parameters", error.to_string(), "an error of `open` is a fault"),
    }
}
