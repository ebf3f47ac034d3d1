//! The complete plan, of datasets and KPIs, with an estimate of the work.

use super::estimate::Estimate;
use super::kpis::of_input;
use super::planning::Planning;
use super::records::{DatasetPlan, Plan};
use crate::host_relation::HostRelation;
use crate::pipeline::TableStep;
use smelt_catalog::Pace;
use smelt_common::error::Result;
use std::collections::BTreeMap;

impl Planning<'_> {
    /// Compares bronze as it is now, and then what KPIs have read, with the catalog.
    pub fn plan(&self) -> Result<Plan> {
        let mut plan = self.bronze()?;
        for dataset in &mut plan.datasets {
            dataset.estimate = self.cleaning(dataset);
        }
        let mut kpis = self.kpis(&plan.datasets);
        // Of each relation that may change: true if all of it is made again, and about the number of new rows.
        let of = |plan: &DatasetPlan| Some((plan.dataset.clone(), (plan.rebuild.is_some(), plan.estimate?.rows)));
        let mut changing: BTreeMap<String, (bool, u64)> = plan.datasets.iter().filter_map(of).collect();
        for kpi in kpis.iter_mut().filter(|kpi| kpi.reason.is_some()) {
            let Some(step) = self.pipeline.table(&kpi.kpi) else { continue };
            let (estimate, rebuilds) = self.aggregating(step, &changing).unzip();
            kpi.estimate = estimate;
            // A row that is read changes about one row.
            let held = self.state.relation(&kpi.kpi).map_or(0, |held| held.rows);
            let rows = estimate.map(|estimate| if rebuilds == Some(true) { held } else { estimate.rows.min(held) });
            changing.extend(rows.map(|rows| (kpi.kpi.clone(), (rebuilds == Some(true), rows))));
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

    /// Estimates the work of making the table, from the time that it took since it was last rebuilt. Also returns whether
    /// it would be rebuilt.
    fn aggregating(&self, step: &TableStep, changing: &BTreeMap<String, (bool, u64)>) -> Option<(Estimate, bool)> {
        let gold = self.state.gold.get(&step.name)?;
        let taken: u64 = gold.inputs.values().map(|input| input.rows).sum();
        let rebuilds = !step.goes_on_from(gold, self.as_of)
            || step.inputs.iter().any(|input| changing.get(&input.relation).is_some_and(|(all, _)| *all));
        let rows = step.inputs.iter().map(|input| {
            let of_host = HostRelation::named(&input.relation).map(|relation| relation.rows(self.state));
            let held = of_host.or_else(|| Some(self.state.relation(&input.relation)?.rows)).unwrap_or_default();
            let read = of_input(&gold.inputs, &input.name).into_iter().map(|(_, read)| read.rows).sum();
            let read = if rebuilds { 0 } else { read };
            match changing.get(&input.relation) {
                Some((true, all)) => *all,
                new => held.saturating_sub(read) + new.map_or(0, |(_, new)| *new),
            }
        });
        let rows: u64 = rows.sum();
        let share = rows as f64 / Some(taken).filter(|&taken| taken > 0)? as f64;
        Some((Estimate { rows, plugin_seconds: gold.micros as f64 * share / 1e6 }, rebuilds))
    }
}
