//! Whole tables as files: what a sink writes, batch by batch.
//!
//! Equal tables give equal bytes, in whatever batches their rows come. CSV, JSON and JSON Lines need no feature; Parquet
//! and XLSX need the feature of their name, and a build without it refuses them by name.

mod csv;
mod format;
#[cfg(any(feature = "parquet", feature = "xlsx"))]
mod guard;
mod json;
#[cfg(not(feature = "xlsx"))]
mod no_xlsx;
mod open;
mod options;
#[cfg(feature = "parquet")]
mod parquet;
mod read;
mod rows;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod writer;
#[cfg(feature = "xlsx")]
mod xlsx;

pub use format::TableFormat;
#[cfg(not(feature = "xlsx"))]
pub use no_xlsx::Workbook;
pub use open::{table_bytes, table_writer};
pub use options::{Compression, TableOptions};
#[cfg(feature = "parquet")]
pub use parquet::read_parquet;
pub use read::{read_table, visit_table};
pub use writer::WriteTable;
#[cfg(feature = "xlsx")]
pub use xlsx::Workbook;
