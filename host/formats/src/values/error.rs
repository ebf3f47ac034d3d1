//! The errors between typed tables and files.

/// The reason why a typed table could not be written or read.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
pub enum TypedError {
    /// A column has a type that no format has here.
    #[error(
        "column {column} is {data_type}; supported: Boolean, Int64, Float64, Utf8, Date32, Timestamp(µs, UTC), Decimal128"
    )]
    Unsupported {
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// A value has a year outside 0000 to 9999, or is a decimal beyond its precision.
    #[error("row {row} of column {column} is out of range, expected {expected}")]
    OutOfRange {
        /// The column.
        column: String,
        /// The row in its batch, from 0.
        row: usize,
        /// The values that the column may have.
        expected: &'static str,
    },
    /// A table has no columns, or a selection has another length than its batch.
    #[error("{0}")]
    Shape(String),
    /// A projected column is not in the schema.
    #[error("no column {column}; known: {known}")]
    NoColumn {
        /// The requested column.
        column: String,
        /// The schema's columns.
        known: String,
    },
    /// A cell of the file is not what `encode_csv` writes for the schema.
    #[error("line {line}, column {column}: expected {expected}")]
    Cell {
        /// The line, from 1; the header is line 1.
        line: u64,
        /// The column's name.
        column: String,
        /// The valid form.
        expected: String,
    },
    /// A line of the file is not what `encode_csv` writes for the schema.
    #[error("line {line}: expected {expected}")]
    Line {
        /// The line, from 1.
        line: u64,
        /// The valid form.
        expected: String,
    },
    /// A Parquet file is damaged, or of another schema.
    #[error("not a Parquet file of this table: {0}")]
    Parquet(String),
}
