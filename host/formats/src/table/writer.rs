//! The trait of all writers.

use arrow_array::RecordBatch;
use smelt_common::error::Result;

/// Writes a table batch by batch.
pub trait WriteTable: Send {
    /// Writes the next rows.
    ///
    /// # Errors
    /// Fails if a value has no form in the format, or if the bytes cannot be written. The file is then useless.
    fn write(&mut self, rows: &RecordBatch) -> Result<()>;

    /// Writes the end of the file. A file without this is no valid file.
    ///
    /// # Errors
    /// Fails if the bytes cannot be written.
    fn finish(self: Box<Self>) -> Result<()>;
}
