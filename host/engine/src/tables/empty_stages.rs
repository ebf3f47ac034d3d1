//! The sums that are added to a table's stages.

use std::sync::Arc;

use super::row_stage::RowStage;
use crate::pipeline::TableStep;
use smelt_catalog::{Gold, State};
use smelt_common::error::Result;
use smelt_common::key_hash::KeyHash;
use smelt_runtime::sums::Shards;
use smelt_storage::sorted_runs::AdditiveRuns;

/// The bytes of memory that the new sums of all tables that are made at once take, about, before some go to files.
const MOST_BYTES: usize = 384 << 20;

/// Returns empty sums for each stage of the table, and for its rows. Where the lake keeps a stage, they have its key
/// hash, so that they can be added to it. So many `tables` are made at once and share the memory.
pub(crate) fn empty_stages(step: &TableStep, state: &State, tables: usize) -> Result<Vec<Arc<Shards>>> {
    let (spec, kept) = (step.plugin.spec(), state.gold.get(&step.name));
    let share = MOST_BYTES / tables.max(1) / (spec.stages.len() + 1);
    let of = |spec, runs: Option<&AdditiveRuns>| {
        Ok(Arc::new(Shards::new(spec, runs.cloned().unwrap_or_default().key_hash()?).within(share)))
    };
    let stages = spec.stages.iter().enumerate().map(|(at, stage)| of(stage, kept.and_then(|kept| kept.stages.get(at))));
    let row_stage = RowStage::of(spec).spec;
    let rows = match (kept, kept.and_then(Gold::rows)) {
        // Nothing is added to them, so any hash will do. It must be the same each time, since sums are told apart by it.
        (Some(_), None) => Ok(Arc::new(Shards::new(&row_stage, KeyHash::default()))),
        (_, rows) => of(&row_stage, rows),
    };
    stages.chain([rows]).collect()
}
