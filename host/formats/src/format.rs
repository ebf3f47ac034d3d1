//! The formats of raw objects, as the manifest names them.

use serde::{Deserialize, Serialize};

/// How the records of an object are written.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// RFC 4180 with a header line, delimited by commas.
    Csv,
    /// A JSON array of objects, or JSON Lines. The first byte that is no white space decides between the two.
    Json,
    /// One JSON object on each line.
    Jsonl,
}

impl Format {
    /// Returns its name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
        }
    }
}
