//! Lists, searches and copies the objects of a dataset.

use std::collections::{BTreeSet, HashMap};

use smelt_common::clock::LongAgo;
use smelt_common::error::{Kind, Result};
use smelt_common::workers;
use smelt_storage::sorted_runs::SortedRuns;
use smelt_storage::{Store, copy_new};

use crate::dataset::Dataset;
use crate::entries::Entries;
use crate::entry::Entry;
use crate::log::LogEntry;
use crate::object_ref::ObjectRef;

impl Dataset {
    /// Adds the keys of all objects of the dataset to `keys`. Returns false if the catalog is damaged, so that it does
    /// not tell all of them.
    pub fn objects(&self, store: &dyn Store, keys: &mut Vec<String>) -> Result<bool> {
        keys.extend(self.entries().runs().iter().chain(self.bronze.keys.runs()).map(|run| run.key.clone()));
        let scanned = Entries::of(store, self).scan(|_, entry| {
            keys.extend(entry.objects().map(|object| object.key.clone()));
            Ok(())
        });
        match scanned {
            Err(error) if error.kind() == Kind::Damaged => Ok(false),
            scanned => scanned.map(|()| true),
        }
    }

    /// Returns whether rejected rows of the bronze object, or of any object if `object` is `None`, were written at a
    /// time that `then` accepts. Also returns true if the entries are damaged. This is for the copies in rollback
    /// points, whose entries hold the time.
    pub fn has_rejected(&self, store: &dyn Store, object: Option<&str>, then: LongAgo) -> Result<bool> {
        let entries = Entries::of(store, self);
        let is_old = |entry: &Entry| entry.quarantine.is_some() && entry.rejected_at.is_none_or(|at| then.has(at));
        let found = match object {
            Some(object) => entries.by_name(&[object]).map(|found| found.iter().flatten().any(is_old)),
            None => {
                let mut found = false;
                let scanned = entries.scan(|_, entry| {
                    found |= is_old(&entry);
                    Ok(())
                });
                scanned.map(|()| found)
            }
        };
        match found {
            Err(error) if error.kind() == Kind::Damaged => Ok(true),
            found => found,
        }
    }

    /// Copies the dataset's silver and rejected rows. Returns a dataset of the copies, and a log with the new entry of
    /// each bronze object. `stem` returns a copy's key, without extension, for the bronze object's name and the object
    /// that is copied. The keys of the copies are added to `referenced`.
    ///
    /// # Errors
    /// [`Kind::Damaged`] if an object or an entry is gone or damaged.
    pub fn copied(
        &self,
        store: &dyn Store,
        entries: &str,
        stem: &(dyn Fn(&str, &ObjectRef) -> String + Sync),
        referenced: &mut BTreeSet<String>,
    ) -> Result<(Self, Vec<LogEntry>)> {
        let copy = |name: &str, object: &mut ObjectRef| {
            let ObjectRef { key, sha256, bytes, .. } = &*object;
            let extension = key.rfind('.').map_or("", |dot| &key[dot..]);
            let copy = copy_new(store, (key, *bytes, sha256), &stem(name, object), '.', extension)?;
            object.key = copy;
            Ok(())
        };
        let entries_now = Entries::of(store, self).all()?;
        // Retention goes by the age of the original, so each copy keeps the original's time.
        let quarantine = entries_now.iter().find_map(|(_, entry)| entry.quarantine.as_ref());
        let listed = quarantine.map_or(Ok(vec![]), |object| {
            let directory = object.key.rfind('/').map_or("", |slash| &object.key[..=slash]);
            store.list(directory, "")
        })?;
        let written: HashMap<String, i64> = listed.into_iter().map(|meta| (meta.key, meta.modified)).collect();
        let copied = workers::map(entries_now, |(object, mut entry)| {
            if !entry.silver.key.is_empty() {
                copy(&object, &mut entry.silver)?;
            }
            if let Some(rejected) = &mut entry.quarantine {
                entry.rejected_at = entry.rejected_at.or_else(|| written.get(&rejected.key).copied());
                copy(&object, rejected)?;
            }
            Ok(LogEntry { object, cleaned: false, before: None, was: None, entry })
        });
        let log = copied.into_iter().collect::<Result<Vec<_>>>()?;
        let mut after = self.clone();
        *after.entries_mut() = SortedRuns::default();
        let mut pairs = Vec::new();
        for LogEntry { object, entry, .. } in &log {
            pairs.extend(Entries::pairs(object, entry)?);
            referenced.extend(entry.objects().map(|object| object.key.clone()));
        }
        after.entries_mut().put(store, entries, pairs, &mut vec![])?;
        referenced.extend(after.entries().runs().iter().chain(after.bronze.keys.runs()).map(|run| run.key.clone()));
        Ok((after, log))
    }
}
