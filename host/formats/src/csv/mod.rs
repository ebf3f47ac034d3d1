//! CSV: the records of raw objects as RFC 4180 has them, and the canonical CSV of typed tables.

mod header;
mod records;
mod table;
#[cfg(test)]
mod tests;
mod typed;
mod walk;

pub(crate) use records::Records;
pub use table::encode_table;
pub(crate) use typed::is_formula;
pub use typed::{Formulas, decode_csv_typed, encode_csv, encode_csv_header};
