//! Silver objects: typed CSV, written whole and checked at every read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_schema::{Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;

use crate::catalog::Stored;
use crate::codec::{Formulas, decode_csv_typed, encode_csv, encode_csv_header};
use crate::error::{Kind, Result};
use crate::store::{Durability, Store, put_new, read_verified};
use crate::{Error, digest, profile};

/// The most rows of a batch that is read back.
const BATCH_ROWS: usize = 65_536;

/// Silver that was written in this run and is about to be read again: kept in memory instead.
#[derive(Default)]
pub struct Fresh {
    batches: Mutex<HashMap<String, Vec<RecordBatch>>>,
}

impl Fresh {
    /// Keeps the rows of the object.
    pub fn keep(&self, silver: &Stored, batches: Vec<RecordBatch>) {
        self.batches.lock().expect("no one panics while holding it").insert(silver.key.clone(), batches);
    }

    fn get(&self, silver: &Stored) -> Option<Vec<RecordBatch>> {
        self.batches.lock().expect("no one panics while holding it").get(&silver.key).cloned()
    }
}

/// The rows without those at the given places, which are in order and count over all batches.
pub fn without(batches: &[RecordBatch], places: &[u32]) -> Result<Vec<RecordBatch>> {
    let mut places = places.iter().copied().peekable();
    let mut base = 0u32;
    let mut left = Vec::with_capacity(batches.len());
    for batch in batches {
        let end = base + batch.num_rows() as u32;
        if places.peek().is_none_or(|&place| place >= end) {
            left.push(batch.clone());
        } else {
            let mut keep = vec![true; batch.num_rows()];
            while let Some(place) = places.next_if(|&place| place < end) {
                keep[(place - base) as usize] = false;
            }
            let kept = filter_record_batch(batch, &BooleanArray::from(keep))
                .map_err(|error| Error::internal(format!("cannot drop superseded rows: {error}")))?;
            left.push(kept);
        }
        base = end;
    }
    Ok(left)
}

/// Writes a table as CSV under a name of its own.
pub fn write(
    store: &dyn Store,
    stem: &str,
    schema: &Schema,
    batches: &[RecordBatch],
    formulas: Formulas,
) -> Result<Stored> {
    let body = encode(schema, batches, formulas).map_err(|error| error.context(stem))?;
    let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    let sha256 = digest::hex(&body);
    Ok(Stored {
        key: put_new(store, stem, '.', ".csv", &body, Durability::Rebuildable)?,
        sha256,
        bytes: body.len() as u64,
        rows,
    })
}

/// A table as CSV.
pub fn encode(schema: &Schema, batches: &[RecordBatch], formulas: Formulas) -> Result<Vec<u8>> {
    let mut span = profile::span("encode CSV", "");
    let mut body = Vec::new();
    encode_csv_header(schema, &mut body);
    for batch in batches {
        encode_csv(batch, None, formulas, &mut body).map_err(|error| Error::new(Kind::Plugin, error.to_string()))?;
        span.through(batch.num_rows(), 0);
    }
    span.through(0, body.len());
    Ok(body)
}

/// The columns of a silver object with this schema, from memory if it was just written.
pub fn read(
    store: &dyn Store,
    fresh: &Fresh,
    silver: &Stored,
    schema: &SchemaRef,
    columns: &SchemaRef,
) -> Result<Vec<RecordBatch>> {
    if let Some(batches) = fresh.get(silver) {
        return batches.iter().map(|batch| project(batch, columns)).collect();
    }
    let body = read_verified(store, &silver.key, &silver.sha256)?;
    let mut span = profile::span("decode silver", "");
    span.through(0, body.len());
    let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
    decode_csv_typed(&body, schema, &names, BATCH_ROWS)
        .map_err(|error| Error::new(Kind::InvalidInput, format!("`{}`: {error}", silver.key)))
}

/// The named columns of a batch, as the KPI declares them.
pub fn project(batch: &RecordBatch, columns: &SchemaRef) -> Result<RecordBatch> {
    let lacks = |name: &str| Error::internal(format!("silver lacks column `{name}`"));
    let arrays = columns
        .fields()
        .iter()
        .map(|field| batch.column_by_name(field.name()).cloned().ok_or_else(|| lacks(field.name())))
        .collect::<Result<_>>()?;
    RecordBatch::try_new(Arc::clone(columns), arrays).map_err(|error| Error::internal(error.to_string()))
}
