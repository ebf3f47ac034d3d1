//! Reads the rows of a table that lies in the lake.

use std::cell::RefCell;
use std::ops::ControlFlow;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;

use super::feed::Feed;
use super::kept::{ALL, reduce_whole};
use super::row_stage::RowStage;
use crate::pipeline::TableStep;
use smelt_catalog::Gold;
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_runtime::{KpiSpec, Reducer};
use smelt_storage::sorted_runs::AdditiveRuns;
use smelt_storage::{Sorter, Store};

/// Returns the rows of a table: in the order of its key, or as its reducer gives them if it is made at once.
///
/// # Errors
/// The kept sums or rows of the table are gone or damaged, the plugin fails, or the pipeline has another component or other
/// parameters by now.
pub fn rows_of(store: &dyn Store, step: &TableStep, gold: &Gold) -> Result<RecordBatch> {
    let mut parts = Vec::new();
    visit_rows(store, step, gold, &mut |rows| {
        parts.push(rows.clone());
        Ok(())
    })?;
    as_one(&step.plugin.spec().output, parts)
}

/// Gives the rows of a table batch by batch, in the order of [`rows_of`] and with its errors. Little of a large table is in
/// memory at a time.
pub fn visit_rows(
    store: &dyn Store,
    step: &TableStep,
    gold: &Gold,
    visit: &mut dyn FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let spec = step.plugin.spec();
    match (gold.rows(), gold.stages.last(), spec.stages.last()) {
        (_, Some(kept), Some(stage)) if step.is_whole() => {
            let (visit, mut reducer) = (RefCell::new(visit), maker_of(step, gold)?);
            let give = |rows: RecordBatch| (visit.borrow_mut())(&rows);
            reduce_whole(&mut Feed::new(&mut reducer, stage, None, &give), &kept.open(store)?)
        }
        (Some(kept), ..) => {
            let rows = RowStage::of(spec);
            let mut sorter = Sorter::default();
            kept.open(store)?.scan(ALL, |key, numbers| sorter.push(key, numbers).map(ControlFlow::Continue))?;
            rows.in_order(sorter, visit)
        }
        _ => Err(Error::internal(format!("the rows of `{}` are not kept by key", step.name))),
    }
}

/// Returns the parts of a table as one.
fn as_one(schema: &SchemaRef, parts: Vec<RecordBatch>) -> Result<RecordBatch> {
    match <[RecordBatch; 1]>::try_from(parts) {
        Ok([table]) => Ok(table),
        Err(parts) => concat_batches(schema, &parts).map_err(|error| Error::internal(error.to_string())),
    }
}

/// Returns the reducer that made a table that is made at once.
fn maker_of<'s>(step: &'s TableStep, gold: &Gold) -> Result<Reducer<'s>> {
    let made = &gold.relation.fingerprint;
    let told = made.as_of.unwrap_or_default();
    if let Some(why) = made.difference(&step.fingerprint_at(told)) {
        return Err(Error::config(format!(
            "`{}` in the lake is not what the pipeline makes now: {why}; `smelt run` brings it up to date",
            step.name
        )));
    }
    step.reducer(gold.stages.len() - 1, told)
}

/// Returns the table that the reducer makes of all rows of the last stage, which are one group.
pub(super) fn table_of(
    store: &dyn Store,
    reducer: &mut Reducer<'_>,
    spec: &KpiSpec,
    kept: &AdditiveRuns,
) -> Result<RecordBatch> {
    let stage = spec.stages.last().ok_or_else(|| Error::internal("a table without stages is no group"))?;
    let parts = RefCell::new(Vec::new());
    let give = |rows| {
        parts.borrow_mut().push(rows);
        Ok(())
    };
    reduce_whole(&mut Feed::new(reducer, stage, None, &give), &kept.open(store)?)?;
    as_one(&spec.output, parts.into_inner())
}
