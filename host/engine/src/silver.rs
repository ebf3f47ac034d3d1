//! Writes and reads silver objects, which are typed CSV or Parquet. They are written as a stream, and verified whenever they
//! are read. Logs of rows that changed are written and read as silver is.

use std::io::Write as _;
use std::sync::Arc;

use arrow_array::{BooleanArray, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use arrow_select::filter::filter_record_batch;

use crate::manifest::OutputFormat;
use smelt_catalog::ObjectRef;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, profile};
use smelt_formats::{Formulas, TableOptions, WriteTable, encode_csv, encode_csv_header, read_table, table_writer};
use smelt_storage::{Durability, NewObject, Put, Store, read_verified, unavailable};

/// The most rows of a batch that is read from silver.
const BATCH_ROWS: usize = 65_536;

/// Rows on their way into an object: as much of the writing as several workers can do side by side. By default as CSV.
#[derive(Default)]
pub struct Encoded {
    format: OutputFormat,
    /// The rows as CSV.
    bytes: Vec<u8>,
    /// The rows that are to become Parquet, of which a row group is written at once, whatever batches it comes in.
    batch: Option<RecordBatch>,
    rows: u64,
}

impl Encoded {
    /// Returns no rows, for an object of that format.
    pub fn of(format: OutputFormat) -> Self {
        Self { format, ..Self::default() }
    }

    /// Replaces the content with the rows of the batch for which `keep` is true, or with all rows if `keep` is `None`.
    pub fn fill(&mut self, batch: &RecordBatch, keep: Option<&BooleanArray>) -> Result<()> {
        if self.format == OutputFormat::Parquet {
            let kept = keep.map_or_else(|| Ok(batch.clone()), |keep| filter_record_batch(batch, keep));
            let kept = kept.map_err(|error| Error::internal(format!("cannot leave out rows: {error}")))?;
            self.rows = kept.num_rows() as u64;
            self.batch = Some(kept);
            return Ok(());
        }
        let mut span = profile::span("encode CSV", "");
        span.through(batch.num_rows(), 0);
        self.bytes.clear();
        let written = encode_csv(batch, keep, Formulas::Keep, &mut self.bytes);
        span.through(0, self.bytes.len());
        self.rows = written.map_err(|error| Error::new(Kind::Plugin, error.to_string()))? as u64;
        Ok(())
    }
}

/// Writes a table into an object, batch by batch.
pub struct Writer<'w> {
    format: OutputFormat,
    target: Target<'w>,
    rows: u64,
}

/// The way of rows into an object.
enum Target<'w> {
    /// They are bytes already.
    Object(NewObject<'w>),
    /// A writer makes a file of them that has more than rows one after the other.
    Table(Box<dyn WriteTable<NewObject<'w>> + 'w>),
}

impl<'w> Writer<'w> {
    /// Begins a table of the schema, under a key that begins with `stem`.
    pub fn begin(store: &'w dyn Store, stem: &str, format: OutputFormat, schema: &SchemaRef) -> Result<Self> {
        let object = NewObject::create(store, stem)?;
        match format {
            OutputFormat::Csv => {
                let mut header = Encoded::default();
                encode_csv_header(schema, Formulas::Keep, &mut header.bytes);
                let mut writer = Self { format, target: Target::Object(object), rows: 0 };
                writer.append(&header)?;
                Ok(writer)
            }
            OutputFormat::Parquet => {
                let table = table_writer(format.of_table(), Arc::clone(schema), &TableOptions::default(), object)?;
                Ok(Self { format, target: Target::Table(table), rows: 0 })
            }
        }
    }

    /// Appends rows that were encoded for this format.
    pub fn append(&mut self, rows: &Encoded) -> Result<()> {
        self.rows += rows.rows;
        match (&mut self.target, &rows.batch) {
            (Target::Object(object), _) => {
                object.write_all(&rows.bytes).map_err(|error| unavailable("write", "silver", &error))
            }
            (Target::Table(table), Some(batch)) => {
                let mut span = profile::span("encode Parquet", "");
                span.through(batch.num_rows(), 0);
                table.write(batch).map_err(unwritten)
            }
            (Target::Table(_), None) => Ok(()),
        }
    }

    /// Gives the object its key and returns the reference to it.
    pub fn finish(self, stem: &str) -> Result<ObjectRef> {
        let Self { format, target, rows } = self;
        let object = match target {
            Target::Object(object) => object,
            Target::Table(table) => {
                let _span = profile::span("encode Parquet", "");
                table.finish().map_err(unwritten)?
            }
        };
        let Put { key, sha256, bytes } = object.finish(stem, '.', format.extension(), Durability::Rebuildable)?;
        Ok(ObjectRef { key, sha256, bytes, rows })
    }
}

fn unwritten(error: Error) -> Error {
    match error.kind() {
        Kind::Unavailable => error.context("cannot write `silver`"),
        _ => error,
    }
}

/// Reads the columns of a silver object that has the schema, in the format that it has.
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
    if silver.key.is_empty() {
        // The object is held.
        return Ok(vec![]);
    }
    let body = read_verified(store, &silver.key, &silver.sha256)?;
    let mut span = profile::span("decode silver", "");
    span.through(0, body.len());
    let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    read_table(OutputFormat::of_key(&silver.key).of_table(), body, schema, &names, BATCH_ROWS)
        .map_err(|error| error.context(format!("`{}`", silver.key)))
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

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringArray};
    use arrow_schema::Schema;
    use smelt_storage::DirStore;

    use super::*;

    fn rows(from: i64, to: i64) -> RecordBatch {
        let numbers = Int64Array::from_iter_values(from..to);
        let texts = StringArray::from_iter((from..to).map(|n| (n % 3 > 0).then(|| format!("={n}"))));
        RecordBatch::try_from_iter_with_nullable([
            ("n", Arc::new(numbers) as _, false),
            ("t", Arc::new(texts) as _, true),
        ])
        .expect("a batch")
    }

    fn formats() -> impl Iterator<Item = OutputFormat> {
        [OutputFormat::Csv, OutputFormat::Parquet]
            .into_iter()
            .filter(|format| cfg!(feature = "parquet") || *format == OutputFormat::Csv)
    }

    /// Writes these rows but for every seventh, cut into batches at the places.
    fn written(store: &DirStore, stem: &str, format: OutputFormat, cuts: &[i64]) -> ObjectRef {
        let mut writer = Writer::begin(store, stem, format, &rows(0, 0).schema()).expect("it begins");
        let mut encoded = Encoded::of(format);
        for pair in cuts.windows(2) {
            let keep: BooleanArray = (pair[0]..pair[1]).map(|n| Some(n % 7 > 0)).collect();
            encoded.fill(&rows(pair[0], pair[1]), Some(&keep)).expect("it is encoded");
            writer.append(&encoded).expect("it is written");
        }
        writer.finish(stem).expect("it is finished")
    }

    #[test]
    fn an_object_has_the_same_bytes_in_whatever_batches_its_rows_come() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = DirStore::new(directory.path());
        for format in formats() {
            let one = written(&store, "silver/d/one", format, &[0, 5000]);
            let other = written(&store, "silver/d/other", format, &[0, 1, 1, 1500, 2048, 4999, 5000]);
            assert_eq!((&one.sha256, one.rows), (&other.sha256, 4285), "{format:?}");
            assert!(one.key.ends_with(format.extension()), "{}", one.key);
        }
    }

    #[test]
    fn rows_come_back_from_either_format_whatever_columns_are_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = DirStore::new(directory.path());
        let all = rows(0, 5000);
        let keep: BooleanArray = (0..5000).map(|n| Some(n % 7 > 0)).collect();
        let kept = filter_record_batch(&all, &keep).expect("the same length");
        for format in formats() {
            let object = written(&store, "silver/d/x", format, &[0, 1000, 5000]);
            for names in [&["n", "t"][..], &["t"], &[]] {
                let fields: Vec<_> = names.iter().map(|name| all.schema().field_with_name(name).cloned()).collect();
                let columns: SchemaRef =
                    Schema::new(fields.into_iter().collect::<Result<Vec<_>, _>>().expect("fields")).into();
                let batches = read(&store, &object, all.schema_ref(), &columns).expect("it is read");
                let rows = arrow_select::concat::concat_batches(&columns, &batches).expect("one schema");
                assert_eq!(rows, project(&kept, &columns).expect("its columns"), "{format:?} {names:?}");
            }
        }
    }
}
