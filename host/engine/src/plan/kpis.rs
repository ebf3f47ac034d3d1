//! The part of a plan that concerns KPIs: compares what they have read with silver.

use super::planning::Planning;
use super::records::{DatasetPlan, KpiPlan, Parked};

use crate::pipeline::{KpiInput, KpiStep};
use smelt_catalog::{Failing, InputVersion, Inputs, ObjectRef, Relation, State};
use smelt_storage::Store;

impl Planning<'_> {
    /// Returns the part of the plan that concerns KPIs. Without `datasets`, plans for silver as it is.
    pub fn kpis(&self, datasets: &[DatasetPlan]) -> Vec<KpiPlan> {
        let plan = |step: &KpiStep| {
            let (reason, parked) = self.kpi(step, datasets);
            let table = self.state.gold.get(&step.name).map(|gold| gold.table().key.clone());
            KpiPlan { kpi: step.name.clone(), reason, parked, table, estimate: None }
        };
        self.pipeline.kpis.iter().map(plan).collect()
    }

    /// Returns why the KPI would be computed, or why it is not.
    fn kpi(&self, step: &KpiStep, datasets: &[DatasetPlan]) -> (Option<String>, Option<Parked>) {
        let changes = |plan: &DatasetPlan| plan.rebuild.is_some() || !plan.objects.is_empty();
        let changed = |dataset: &str| datasets.iter().any(|plan| plan.dataset == dataset && changes(plan));
        let changed: Vec<_> = step
            .inputs
            .iter()
            .filter(|input| changed(&input.relation))
            .map(|input| format!("`{}`", input.relation))
            .collect();
        let data = (!changed.is_empty()).then(|| format!("new data in {}", changed.join(", ")));
        let Some(gold) = self.state.gold.get(&step.name) else {
            let any = step.inputs.iter().any(|input| self.state.datasets.contains_key(&input.relation));
            let reason = (any || data.is_some()).then(|| "no table yet".to_owned());
            return self.unless_parked(step, reason, data.is_some());
        };
        let lost =
            || (!is_whole(self.store, gold.table())).then(|| format!("`{}` is gone or damaged", gold.table().key));
        let silver = || (gold.inputs != inputs(step, self.state)).then(|| "new silver".to_owned());
        let is_new = data.is_some();
        let reason = gold.relation.fingerprint.difference(&step.fingerprint.at(self.as_of)).or(data);
        self.unless_parked(step, reason.or_else(silver).or_else(lost), is_new)
    }

    fn unless_parked(
        &self,
        step: &KpiStep,
        reason: Option<String>,
        new_data: bool,
    ) -> (Option<String>, Option<Parked>) {
        if reason.is_none() || new_data {
            return (reason, None);
        }
        let failing = self.state.failing_kpis.get(&step.name);
        let version = silver_version(step, self.state);
        let mut parked = Failing::parked(failing, &step.fingerprint.at(self.as_of), self.max_attempts);
        match parked.find(|(_, failure)| failure.version == version) {
            Some((name, failure)) => (None, Some(Parked::new(name, failure))),
            None => (reason, None),
        }
    }
}

/// Returns whether the object is there and has its full length. A power failure may cut off an object that was just
/// written.
pub fn is_whole(store: &dyn Store, object: &ObjectRef) -> bool {
    store.open(&object.key).is_ok_and(|(meta, _)| meta.bytes == object.bytes)
}

/// Returns the silver that the KPI reads, as it is now.
pub fn inputs(step: &KpiStep, state: &State) -> Inputs {
    let read = |input: &KpiInput| {
        let (relation, schema) = (input.relation.clone(), input.schema.clone());
        let Relation { since, revision, content, rows, .. } = *state.relation(&relation)?;
        Some((input.name.clone(), InputVersion { relation, schema, since, revision, content, rows }))
    };
    step.inputs.iter().filter_map(read).collect()
}

/// Returns a text that tells which version of its silver the KPI would read.
pub fn silver_version(step: &KpiStep, state: &State) -> String {
    let version = |input: &InputVersion| format!("{} {}.{}", input.relation, input.since, input.revision);
    inputs(step, state).values().map(version).collect::<Vec<_>>().join(", ")
}
