//! The records of bronze as a relation, for the checks that judge objects before a row of them counts.

use std::sync::Arc;

use arrow_array::builder::{BooleanBuilder, Int64Builder};
use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow_select::concat::concat;

use super::dataset::DatasetStep;
use crate::host_relation::stamp_of;
use smelt_catalog::BRONZE_PREFIX;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_formats::{DecodeLimits, DecodedBatch};
use smelt_runtime::{CleanerSpec, Setting};
use smelt_storage::layers::BRONZE;
use smelt_storage::{Store, unavailable};

/// Returns the name of the relation that has the records of a dataset.
pub(crate) fn bronze_name(dataset: &str) -> String {
    format!("{BRONZE_PREFIX}{dataset}")
}

/// Returns the columns that the host adds to those of the objects, as the contract has them (`wit/0.3.0`, `kpi-input`).
pub(crate) fn bronze_columns() -> Vec<FieldRef> {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let fields = [
        Field::new("smelt.object", DataType::Utf8, false),
        Field::new("smelt.stamp", utc, true),
        Field::new("smelt.row", DataType::Int64, false),
        Field::new("smelt.malformed", DataType::Boolean, false),
    ];
    fields.into_iter().map(Arc::new).collect()
}

/// Returns what stands for a cleaner that takes those columns of the objects as they are.
pub(super) fn bronze_spec(input: Vec<String>) -> CleanerSpec {
    let own = input.iter().map(|name| Arc::new(Field::new(name, DataType::Utf8, true)));
    let output = Arc::new(Schema::new(bronze_columns().into_iter().chain(own).collect::<Vec<_>>()));
    let session = Setting { params: String::new(), uses_as_of: false };
    CleanerSpec { input, output, key: vec![], order_by: vec![], rules: vec![], session }
}

impl DatasetStep {
    /// Gives the records of an object of bronze, with these columns of the relation.
    ///
    /// # Errors
    /// The object cannot be read; [`Kind::Damaged`] if it has become unreadable since it was looked at.
    pub fn visit_records(
        &self,
        store: &dyn Store,
        key: &str,
        limits: DecodeLimits,
        columns: &SchemaRef,
        visit: &mut dyn FnMut(&RecordBatch),
    ) -> Result<()> {
        let name = key.strip_prefix(BRONZE).unwrap_or(key);
        let (meta, file) = store.open(key)?;
        let mut decoder = self.decoder(name, meta.bytes, file, limits);
        while let Some(batch) = decoder.next_batch().map_err(|error| unavailable("read", key, &error))? {
            if batch.unreadable {
                return Err(Error::new(Kind::Damaged, format!("`{key}` cannot be read any more")));
            }
            visit(&records(name, &batch, columns)?);
        }
        Ok(())
    }
}

/// Returns the records of a batch as rows: first those that are rows, then the malformed ones, which have no cells.
fn records(object: &str, batch: &DecodedBatch, columns: &SchemaRef) -> Result<RecordBatch> {
    let (rows, malformed) = (batch.columns.num_rows(), batch.malformed.len());
    let all = rows + malformed;
    let internal = |error: arrow_schema::ArrowError| Error::internal(error.to_string());
    let column = |field: &FieldRef| -> Result<ArrayRef> {
        Ok(match field.name().as_str() {
            "smelt.object" => Arc::new(StringArray::from_iter_values(std::iter::repeat_n(object, all))),
            "smelt.stamp" => {
                let stamps = TimestampMicrosecondArray::from_iter(std::iter::repeat_n(stamp_of(object), all));
                Arc::new(stamps.with_timezone("UTC"))
            }
            "smelt.row" => {
                let mut numbers = Int64Builder::with_capacity(all);
                batch.records.iter().for_each(|record| numbers.append_value(record.number as i64));
                batch.malformed.iter().for_each(|record| numbers.append_value(record.number as i64));
                Arc::new(numbers.finish())
            }
            "smelt.malformed" => {
                let mut flags = BooleanBuilder::with_capacity(all);
                flags.append_n(rows, false);
                flags.append_n(malformed, true);
                Arc::new(flags.finish())
            }
            name => match batch.columns.column_by_name(name) {
                Some(column) if malformed == 0 => Arc::clone(column),
                Some(column) => {
                    let nothing = new_null_array(&DataType::Utf8, malformed);
                    concat(&[column.as_ref(), nothing.as_ref()]).map_err(internal)?
                }
                None => new_null_array(&DataType::Utf8, all),
            },
        })
    };
    let arrays = columns.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(Arc::clone(columns), arrays).map_err(internal)
}
