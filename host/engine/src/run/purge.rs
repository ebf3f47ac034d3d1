//! Deletes rejected rows once they were kept as long as they may be.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::host::Host;
use crate::attempt::Attempts;
use crate::outcome::Outcome;
use crate::quarantine::{Filter, Held, held};
use smelt_catalog::{CHANGES, Change, ENTRIES, Entries, Entry, LogEntry, RelationChange, State};
use smelt_common::clock::LongAgo;
use smelt_common::error::Result;
use smelt_storage::layers::QUARANTINE;

/// The role of such commits.
const PURGE: &str = "purge";

impl Host {
    /// Deletes rejected rows that were kept as long as the manifest allows. They must be old enough now, and also at
    /// `last`, the time of the previous look. So a clock that is ahead once deletes nothing early.
    pub(super) fn purge_old(&self, last: i64) -> Result<()> {
        let Some(age) = self.pipeline.quarantine_retention else { return Ok(()) };
        let is_old = self.long_ago(age)?.and_at(last, age);
        self.purge_as_of(|state| {
            let old = self.written(held(self.store(), state, &Filter::default())?, is_old)?;
            Ok((old, self.rollback_points_written(state, &Filter::default(), is_old)?))
        })
    }

    /// Returns the plugins whose rollback point holds rejected rows older than `age`, or damaged ones, whose age is
    /// unknown.
    pub fn rollback_points_older_than(
        &self,
        state: &State,
        filter: &Filter,
        age: Duration,
    ) -> Result<BTreeSet<String>> {
        self.rollback_points_written(state, filter, self.long_ago(age)?)
    }

    fn rollback_points_written(&self, state: &State, filter: &Filter, is_old: LongAgo) -> Result<BTreeSet<String>> {
        let Filter { dataset, object, component, rule: _ } = filter;
        let mut plugins = BTreeSet::new();
        for (plugin, point) in &state.rollback_points {
            if component.as_ref().is_some_and(|meant| !point.component.starts_with(meant.as_str())) {
                continue;
            }
            for (name, kept) in &point.datasets {
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

    /// Returns those of the rejected rows that were written longer than `age` ago, by the store's clock.
    pub fn older_than(&self, held: Vec<Held>, age: Duration) -> Result<Vec<Held>> {
        self.written(held, self.long_ago(age)?)
    }

    fn written(&self, held: Vec<Held>, is_old: LongAgo) -> Result<Vec<Held>> {
        let listed = self.store().list(QUARANTINE, "")?;
        let written: HashMap<&str, i64> = listed.iter().map(|meta| (meta.key.as_str(), meta.modified)).collect();
        let is_meant = |held: &Held| {
            let Some(object) = &held.quarantine else { return false };
            let written = held.rejected_at.or_else(|| written.get(object.key.as_str()).copied());
            written.is_some_and(|at| is_old.has(at))
        };
        Ok(held.into_iter().filter(is_meant).collect())
    }

    /// Commits that these quarantine objects and the rollback points of these plugins are no longer referenced, and
    /// then deletes them. The rows stay counted, and bronze has them.
    pub fn purge(&self, held: &[Held], rollback_points: &BTreeSet<String>) -> Result<()> {
        self.writing(|| self.purge_as_of(|_| Ok((held.to_vec(), rollback_points.clone()))))
    }

    /// Deletes what `chosen` returns for the newest commit: quarantine objects, and the rollback points of plugins.
    fn purge_as_of(&self, chosen: impl Fn(&State) -> Result<(Vec<Held>, BTreeSet<String>)>) -> Result<()> {
        let purged = Attempts::default().at(self, |attempt| {
            attempt.catalog.check_gaps()?;
            let state = attempt.state();
            let (held, plugins) = chosen(state)?;
            let mut outcome = Outcome::new(self.without(state, &held)?, ());
            if !plugins.is_empty() {
                outcome.orphans = !outcome.change.discard(self.store(), state, plugins)?;
            }
            Ok(outcome)
        });
        purged.map(drop)
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
                let Some((entry, rows)) = entry.and_then(|entry| Some((entry.clone(), entry.quarantine?))) else {
                    continue;
                };
                retired.push(rows.key);
                let entry = Entry { quarantine: None, ..entry };
                pairs.extend(Entries::pairs(object, &entry)?);
                log.push(LogEntry { object: (*object).to_owned(), cleaned: false, before: None, was: None, entry });
            }
            if log.is_empty() {
                continue;
            }
            let stem = |layer: &str| format!("{layer}{name}/{:020}", state.sequence + 1);
            let mut after = dataset.clone();
            after.entries_mut().put(self.store(), &stem(ENTRIES), pairs, &mut retired)?;
            let log = LogEntry::write(self.store(), &stem(CHANGES), &log)?;
            change.referenced.extend(after.entries().runs().iter().map(|run| run.key.clone()).chain([log.key.clone()]));
            retired.retain(|key| !change.referenced.contains(key));
            change.retired.extend(retired);
            let (previous, cleaned, rewritten) = (dataset.relation.revision, 0, 0);
            let dataset_change = RelationChange {
                reset: false,
                previous,
                cleaned,
                rewritten,
                log: Some(log),
                added: None,
                removed: None,
            };
            change.datasets.insert(name.to_owned(), (dataset_change, after));
        }
        Ok(change)
    }
}
