//! One commit: what the lake holds after it, and what it changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use smelt_common::error::Result;
use smelt_common::{Error, digest};
use smelt_storage::{Durability, Store, put_new, read_verified};

use super::{Dataset, Entry, Failing, GC, Gold, ObjectRef, Promotion, RollbackPoint, State};

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
    /// What it changed in silver, by dataset.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub datasets: BTreeMap<String, DatasetChange>,
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

/// What a commit changed in one dataset.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetChange {
    /// Whether what the dataset held is forgotten, so that its history begins here.
    pub reset: bool,
    /// The commit that changed its silver before this one.
    pub previous: u64,
    /// How many bronze objects were cleaned.
    pub cleaned: u64,
    /// How many silver objects were written again without the rows that were superseded.
    pub rewritten: u64,
    /// A [`LogEntry`] a line.
    pub log: ObjectRef,
    /// The rows that left silver, if any did.
    pub removed: Option<Removed>,
}

/// A line in the log of a change.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogEntry {
    /// The bronze object.
    pub object: String,
    /// Whether it was cleaned, rather than its silver written again.
    pub cleaned: bool,
    /// What is known of it from now on.
    pub entry: Entry,
}

impl LogEntry {
    /// Writes the log of a change, under a key that begins with `stem`.
    pub fn write(store: &dyn Store, stem: &str, log: &[Self]) -> Result<ObjectRef> {
        Self::write_with(store, stem, log, "")
    }

    /// The same with a last line that is none of them, a text in quotes.
    pub(super) fn write_with(store: &dyn Store, stem: &str, log: &[Self], last: &str) -> Result<ObjectRef> {
        let mut body = Vec::new();
        for line in log {
            serde_json::to_writer(&mut body, line).map_err(|error| Error::internal(error.to_string()))?;
            body.push(b'\n');
        }
        body.extend_from_slice(last.as_bytes());
        let key = put_new(store, stem, '.', ".jsonl", &body, Durability::Rebuildable)?;
        Ok(ObjectRef { key, sha256: digest::hex(&body), bytes: body.len() as u64, rows: log.len() as u64 })
    }

    /// The lines of the log of a change.
    pub fn read(store: &dyn Store, log: &ObjectRef) -> Result<Vec<Self>> {
        let body = read_verified(store, &log.key, &log.sha256)?;
        let lines = body.split(|&byte| byte == b'\n').filter(|line| line.starts_with(b"{"));
        lines.map(|line| super::parse(&log.key, line)).collect()
    }
}

/// Rows that left silver because others of their keys superseded them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// The rows, as silver is written.
    pub rows: ObjectRef,
    /// How many of them are of which bronze object, in the order of the rows.
    pub objects: Vec<(String, u64)>,
}

/// A change that is to be committed.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Which role made it.
    pub role: &'static str,
    /// Silver, by dataset: how it changed, and what it is then.
    pub datasets: BTreeMap<String, (DatasetChange, Dataset)>,
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
    pub(super) fn on(&self, base: &State, previous: &str, id: &str, at: &str) -> Commit {
        let sequence = base.sequence + 1;
        let mut state = State { sequence, ..base.clone() };
        for (name, (change, dataset)) in &self.datasets {
            let mut dataset = dataset.clone();
            if change.reset {
                dataset.since = sequence;
            }
            if change.reset || change.cleaned > 0 || change.rewritten > 0 {
                dataset.revision = sequence;
            }
            if let Some(key) = dataset.fingerprint.key_id().filter(|_| change.reset || change.cleaned > 0) {
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
                let is_changed = gold.inputs.values().any(|input| self.datasets.contains_key(&input.dataset));
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
        let restored = self.promoted.iter().flat_map(|promoted| promoted.restored.keys());
        Commit {
            sequence,
            id: id.to_owned(),
            previous: previous.to_owned(),
            at: at.to_owned(),
            role: self.role.to_owned(),
            datasets: self.datasets.iter().map(|(name, (change, _))| (name.clone(), change.clone())).collect(),
            kpis: self.gold.keys().chain(restored).cloned().collect(),
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
        for input in gold.inputs.values_mut().filter(|input| self.datasets.contains_key(&input.dataset)) {
            let dataset = &state.datasets[&input.dataset];
            (input.since, input.revision) = (dataset.since, dataset.revision);
        }
        gold
    }
}

fn replace(all: &mut BTreeMap<String, Failing>, some: &BTreeMap<String, Failing>) {
    all.extend(some.clone());
    all.retain(|_, failing| !failing.items.is_empty());
}

impl Commit {
    /// Whether the other cannot come after it as it is: both change one dataset or one KPI, or the other collects what
    /// this one may have named.
    pub(super) fn touches_what(&self, other: &Self) -> bool {
        other.role == GC
            || self.changed_datasets().any(|name| other.changed_datasets().any(|other| name == other))
            || self.changed_kpis().any(|name| other.changed_kpis().any(|other| name == other))
            || self.plugins().any(|plugin| other.plugins().any(|other| plugin == other))
    }

    fn changed_datasets(&self) -> impl Iterator<Item = &String> {
        self.datasets.keys().chain(&self.dropped.datasets)
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
    pub(super) fn has_retired(&self, change: &Change, before: &State) -> bool {
        let newly = |key: &&String| !before.retired.contains(key);
        self.state.retired.iter().filter(newly).any(|key| change.referenced.contains(key))
    }
}
