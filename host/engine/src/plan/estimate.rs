//! How much work something would be, going by what it took before.

use serde::Serialize;

/// How much work something would be, going by what it took before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// How many rows would be read.
    pub rows: u64,
    /// How long the plugin would work on them, in seconds; workers share that.
    pub plugin_seconds: f64,
}
