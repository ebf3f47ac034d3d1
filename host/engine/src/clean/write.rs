//! Writing silver once it is known which rows stay.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;

use super::cleaning::Cleaning;
use super::context::DatasetWork;
use super::object::{CleanObject, Rows};
use super::stream::Stream;
use crate::clean::spool::Spool;
use crate::silver;
use crate::silver::{Encoded, Writer};
use crate::tables::partial::Feed;
use smelt_catalog::{CHANGES, Entry, ObjectRef, Removed};
use smelt_common::error::Result;
use smelt_common::{Error, workers};

/// A silver object that loses rows.
pub(super) struct Again {
    pub(super) name: String,
    pub(super) entry: Entry,
}

/// What was written, by bronze object.
pub(super) struct Written {
    pub(super) cleaned: Vec<(String, Entry)>,
    pub(super) rewritten: Vec<(String, Entry)>,
    pub(super) removed: Option<Removed>,
}

/// A bronze object whose silver is to be written.
struct Job<'w> {
    name: String,
    /// As it will be, but for what is still to be written.
    entry: Entry,
    /// The places of rows that are to be left out.
    lost: Vec<u32>,
    rows: Source<'w>,
}

/// Where the rows are.
enum Source<'w> {
    /// Written already.
    Written,
    New(Spool<'w>),
    /// In silver, with rows that are now lost.
    Silver,
}

/// One that is under way.
struct Writing<'w> {
    name: String,
    entry: Entry,
    stream: Option<Stream<'w>>,
    again: bool,
}

/// What was written, and the rows that left silver if it was written again.
type Done = (String, Entry, Option<Vec<RecordBatch>>);

impl<'w> DatasetWork<'w> {
    /// Writes the silver of all objects, without the rows at the places in `lost`.
    pub(super) fn write(
        &self,
        objects: BTreeMap<u32, (&str, CleanObject<'w>)>,
        again: Vec<Again>,
        lost: &HashMap<u32, Vec<u32>>,
        retired: &mut Vec<String>,
    ) -> Result<Written> {
        retired.extend(again.iter().map(|again| again.entry.silver.key.clone()));
        let lost = |id: u32| lost.get(&id).cloned().unwrap_or_default();
        let new = objects.into_iter().map(|(id, (name, object))| Job::new(name, id, object, lost(id)));
        let again = again.into_iter().map(|again| Job::again(&lost(again.entry.id), again));
        let jobs: Vec<_> = new.chain(again).collect();
        let parts = jobs.iter().map(Job::parts).sum();
        let (done, feeds) = workers::share(
            jobs,
            parts,
            |job| self.begin(job),
            |writing, feed| writing.iter().for_each(|writing| self.work(writing, feed)),
            |writing, feed| self.end(writing?, feed),
        );
        workers::map(feeds.into_iter().flatten().collect(), Feed::finish);

        let mut written = Written { cleaned: vec![], rewritten: vec![], removed: None };
        let mut removed = Vec::new();
        for done in done {
            let (name, entry, rows) = done?;
            if !entry.is_conserved() {
                let Entry { read, .. } = entry;
                let (kept, rejected, superseded) = (entry.kept(), entry.rejected_total(), entry.superseded.len());
                return Err(Error::internal(format!(
                    "`{name}`: read {read} rows, but kept {kept}, rejected {rejected} and superseded {superseded}"
                )));
            }
            match rows {
                None => written.cleaned.push((name, entry)),
                Some(rows) => {
                    removed.push((name.clone(), rows));
                    written.rewritten.push((name, entry));
                }
            }
        }
        written.removed = self.write_removed(removed)?;
        Ok(written)
    }

    fn begin(&self, Job { name, entry, lost, rows }: Job<'w>) -> Result<Writing<'w>> {
        let again = matches!(rows, Source::Silver);
        let stream = match rows {
            Source::Written => None,
            Source::New(spool) => Some(Stream::begin(self, &name, Box::new(spool.into_batches()), lost, false)?),
            Source::Silver => {
                let schema = &self.step.plugin.spec().output;
                let batches = silver::read(self.cleaning.store, &entry.silver, schema, schema)?;
                Some(Stream::begin(self, &name, Box::new(batches.into_iter().map(Ok)), lost, true)?)
            }
        };
        Ok(Writing { name, entry, stream, again })
    }

    fn work(&self, writing: &Writing<'w>, feed: &mut Option<Feed<'w>>) {
        if let Some(stream) = &writing.stream {
            stream.work(if writing.again { None } else { self.feed(feed) });
        }
    }

    fn end(&self, writing: Writing<'w>, feed: &mut Option<Feed<'w>>) -> Result<Done> {
        let Writing { name, mut entry, stream, again } = writing;
        let Some(stream) = stream else { return Ok((name, entry, None)) };
        let (silver, removed) = stream.end()?;
        entry.silver = silver;
        if again {
            return Ok((name, entry, Some(removed)));
        }
        self.feed(feed).into_iter().for_each(|feed| feed.written(&entry.silver.key));
        Ok((name, entry, None))
    }

    /// Where KPIs take in new rows on this worker, if they do.
    fn feed<'f>(&self, feed: &'f mut Option<Feed<'w>>) -> Option<&'f mut Feed<'w>> {
        let partials = self.cleaning.partials?;
        let Cleaning { pipeline, state, as_of, .. } = self.cleaning;
        Some(feed.get_or_insert_with(|| partials.feed(pipeline, state, &self.step.name, *as_of)))
    }

    /// Writes the rows that left silver, so that KPIs can take them back.
    fn write_removed(&self, removed: Vec<(String, Vec<RecordBatch>)>) -> Result<Option<Removed>> {
        if removed.is_empty() {
            return Ok(None);
        }
        let schema = &self.step.plugin.spec().output;
        let stem = format!("{}-removed", self.numbered(CHANGES));
        let mut writer = Writer::begin(self.cleaning.store, &stem, schema)?;
        let mut encoded = Encoded::default();
        let mut objects = Vec::new();
        for (name, batches) in removed {
            objects.push((name, batches.iter().map(|batch| batch.num_rows() as u64).sum()));
            for batch in &batches {
                encoded.fill(batch, None)?;
                writer.append(&encoded)?;
            }
        }
        let rows = writer.finish(&stem)?;
        Ok(Some(Removed { rows, objects }))
    }
}

impl<'w> Job<'w> {
    fn new(name: &str, id: u32, object: CleanObject<'w>, lost: Vec<u32>) -> Self {
        let CleanObject {
            etag,
            modified: _,
            bytes,
            sha256,
            read,
            rows,
            rejected,
            repaired,
            quarantine,
            cost,
            warnings: _,
        } = object;
        let (rows, silver) = match rows {
            Rows::Written(silver) => (Source::Written, silver),
            Rows::Waiting(spool) => (Source::New(spool), ObjectRef::default()),
        };
        let superseded = lost.clone();
        let rejected_at = None;
        let entry = Entry {
            id,
            etag,
            sha256,
            bytes,
            read,
            rejected,
            repaired,
            superseded,
            silver,
            quarantine,
            rejected_at,
            cost,
        };
        Self { name: name.to_owned(), entry, lost, rows }
    }

    fn again(places: &[u32], Again { name, mut entry }: Again) -> Self {
        // Places count over what the cleaner kept; the silver object lacks what was superseded before.
        let shift = |&place: &u32| place - entry.superseded.partition_point(|&gone| gone < place) as u32;
        let lost = places.iter().map(shift).collect();
        entry.superseded.extend(places);
        entry.superseded.sort_unstable();
        Self { name, entry, lost, rows: Source::Silver }
    }

    /// How many workers could take part.
    fn parts(&self) -> usize {
        match &self.rows {
            Source::New(spool) => spool.batches().max(1),
            Source::Written | Source::Silver => 1,
        }
    }
}
