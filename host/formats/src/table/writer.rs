//! The trait of all writers.

use arrow_array::RecordBatch;
use smelt_common::error::Result;

/// Writes a table batch by batch to a `W`.
pub trait WriteTable<W>: Send {
    /// Writes the next rows.
    ///
    /// # Errors
    /// Fails if a value has no form in the format, or if the bytes cannot be written. The file is then useless.
    fn write(&mut self, rows: &RecordBatch) -> Result<()>;

    /// Writes the end of the file, and returns what it was written to. A file without this is no valid file.
    ///
    /// # Errors
    /// Fails if the bytes cannot be written.
    fn finish(self: Box<Self>) -> Result<W>;
}
