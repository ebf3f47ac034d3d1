//! smelt-formats turns raw bytes into Arrow batches and Arrow batches into bytes.
//!
//! Raw objects (CSV, JSON, JSON Lines, logs) become batches of text columns, exactly as written. Typed tables become
//! CSV that reads back to the same values, or files for others to read: JSON, Parquet, workbooks. The modules, each of which stands on those before it:
//!
//! - `dialect` has what a manifest says about how raw objects are written.
//! - `input` inflates an object and makes UTF-8 of its text.
//! - `scan` finds bytes many at a time, and `sniff` recognises an object of another format by its first bytes.
//! - `batch` holds what every parser works with: windows, cells, columns, rules and warnings.
//! - `values` has the types of typed tables, their ranges, and the text of their numbers and dates.
//! - `csv`, `json` and `log` find the records in a window. `csv` also reads and writes typed tables.
//! - `table` writes typed tables as whole files, in any format.
//! - `decode` streams an object through a parser, and accounts for every record.

#![warn(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod batch;
mod csv;
mod decode;
mod dialect;
mod format;
mod input;
mod json;
mod limits;
mod log;
mod scan;
mod sniff;
mod table;
#[cfg(test)]
mod testing;
mod values;

pub use batch::{DecodedBatch, Malformed, RecordSpan, Warning, rule};
pub use csv::{Formulas, decode_csv_typed, encode_csv, encode_csv_header, encode_table};
pub use decode::{Decoder, Renamed, Unreadable};
pub use dialect::{Comment, Delimiter, Dialect, LinePattern, ObjectCompression, Pointer, Quote, TextEncoding};
pub use format::Format;
pub use limits::DecodeLimits;
#[cfg(feature = "parquet")]
pub use table::read_parquet;
pub use table::{
    Compression, TableFormat, TableOptions, Workbook, WriteTable, read_table, table_bytes, table_writer, visit_table,
};
pub use values::{TypedError, check_range, type_text, typed_column};
