//! One commit: what the lake holds after it, and what it changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use smelt_common::error::Result;
use smelt_storage::Store;

use crate::dataset::Dataset;
use crate::failing::Failing;
use crate::gold::Gold;
use crate::keys::GC;
use crate::log::RelationChange;
use crate::rollback_point::RollbackPoint;
use crate::state::{Promotion, State};

/// A commit as it is written, once. Everything it names was written before it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Its number, from 1; also its name.
    pub sequence: u64,
    /// Tells apart commits that race for one number.
    pub id: String,
    /// The [`Commit::id`] of the one before it; empty for the first. So a commit of another lake, or of another past of
    /// this one, is told from its own.
    pub previous: String,
    /// When it was made, RFC 3339. For people: nothing depends on it.
    pub at: String,
    /// Which role made it: `clean`, `aggregate`, `reconcile` or `gc`.
    pub role: String,
    /// What it changed in datasets and tables, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub relations: BTreeMap<String, RelationChange>,
    /// The KPIs that it computed, or whose former table it made current again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub kpis: BTreeSet<String>,
    /// The plugin for which it promoted a component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<String>,
    /// Plugins of which nothing is kept for a rollback any more.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub discarded: BTreeSet<String>,
    /// The datasets and KPIs that the commit dropped.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub dropped: Parts,
    /// What the lake holds after it.
    pub state: State,
}

/// Parts of the lake, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// Datasets.
    pub datasets: BTreeSet<String>,
    /// KPIs.
    pub kpis: BTreeSet<String>,
}

impl Parts {
    /// Returns whether no dataset and no KPI is named.
    pub fn is_empty(&self) -> bool {
        self.datasets.is_empty() && self.kpis.is_empty()
    }

    /// Each as it is called: ``dataset `readings` ``.
    pub fn called(&self) -> impl Iterator<Item = (String, &String)> {
        let datasets = self.datasets.iter().map(|name| (format!("dataset `{name}`"), name));
        datasets.chain(self.kpis.iter().map(|name| (format!("KPI `{name}`"), name)))
    }
}

/// A change that is to be committed.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Which role made it.
    pub role: &'static str,
    /// Silver, by dataset: how it changed, and what it is then.
    pub datasets: BTreeMap<String, (RelationChange, Dataset)>,
    /// New tables, by KPI.
    pub gold: BTreeMap<String, Gold>,
    /// The plugin for which a component is promoted, if one is.
    pub promoted: Option<Promoted>,
    /// Plugins of which nothing is to be kept for a rollback.
    pub discarded: BTreeSet<String>,
    /// The datasets and KPIs that leave the lake, with all that is kept of them for rollbacks.
    pub dropped: Parts,
    /// What failed and what no longer does, by dataset, as far as that changed.
    pub failing: BTreeMap<String, Failing>,
    /// The same by KPI.
    pub failing_kpis: BTreeMap<String, Failing>,
    /// Objects that no longer belong to the lake.
    pub retired: Vec<String>,
    /// Formerly retired objects that have been deleted.
    pub deleted: Vec<String>,
    /// Components that the lake keeps from now on, by sha256, with their sizes.
    pub components: BTreeMap<String, u64>,
    /// Objects that are part of the lake from now on.
    pub referenced: BTreeSet<String>,
    /// When bronze was compared with the catalog in full, if it was.
    pub reconciled: Option<i64>,
    /// See [`State::orphans_checked`].
    pub orphans_checked: u64,
}

/// That another component of a plugin is to run.
#[derive(Debug, Clone)]
pub struct Promoted {
    /// The plugin.
    pub plugin: String,
    /// What is to run in place of the pipeline's own component; `None` if that is to run itself.
    pub promotion: Option<Promotion>,
    /// What ran before.
    pub previous: RollbackPoint,
    /// Tables of what is to run that were kept, by KPI; current again.
    pub restored: BTreeMap<String, Gold>,
}

impl Change {
    /// A change by that role with nothing in it yet.
    pub fn new(role: &'static str) -> Self {
        Self { role, ..Self::default() }
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        let Self {
            role: _,
            datasets,
            gold,
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
            && failed == 0
            && retired.is_empty()
            && deleted.is_empty()
            && reconciled.is_none()
            && promoted.is_none()
            && discarded.is_empty()
            && dropped.is_empty()
    }

    /// The state after this change of that one.
    pub fn applied_to(&self, base: &State) -> State {
        self.on(base, "", "", "").state
    }

    /// The commit that makes this change of that state, which the commit with the id `previous` made.
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
                // Otherwise it is of datasets as they were when it was made.
                let gold = if is_changed { self.made_with(gold, &state) } else { gold.clone() };
                state.gold.insert(kpi.clone(), gold);
            }
        }
        for (_, former) in state.rollback_points.iter_mut().filter(|(plugin, _)| self.discarded.contains(*plugin)) {
            former.datasets.clear();
            former.gold.clear();
        }
        for (kpi, gold) in &self.gold {
            state.gold.insert(kpi.clone(), self.made_with(gold, &state));
        }
        let restored = self.promoted.iter().flat_map(|promoted| promoted.restored.keys());
        let kpis: BTreeSet<String> = self.gold.keys().chain(restored).cloned().collect();
        let mut relations: BTreeMap<String, RelationChange> =
            self.datasets.iter().map(|(name, (change, _))| (name.clone(), change.clone())).collect();
        for kpi in &kpis {
            let before = base.gold.get(kpi).map(|gold| &gold.relation);
            let Some(gold) = state.gold.get_mut(kpi) else { continue };
            gold.relation = gold.relation.clone().after(before, sequence);
            if gold.relation.revision == sequence {
                let (previous, cleaned, rewritten) = (before.map_or(0, |before| before.revision), 0, 0);
                let change = RelationChange { reset: true, previous, cleaned, rewritten, log: None, removed: None };
                relations.insert(kpi.clone(), change);
            }
        }
        self.drop_from(&mut state);
        state.components.extend(self.components.clone());
        replace(&mut state.failing, &self.failing);
        replace(&mut state.failing_kpis, &self.failing_kpis);
        state.retired.extend(self.retired.iter().cloned());
        // Content that comes back as it was comes back under its old name.
        state.retired.retain(|key| !self.deleted.contains(key) && !self.referenced.contains(key));
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
            promoted: self.promoted.as_ref().map(|promoted| promoted.plugin.clone()),
            discarded: self.discarded.clone(),
            dropped: self.dropped.clone(),
            state,
        }
    }

    fn drop_from(&self, state: &mut State) {
        let Parts { datasets, kpis } = &self.dropped;
        state.datasets.retain(|name, _| !datasets.contains(name));
        state.failing.retain(|name, _| !datasets.contains(name));
        state.gold.retain(|name, _| !kpis.contains(name));
        state.failing_kpis.retain(|name, _| !kpis.contains(name));
        for former in state.rollback_points.values_mut() {
            // A table that was made from one of them would be brought back without what it is made from.
            *former = former.clone().without(datasets);
            former.gold.retain(|kpi, _| !kpis.contains(kpi));
        }
    }

    /// The table as one of that state's commit: made from the datasets that the change changes as they are then.
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
    /// Discards the rollback points of those plugins. Returns whether that is all, as [`RollbackPoint::objects`] does.
    pub fn discard(&mut self, store: &dyn Store, state: &State, plugins: BTreeSet<String>) -> Result<bool> {
        let (mut keys, mut all) = (Vec::new(), true);
        for former in plugins.iter().filter_map(|plugin| state.rollback_points.get(plugin)) {
            all &= former.objects(store, &mut keys)?;
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
    /// Whether the other cannot come after it as it is: both change one dataset or one KPI, or the other collects what
    /// this one may have named.
    pub(crate) fn touches_what(&self, other: &Self) -> bool {
        other.role == GC
            || self.changed_datasets().any(|name| other.changed_datasets().any(|other| name == other))
            || self.changed_kpis().any(|name| other.changed_kpis().any(|other| name == other))
            || self.plugins().any(|plugin| other.plugins().any(|other| plugin == other))
    }

    fn changed_datasets(&self) -> impl Iterator<Item = &String> {
        self.relations.keys().chain(&self.dropped.datasets)
    }

    fn changed_kpis(&self) -> impl Iterator<Item = &String> {
        self.kpis.iter().chain(&self.dropped.kpis)
    }

    /// Those whose former component it has to do with.
    fn plugins(&self) -> impl Iterator<Item = &String> {
        self.promoted.iter().chain(&self.discarded)
    }

    /// Whether it retired something that the change on that state names: what a slow writer has written and not committed
    /// looks like what a dead one left behind.
    pub(crate) fn has_retired(&self, change: &Change, before: &State) -> bool {
        let newly = |key: &&String| !before.retired.contains(key);
        self.state.retired.iter().filter(newly).any(|key| change.referenced.contains(key))
    }
}
