//! The table of sums that a KPI's rows are added to first.

use crate::pipeline::KpiStep;
use smelt_catalog::State;
use smelt_common::error::Result;
use smelt_runtime::sums::Shards;

/// What is to be added to the KPI's first stage: nothing yet; in shards as the stage is kept, if it is.
pub(crate) fn first_stage(step: &KpiStep, state: &State) -> Result<Shards> {
    let kept = state.gold.get(&step.name).and_then(|gold| gold.stages.first());
    Ok(Shards::new(&step.plugin.spec().stages[0], kept.cloned().unwrap_or_default().key_hash()?))
}
