//! Reads the rows of a relation from the lake, in the order in which its readers expect them.

use std::io::Read as _;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef};
use smelt_catalog::{Entries, Files, ObjectRef, Shape};
use smelt_common::Error;
use smelt_common::digest::HashingReader;
use smelt_common::error::{Kind, Result};
use smelt_common::ordered::{Column, Decoder};
use smelt_common::stored_row::{split_key, write_key};
use smelt_common::wide::Wide;
use smelt_formats::{Formulas, TableFormat, typed_column, visit_table};
use smelt_storage::sorted_runs::{AdditiveRuns, SortedRuns};
use smelt_storage::{Sorter, Store};

use super::facts::Facts;
use crate::frame::{BLOCK_ROWS, Frame, NewFrame};

/// The bytes of rows in memory while they are sorted.
const SORTING: usize = 16 << 20;

/// Every hash of a group.
const ALL: (u64, u64) = (0, u64::MAX);

/// Reads the relation.
///
/// # Errors
/// [`Kind::Damaged`] if some of it is gone or was changed; a host may have committed meanwhile.
pub(super) fn frame_of(store: &dyn Store, facts: &Facts<'_>) -> Result<Frame> {
    let shape = facts.relation.shape.as_ref().ok_or_else(|| {
        Error::config(format!(
            "`{}` was made by an older smelt, which did not note its columns; the next run that cleans an object of it does",
            facts.name
        ))
    })?;
    let schema = schema_of(facts.name, shape)?;
    let mut frame = NewFrame::begin(Arc::clone(&schema))?;
    match (&facts.relation.files, facts.gold.and_then(|gold| gold.table())) {
        (Files::Entries(_), _) => dataset(store, facts, &schema, shape, &mut frame)?,
        (Files::Rows(runs), None) => kept_rows(store, runs, &schema, shape, &mut frame)?,
        (Files::Rows(runs), Some(_)) if !shape.own_order => kept_rows(store, runs, &schema, shape, &mut frame)?,
        (Files::Rows(_), Some(file)) | (Files::One(file), _) => {
            visit_file(store, file, &schema, Formulas::Escape, &mut |rows| frame.push(&rows))?;
        }
    }
    frame.finish(shape.key.clone())
}

pub(super) fn schema_of(name: &str, shape: &Shape) -> Result<SchemaRef> {
    let field = |(column, text): &(String, String)| {
        typed_column(column, text).ok_or_else(|| {
            Error::new(Kind::Damaged, format!("the catalog says that column `{column}` of `{name}` is `{text}`"))
        })
    };
    Ok(Arc::new(Schema::new(shape.columns.iter().map(field).collect::<Result<Vec<_>>>()?)))
}

/// Gives the rows of a file, and fails at its end if it is not the one that the catalog references.
pub(super) fn visit_file(
    store: &dyn Store,
    file: &ObjectRef,
    schema: &SchemaRef,
    formulas: Formulas,
    visit: &mut dyn FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    let ObjectRef { key, sha256, .. } = file;
    let format = if key.ends_with(".parquet") { TableFormat::Parquet } else { TableFormat::Csv };
    let (_, reader) = store.open(key)?;
    let mut reader = HashingReader::new(reader);
    let read = visit_table(format, &mut reader, schema, formulas, BLOCK_ROWS, visit);
    let rest = std::io::copy(&mut reader.by_ref().take(u64::MAX), &mut std::io::sink());
    let (_, found) = reader.finish();
    if rest.is_ok() && found != *sha256 {
        return Err(Error::new(Kind::Damaged, format!("`{key}` has sha256 {found}; the catalog says {sha256}")));
    }
    read.map_err(|error| error.context(format!("`{key}`")))
}

/// Gives the rows of a dataset: by key, or if it has none in the order of its objects.
fn dataset(
    store: &dyn Store,
    facts: &Facts<'_>,
    schema: &SchemaRef,
    shape: &Shape,
    frame: &mut NewFrame,
) -> Result<()> {
    let none = SortedRuns::none();
    let runs = if let Files::Entries(runs) = &facts.relation.files { runs } else { &none };
    let objects = Entries::in_map(store, runs).all()?;
    // An object that is held has no silver.
    let silver = objects.iter().map(|(_, entry)| &entry.silver).filter(|silver| !silver.key.is_empty());
    if shape.key.is_empty() {
        return silver
            .into_iter()
            .try_for_each(|file| visit_file(store, file, schema, Formulas::Keep, &mut |rows| frame.push(&rows)));
    }
    let places = places(shape);
    let mut sorter = Sorter::within(SORTING);
    let (mut group, mut rest, mut key) = (Vec::new(), Vec::new(), Vec::new());
    let mut once = Vec::new();
    Wide::from(1).write(&mut once);
    for file in silver {
        visit_file(store, file, schema, Formulas::Keep, &mut |rows| {
            let columns: Vec<_> = places.iter().map(|&at| Column::of(rows.column(at).as_ref())).collect();
            let (of_key, others) = columns.split_at(shape.key.len());
            (0..rows.num_rows()).try_for_each(|row| {
                group.clear();
                rest.clear();
                key.clear();
                of_key.iter().for_each(|column| column.encode(row, &mut group));
                others.iter().for_each(|column| column.encode(row, &mut rest));
                write_key(&group, &rest, &mut key);
                sorter.push(&key, &once)
            })
        })?;
    }
    sorted(sorter, schema, &places, frame)
}

/// Gives the rows of a table that are kept by key.
fn kept_rows(
    store: &dyn Store,
    runs: &AdditiveRuns,
    schema: &SchemaRef,
    shape: &Shape,
    frame: &mut NewFrame,
) -> Result<()> {
    let mut sorter = Sorter::within(SORTING);
    runs.open(store)?.scan(ALL, |key, numbers| sorter.push(key, numbers).map(ControlFlow::Continue))?;
    sorted(sorter, schema, &places(shape), frame)
}

/// Returns the columns in the order in which stored rows have them: those of the key first.
fn places(shape: &Shape) -> Vec<usize> {
    let others = (0..shape.columns.len()).filter(|at| !shape.key.contains(at));
    shape.key.iter().copied().chain(others).collect()
}

fn sorted(sorter: Sorter, schema: &SchemaRef, places: &[usize], frame: &mut NewFrame) -> Result<()> {
    let malformed = || Error::new(Kind::Damaged, "stored rows are malformed");
    let decoder = || Decoder::new(places.iter().map(|&at| &schema.fields()[at]), BLOCK_ROWS);
    let (mut rows, mut decoded) = (0, decoder());
    let mut take = |decoded: Decoder, rows: usize| {
        let mut columns = vec![None; places.len()];
        for (column, &at) in decoded.finish().into_iter().zip(places) {
            columns[at] = Some(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns = columns.into_iter().flatten().collect();
        let batch = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options);
        frame.push(&batch.map_err(|error| Error::new(Kind::Damaged, error.to_string()))?)
    };
    sorter.finish(|key, mut numbers| {
        let (group, rest) = split_key(key).ok_or_else(malformed)?;
        let columns = &key[key.len() - rest.len() - group.len()..];
        let (count, _) = Wide::read(&mut numbers).and_then(Wide::parts).ok_or_else(malformed)?;
        for _ in 0..count {
            decoded.push(columns).ok_or_else(malformed)?;
            rows += 1;
            if rows == BLOCK_ROWS {
                take(std::mem::replace(&mut decoded, decoder()), std::mem::take(&mut rows))?;
            }
        }
        Ok(())
    })?;
    take(decoded, rows)
}
