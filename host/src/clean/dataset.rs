//! One dataset: which of the rows that share a key stays, and the silver objects and entries that follow from it.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use arrow_array::RecordBatch;

use super::object::CleanObject;
use super::{Cleaning, Outcome};
use crate::catalog::{Dataset, DatasetChange, Entry, INDEX, QUARANTINE, SILVER, Segment, Stored};
use crate::codec::Formulas;
use crate::error::Result;
use crate::keys::KeyIndex;
use crate::pipeline::DatasetStep;
use crate::plan::DatasetPlan;
use crate::store::{Durability, put_new, read_verified};
use crate::{Error, digest, silver, workers};

/// The most bytes of an object's stem and its dataset's name that go into names of our own: file systems allow 255 in all.
const LONGEST_STEM: usize = 200;

/// One dataset being changed.
pub(super) struct DatasetWork<'w> {
    cleaning: &'w Cleaning<'w>,
    pub(super) plan: &'w DatasetPlan,
    pub(super) step: &'w DatasetStep,
    /// What the dataset holds before, which is nothing if it is made anew.
    before: Dataset,
    reset: bool,
    /// Whether a KPI reads it, so that its rows are worth keeping in memory.
    wanted: bool,
}

/// A silver object to be written.
enum Write<'o> {
    New { name: &'o str, id: u32, object: Box<CleanObject> },
    Again { name: &'o str, entry: &'o Entry },
}

impl<'w> DatasetWork<'w> {
    pub(super) fn new(cleaning: &'w Cleaning<'w>, plan: &'w DatasetPlan) -> Result<Self> {
        let step = cleaning.pipeline.dataset(&plan.dataset).ok_or_else(|| Error::internal("a plan for no dataset"))?;
        let held = cleaning.state.datasets.get(&plan.dataset).filter(|_| plan.rebuild.is_none());
        let before = held.cloned().unwrap_or_else(|| Dataset::new(step.fingerprint.at(cleaning.as_of)));
        let mut inputs = cleaning.pipeline.kpis.iter().flat_map(|kpi| &kpi.inputs);
        let wanted = inputs.any(|input| input.dataset == plan.dataset);
        Ok(Self { cleaning, plan, step, before, reset: held.is_none(), wanted })
    }

    /// Writes what is final about an object as soon as it is clean: what was rejected, and the kept rows if no other object
    /// can supersede one of them.
    pub(super) fn receive(&self, name: &str, object: &mut CleanObject) -> Result<()> {
        if !object.rejected_lines.is_empty() {
            let lines = std::mem::take(&mut object.rejected_lines);
            let stem = self.key(QUARANTINE, "rejected", name);
            let key = put_new(self.cleaning.store, &stem, '.', ".jsonl", &lines, Durability::Rebuildable)?;
            let (sha256, bytes) = (digest::hex(&lines), lines.len() as u64);
            object.quarantine = Some(Stored { key, sha256, bytes, rows: object.rejected.values().sum() });
        }
        if object.keys.is_none() {
            object.silver = Some(self.write_silver(name, std::mem::take(&mut object.kept))?);
        }
        Ok(())
    }

    /// Writes silver and adds the change to the commit.
    pub(super) fn finish(&self, objects: BTreeMap<String, CleanObject>, outcome: &mut Outcome) -> Result<()> {
        // Where every object failed there is nothing to say, and no commit to make anew in each tick.
        if objects.is_empty() && self.plan.rebuild.is_none() && self.plan.touched.is_empty() {
            return Ok(());
        }
        let first = self.before.next_id();
        let new: Vec<String> = objects.keys().cloned().collect();
        let ids: BTreeMap<&str, u32> = new.iter().map(String::as_str).zip(first..).collect();
        let mut index = self.before.index.clone();
        let mut lost = HashMap::new();
        if !self.step.plugin.spec().key.is_empty() && !objects.is_empty() {
            lost = self.supersede(&objects, &ids, &mut index, outcome)?;
        }

        let names: HashMap<u32, &str> =
            self.before.objects.iter().map(|(name, entry)| (entry.id, name.as_str())).collect();
        let mut writes = Vec::new();
        for (&id, &name) in &names {
            if lost.contains_key(&id) {
                writes.push(Write::Again { name, entry: &self.before.objects[name] });
            }
        }
        writes.extend(new.iter().zip(objects.into_values()).map(|(name, object)| Write::New {
            name,
            id: ids[name.as_str()],
            object: Box::new(object),
        }));
        let mut put: BTreeMap<String, Entry> = BTreeMap::new();
        for (name, etag) in &self.plan.touched {
            put.insert(name.clone(), Entry { etag: etag.clone(), ..self.before.objects[name].clone() });
        }
        for written in workers::map(writes, |write| self.write(write, &lost)) {
            let (name, mut entry) = written?;
            if !entry.is_conserved() {
                let Entry { read, .. } = entry;
                let (kept, rejected, superseded) = (entry.kept(), entry.rejected_total(), entry.superseded.len());
                return Err(Error::internal(format!(
                    "`{name}`: read {read} rows, but kept {kept}, rejected {rejected} and superseded {superseded}"
                )));
            }
            if let Some(before) = self.before.objects.get(&name) {
                outcome.commit.retired.push(before.silver.key.clone());
                if let Some(touched) = put.get(&name) {
                    entry.etag = touched.etag.clone();
                }
            }
            put.insert(name, entry);
        }
        if self.plan.rebuild.is_some() {
            self.retire_former(outcome);
        }
        // Objects whose content and name come to the same share a file: it stays as long as one of them does.
        let kept = self.before.objects.iter().filter(|(name, _)| !put.contains_key(*name)).map(|(_, entry)| entry);
        let live: HashSet<&str> = kept.chain(put.values()).map(|entry| entry.silver.key.as_str()).collect();
        outcome.commit.retired.retain(|key| !live.contains(key.as_str()));
        let reset = self.reset.then(|| self.before.fingerprint.clone());
        outcome.change(&self.plan.dataset, DatasetChange { reset, put, index });
        Ok(())
    }

    /// Offers every new row for its key; returns the places of the rows that lost, by object, in order.
    fn supersede(
        &self,
        objects: &BTreeMap<String, CleanObject>,
        ids: &BTreeMap<&str, u32>,
        segments: &mut Vec<Segment>,
        outcome: &mut Outcome,
    ) -> Result<HashMap<u32, Vec<u32>>> {
        let mut index = self.index(segments)?;
        let mut names: HashMap<u32, &str> =
            self.before.objects.iter().map(|(name, entry)| (entry.id, name.as_str())).collect();
        names.extend(ids.iter().map(|(&name, &id)| (id, name)));
        let keys: Vec<_> =
            objects.iter().filter_map(|(name, object)| Some((ids[name.as_str()], object.keys.as_ref()?))).collect();
        let lost = index.offer(&keys, |id| names[&id]);
        self.write_segment(index.segment(), segments, outcome)?;
        outcome.indexes.insert(self.plan.dataset.clone(), (segments.clone(), index));
        Ok(lost)
    }

    /// The index as it was left after the last tick, or read from its segments.
    fn index(&self, segments: &[Segment]) -> Result<KeyIndex> {
        let held = self.cleaning.indexes.lock().expect("no one panics while holding it").remove(&self.plan.dataset);
        if let Some((_, index)) = held.filter(|(read, _)| read == segments) {
            return Ok(index);
        }
        let mut index = KeyIndex::default();
        for Segment { key, sha256, .. } in segments {
            index.load(&read_verified(self.cleaning.store, key, sha256)?).map_err(|error| error.context(key))?;
        }
        Ok(index)
    }

    /// Writes a segment, joined with the ones before it that are not much longer: so there are few of them, and each row
    /// is rewritten only as often as its segment doubles.
    fn write_segment(&self, mut body: Vec<u8>, segments: &mut Vec<Segment>, outcome: &mut Outcome) -> Result<()> {
        if body.is_empty() {
            return Ok(());
        }
        let store = self.cleaning.store;
        while let Some(last) = segments.pop_if(|last| last.bytes < 2 * body.len() as u64) {
            let mut joined = read_verified(store, &last.key, &last.sha256)?;
            joined.append(&mut body);
            body = joined;
            outcome.commit.retired.push(last.key);
        }
        let stem = format!("{INDEX}{}/{:020}", self.plan.dataset, self.cleaning.state.sequence + 1);
        let (sha256, bytes) = (digest::hex(&body), body.len() as u64);
        segments.push(Segment {
            key: put_new(store, &stem, '.', ".keys", &body, Durability::Rebuildable)?,
            sha256,
            bytes,
        });
        Ok(())
    }

    fn write(&self, write: Write<'_>, lost: &HashMap<u32, Vec<u32>>) -> Result<(String, Entry)> {
        let empty = Vec::new();
        match write {
            Write::New { name, id, object } => {
                let superseded = lost.get(&id).unwrap_or(&empty).clone();
                let CleanObject { etag, bytes, sha256, read, kept, silver, rejected, repaired, quarantine, .. } =
                    *object;
                let silver = match silver {
                    Some(silver) => silver,
                    None => self.write_silver(name, silver::without(&kept, &superseded)?)?,
                };
                Ok((
                    name.to_owned(),
                    Entry { id, etag, sha256, bytes, read, rejected, repaired, superseded, silver, quarantine },
                ))
            }
            Write::Again { name, entry } => {
                let places = lost.get(&entry.id).unwrap_or(&empty);
                // Places count over what the cleaner kept; the silver object lacks what was superseded before.
                let shift = |&place: &u32| place - entry.superseded.partition_point(|&gone| gone < place) as u32;
                let schema = &self.step.plugin.spec().output;
                let batches = silver::read(self.cleaning.store, self.cleaning.fresh, &entry.silver, schema, schema)?;
                let batches = silver::without(&batches, &places.iter().map(shift).collect::<Vec<_>>())?;
                let silver = self.write_silver(name, batches)?;
                let mut superseded = entry.superseded.clone();
                superseded.extend(places);
                superseded.sort_unstable();
                Ok((name.to_owned(), Entry { superseded, silver, ..entry.clone() }))
            }
        }
    }

    /// What tells the object from others of its dataset, as its pattern has it.
    fn stem<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let stem = self.step.pattern.captures(name).and_then(|groups| groups.get(1)).map_or(name, |stem| stem.as_str());
        let most = LONGEST_STEM - self.plan.dataset.len();
        if stem.len() <= most {
            return stem.into();
        }
        // What we write beside it would have too long a name.
        let (start, sha256) = (stem.floor_char_boundary(most - 17), digest::hex(name));
        format!("{}-{}", &stem[..start], &sha256[..16]).into()
    }

    /// Where what becomes of the object is written, without the extension. What is written again gets the number of the
    /// commit that it is for, so that no name comes back while a former object of that name is still being deleted.
    fn key(&self, layer: &str, what: &str, name: &str) -> String {
        let (dataset, stem) = (&self.plan.dataset, self.stem(name));
        let key = format!("{layer}{dataset}/{dataset}_{what}_{stem}");
        let state = self.cleaning.state;
        let held = state.datasets.get(dataset).is_some_and(|held| held.objects.contains_key(name));
        let retired = || state.retired.iter().any(|retired| retired.starts_with(&key));
        match held || retired() {
            true => format!("{key}.{}", state.sequence + 1),
            false => key,
        }
    }

    fn write_silver(&self, name: &str, batches: Vec<RecordBatch>) -> Result<Stored> {
        let stem = self.key(SILVER, "clean", name);
        let schema = &self.step.plugin.spec().output;
        let silver = silver::write(self.cleaning.store, &stem, schema, &batches, Formulas::Keep)?;
        if self.wanted {
            self.cleaning.fresh.keep(&silver, batches);
        }
        Ok(silver)
    }

    /// Everything the dataset held before it was made anew, unless the new objects are the same.
    fn retire_former(&self, outcome: &mut Outcome) {
        let Some(former) = self.cleaning.state.datasets.get(&self.plan.dataset) else { return };
        outcome.commit.retired.extend(former.index.iter().map(|segment| segment.key.clone()));
        for entry in former.objects.values() {
            outcome.commit.retired.push(entry.silver.key.clone());
            outcome.commit.retired.extend(entry.quarantine.iter().map(|stored| stored.key.clone()));
        }
    }
}
