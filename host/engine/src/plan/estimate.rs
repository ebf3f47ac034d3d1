//! Estimates of work, judged by what such work took before.

use serde::Serialize;

/// An estimate of work, judged by what such work took before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// The number of rows that would be read.
    pub rows: u64,
    /// The time for which the plugin would work on them, in seconds. Workers share it.
    pub plugin_seconds: f64,
}
