//! The rows of a table on their way into a file: checked, and counted, so that errors name the row of the table.

use std::io;

use arrow_array::RecordBatch;
use arrow_schema::{FieldRef, Schema, SchemaRef};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use crate::values::{self, TypedError, check_range};

/// The table whose rows come.
pub(super) struct Rows {
    schema: SchemaRef,
    before: usize,
}

impl Rows {
    pub(super) fn new(schema: SchemaRef) -> Result<Self> {
        if schema.fields().is_empty() {
            return Err(Error::plugin("a table without columns cannot be written as a file"));
        }
        for field in schema.fields() {
            values::Kind::of(field).map_err(|error| Error::plugin(error.to_string()))?;
        }
        Ok(Self { schema, before: 0 })
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Returns how many rows came.
    #[cfg(feature = "xlsx")]
    pub(super) fn count(&self) -> usize {
        self.before
    }

    /// Checks the next rows, which must be of the table's schema. Returns how many came before them.
    pub(super) fn next(&mut self, rows: &RecordBatch) -> Result<usize> {
        if !same_columns(rows.schema_ref(), &self.schema) {
            let (found, expected) = (rows.schema_ref(), &self.schema);
            return Err(Error::internal(format!("rows of the schema {found}, expected rows of {expected}")));
        }
        let before = self.before;
        check_range(rows).map_err(|error| in_table(error, before))?;
        self.before += rows.num_rows();
        Ok(before)
    }
}

/// Returns whether two schemas have the same columns, whatever metadata they have.
pub(super) fn same_columns(one: &Schema, other: &Schema) -> bool {
    let column = |field: &FieldRef| (field.name().clone(), field.data_type().clone(), field.is_nullable());
    one.fields().iter().map(column).eq(other.fields().iter().map(column))
}

/// Returns the error of a batch with the row's number in the table.
pub(super) fn in_table(error: TypedError, before: usize) -> Error {
    let error = match error {
        TypedError::OutOfRange { column, row, expected } => {
            TypedError::OutOfRange { column, row: before + row, expected }
        }
        other => other,
    };
    Error::plugin(error.to_string())
}

/// Returns the error that the bytes of a table could not be written.
pub(super) fn unwritten(error: &io::Error) -> Error {
    Error::new(Kind::Unavailable, format!("cannot write the table's bytes: {error}"))
}
