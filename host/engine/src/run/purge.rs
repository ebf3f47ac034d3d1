//! Rejected rows are not kept longer than they should be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{ATTEMPTS, Host};
use crate::quarantine::{Filter, Held, held};
use smelt_catalog::{CHANGES, Catalog, Change, DatasetChange, ENTRIES, Entries, Entry, LogEntry, State};
use smelt_common::Error;
use smelt_common::clock::LongAgo;
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::QUARANTINE;

/// The role of such commits.
const PURGE: &str = "purge";

impl Host {
    /// Deletes what was kept as long as the manifest allows: now, and also when that was `last` looked after. So one look
    /// at a clock that is ahead deletes nothing early.
    pub(super) fn purge_old(&self, state: &State, last: i64) -> Result<()> {
        let Some(age) = self.pipeline.quarantine_retention else { return Ok(()) };
        let is_old = self.long_ago(age)?.and_at(last, age);
        let old = self.written(held(self.store(), state, &Filter::default())?, is_old)?;
        let former = self.former_written(state, &Filter::default(), is_old)?;
        if old.is_empty() && former.is_empty() { Ok(()) } else { self.purge_into(&old, &former) }
    }

    /// The plugins for whose rollback such rejected rows are kept that were written longer ago than that, or damaged ones, of
    /// which that cannot be told.
    pub fn former_older_than(&self, state: &State, filter: &Filter, age: Duration) -> Result<BTreeSet<String>> {
        self.former_written(state, filter, self.long_ago(age)?)
    }

    fn former_written(&self, state: &State, filter: &Filter, is_old: LongAgo) -> Result<BTreeSet<String>> {
        let Filter { dataset, object, component, rule: _ } = filter;
        let mut plugins = BTreeSet::new();
        for (plugin, former) in &state.rollback_points {
            if component.as_ref().is_some_and(|meant| !former.component.starts_with(meant.as_str())) {
                continue;
            }
            for (name, kept) in &former.datasets {
                let is_meant = dataset.as_ref().is_none_or(|meant| meant == name);
                if is_meant && kept.has_rejected(self.store(), object.as_deref(), is_old)? {
                    plugins.insert(plugin.clone());
                }
            }
        }
        Ok(plugins)
    }

    fn long_ago(&self, age: Duration) -> Result<LongAgo> {
        Ok(LongAgo::at(self.store().clock()?, age))
    }

    /// Those of the rejected rows that were written longer ago than that, by the store's clock.
    pub fn older_than(&self, held: Vec<Held>, age: Duration) -> Result<Vec<Held>> {
        self.written(held, self.long_ago(age)?)
    }

    fn written(&self, held: Vec<Held>, is_old: LongAgo) -> Result<Vec<Held>> {
        let listed = self.store().list(QUARANTINE, "")?;
        let written: HashMap<&str, i64> = listed.iter().map(|meta| (meta.key.as_str(), meta.modified)).collect();
        let is_meant = |held: &Held| {
            let Some(stored) = &held.quarantine else { return false };
            let written = held.rejected_at.or_else(|| written.get(stored.key.as_str()).copied());
            written.is_some_and(|at| is_old.has(at))
        };
        Ok(held.into_iter().filter(is_meant).collect())
    }

    /// Deletes the quarantine objects of those bronze objects, and all that is kept for a rollback of those plugins, after a
    /// commit that no longer names them. The rows stay counted, and bronze has them.
    pub fn purge(&self, held: &[Held], former: &BTreeSet<String>) -> Result<()> {
        self.writing(|| self.purge_into(held, former))
    }

    fn purge_into(&self, held: &[Held], former: &BTreeSet<String>) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let mut catalog = Catalog::load(self.store())?;
            let mut change = match self.without(catalog.state(), held) {
                Err(error) => {
                    self.anew_after(&mut catalog, error)?;
                    continue;
                }
                change => change?,
            };
            let all = change.discard(self.store(), catalog.state(), former.clone())?;
            self.orphaned.fetch_or(!all, Ordering::Relaxed);
            match self.commit(&mut catalog, change) {
                Err(error) if error.kind() == Kind::Conflict => self.insist()?,
                committed => return committed,
            }
        }
        Err(Error::new(Kind::Conflict, "other hosts committed again and again; nothing was purged"))
    }

    fn without(&self, state: &State, held: &[Held]) -> Result<Change> {
        let mut by_dataset: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for held in held {
            by_dataset.entry(&held.dataset).or_default().push(&held.object);
        }
        let mut change = Change::new(PURGE);
        for (name, objects) in by_dataset {
            let Some(dataset) = state.datasets.get(name) else { continue };
            let (mut log, mut pairs, mut retired) = (Vec::new(), Vec::new(), Vec::new());
            for (object, entry) in objects.iter().zip(Entries::of(self.store(), dataset).by_name(&objects)?) {
                let Some((entry, stored)) = entry.and_then(|entry| Some((entry.clone(), entry.quarantine?))) else {
                    continue;
                };
                retired.push(stored.key);
                let entry = Entry { quarantine: None, ..entry };
                pairs.extend(Entries::pairs(object, &entry)?);
                log.push(LogEntry { object: (*object).to_owned(), cleaned: false, entry });
            }
            if log.is_empty() {
                continue;
            }
            let stem = |layer: &str| format!("{layer}{name}/{:020}", state.sequence + 1);
            let mut after = dataset.clone();
            after.entries.put(self.store(), &stem(ENTRIES), pairs, &mut retired)?;
            let log = LogEntry::write(self.store(), &stem(CHANGES), &log)?;
            change.referenced.extend(after.entries.runs().iter().map(|run| run.key.clone()).chain([log.key.clone()]));
            retired.retain(|key| !change.referenced.contains(key));
            change.retired.extend(retired);
            let (previous, cleaned, rewritten) = (dataset.revision, 0, 0);
            let of_dataset = DatasetChange { reset: false, previous, cleaned, rewritten, log, removed: None };
            change.datasets.insert(name.to_owned(), (of_dataset, after));
        }
        Ok(change)
    }
}
