//! Decides which of the rows with one key stays, writes silver, and adds the result to the change that is committed.

use super::context::DatasetWork;
use std::collections::{BTreeMap, HashMap, HashSet};

use super::object::CleanObject;
use super::write::{Rewrite, Written};
use crate::clean::keys::{Names, resolve};
use crate::outcome::Outcome;
use crate::plan::YOUNG;
use smelt_catalog::{CHANGES, ENTRIES, Entries, Entry, INDEX, LogEntry, RelationChange, Totals, Young};
use smelt_common::Error;
use smelt_common::error::Result;
use smelt_storage::Meta;
use smelt_storage::sorted_runs::SortedRuns;

impl<'w> DatasetWork<'w> {
    /// Writes silver and adds the dataset's change to the outcome. `clock` is the store's time in microseconds since
    /// the epoch. It is `None` if the store has no young objects, which are those that their writers may still change.
    pub(super) fn finish(
        &self,
        objects: BTreeMap<u32, (&str, CleanObject<'w>)>,
        clock: Option<i64>,
        outcome: &mut Outcome,
    ) -> Result<()> {
        // If every object failed, nothing changed: otherwise each tick would make another empty commit.
        let judged = self.judged(&objects);
        let is_restated =
            self.plan.gate.as_ref().is_some_and(|gate| !(gate.held.is_empty() && gate.restated.is_empty()));
        let looked = !self.plan.touched.is_empty() || self.plan.settles || is_restated || judged.is_some();
        if objects.is_empty() && self.plan.rebuild.is_none() && !looked {
            return Ok(());
        }
        let touched = self.plan.touched.iter().map(|(name, meta)| (name.as_str(), meta.modified));
        // A dataset whose objects are judged follows the records of bronze, which watch the young ones.
        let watched = objects.values().filter(|_| self.step.judged_by.is_empty());
        let written = watched.map(|(name, object)| (*name, object.modified)).chain(touched);
        let aged = written.filter_map(|(name, at)| Some((name.to_owned(), clock?.saturating_sub(at).max(0))));
        let young: HashMap<String, i64> = aged.filter(|(_, age)| *age < YOUNG).collect();
        let mut after = self.before.clone();
        after.bronze.next_id += self.plan.objects.len() as u32;
        after.bronze.judged = judged.unwrap_or(after.bronze.judged);
        let mut retired = Vec::new();
        let entries = Entries::of(self.cleaning.store, &self.before);
        let lost = self.supersede(&objects, &entries, &mut after.bronze.keys, &mut retired)?;
        let rewrites = self.rewrites(&objects, &entries, &lost)?;
        let replaced: Vec<_> = rewrites.iter().map(|Rewrite { name, entry }| (name.clone(), entry.clone())).collect();
        let Written { mut cleaned, rewritten, removed } = self.write(objects, rewrites, &lost, &mut retired)?;
        self.state_statuses(&mut cleaned)?;

        let mut lines = Vec::new();
        let mut formerly = self.formerly_held(&entries, &cleaned)?;
        for (object, entry) in &cleaned {
            let former = formerly.remove(object.as_str());
            if let Some(former) = &former {
                after.bronze.totals.subtract(former);
                after.relation.content.subtract(object, former);
            } else {
                after.bronze.names.extend(std::iter::once(object.as_str()));
            }
            after.bronze.totals.add(entry);
            after.relation.content.add(object, entry);
            after.bronze.pace.add(entry);
            let (before, was) = (former.as_ref().map(Totals::of), former.and_then(|former| former.status));
            lines.push(LogEntry { object: object.clone(), cleaned: true, before, was, entry: entry.clone() });
        }
        self.hold(&mut after, &mut lines)?;
        let mut accounts = HashMap::new();
        for (object, entry) in &replaced {
            after.bronze.totals.subtract(entry);
            after.relation.content.subtract(object, entry);
            accounts.insert(object, (Totals::of(entry), entry.status));
        }
        for (object, entry) in &rewritten {
            after.bronze.totals.add(entry);
            after.relation.content.add(object, entry);
            let (before, was) = accounts.remove(object).unzip();
            let was = was.flatten();
            lines.push(LogEntry { object: object.clone(), cleaned: false, before, was, entry: entry.clone() });
        }
        after.relation.rows = after.bronze.totals.kept;
        self.touch(&entries, &mut lines)?;
        self.restate(&entries, &mut lines)?;
        let mut pairs = Vec::new();
        for LogEntry { object, entry, .. } in &lines {
            pairs.extend(Entries::pairs(object, entry)?);
        }
        after.entries_mut().put(self.cleaning.store, &self.numbered(ENTRIES), pairs, &mut retired)?;
        // The store's clock tells how young the objects are. The host's clock tells when they are old. The two may
        // differ.
        let until = self.cleaning.now.saturating_add(YOUNG - young.values().min().copied().unwrap_or_default());
        let young = young.into_keys().collect();
        let (log, young) = Young::write(self.cleaning.store, &self.numbered(CHANGES), &lines, &young, until)?;
        after.bronze.young.retain(|young| !self.plan.settled.contains(young));
        young.into_iter().for_each(|young| after.add_young(young));
        let change = RelationChange {
            reset: self.reset,
            previous: self.cleaning.state.datasets.get(&self.plan.dataset).map_or(0, |held| held.relation.revision),
            // Objects that are held, or whose status is another one, change what is known of the dataset too.
            cleaned: lines.iter().filter(|line| line.cleaned || line.was != line.entry.status).count() as u64,
            rewritten: rewritten.len() as u64,
            log: Some(log),
            added: None,
            removed,
        };

        let objects = lines.iter().flat_map(|line| line.entry.objects());
        outcome.change.referenced.extend(objects.map(|object| object.key.clone()));
        let runs = after.entries().runs().iter().chain(after.bronze.keys.runs());
        outcome.change.referenced.extend(runs.map(|run| run.key.clone()));
        let removed = change.removed.as_ref().map(|removed| &removed.rows);
        outcome.change.referenced.extend(removed.into_iter().chain(&change.log).map(|object| object.key.clone()));
        if self.plan.rebuild.is_some()
            && let Some(previous) = self.cleaning.state.datasets.get(&self.plan.dataset)
        {
            // If the catalog is damaged, it no longer tells all objects of the previous dataset. The search for orphans
            // finds them.
            outcome.orphans |= !previous.objects(self.cleaning.store, &mut retired)?;
        }
        retired.retain(|key| !outcome.change.referenced.contains(key));
        outcome.change.retired.extend(retired);
        outcome.change.datasets.insert(self.plan.dataset.clone(), (change, after));
        Ok(())
    }

    /// Finds the rows, new or in silver, that another row with the same key supersedes. Returns their positions in
    /// ascending order, by the object's number.
    fn supersede(
        &self,
        objects: &BTreeMap<u32, (&str, CleanObject<'_>)>,
        entries: &Entries<'_>,
        keys: &mut SortedRuns,
        retired: &mut Vec<String>,
    ) -> Result<HashMap<u32, Vec<u32>>> {
        if !self.is_keyed() || objects.is_empty() {
            return Ok(HashMap::new());
        }
        let store = self.cleaning.store;
        let new = |id: u32| objects.get(&id).map(|(name, _)| (*name).to_owned());
        let name_of = |id: u32| match new(id) {
            Some(name) => Ok(name),
            None => entries
                .names(&[id])?
                .remove(&id)
                .ok_or_else(|| Error::internal(format!("the catalog lacks object number {id}"))),
        };
        let cleaned = |id: &u32| objects.contains_key(id);
        let new = (self.before.bronze.next_id..).take(self.plan.objects.len());
        let is_void = |id: &u32| objects.get(id).is_some_and(|(_, object)| object.is_void);
        let failed: HashSet<u32> = new.filter(|id| !cleaned(id) || is_void(id)).collect();
        resolve(&self.keys, &failed, &Names::new(&name_of), keys, store, &self.numbered(INDEX), retired)
    }

    /// Returns the silver objects of earlier commits that lose rows.
    fn rewrites(
        &self,
        objects: &BTreeMap<u32, (&str, CleanObject<'_>)>,
        entries: &Entries<'_>,
        lost: &HashMap<u32, Vec<u32>>,
    ) -> Result<Vec<Rewrite>> {
        let mut earlier: Vec<u32> = lost.keys().copied().filter(|id| !objects.contains_key(id)).collect();
        earlier.sort_unstable();
        let names = entries.names(&earlier)?;
        let names: Vec<&str> = earlier.iter().map(|id| names[id].as_str()).collect();
        let found = entries.by_name(&names)?.into_iter().zip(&names);
        found
            .map(|(entry, name)| {
                let entry = entry.ok_or_else(|| Error::internal(format!("the catalog lacks `{name}`")))?;
                Ok(Rewrite { name: (*name).to_owned(), entry })
            })
            .collect()
    }

    /// Logs the new etags of objects whose bytes did not change.
    fn touch(&self, entries: &Entries<'_>, log: &mut Vec<LogEntry>) -> Result<()> {
        let touched: Vec<&str> = self.plan.touched.iter().map(|(name, _)| name.as_str()).collect();
        let entries = entries.by_name(&touched)?;
        for (entry, (name, Meta { etag, .. })) in entries.into_iter().zip(&self.plan.touched) {
            if let Some(line) = log.iter_mut().find(|line| line.object == *name) {
                line.entry.etag.clone_from(etag);
            } else if let Some(entry) = entry {
                let entry = Entry { etag: etag.clone(), ..entry };
                let (cleaned, before, was) = (false, None, entry.status);
                log.push(LogEntry { object: name.clone(), cleaned, before, was, entry });
            }
        }
        Ok(())
    }
}
