//! Drops from the lake the datasets and KPIs that the pipeline no longer has, with everything that is kept of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::Serialize;

use super::host::Host;
use crate::attempt::Attempts;
use crate::integrity::owner;
use crate::outcome::Outcome;
use smelt_catalog::{CHANGES, Change, ENTRIES, HELD, INDEX, Parts, ROLLBACK_POINTS, ROLLBACK_QUARANTINE, SUMS, State};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_storage::layers::{GOLD, QUARANTINE, SILVER};

/// The role of such commits.
const DROP: &str = "drop";

/// The parts that leave the lake, or would.
#[derive(Debug, Serialize)]
pub struct Dropped {
    /// The datasets and KPIs.
    #[serde(flatten)]
    pub parts: Parts,
    /// The objects of these parts in the lake, by key, with their sizes.
    pub objects: BTreeMap<String, u64>,
}

impl Host {
    /// Returns what the lake holds of those datasets and KPIs.
    ///
    /// # Errors
    /// [`InvalidConfig`](smelt_common::error::Kind::InvalidConfig) if the lake has no such part, or the pipeline has it.
    pub fn contents_of(&self, names: &[String]) -> Result<Dropped> {
        let catalog = self.catalog()?;
        self.dropping(catalog.state(), names).map(|(dropped, _)| dropped)
    }

    /// Removes them from the lake in one commit, and deletes their objects.
    ///
    /// # Errors
    /// The errors of [`Host::contents_of`].
    pub fn drop_parts(&self, names: &[String]) -> Result<Dropped> {
        self.writing(|| {
            let outcome = Attempts::default().at(self, |attempt| {
                let (dropped, mut change) = self.dropping(attempt.state(), names)?;
                self.audit_without(attempt.state(), &dropped.parts.kpis, &mut change)?;
                Ok(Outcome::new(change, dropped))
            })?;
            Ok(outcome.made)
        })
    }

    fn dropping(&self, state: &State, names: &[String]) -> Result<(Dropped, Change)> {
        let parts = self.parts(state, names)?;
        let mut objects = BTreeMap::new();
        for name in &parts.datasets {
            for layer in [SILVER, QUARANTINE, CHANGES, ENTRIES, INDEX] {
                self.add_ours(layer, layer, name, &mut objects)?;
            }
            self.add_ours(ROLLBACK_POINTS, &format!("{ROLLBACK_POINTS}{SILVER}"), name, &mut objects)?;
            self.add_ours(QUARANTINE, ROLLBACK_QUARANTINE, name, &mut objects)?;
        }
        for name in &parts.kpis {
            for layer in [GOLD, SUMS, CHANGES, HELD] {
                self.add_ours(layer, layer, name, &mut objects)?;
            }
        }
        let mut change = Change { dropped: parts.clone(), ..Change::new(DROP) };
        // Referenced objects that lie elsewhere go too. If a part is damaged, the rest of it becomes orphans for `smelt
        // gc`.
        let mut referenced = Vec::new();
        for dataset in parts.datasets.iter().filter_map(|name| state.datasets.get(name)) {
            dataset.objects(self.store(), &mut referenced)?;
        }
        for point in state.rollback_points.values() {
            for dataset in parts.datasets.iter().filter_map(|name| point.datasets.get(name)) {
                dataset.objects(self.store(), &mut referenced)?;
            }
        }
        let after = change.applied_to(state);
        let wanted = after.sums();
        referenced.extend(state.sums().difference(&wanted).map(|key| (*key).to_owned()));
        let retired: BTreeSet<String> = objects.keys().cloned().chain(referenced).collect();
        let known: HashSet<&String> = state.retired.iter().collect();
        change.retired = retired.iter().filter(|key| !known.contains(key)).cloned().collect();
        Ok((Dropped { parts, objects }, change))
    }

    /// Returns the datasets and KPIs of those names.
    fn parts(&self, state: &State, names: &[String]) -> Result<Parts> {
        let damaged = BTreeMap::new();
        let unlisted = self.planning(state, &damaged).unlisted();
        let mut parts = Parts::default();
        for name in names {
            if unlisted.datasets.contains(name) || unlisted.kpis.contains(name) {
                parts.datasets.extend(unlisted.datasets.get(name).cloned());
                parts.kpis.extend(unlisted.kpis.get(name).cloned());
            } else if self.pipeline.dataset(name).is_some() || self.pipeline.table(name).is_some() {
                return Err(Error::config(format!(
                    "the pipeline has `{name}`; only a dataset or KPI that its manifest no longer has can be dropped"
                )));
            } else {
                let there: Vec<_> = unlisted.called().map(|(what, _)| what).collect();
                let there = if there.is_empty() { "nothing".to_owned() } else { there.join(", ") };
                return Err(Error::config(format!(
                    "the lake has no dataset or KPI `{name}`; it has these that the manifest does not: {there}"
                )));
            }
        }
        Ok(parts)
    }

    /// Adds the objects below `{place}{name}/` whose names are of the kind that a host writes.
    fn add_ours(&self, layer: &str, place: &str, name: &str, objects: &mut BTreeMap<String, u64>) -> Result<()> {
        let listed = self.store.list(&format!("{place}{name}/"), "")?;
        let ours = listed.into_iter().filter(|meta| owner(layer, &meta.key) == Some(name));
        objects.extend(ours.map(|meta| (meta.key, meta.bytes)));
        Ok(())
    }
}
