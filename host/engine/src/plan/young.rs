//! Young objects: their writers may have gone on after smelt read them. Datasets that are too large to be compared with
//! bronze in full at every tick look at these again by name, and at nothing else.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use super::planning::Planning;
use super::records::{DatasetPlan, name_of, planned};
use crate::pipeline::DatasetStep;
use smelt_catalog::{Dataset, Entries, LogEntry, Young, look_hash, name_hash};
use smelt_common::Error;
use smelt_common::digest::HashingReader;
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::BRONZE;
use smelt_storage::{Meta, Store, unavailable};

/// For how long an object is young after it was last written, in microseconds: a minute.
pub const YOUNG: i64 = 60_000_000;

/// The most that the clocks of hosts may differ, in microseconds. A record that becomes old only after that was noted
/// by a clock far ahead.
const SKEW: i64 = 10 * YOUNG;

/// The result of a look at young objects.
struct Looked {
    /// The objects that changed after they were read.
    changed: Vec<Meta>,
    /// The records of objects that are old now.
    old: Vec<Young>,
}

/// The young objects of a dataset, in a form in which a listing finds them again.
pub(super) struct Watched<'w> {
    /// The records, each with the hashes of its objects' names, if it has them.
    records: Vec<(&'w Young, Option<HashSet<u64>>)>,
    /// The young objects that were listed.
    found: RefCell<Vec<String>>,
}

impl<'w> Watched<'w> {
    /// Returns the young objects of the dataset, or `None` if they cannot be read. Without a dataset there are none.
    pub(super) fn of(store: &dyn Store, held: Option<&'w Dataset>) -> Result<Option<Self>> {
        let records = held.into_iter().flat_map(|held| &held.bronze.young);
        let records: Result<_> = records.map(|young| Ok((young, young.names(store)?))).collect();
        match records {
            Err(error) if error.kind() == Kind::Damaged => Ok(None),
            records => Ok(Some(Self { records: records?, found: RefCell::default() })),
        }
    }

    /// Takes in a name from the listing.
    pub(super) fn add(&self, name: &str) {
        if !self.records.is_empty() {
            let hash = name_hash(name);
            if self.records.iter().any(|(_, names)| names.as_ref().is_some_and(|names| names.contains(&hash))) {
                self.found.borrow_mut().push(name.to_owned());
            }
        }
    }
}

impl Planning<'_> {
    /// Plans to read what is new, and looks at what was young. Returns `None` if the dataset must be compared with
    /// bronze in full.
    pub(super) fn but_for_young(
        &self,
        step: &DatasetStep,
        held: Option<&Dataset>,
        watched: Option<&Watched<'_>>,
        new: &[Meta],
    ) -> Result<Option<DatasetPlan>> {
        let mut plan = self.incremental(step, held, new);
        self.try_changed(step, new, &mut plan);
        let Some(dataset) = held else { return Ok(Some(plan)) };
        let Some(watched) = watched else { return Ok(None) };
        let Some(Looked { changed, old }) = self.look_again(dataset, watched)? else { return Ok(None) };
        if !changed.is_empty() {
            let names: Vec<_> = changed.iter().map(name_of).collect();
            let entries = match Entries::of(self.store, dataset).by_name(&names) {
                Err(error) if error.kind() == Kind::Damaged => return Ok(None),
                entries => names.iter().zip(entries?),
            };
            let known = entries.filter_map(|(name, entry)| Some(((*name).to_owned(), entry?))).collect();
            let compared = self.compare(step, &changed, known, None);
            plan.rebuild = compared.rebuild;
            plan.touched = compared.touched;
            plan.unsettled = compared.unsettled;
        }
        if plan.unsettled.is_empty() {
            plan.settles = !old.is_empty();
            plan.settled = old;
        }
        Ok(Some(plan))
    }

    /// Plans to try parked objects that have changed since, whatever their names.
    fn try_changed(&self, step: &DatasetStep, new: &[Meta], plan: &mut DatasetPlan) {
        let versions: HashMap<&str, &str> =
            self.parked(step).map(|(name, failure)| (name.as_str(), failure.version.as_str())).collect();
        let listed = new.iter().filter_map(|meta| Some((meta, *versions.get(name_of(meta))?)));
        let (same, other): (Vec<_>, Vec<_>) = listed.partition(|(meta, version)| meta.etag == *version);
        let same: HashSet<&str> = same.into_iter().map(|(meta, _)| name_of(meta)).collect();
        plan.parked.retain(|parked| same.contains(parked.name.as_str()));
        plan.objects.retain(|object| !versions.contains_key(object.name.as_str()));
        plan.objects.extend(other.into_iter().map(|(meta, _)| planned(meta, false)));
        plan.objects.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    }

    /// Returns the records of young objects that are old now. A clock that came back from far ahead makes them old too.
    pub(super) fn old(&self, held: &Dataset) -> Vec<Young> {
        held.bronze.young.iter().filter(|young| self.is_old(young)).cloned().collect()
    }

    fn is_old(&self, young: &Young) -> bool {
        young.until <= self.now || young.until > self.now.saturating_add(SKEW)
    }

    /// Looks at the young objects that were listed. Returns `None` if all objects of the dataset must be looked at.
    fn look_again(&self, held: &Dataset, watched: &Watched<'_>) -> Result<Option<Looked>> {
        let Watched { records, found } = watched;
        let look = |name: &String| Ok(self.store.look(&format!("{BRONZE}{name}"))?.map(|meta| (name_hash(name), meta)));
        let found = found.borrow().iter().filter_map(|name| look(name).transpose()).collect::<Result<Vec<_>>>()?;
        let mut changed = Vec::new();
        for (young, names) in records {
            let Some(names) = names else {
                if self.is_old(young) {
                    return Ok(None);
                }
                continue;
            };
            let those = || found.iter().filter(|(hash, _)| names.contains(hash)).map(|(_, meta)| meta);
            let sums = those().map(|meta| look_hash(name_of(meta), &meta.etag));
            if sums.fold(0, u64::wrapping_add) == young.sum {
                continue;
            }
            let lines = match young.log.as_ref().map(|log| LogEntry::read(self.store, log)) {
                Some(Err(error)) if error.kind() == Kind::Damaged => return Ok(None),
                Some(lines) => lines?,
                None => vec![],
            };
            let read: HashMap<&str, &str> =
                lines.iter().map(|line| (line.object.as_str(), line.entry.etag.as_str())).collect();
            // If another commit has read the object again, the catalog knows it.
            changed
                .extend(those().filter(|meta| read.get(name_of(meta)).is_some_and(|etag| *etag != meta.etag)).cloned());
        }
        changed.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        changed.dedup_by(|a, b| a.key == b.key);
        Ok(Some(Looked { changed, old: self.old(held) }))
    }
}

/// Returns the store's description of the object and the sha256 of its bytes.
///
/// # Errors
/// [`Kind::Unsettled`] if it changed while it was read.
pub fn hash(store: &dyn Store, key: &str) -> Result<(Meta, String)> {
    let (meta, file) = store.open(key)?;
    let mut reader = HashingReader::new(file);
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| unavailable("read", key, &error))?;
    let (bytes, sha256) = reader.finish();
    // In a remote store objects are created as a whole, so a reader that does not fail has read one version.
    let is_same = |now: Option<Meta>| bytes == meta.bytes && now.is_some_and(|now| now.etag == meta.etag);
    match store.is_remote() || is_same(store.look(key)?) {
        true => Ok((meta, sha256)),
        false => Err(unsettled(key)),
    }
}

/// Returns the error of an object that changed while it was read.
pub fn unsettled(key: &str) -> Error {
    Error::new(
        Kind::Unsettled,
        format!("`{key}` changed while it was read, so nothing of it was taken; the next run reads it again"),
    )
}
