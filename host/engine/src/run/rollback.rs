//! Rollback points: what a promotion keeps of the previous component, and how that is brought back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use super::host::Host;
use super::promote::{Way, promotion_of, running};
use crate::clean::RowKind;
use crate::manifest::OutputFormat;
use crate::plan::{Planning, inputs};
use crate::tables::{put_held, put_stamped};
use smelt_catalog::{
    CHANGES, Change, Dataset, ENTRIES, Gold, InputVersion, LogEntry, ObjectRef, Parts, ROLLBACK_POINTS,
    ROLLBACK_QUARANTINE, RelationChange, RollbackPoint, State,
};
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::QUARANTINE;
use smelt_storage::read_verified;

impl Host {
    /// Returns what runs now of the plugin, and what it made, as that lies in the lake.
    pub(super) fn previous(&self, state: &State, plugin: &str, own: &str) -> RollbackPoint {
        let promotion = promotion_of(state, plugin, own);
        let component = running(state, plugin, own).to_owned();
        let steps =
            self.pipeline.datasets.iter().filter(|step| step.plugin.identity().is_some_and(|it| &*it.name == plugin));
        let datasets: BTreeMap<String, Dataset> = steps
            .filter_map(|step| Some((step.name.clone(), state.datasets.get(&step.name)?.clone())))
            .filter(|(_, dataset)| dataset.relation.fingerprint.component == component)
            .collect();
        let is_read = |input: &InputVersion| {
            datasets.get(&input.relation).is_some_and(|dataset| input.is_current(&dataset.relation))
        };
        let mut gold: BTreeMap<String, Gold> = BTreeMap::new();
        // A table comes after all that it reads.
        for step in &self.pipeline.tables {
            let Some(made) = state.gold.get(&step.name) else { continue };
            let own = &*step.plugin.identity().name == plugin && made.relation.fingerprint.component == component;
            let reads_kept = |input: &InputVersion| {
                is_read(input) || gold.get(&input.relation).is_some_and(|read| input.is_current(&read.relation))
            };
            if own || made.inputs.values().any(reads_kept) {
                gold.insert(step.name.clone(), made.clone());
            }
        }
        let made = datasets.values().map(|dataset| &dataset.relation.fingerprint);
        let mut made = made.chain(gold.values().map(|gold| &gold.relation.fingerprint));
        let version = made.find(|made| made.component == component).map(|made| made.version.clone());
        let version = version.or_else(|| promotion.map(|promotion| promotion.version.clone())).unwrap_or_default();
        RollbackPoint { component, version, until: 0, datasets, gold }
    }

    /// Makes the change keep the previous component's datasets and tables. Damaged ones are not kept.
    pub(super) fn keep_previous(
        &self,
        state: &State,
        previous: RollbackPoint,
        change: &mut Change,
    ) -> Result<RollbackPoint> {
        let mut datasets = BTreeMap::new();
        for (name, dataset) in previous.datasets {
            let entries = format!("{ENTRIES}{name}/{:020}-rollback", state.sequence + 1);
            let stem = |_: &str, object: &ObjectRef| {
                let key = &object.key;
                let stem = &key[..key.rfind('.').unwrap_or(key.len())];
                let sequence = state.sequence + 1;
                match stem.strip_prefix(QUARANTINE) {
                    Some(stem) => format!("{ROLLBACK_QUARANTINE}{stem}.{sequence}"),
                    None => format!("{ROLLBACK_POINTS}{stem}.{sequence}"),
                }
            };
            if let Some((kept, _)) = self.copied(&dataset, &entries, &stem, change)? {
                datasets.insert(name, kept);
            }
        }
        change.referenced.extend(previous.gold.values().flat_map(Gold::sums).map(ToOwned::to_owned));
        Ok(RollbackPoint { datasets, ..previous })
    }

    /// Makes the change bring back the parts of the rollback point that are what the pipeline makes of its plugins now.
    /// With [`Way::Forward`] they must also be what it makes of the lake as it is now.
    ///
    /// Returns the tables that are brought back, under keys that sort last, as those of current tables do. Also returns
    /// the parts that are not what the pipeline makes of the lake as it is now.
    pub(super) fn bring_back(
        &self,
        state: &State,
        kept: &RollbackPoint,
        way: Way,
        change: &mut Change,
    ) -> Result<(BTreeMap<String, Gold>, Parts)> {
        let mut behind = Parts::default();
        for (name, dataset) in &kept.datasets {
            // A dataset that was rebuilt since may have lost what cannot be known here: rows that were given up, or an
            // object that was replaced.
            if state.datasets.get(name).is_none_or(|current| current.relation.since != kept.until) {
                continue;
            }
            let is_current = self.is_of_bronze_now(state, name, dataset)?;
            // Rows that are given up are not brought back.
            let as_it_was = way == Way::Back && !self.forget_missing;
            if !(is_current || as_it_was) {
                continue;
            }
            let is_back = self.bring_back_dataset(state, name, dataset, change)?;
            if is_back && !is_current {
                behind.datasets.insert(name.clone());
            }
        }
        if !change.datasets.is_empty() {
            // The dataset that is replaced may have taken in names that came late, so the next tick looks at all of
            // bronze.
            change.reconciled = Some(0);
        }
        let mut tables = BTreeMap::new();
        // A table comes after all that it reads.
        let in_order = self.pipeline.tables.iter().filter_map(|step| kept.gold.get_key_value(&step.name));
        for (kpi, gold) in in_order {
            let step = self.pipeline.table(kpi).filter(|step| {
                let now = step.fingerprint.at(gold.relation.fingerprint.as_of.unwrap_or_default());
                gold.relation.fingerprint.difference(&now).is_none()
            });
            // The relation as it was then, if that is brought back.
            let back = |name: &String| {
                let dataset = kept.datasets.get(name).filter(|_| change.datasets.contains_key(name));
                let table = kept.gold.get(name).filter(|_| tables.contains_key(name));
                dataset.map(|dataset| &dataset.relation).or(table.map(|table| &table.relation))
            };
            let held = |input: &InputVersion| back(&input.relation).or_else(|| state.relation(&input.relation));
            let is_read = |input: &InputVersion| held(input).is_some_and(|relation| input.is_current(relation));
            // The table can go on from the version that it read.
            let is_begun = |input: &InputVersion| match back(&input.relation) {
                Some(relation) => input.is_current(relation),
                None => held(input).is_some_and(|relation| input.since == relation.since),
            };
            let is_behind = |name: &String| behind.datasets.contains(name) || behind.kpis.contains(name);
            let is_current = gold.inputs.values().all(is_read)
                && step.is_some_and(|step| gold.inputs.len() == inputs(step, state).len())
                && !gold.inputs.values().any(|input| is_behind(&input.relation));
            let is_wanted = is_current || way == Way::Back && gold.inputs.values().all(is_begun);
            if step.is_none() || !is_wanted {
                continue;
            }
            let mut restored = gold.clone();
            if let Some(table) = gold.table() {
                let body = match read_verified(self.store(), &table.key, &table.sha256) {
                    Err(error) if error.kind() == Kind::Damaged => continue,
                    read => read?,
                };
                let body = (OutputFormat::of_key(&table.key), body.as_slice());
                let newest = state.published(kpi).and_then(|gold| Some(gold.table()?.key.as_str()));
                let key = match self.pipeline.is_audited(state) {
                    true => put_held(self.store(), state, kpi, body)?,
                    false => put_stamped(self.store(), state, self.clock.now(), kpi, newest, body)?,
                };
                change.referenced.insert(key.clone());
                restored = gold.in_file(ObjectRef { key, ..table.clone() });
            }
            change.referenced.extend(gold.sums().map(ToOwned::to_owned));
            tables.insert(kpi.clone(), restored);
            if !is_current {
                behind.kpis.insert(kpi.clone());
            }
        }
        Ok((tables, behind))
    }

    /// Returns whether bronze holds exactly the objects that the dataset was made from.
    fn is_of_bronze_now(&self, state: &State, name: &str, kept: &Dataset) -> Result<bool> {
        let mut state = state.clone();
        state.datasets.insert(name.to_owned(), kept.clone());
        let damaged = BTreeMap::new();
        let planning = Planning { in_full: u64::MAX, forget_missing: true, ..self.planning(&state, &damaged) };
        match planning.bronze() {
            // A bronze that is out of reach does not keep a dataset from being brought back.
            Err(error) if error.kind() == Kind::Unavailable => Ok(false),
            plan => Ok(plan?
                .datasets
                .iter()
                .any(|plan| plan.dataset == name && plan.rebuild.is_none() && plan.objects.is_empty())),
        }
    }

    /// Makes the change bring back the dataset; returns whether it does.
    fn bring_back_dataset(&self, state: &State, name: &str, kept: &Dataset, change: &mut Change) -> Result<bool> {
        let Some(step) = self.pipeline.dataset(name) else { return Ok(false) };
        let now = step.fingerprint.at(kept.relation.fingerprint.as_of.unwrap_or_default());
        if kept.relation.fingerprint.difference(&now).is_some() {
            return Ok(false);
        }
        let sequence = state.sequence + 1;
        let numbered = |layer: &str| format!("{layer}{name}/{sequence:020}");
        let stem = |object: &str, stored: &ObjectRef| {
            let kind = if stored.key.starts_with(QUARANTINE) { RowKind::Quarantine } else { RowKind::Silver };
            format!("{}.{sequence}", step.stem(kind, object))
        };
        let Some((after, log)) = self.copied(kept, &numbered(ENTRIES), &stem, change)? else { return Ok(false) };
        let log = LogEntry::write(self.store(), &numbered(CHANGES), &log)?;
        change.referenced.insert(log.key.clone());
        let current = state.datasets.get(name);
        if let Some(current) = current {
            let all = current.objects(self.store(), &mut change.retired)?;
            self.orphaned.fetch_or(!all, Ordering::Relaxed);
        }
        let previous = current.map_or(0, |current| current.relation.revision);
        let dataset_change = RelationChange {
            reset: true,
            previous,
            cleaned: 0,
            rewritten: 0,
            log: Some(log),
            added: None,
            removed: None,
        };
        change.datasets.insert(name.to_owned(), (dataset_change, after));
        Ok(true)
    }

    /// Returns what [`Dataset::copied`] returns, and `None` if some of the dataset is damaged.
    fn copied(
        &self,
        dataset: &Dataset,
        entries: &str,
        stem: &(dyn Fn(&str, &ObjectRef) -> String + Sync),
        change: &mut Change,
    ) -> Result<Option<(Dataset, Vec<LogEntry>)>> {
        let mut referenced = BTreeSet::new();
        match dataset.copied(self.store(), entries, stem, &mut referenced) {
            Err(error) if error.kind() == Kind::Damaged => {
                self.orphaned.store(true, Ordering::Relaxed);
                Ok(None)
            }
            copied => {
                change.referenced.extend(referenced);
                copied.map(Some)
            }
        }
    }
}
