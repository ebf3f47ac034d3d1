//! A commit: the state of the lake after it, and what it changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use smelt_common::error::Result;
use smelt_storage::Store;

use crate::arrivals::Arrivals;
use crate::dataset::Dataset;
use crate::failing::Failing;
use crate::gold::Gold;
use crate::held::{Audit, Held};
use crate::keys::GC;
use crate::log::{RelationChange, Removed};
use crate::object_ref::ObjectRef;
use crate::rollback_point::RollbackPoint;
use crate::state::{Promotion, State};

/// A commit. It is written once, after all objects that it references.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The commit's number, counted from 1. It is part of the commit's key.
    pub sequence: u64,
    /// A random id, which tells apart commits that race for one number.
    pub id: String,
    /// The [`Commit::id`] of the commit before; empty for the first one. It exposes a commit that belongs to another
    /// lake, or to another history of this one.
    pub previous: String,
    /// The time at which the commit was made, in RFC 3339. It is for people; nothing depends on it.
    pub at: String,
    /// The role that made the commit, such as `clean`, `aggregate`, `reconcile` or `gc`.
    pub role: String,
    /// The changes of datasets and tables, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub relations: BTreeMap<String, RelationChange>,
    /// The KPIs that the commit computed, whose table it restored from a rollback point, or whose file it published.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kpis: BTreeSet<String>,
    /// The sources that the commit took files from.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub arrived: BTreeSet<String>,
    /// Set if the commit decided which tables readers see.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub audited: bool,
    /// The plugin for which the commit promoted a component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<String>,
    /// The plugins whose rollback points the commit discarded.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub discarded: BTreeSet<String>,
    /// The datasets and KPIs that the commit dropped.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub dropped: Parts,
    /// The state of the lake after the commit.
    pub state: State,
}

/// The names of some datasets and KPIs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// The names of the datasets.
    pub datasets: BTreeSet<String>,
    /// The names of the KPIs.
    pub kpis: BTreeSet<String>,
}

impl Parts {
    /// Returns whether no dataset and no KPI is named.
    pub fn is_empty(&self) -> bool {
        self.datasets.is_empty() && self.kpis.is_empty()
    }

    /// Returns each part as messages call it (``dataset `readings` ``), with its name.
    pub fn called(&self) -> impl Iterator<Item = (String, &String)> {
        let datasets = self.datasets.iter().map(|name| (format!("dataset `{name}`"), name));
        datasets.chain(self.kpis.iter().map(|name| (format!("table `{name}`"), name)))
    }
}

/// A change to commit.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The role that makes the change.
    pub role: &'static str,
    /// The changed datasets, by name: the change, and the dataset after it.
    pub datasets: BTreeMap<String, (RelationChange, Dataset)>,
    /// The new tables, by KPI.
    pub gold: BTreeMap<String, Gold>,
    /// The rows that came to new tables and left them, by KPI. A new table that is not here replaces the one before.
    pub rows: BTreeMap<String, RowsChange>,
    /// The files that were taken, by source. Only sources of which files were taken are here.
    pub arrivals: BTreeMap<String, Arrivals>,
    /// The judgements of the checks, and the decision if readers see the tables. Without it both are as before.
    pub audit: Option<Audit>,
    /// The promotion of a component, if there is one.
    pub promoted: Option<Promoted>,
    /// The plugins whose rollback points are discarded.
    pub discarded: BTreeSet<String>,
    /// The datasets and KPIs that leave the lake, with their data in rollback points.
    pub dropped: Parts,
    /// The new failure records, by dataset. Only datasets whose record changed are here.
    pub failing: BTreeMap<String, Failing>,
    /// The new failure records, by KPI. Only KPIs whose record changed are here.
    pub failing_kpis: BTreeMap<String, Failing>,
    /// The keys of objects that no longer belong to the lake.
    pub retired: Vec<String>,
    /// The keys of objects that were retired before and have been deleted since.
    pub deleted: Vec<String>,
    /// The sizes in bytes of components that the lake keeps from now on, by sha256.
    pub components: BTreeMap<String, u64>,
    /// The keys of objects that belong to the lake from now on.
    pub referenced: BTreeSet<String>,
    /// The time of a full comparison of bronze with the catalog, if there was one, in microseconds since the epoch.
    pub reconciled: Option<i64>,
    /// The new value of [`State::orphans_checked`], if it is greater than the old one.
    pub orphans_checked: u64,
}

/// The rows by which a table differs from the one before it, as files in the format of silver.
#[derive(Debug, Clone, Default)]
pub struct RowsChange {
    /// The rows that came.
    pub added: Option<ObjectRef>,
    /// The rows that left.
    pub removed: Option<ObjectRef>,
}

/// The promotion of a plugin's component: from now on, another component runs.
#[derive(Debug, Clone)]
pub struct Promoted {
    /// The plugin's name.
    pub plugin: String,
    /// The component that will run in place of the pipeline's own component; `None` if the pipeline's own will run.
    pub promotion: Option<Promotion>,
    /// The component that ran before, with its results.
    pub previous: RollbackPoint,
    /// The kept tables of the promoted component, by KPI. They become current again.
    pub restored: BTreeMap<String, Gold>,
}

impl Change {
    /// Returns an empty change by the role.
    pub fn new(role: &'static str) -> Self {
        Self { role, ..Self::default() }
    }

    /// Returns whether the change changes nothing.
    pub fn is_empty(&self) -> bool {
        let Self {
            role: _,
            datasets,
            gold,
            arrivals,
            audit,
            promoted,
            discarded,
            dropped,
            failing,
            failing_kpis,
            retired,
            deleted,
            reconciled,
            ..
        } = self;
        let failed = failing.len() + failing_kpis.len();
        datasets.is_empty()
            && gold.is_empty()
            && arrivals.is_empty()
            && failed == 0
            && retired.is_empty()
            && deleted.is_empty()
            && reconciled.is_none()
            && audit.is_none()
            && promoted.is_none()
            && discarded.is_empty()
            && dropped.is_empty()
    }

    /// Returns the commit that is to follow the state `base`, as far as it is known.
    pub fn to_follow(&self, base: &State) -> Commit {
        self.on(base, "", "", "")
    }

    /// Returns the state after this change is applied to `base`.
    pub fn applied_to(&self, base: &State) -> State {
        self.to_follow(base).state
    }

    /// Returns the commit that applies this change to the state `base`. The commit that made `base` has the id
    /// `previous`.
    pub(crate) fn on(&self, base: &State, previous: &str, id: &str, at: &str) -> Commit {
        let sequence = base.sequence + 1;
        let mut state = State { sequence, ..base.clone() };
        for (name, (change, dataset)) in &self.datasets {
            let mut dataset = dataset.clone();
            if change.reset {
                dataset.relation.since = sequence;
            }
            if change.reset || change.cleaned > 0 || change.rewritten > 0 {
                dataset.relation.revision = sequence;
            }
            if let Some(key) = dataset.relation.fingerprint.key_id().filter(|_| change.reset || change.cleaned > 0) {
                state.pseudonym_key = Some(key.to_owned());
            }
            state.datasets.insert(name.clone(), dataset);
        }
        if let Some(Promoted { plugin, promotion, previous, restored }) = &self.promoted {
            match promotion {
                Some(promotion) => drop(state.promoted.insert(plugin.clone(), promotion.clone())),
                None => drop(state.promoted.remove(plugin)),
            }
            state.rollback_points.insert(plugin.clone(), RollbackPoint { until: sequence, ..previous.clone() });
            for (kpi, gold) in restored {
                let is_changed = gold.inputs.values().any(|input| self.datasets.contains_key(&input.relation));
                // If no dataset of the table changes, the table's record still holds.
                let gold = if is_changed { self.made_with(gold, &state) } else { gold.clone() };
                state.gold.insert(kpi.clone(), gold);
            }
        }
        for (_, point) in state.rollback_points.iter_mut().filter(|(plugin, _)| self.discarded.contains(*plugin)) {
            point.datasets.clear();
            point.gold.clear();
        }
        for (kpi, gold) in &self.gold {
            state.gold.insert(kpi.clone(), self.made_with(gold, &state));
        }
        let files = self.audit.iter().flat_map(|audit| &audit.published);
        for (kpi, file) in files.clone() {
            if let Some(gold) = state.gold.get_mut(kpi) {
                *gold = gold.in_file(file.clone());
            }
        }
        let restored = self.promoted.iter().flat_map(|promoted| promoted.restored.keys());
        let files = files.map(|(kpi, _)| kpi);
        let kpis: BTreeSet<String> = self.gold.keys().chain(restored).chain(files).cloned().collect();
        let mut relations: BTreeMap<String, RelationChange> =
            self.datasets.iter().map(|(name, (change, _))| (name.clone(), change.clone())).collect();
        for kpi in &kpis {
            let before = base.gold.get(kpi).map(|gold| &gold.relation);
            let Some(gold) = state.gold.get_mut(kpi) else { continue };
            let rows = self.rows.get(kpi).filter(|_| before.is_some());
            gold.relation = gold.relation.clone().after(before, sequence, rows.is_some());
            if gold.relation.revision == sequence {
                let replaced = RelationChange::replaced(before.map_or(0, |before| before.revision));
                let change = rows.cloned().map_or_else(
                    || replaced.clone(),
                    |RowsChange { added, removed }| RelationChange {
                        reset: false,
                        added,
                        removed: removed.map(|rows| Removed { rows, objects: vec![] }),
                        ..replaced.clone()
                    },
                );
                relations.insert(kpi.clone(), change);
            }
        }
        self.read_by_others(&mut state);
        self.hold(base, &kpis, &mut state);
        self.drop_from(&mut state);
        state.arrivals.extend(self.arrivals.clone());
        state.components.extend(self.components.clone());
        replace(&mut state.failing, &self.failing);
        replace(&mut state.failing_kpis, &self.failing_kpis);
        state.retired.extend(self.retired.iter().cloned());
        let no_longer_held = self.no_longer_held(base, &state);
        state.retired.extend(no_longer_held);
        // A retired object that was written again under the same key belongs to the lake again. A table may share sums with
        // a rollback point, which keeps them, and with the table that readers see while it is held.
        let wanted = state.sums();
        let retired = state.retired.iter().filter(|key| {
            !self.deleted.contains(key) && !self.referenced.contains(*key) && !wanted.contains(key.as_str())
        });
        state.retired = retired.cloned().collect();
        state.reconciled = self.reconciled.or(state.reconciled);
        state.orphans_checked = self.orphans_checked.max(state.orphans_checked);
        if self.role == GC {
            state.collected = sequence;
        }
        Commit {
            sequence,
            id: id.to_owned(),
            previous: previous.to_owned(),
            at: at.to_owned(),
            role: self.role.to_owned(),
            relations,
            kpis,
            arrived: self.arrivals.keys().cloned().collect(),
            audited: self.audit.is_some(),
            promoted: self.promoted.as_ref().map(|promoted| promoted.plugin.clone()),
            discarded: self.discarded.clone(),
            dropped: self.dropped.clone(),
            state,
        }
    }

    /// Notes in the state what the checks say. If the tables are held, notes those that readers go on to see: the ones
    /// that `base` had of the `kpis` that change. Otherwise readers see the newest.
    fn hold(&self, base: &State, kpis: &BTreeSet<String>, state: &mut State) {
        let Some(Audit { judgements, is_held, published: _ }) = &self.audit else { return };
        state.checks.clone_from(judgements);
        state.held = is_held.then(|| {
            let new = || Held { since: state.sequence, published: BTreeMap::new() };
            let mut held = base.held.clone().unwrap_or_else(new);
            for kpi in kpis {
                held.published.entry(kpi.clone()).or_insert_with(|| base.gold.get(kpi).cloned());
            }
            held
        });
    }

    /// Returns the keys of objects that only tables in `base` need which readers no longer see, or which were held and are
    /// not any more.
    fn no_longer_held(&self, base: &State, state: &State) -> Vec<String> {
        let wanted = state.sums();
        let seen = base.held.iter().flat_map(Held::tables).flat_map(Gold::sums);
        let held = base.gold.values().filter_map(Gold::held_file).map(|file| file.key.as_str());
        let retired: BTreeSet<&str> = state.retired.iter().map(String::as_str).collect();
        let left: BTreeSet<&str> = seen.chain(held).collect();
        left.into_iter().filter(|key| !wanted.contains(key) && !retired.contains(key)).map(str::to_owned).collect()
    }

    /// Removes the dropped datasets and KPIs from the state.
    fn drop_from(&self, state: &mut State) {
        let Parts { datasets, kpis } = &self.dropped;
        state.datasets.retain(|name, _| !datasets.contains(name));
        state.failing.retain(|name, _| !datasets.contains(name));
        state.gold.retain(|name, _| !kpis.contains(name));
        state.failing_kpis.retain(|name, _| !kpis.contains(name));
        state.checks.retain(|name, _| !kpis.contains(name));
        if let Some(held) = &mut state.held {
            held.published.retain(|name, _| !kpis.contains(name));
        }
        for point in state.rollback_points.values_mut() {
            // Without its datasets, a table could be restored but never rebuilt.
            *point = point.clone().without(datasets);
            point.gold.retain(|kpi, _| !kpis.contains(kpi));
        }
    }

    /// Notes in the new tables that they were made from the new tables among their inputs.
    fn read_by_others(&self, state: &mut State) {
        let restored = self.promoted.iter().flat_map(|promoted| promoted.restored.keys());
        let new: BTreeSet<&String> = self.gold.keys().chain(restored).collect();
        let revision = |kpi: &&String| {
            let relation = &state.gold.get(*kpi)?.relation;
            Some(((*kpi).clone(), (relation.since, relation.revision)))
        };
        let revisions: BTreeMap<String, (u64, u64)> = new.iter().filter_map(revision).collect();
        for kpi in new {
            let Some(gold) = state.gold.get_mut(kpi) else { continue };
            for input in gold.inputs.values_mut() {
                if let Some(&revision) = revisions.get(&input.relation) {
                    (input.since, input.revision) = revision;
                }
            }
        }
    }

    /// Returns the table as made by the commit of `state`. Its inputs get the revisions that the changed datasets have
    /// in that commit.
    fn made_with(&self, gold: &Gold, state: &State) -> Gold {
        let mut gold = Gold { commit: state.sequence, ..gold.clone() };
        for input in gold.inputs.values_mut().filter(|input| self.datasets.contains_key(&input.relation)) {
            let relation = &state.datasets[&input.relation].relation;
            (input.since, input.revision) = (relation.since, relation.revision);
        }
        gold
    }
}

impl Change {
    /// Discards the rollback points of the plugins, and retires their objects. Returns false if the catalog is damaged,
    /// so that it does not tell all of these objects.
    pub fn discard(&mut self, store: &dyn Store, state: &State, plugins: BTreeSet<String>) -> Result<bool> {
        let (mut keys, mut all) = (Vec::new(), true);
        for point in plugins.iter().filter_map(|plugin| state.rollback_points.get(plugin)) {
            all &= point.objects(store, &mut keys)?;
        }
        self.discarded = plugins;
        let after = self.applied_to(state);
        let wanted = after.sums();
        keys.retain(|key| !wanted.contains(key.as_str()));
        self.retired.extend(keys);
        Ok(all)
    }
}

fn replace(all: &mut BTreeMap<String, Failing>, some: &BTreeMap<String, Failing>) {
    all.extend(some.clone());
    all.retain(|_, failing| !failing.items.is_empty());
}

impl Commit {
    /// Returns whether `other`, which was made from the same state, conflicts with this commit. That is so if both
    /// change the same dataset, KPI or plugin, take from the same source, or decide which tables readers see. A garbage collection
    /// always conflicts, because it may collect objects that this commit references.
    pub(crate) fn conflicts_with(&self, other: &Self) -> bool {
        other.role == GC
            || self.audited && other.audited
            || self.changed_datasets().any(|name| other.changed_datasets().any(|other| name == other))
            || self.changed_kpis().any(|name| other.changed_kpis().any(|other| name == other))
            || !self.arrived.is_disjoint(&other.arrived)
            || self.plugins().any(|plugin| other.plugins().any(|other| plugin == other))
    }

    fn changed_datasets(&self) -> impl Iterator<Item = &String> {
        self.relations.keys().chain(&self.dropped.datasets)
    }

    fn changed_kpis(&self) -> impl Iterator<Item = &String> {
        self.kpis.iter().chain(&self.dropped.kpis)
    }

    /// Returns the plugins whose rollback point the commit changes.
    fn plugins(&self) -> impl Iterator<Item = &String> {
        self.promoted.iter().chain(&self.discarded)
    }

    /// Returns whether the commit retired an object that `change` references and `before` had not retired. This happens
    /// to a slow writer: until it commits, its objects look like the orphans of a writer that died.
    pub(crate) fn has_retired(&self, change: &Change, before: &State) -> bool {
        let newly = |key: &&String| !before.retired.contains(key);
        self.state.retired.iter().filter(newly).any(|key| change.referenced.contains(key))
    }
}
