//! smelt-formats turns raw bytes into Arrow batches and Arrow batches into bytes.
//!
//! Raw objects (CSV, JSON arrays, JSON Lines) become batches of text columns, exactly as written. Typed tables become
//! CSV that reads back to the same values. The modules, each of which stands on those before it:
//!
//! - `scan` finds bytes many at a time, and `sniff` recognises an object of another format by its first bytes.
//! - `batch` holds what every parser works with: windows, cells, columns, rules and warnings.
//! - `csv` and `json` find the records in a window. `csv` also reads and writes typed tables.
//! - `decode` streams an object through a parser, and accounts for every record.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod batch;
mod csv;
mod decode;
mod format;
mod json;
mod limits;
mod scan;
mod sniff;
#[cfg(test)]
mod testing;

pub use batch::{DecodedBatch, Malformed, RecordSpan, Warning, rule};
pub use csv::{Formulas, TypedError, check_range, decode_csv_typed, encode_csv, encode_csv_header, encode_table};
pub use decode::Decoder;
pub use format::Format;
pub use limits::DecodeLimits;
