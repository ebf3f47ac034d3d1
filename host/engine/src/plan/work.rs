//! Estimates how much work a plan would be, from the time that such work took before.

use super::estimate::Estimate;
use super::planning::Planning;
use super::records::DatasetPlan;
use crate::pipeline::KpiStep;
use smelt_catalog::Pace;

impl Planning<'_> {
    /// Estimates the work of cleaning the objects, from the objects that were cleaned so far.
    pub(super) fn cleaning(&self, plan: &DatasetPlan) -> Option<Estimate> {
        let held = self.state.datasets.get(&plan.dataset)?;
        let Pace { bytes: all, micros } = held.bronze.pace;
        let bytes: u64 = plan.objects.iter().map(|object| object.bytes).sum();
        let share = bytes as f64 / Some(all).filter(|&all| all > 0)? as f64;
        let rows = (held.bronze.totals.read as f64 * share).round() as u64;
        Some(Estimate { rows, plugin_seconds: micros as f64 * share / 1e6 })
    }

    /// Estimates the work of computing the KPI, from the time that it took since it was last rebuilt.
    pub(super) fn aggregating(&self, step: &KpiStep, datasets: &[DatasetPlan]) -> Option<Estimate> {
        let gold = self.state.gold.get(&step.name)?;
        let taken: u64 = gold.inputs.values().map(|input| input.rows).sum();
        let of = |dataset: &str| datasets.iter().find(|plan| plan.dataset == dataset);
        let same = gold.relation.fingerprint.difference(&step.fingerprint.at(self.as_of)).is_none();
        let rebuilds =
            !same || step.inputs.iter().any(|input| of(&input.relation).is_some_and(|plan| plan.rebuild.is_some()));
        let rows = step.inputs.iter().map(|input| {
            let held = self.state.datasets.get(&input.relation).map_or(0, |held| held.bronze.totals.kept);
            let planned = of(&input.relation).and_then(|plan| Some((plan.rebuild.is_some(), plan.estimate?.rows)));
            let read = gold.inputs.get(&input.name).filter(|_| !rebuilds).map_or(0, |read| read.rows);
            match planned {
                Some((true, all)) => all,
                new => held.saturating_sub(read) + new.map_or(0, |(_, new)| new),
            }
        });
        let rows: u64 = rows.sum();
        let share = rows as f64 / Some(taken).filter(|&taken| taken > 0)? as f64;
        Some(Estimate { rows, plugin_seconds: gold.micros as f64 * share / 1e6 })
    }
}
