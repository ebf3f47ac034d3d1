//! Stands for workbooks in a build without the feature `xlsx`, so that callers are the same in every build.

use std::convert::Infallible;
use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use smelt_common::Error;
use smelt_common::error::Result;

use super::format::TableFormat;

/// A workbook, which this build cannot write.
pub struct Workbook(Infallible);

impl Workbook {
    /// Refuses.
    ///
    /// # Errors
    /// Always: the error names the missing feature.
    pub fn new() -> Result<Self> {
        TableFormat::Xlsx.check_built()?;
        Err(Error::internal("a build with workbooks has no stand-in for them"))
    }

    /// Never happens.
    pub fn sheet(&mut self, _name: &str, _schema: SchemaRef) -> Result<()> {
        match self.0 {}
    }

    /// Never happens.
    pub fn write(&mut self, _rows: &RecordBatch) -> Result<()> {
        match self.0 {}
    }

    /// Never happens.
    pub fn finish(self, _out: impl Write + Send) -> Result<()> {
        match self.0 {}
    }
}
