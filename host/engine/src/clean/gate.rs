//! The part of a change that concerns objects which checks judge as a whole: their statuses, those that are held, and the
//! decisions of people.

use std::collections::{BTreeMap, HashMap};

use super::context::DatasetWork;
use super::object::CleanObject;
use crate::pipeline::bronze_name;
use smelt_catalog::{Dataset, Entries, Entry, LogEntry, ObjectRef, Status, Totals};
use smelt_common::Error;
use smelt_common::cost::Cost;
use smelt_common::error::Result;

impl<'w> DatasetWork<'w> {
    /// Returns the revisions from which the statuses of all objects follow, if all that the plan wants was done.
    pub(super) fn judged(&self, objects: &BTreeMap<u32, (&str, CleanObject<'w>)>) -> Option<BTreeMap<String, u64>> {
        let judged = self.plan.gate.as_ref()?.judged.clone();
        judged.filter(|_| objects.len() == self.plan.objects.len())
    }

    /// Notes in the entries of new objects which status they have, and what people decided about these bytes before.
    pub(super) fn state_statuses(&self, cleaned: &mut [(String, Entry)]) -> Result<()> {
        let statuses: HashMap<&str, Status> =
            self.plan.objects.iter().filter_map(|object| Some((object.name.as_str(), object.status?))).collect();
        for (name, entry) in &mut *cleaned {
            entry.status = statuses.get(name.as_str()).copied();
        }
        let former =
            self.cleaning.state.datasets.get(&self.plan.dataset).filter(|_| self.step.is_of_bronze() && self.reset);
        let Some(former) = former else { return Ok(()) };
        // Decisions outlive a change of how records are read.
        let entries = Entries::of(self.cleaning.store, former);
        let names: Vec<&str> = cleaned.iter().map(|(name, _)| name.as_str()).collect();
        let former = entries.by_name(&names)?;
        for ((_, entry), former) in cleaned.iter_mut().zip(former) {
            let former = former.filter(|former| former.sha256 == entry.sha256).and_then(|former| former.staged);
            if let (Some(staged), Some(former)) = (&mut entry.staged, former) {
                staged.decision = former.decision;
            }
        }
        Ok(())
    }

    /// Returns the former entries of objects that were held and count now.
    pub(super) fn formerly_held(
        &self,
        entries: &Entries<'_>,
        cleaned: &[(String, Entry)],
    ) -> Result<HashMap<String, Entry>> {
        let were_held = |name: &str| self.plan.objects.iter().any(|object| object.was_held && object.name == name);
        let names: Vec<&str> = cleaned.iter().map(|(name, _)| name.as_str()).filter(|name| were_held(name)).collect();
        let found = entries.by_name(&names)?.into_iter().zip(names);
        Ok(found.filter_map(|(entry, name)| Some((name.to_owned(), entry?))).collect())
    }

    /// Adds the objects that are new and do not count to the account and the log.
    pub(super) fn hold(&self, after: &mut Dataset, log: &mut Vec<LogEntry>) -> Result<()> {
        let Some(gate) = self.plan.gate.as_ref().filter(|gate| !gate.held.is_empty()) else { return Ok(()) };
        let records = bronze_name(&self.plan.dataset);
        let lacks = || Error::internal(format!("the lake has no records of `{}`", self.plan.dataset));
        let bronze = self.cleaning.state.datasets.get(&records).ok_or_else(lacks)?;
        let names: Vec<&str> = gate.held.iter().map(|(name, _)| name.as_str()).collect();
        let found = Entries::of(self.cleaning.store, bronze).by_name(&names)?;
        for ((name, status), found) in gate.held.iter().zip(found) {
            let Entry { etag, sha256, bytes, read, .. } = found.ok_or_else(lacks)?;
            let entry = Entry {
                id: after.bronze.next_id,
                etag,
                sha256,
                bytes,
                read,
                rejected: BTreeMap::new(),
                repaired: BTreeMap::new(),
                superseded: vec![],
                silver: ObjectRef::default(),
                quarantine: None,
                rejected_at: None,
                cost: Cost::default(),
                status: Some(*status),
                staged: None,
            };
            after.bronze.next_id += 1;
            after.bronze.totals.add(&entry);
            after.bronze.names.extend(std::iter::once(name.as_str()));
            after.relation.content.add(name, &entry);
            log.push(LogEntry { object: name.clone(), cleaned: true, before: None, was: None, entry });
        }
        Ok(())
    }

    /// Logs the new statuses of objects of which no row comes or leaves.
    pub(super) fn restate(&self, entries: &Entries<'_>, log: &mut Vec<LogEntry>) -> Result<()> {
        let Some(gate) = self.plan.gate.as_ref().filter(|gate| !gate.restated.is_empty()) else { return Ok(()) };
        let names: Vec<&str> = gate.restated.iter().map(|(name, _)| name.as_str()).collect();
        for (entry, (name, status)) in entries.by_name(&names)?.into_iter().zip(&gate.restated) {
            if let Some(line) = log.iter_mut().find(|line| line.object == *name) {
                // Rows that others supersede left it in the same commit.
                line.entry.status = Some(*status);
            } else if let Some(entry) = entry {
                let (before, was) = (Some(Totals::of(&entry)), entry.status);
                let entry = Entry { status: Some(*status), ..entry };
                log.push(LogEntry { object: name.clone(), cleaned: false, before, was, entry });
            }
        }
        Ok(())
    }
}
