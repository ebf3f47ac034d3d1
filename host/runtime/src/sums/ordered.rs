//! Makes typed rows of stored rows that come in order, for reducers that are given a stage of which little is in memory.

use std::sync::Arc;

use arrow_array::{ArrayRef, Decimal128Array, Int64Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field};

use super::table::Limits;
use crate::StageSpec;
use smelt_common::error::{Kind, Result};
use smelt_common::ordered::Decoder;
use smelt_common::wide::Wide;
use smelt_common::{Error, stored_row};

/// Stored rows that become one batch.
pub struct OrderedRows<'s> {
    stage: &'s StageSpec,
    limits: Limits,
    keys: Decoder,
    /// The sums of each column.
    sums: Vec<Vec<i128>>,
    rows: usize,
}

impl<'s> OrderedRows<'s> {
    /// Returns a batch of that stage, which has no row yet.
    pub fn new(stage: &'s StageSpec) -> Self {
        let sums = vec![vec![]; stage.schema.fields().len() - stage.keys];
        Self { stage, limits: Limits::of(stage), keys: keys(stage), sums, rows: 0 }
    }

    /// Appends a [stored row](smelt_common::stored_row).
    ///
    /// # Errors
    /// [`Kind::Damaged`] if it is no row of the stage. Fails if a sum does not fit its column.
    pub fn push(&mut self, key: &[u8], mut numbers: &[u8]) -> Result<()> {
        let malformed = || Error::new(Kind::Damaged, "stored sums are malformed");
        let (group, rest) = stored_row::split_key(key).ok_or_else(malformed)?;
        self.keys.push(&key[key.len() - rest.len() - group.len()..]).ok_or_else(malformed)?;
        for (column, sums) in self.sums.iter_mut().enumerate() {
            let sum = Wide::read(&mut numbers).and_then(Wide::parts).ok_or_else(malformed)?;
            sums.push(self.limits.fit(self.stage, column, sum)?);
        }
        self.rows += 1;
        if numbers.is_empty() { Ok(()) } else { Err(malformed()) }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Takes the rows as a batch of the stage's schema.
    pub fn take(&mut self) -> Result<RecordBatch> {
        let StageSpec { schema, keys: count, .. } = self.stage;
        let mut columns = std::mem::replace(&mut self.keys, keys(self.stage)).finish();
        for (field, sums) in schema.fields()[*count..].iter().zip(&mut self.sums) {
            columns.push(typed(field, std::mem::take(sums))?);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(std::mem::take(&mut self.rows)));
        RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
            .map_err(|error| Error::new(Kind::Damaged, format!("stored sums do not fit their columns: {error}")))
    }
}

fn keys(stage: &StageSpec) -> Decoder {
    Decoder::new(&stage.schema.fields()[..stage.keys], 0)
}

/// Returns the values, which fit, as a column.
pub(super) fn typed(field: &Field, values: Vec<i128>) -> Result<ArrayRef> {
    Ok(match *field.data_type() {
        DataType::Decimal128(precision, scale) => Arc::new(
            Decimal128Array::from(values)
                .with_precision_and_scale(precision, scale)
                .map_err(|error| Error::internal(format!("a stage has a decimal type that does not exist: {error}")))?,
        ),
        _ => Arc::new(Int64Array::from_iter_values(values.into_iter().map(|value| value as i64))),
    })
}
