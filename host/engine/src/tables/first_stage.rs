//! The sums of a KPI's first stage.

use crate::pipeline::KpiStep;
use smelt_catalog::State;
use smelt_common::error::Result;
use smelt_runtime::sums::Shards;

/// Returns empty sums for the KPI's first stage. If the lake keeps that stage, they have its key hash, so that they can
/// be added to it.
pub(crate) fn first_stage(step: &KpiStep, state: &State) -> Result<Shards> {
    let kept = state.gold.get(&step.name).and_then(|gold| gold.stages.first());
    Ok(Shards::new(&step.plugin.spec().stages[0], kept.cloned().unwrap_or_default().key_hash()?))
}
