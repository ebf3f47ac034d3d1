//! Objects that were young when they were read: their writers may have gone on. They are looked at again by name, in datasets
//! that are too large to be compared with bronze in full at every tick; nothing else of those is.

use std::collections::{HashMap, HashSet};

use super::{DatasetPlan, Planning, name_of, planned};
use crate::Error;
use crate::catalog::{BRONZE, Dataset, Entries, LogEntry, Young};
use crate::digest::HashingReader;
use crate::error::{Kind, Result};
use crate::pipeline::DatasetStep;
use crate::store::{Meta, Store, unavailable};

/// How long an object is young after it was last written, in microseconds: a minute.
pub const YOUNG: i64 = 60_000_000;

/// How far clocks of hosts may differ, in microseconds: what will be old only after that was noted by a clock far ahead.
const SKEW: i64 = 10 * YOUNG;

/// What a look at young objects came to.
struct Looked {
    /// Those that are no longer what they were when they were read.
    changed: Vec<Meta>,
    /// Those that are old by now.
    old: Vec<Young>,
}

impl Planning<'_> {
    /// Reads what is new and looks at what was young; `None` if the dataset must be compared with bronze in full.
    pub(super) fn but_for_young(
        &self,
        step: &DatasetStep,
        held: Option<&Dataset>,
        new: &[Meta],
    ) -> Result<Option<DatasetPlan>> {
        let mut plan = self.incremental(step, held, new);
        self.try_changed(step, new, &mut plan);
        let Some(dataset) = held else { return Ok(Some(plan)) };
        let Some(Looked { changed, old }) = self.look_again(dataset)? else { return Ok(None) };
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

    /// Objects that were parked and are others now are tried, whatever their names.
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

    /// The records of young objects that are old by now. A clock that came back from far ahead makes them old too.
    pub(super) fn old(&self, held: &Dataset) -> Vec<Young> {
        held.young.iter().filter(|young| self.is_old(young)).cloned().collect()
    }

    fn is_old(&self, young: &Young) -> bool {
        young.until <= self.now || young.until > self.now.saturating_add(SKEW)
    }

    /// `None` if the names of some are not known any more, and they are old.
    fn look_again(&self, held: &Dataset) -> Result<Option<Looked>> {
        let mut changed = Vec::new();
        for young in &held.young {
            let lines = match young.log.as_ref().map(|log| LogEntry::read(self.store, log)) {
                Some(Err(error)) if error.kind() == Kind::Damaged => return Ok(None),
                Some(lines) => lines?,
                None if self.is_old(young) => return Ok(None),
                None => continue,
            };
            for LogEntry { object, entry, .. } in lines {
                let found = self.store.look(&format!("{BRONZE}{object}"))?;
                // What is gone a listing tells; what was written again in another commit the catalog knows.
                changed.extend(found.filter(|found| found.etag != entry.etag));
            }
        }
        changed.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        changed.dedup_by(|a, b| a.key == b.key);
        Ok(Some(Looked { changed, old: self.old(held) }))
    }
}

/// What the object is, and the sha256 of its bytes.
///
/// # Errors
/// [`Kind::Unsettled`] if it changed while it was read.
pub fn hash(store: &dyn Store, key: &str) -> Result<(Meta, String)> {
    let (meta, file) = store.open(key)?;
    let mut reader = HashingReader::new(file);
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| unavailable("read", key, &error))?;
    let (bytes, sha256) = reader.finish();
    // Where objects are created whole, a reader that does not fail has read one.
    let is_same = |now: Option<Meta>| bytes == meta.bytes && now.is_some_and(|now| now.etag == meta.etag);
    match store.is_remote() || is_same(store.look(key)?) {
        true => Ok((meta, sha256)),
        false => Err(unsettled(key)),
    }
}

/// The object changed while it was read.
pub fn unsettled(key: &str) -> Error {
    Error::new(
        Kind::Unsettled,
        format!("`{key}` changed while it was read, so nothing of it was taken; the next run reads it again"),
    )
}
