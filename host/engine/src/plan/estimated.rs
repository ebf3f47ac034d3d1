//! The complete plan, of datasets and KPIs, with an estimate of the work.

use super::estimate::Estimate;
use super::planning::Planning;
use super::records::{DatasetPlan, Plan};
use crate::pipeline::TableStep;
use smelt_catalog::Pace;
use smelt_common::error::Result;

impl Planning<'_> {
    /// Compares bronze as it is now, and then what KPIs have read, with the catalog.
    pub fn plan(&self) -> Result<Plan> {
        let mut plan = self.bronze()?;
        for dataset in &mut plan.datasets {
            dataset.estimate = self.cleaning(dataset);
        }
        let mut kpis = self.kpis(&plan.datasets);
        for (kpi, step) in kpis.iter_mut().zip(&self.pipeline.tables).filter(|(kpi, _)| kpi.reason.is_some()) {
            kpi.estimate = self.aggregating(step, &plan.datasets);
        }
        Ok(Plan { kpis, ..plan })
    }

    /// Estimates the work of cleaning the objects, from the objects that were cleaned so far.
    fn cleaning(&self, plan: &DatasetPlan) -> Option<Estimate> {
        let held = self.state.datasets.get(&plan.dataset)?;
        let Pace { bytes: all, micros } = held.bronze.pace;
        let bytes: u64 = plan.objects.iter().map(|object| object.bytes).sum();
        let share = bytes as f64 / Some(all).filter(|&all| all > 0)? as f64;
        let rows = (held.bronze.totals.read as f64 * share).round() as u64;
        Some(Estimate { rows, plugin_seconds: micros as f64 * share / 1e6 })
    }

    /// Estimates the work of computing the KPI, from the time that it took since it was last rebuilt.
    fn aggregating(&self, step: &TableStep, datasets: &[DatasetPlan]) -> Option<Estimate> {
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
