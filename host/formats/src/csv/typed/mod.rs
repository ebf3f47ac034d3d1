//! The canonical CSV of typed tables. `decode_csv_typed` reads back what `encode_csv` writes, to equal values, and
//! reads nothing else.
//!
//! - Each row is a line that ends with LF. A null is an empty cell.
//! - Empty text is `""` in a nullable column, and an empty cell in any other column.
//! - A cell is quoted if it contains a comma, a quote or a line end, or begins or ends with a blank.
//! - Dates are `YYYY-MM-DD` and timestamps `YYYY-MM-DDTHH:MM:SSZ`, with years from 0000 to 9999. A timestamp has six
//!   decimals of its seconds, unless they are zero.
//! - Decimals have as many decimal places as their scale. Floats are the shortest that read back equal, or `NaN`,
//!   `inf`, `-inf`. Booleans are `true` and `false`.
//!
//! Other readers skip blank lines, so a table of one column avoids them where it can. There `""` is a null, or the
//! empty text if the column is not nullable. In a nullable text column `""` is the empty text, so only there a null is
//! a blank line.

mod builder;
mod decode;
mod encode;
mod parse;
#[cfg(test)]
mod tests;

pub use decode::decode_csv_typed;
pub(crate) use encode::is_formula;
pub use encode::{Formulas, encode_csv, encode_csv_header};
