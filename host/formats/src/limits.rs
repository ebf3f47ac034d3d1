//! The limits within which one object is decoded.

use serde::{Deserialize, Serialize};

/// Limits the memory and the time that one object can cost, whatever its bytes.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeLimits {
    /// The most records of one batch, malformed ones included. Default 16 384.
    pub batch_rows: usize,
    /// The raw bytes that are read at a time, which is about the most in one batch. Default 1 MiB, which fits into the
    /// cache of one core.
    pub batch_bytes: usize,
    /// The longest record, in bytes. A longer one is rejected as `line_too_long`. Default 1 MiB.
    pub record_bytes: usize,
    /// The deepest nesting of a JSON record; the record itself counts as one level. A deeper one is rejected as
    /// `too_deep`. Default 64.
    pub depth: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { batch_rows: 16_384, batch_bytes: 1 << 20, record_bytes: 1 << 20, depth: 64 }
    }
}
