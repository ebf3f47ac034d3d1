//! The part of a plan that concerns tables: compares what they have read with what there is.

use super::planning::Planning;
use super::records::{DatasetPlan, KpiPlan, Parked};

use crate::host_relation::{HostRelation, made_from};
use crate::manifest::Layer;
use crate::pipeline::{TableInput, TableStep};
use smelt_catalog::{Failing, InputVersion, Inputs, ObjectRef, Relation, State};
use smelt_storage::Store;
use std::collections::BTreeSet;

/// Stands between the name of an input and that of a dataset or check, where the input is a relation of the host.
const PART: char = '/';

impl Planning<'_> {
    /// Returns the part of the plan that concerns tables, in the order in which they are made. Without `datasets`, plans
    /// for silver as it is.
    pub fn kpis(&self, datasets: &[DatasetPlan]) -> Vec<KpiPlan> {
        let changes = |plan: &&DatasetPlan| plan.rebuild.is_some() || !plan.objects.is_empty();
        let mut changing: BTreeSet<&str> = datasets.iter().filter(changes).map(|plan| plan.dataset.as_str()).collect();
        let mut plans = Vec::with_capacity(self.pipeline.tables.len());
        // The tables that are left alone: those that are parked, and all that read them.
        let mut stopped: BTreeSet<&str> = BTreeSet::new();
        for step in self.pipeline.tables.iter().filter(|step| self.is_selected(&step.name)) {
            let mut plan = self.kpi_plan(step, &changing);
            let mut reads = step.inputs.iter().flat_map(TableInput::made_from);
            plan.waits_for = reads.find(|read| stopped.contains(read.as_str())).cloned();
            if plan.parked.is_some() || plan.waits_for.is_some() {
                plan.reason = None;
                stopped.insert(&step.name);
            } else if plan.reason.is_some() {
                changing.insert(&step.name);
            }
            plans.push(plan);
        }
        plans
    }

    /// Returns the plans of the tables of one level, as far as they depend on what they read as it is.
    pub fn kpis_at(&self, level: usize) -> Vec<KpiPlan> {
        let steps = self.pipeline.tables.iter().filter(|step| step.level == level && self.is_selected(&step.name));
        steps.map(|step| self.table(step)).collect()
    }

    /// Returns the plan of one table, selected or not, as far as it depends on what it reads as it is.
    pub fn table(&self, step: &TableStep) -> KpiPlan {
        self.kpi_plan(step, &BTreeSet::new())
    }

    fn kpi_plan(&self, step: &TableStep, changing: &BTreeSet<&str>) -> KpiPlan {
        let (reason, parked) = self.kpi(step, changing);
        let table = self.state.shown(&step.name).map(|gold| gold.shown(&step.name).key);
        KpiPlan { kpi: step.name.clone(), reason, parked, waits_for: None, table, estimate: None }
    }

    /// Returns why the table would be made, or why it is not. `changing` are the relations that may change before.
    fn kpi(&self, step: &TableStep, changing: &BTreeSet<&str>) -> (Option<String>, Option<Parked>) {
        let any_dataset = changing.iter().any(|name| self.pipeline.dataset(name).is_some());
        let any_check = self.pipeline.checks().any(|check| changing.contains(check.name.as_str()));
        let changes = |relation: &str| {
            let of_host = HostRelation::named(relation);
            changing.contains(relation)
                || any_dataset && of_host.is_some_and(HostRelation::reads_datasets)
                || any_check && of_host == Some(HostRelation::Checks)
        };
        let changed = step.inputs.iter().filter(|input| changes(&input.relation));
        let changed: BTreeSet<_> = changed.map(|input| format!("`{}`", input.relation)).collect();
        let changed: Vec<_> = changed.into_iter().collect();
        let data = (!changed.is_empty()).then(|| format!("new data in {}", changed.join(", ")));
        let Some(gold) = self.state.gold.get(&step.name) else {
            let is_there =
                |relation: &str| self.state.relation(relation).is_some() || HostRelation::named(relation).is_some();
            let any = step.inputs.iter().any(|input| is_there(&input.relation));
            let reason = (any || data.is_some()).then(|| "no table yet".to_owned());
            return self.unless_parked(step, reason, data.is_some());
        };
        let lost = || {
            let lost = gold.table().filter(|table| !is_whole(self.store, table));
            lost.map(|table| format!("`{}` is gone or damaged", table.key))
        };
        let otherwise = || match gold.table() {
            _ if gold.relation.shape.is_none() => "its columns are not noted yet".to_owned(),
            Some(_) if step.has_rows_as(gold) && step.layer == Layer::Gold => {
                format!("it is written as {} now", step.output.of_table().extension())
            }
            _ => "its rows are kept otherwise now".to_owned(),
        };
        let layer = || (!step.lies_as(gold)).then(otherwise);
        let damaged = || self.damaged.get(&step.name).cloned();
        let silver = || (gold.inputs != inputs(step, self.state)).then(|| "new silver".to_owned());
        let is_new = data.is_some();
        let reason = gold.relation.fingerprint.difference(&step.fingerprint_at(self.as_of)).or(data);
        self.unless_parked(step, reason.or_else(silver).or_else(lost).or_else(damaged).or_else(layer), is_new)
    }

    fn unless_parked(
        &self,
        step: &TableStep,
        reason: Option<String>,
        new_data: bool,
    ) -> (Option<String>, Option<Parked>) {
        if reason.is_none() || new_data {
            return (reason, None);
        }
        let failing = self.state.failing_kpis.get(&step.name);
        let version = silver_version(step, self.state);
        let mut parked = Failing::parked(failing, &step.fingerprint_at(self.as_of), self.max_attempts);
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
pub fn inputs(step: &TableStep, state: &State) -> Inputs {
    let version = |input: &TableInput, relation: &str, found: &Relation| {
        let (relation, schema) = (relation.to_owned(), input.schema.clone());
        let Relation { since, revision, content, rows, .. } = *found;
        InputVersion { relation, schema, since, revision, content, rows }
    };
    let mut inputs = Inputs::new();
    for input in &step.inputs {
        match made_from(&input.relation, &input.checks, state) {
            // A relation of the host is made from all datasets or from all checks.
            Some(parts) => inputs.extend(
                parts
                    .into_iter()
                    .map(|(part, relation)| (format!("{}{PART}{part}", input.name), version(input, part, relation))),
            ),
            None => {
                let found = state.relation(&input.relation);
                inputs.extend(found.map(|found| (input.name.clone(), version(input, &input.relation, found))));
            }
        }
    }
    inputs
}

/// Returns what has been read for one input of a table: one relation, or all datasets or checks for a relation of the host.
pub fn of_input<'i>(inputs: &'i Inputs, name: &str) -> Vec<(&'i String, &'i InputVersion)> {
    let is_of = |key: &str| key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(PART));
    inputs.iter().filter(|(key, _)| is_of(key)).collect()
}

/// Returns a text that tells which version of its silver the KPI would read.
pub fn silver_version(step: &TableStep, state: &State) -> String {
    let version = |input: &InputVersion| format!("{} {}.{}", input.relation, input.since, input.revision);
    inputs(step, state).values().map(version).collect::<Vec<_>>().join(", ")
}
