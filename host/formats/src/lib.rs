//! Bytes to Arrow and back. Raw objects (CSV, JSON arrays, JSON Lines; whatever their bytes) become batches of text
//! columns exactly as written, and typed tables become CSV that reads back to the same values.
//!
//! `decode` owns streaming, batching and the account of malformed records; `json` and `csv` find records in a window of
//! bytes; `typed` is the canonical CSV of silver and gold; `scan` holds the byte searches all of them stand on.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod csv;
mod decode;
mod json;
mod scan;
mod table;
mod typed;

use serde::{Deserialize, Serialize};

pub use decode::{DecodedBatch, Decoder, Malformed, RecordSpan, Warning, rule};
pub use table::encode_table;
pub use typed::{Formulas, TypedError, check_range, decode_csv_typed, encode_csv, encode_csv_header};

/// How an object's records are written.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// RFC 4180 with a header line, comma delimited.
    Csv,
    /// A JSON array of objects, or JSON Lines: told apart by the first non-blank byte.
    Json,
    /// One JSON object a line.
    Jsonl,
}

impl Format {
    /// Its name in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
        }
    }
}

/// What bounds the memory and the time one object can cost, whatever its bytes.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(default, deny_unknown_fields)]
pub struct DecodeLimits {
    /// Most records (malformed ones included) in one batch. Default 16 384.
    pub batch_rows: usize,
    /// Raw bytes read at a time, and so about the most in one batch. Default 1 MiB, which a core has in its own cache.
    pub batch_bytes: usize,
    /// Longest record, in bytes; longer ones are `line_too_long`. Default 1 MiB.
    pub record_bytes: usize,
    /// Deepest nesting of a JSON record, itself counted as one; deeper ones are `too_deep`. Default 64.
    pub depth: usize,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { batch_rows: 16_384, batch_bytes: 1 << 20, record_bytes: 1 << 20, depth: 64 }
    }
}
