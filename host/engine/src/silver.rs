//! Writes and reads silver objects, which are typed CSV. They are written as a stream, and verified whenever they are
//! read.

use std::io::Write as _;
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};

use smelt_catalog::ObjectRef;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, profile};
use smelt_formats::{Formulas, decode_csv_typed, encode_csv, encode_csv_header};
use smelt_storage::{Durability, NewObject, Put, Store, read_verified, unavailable};

/// The most rows of a batch that is read from silver.
const BATCH_ROWS: usize = 65_536;

/// Rows as CSV, as a silver object holds them.
#[derive(Default)]
pub struct Encoded {
    bytes: Vec<u8>,
    rows: u64,
}

impl Encoded {
    /// Replaces the content with the rows of the batch for which `keep` is true, or with all rows if `keep` is `None`.
    pub fn fill(&mut self, batch: &RecordBatch, keep: Option<&BooleanArray>) -> Result<()> {
        let mut span = profile::span("encode CSV", "");
        span.through(batch.num_rows(), 0);
        self.bytes.clear();
        let written = encode_csv(batch, keep, Formulas::Keep, &mut self.bytes);
        span.through(0, self.bytes.len());
        self.rows = written.map_err(|error| Error::new(Kind::Plugin, error.to_string()))? as u64;
        Ok(())
    }
}

/// Writes a table as CSV, batch by batch.
pub struct Writer<'w> {
    object: NewObject<'w>,
    rows: u64,
}

impl<'w> Writer<'w> {
    /// Begins a table with the header of the schema, under a key that begins with `stem`.
    pub fn begin(store: &'w dyn Store, stem: &str, schema: &Schema) -> Result<Self> {
        let mut header = Vec::new();
        encode_csv_header(schema, Formulas::Keep, &mut header);
        let mut writer = Self { object: NewObject::create(store, stem)?, rows: 0 };
        writer.append(&Encoded { bytes: header, rows: 0 })?;
        Ok(writer)
    }

    /// Appends rows.
    pub fn append(&mut self, rows: &Encoded) -> Result<()> {
        self.rows += rows.rows;
        self.object.write_all(&rows.bytes).map_err(|error| unavailable("write", "silver", &error))
    }

    /// Gives the object its key and returns the reference to it.
    pub fn finish(self, stem: &str) -> Result<ObjectRef> {
        let Put { key, sha256, bytes } = self.object.finish(stem, '.', ".csv", Durability::Rebuildable)?;
        Ok(ObjectRef { key, sha256, bytes, rows: self.rows })
    }
}

/// Reads the columns of a silver object that has the schema.
///
/// # Errors
/// [`Kind::Damaged`] if the object is gone or has another sha256; [`Kind::InvalidInput`] if it does not have the
/// schema.
pub fn read(
    store: &dyn Store,
    silver: &ObjectRef,
    schema: &SchemaRef,
    columns: &SchemaRef,
) -> Result<Vec<RecordBatch>> {
    let body = read_verified(store, &silver.key, &silver.sha256)?;
    let mut span = profile::span("decode silver", "");
    span.through(0, body.len());
    let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    decode_csv_typed(&body, schema, &names, BATCH_ROWS)
        .map_err(|error| Error::new(Kind::InvalidInput, format!("`{}`: {error}", silver.key)))
}

/// Returns the columns of a batch of silver that a KPI declares, with the KPI's types.
pub fn project(batch: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch> {
    let lacks = |name: &str| Error::internal(format!("silver lacks column `{name}`"));
    let arrays = columns
        .fields()
        .iter()
        .map(|field| batch.column_by_name(field.name()).cloned().ok_or_else(|| lacks(field.name())))
        .collect::<Result<_>>()?;
    // A KPI may declare no column, and still count rows.
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(columns), arrays, &options)
        .map_err(|error| Error::internal(error.to_string()))
}
