//! Tables as the canonical CSV.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::Schema;
use smelt_common::error::Result;

use super::rows::{in_table, unwritten};
use super::writer::WriteTable;
use crate::csv::{Formulas, encode_csv, encode_csv_header};

/// Writes the header and then the rows.
pub(super) struct CsvWriter<W> {
    out: W,
    formulas: Formulas,
    /// Text that is not written yet: at the beginning the header.
    bytes: Vec<u8>,
    rows: usize,
}

impl<W: Write> CsvWriter<W> {
    pub(super) fn new(schema: &Schema, formulas: Formulas, out: W) -> Self {
        let mut bytes = Vec::new();
        encode_csv_header(schema, formulas, &mut bytes);
        Self { out, formulas, bytes, rows: 0 }
    }
}

impl<W: Write + Send> WriteTable<W> for CsvWriter<W> {
    fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        encode_csv(rows, None, self.formulas, &mut self.bytes).map_err(|error| in_table(error, self.rows))?;
        self.rows += rows.num_rows();
        self.out.write_all(&self.bytes).map_err(|error| unwritten(&error))?;
        self.bytes.clear();
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<W> {
        self.out.write_all(&self.bytes).and_then(|()| self.out.flush()).map_err(|error| unwritten(&error))?;
        Ok(self.out)
    }
}
