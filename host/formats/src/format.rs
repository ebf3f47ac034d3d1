//! The formats of raw objects, as the manifest names them.

use serde::{Deserialize, Serialize};

/// How the records of an object are written.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// RFC 4180, by default with a header line and commas.
    Csv,
    /// JSON arrays of objects, or objects one after the other. The first byte that is no white space decides between
    /// the two.
    Json,
    /// One JSON object on each line.
    Jsonl,
    /// Lines that a pattern takes apart.
    Log,
}

impl Format {
    /// Returns its name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Log => "log",
        }
    }
}
