//! Writes silver after it is known which rows stay.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;

use super::cleaning::Cleaning;
use super::context::DatasetWork;
use super::object::{CleanObject, Rows};
use super::stream::Stream;
use crate::clean::spool::Spool;
use crate::manifest::OutputFormat;
use crate::silver;
use crate::silver::{Encoded, Writer};
use crate::tables::partial::PartialAggregator;
use smelt_catalog::{CHANGES, Entry, ObjectRef, Removed};
use smelt_common::error::Result;
use smelt_common::{Error, workers};

/// A silver object of an earlier commit that loses rows and so is written again.
pub(super) struct Rewrite {
    /// The bronze object's name.
    pub(super) name: String,
    /// The catalog's entry before the rewrite.
    pub(super) entry: Entry,
}

/// The silver that was written, by bronze object.
pub(super) struct Written {
    /// The objects that were cleaned.
    pub(super) cleaned: Vec<(String, Entry)>,
    /// The objects of earlier commits that lost rows.
    pub(super) rewritten: Vec<(String, Entry)>,
    /// The rows that they lost.
    pub(super) removed: Option<Removed>,
}

/// A bronze object whose silver is to be written.
struct SilverJob<'w> {
    name: String,
    /// The entry for the catalog. The reference to the silver object is filled in after the object is written.
    entry: Entry,
    /// The positions of the rows that are left out, counted in `rows`.
    lost: Vec<u32>,
    rows: RowSource<'w>,
}

/// The source of the rows.
enum RowSource<'w> {
    /// Nothing is to be written: the silver object exists already.
    Written,
    /// New rows.
    New(Spool<'w>),
    /// A silver object that has some rows too many.
    Silver,
}

/// A silver object that is being written.
struct ObjectInProgress<'w> {
    name: String,
    entry: Entry,
    /// `None` if nothing is to be written.
    stream: Option<Stream<'w>>,
    /// True if the object replaces one of an earlier commit.
    again: bool,
}

/// An object's name and its entry; and if the object was rewritten, the rows that left silver.
type WrittenObject = (String, Entry, Option<Vec<RecordBatch>>);

impl<'w> DatasetWork<'w> {
    /// Writes the silver of all objects, without the rows at the positions in `lost`. Adds the keys of replaced objects
    /// to `retired`.
    ///
    /// # Errors
    /// Silver cannot be read or written; or the rows of an object do not add up: read = kept + rejected + superseded.
    pub(super) fn write(
        &self,
        objects: BTreeMap<u32, (&str, CleanObject<'w>)>,
        rewrites: Vec<Rewrite>,
        lost: &HashMap<u32, Vec<u32>>,
        retired: &mut Vec<String>,
    ) -> Result<Written> {
        retired.extend(rewrites.iter().map(|rewrite| rewrite.entry.silver.key.clone()));
        let lost = |id: u32| lost.get(&id).cloned().unwrap_or_default();
        let new = objects.into_iter().map(|(id, (name, object))| SilverJob::new(name, id, object, lost(id)));
        let rewrites = rewrites.into_iter().map(|rewrite| SilverJob::rewrite(&lost(rewrite.entry.id), rewrite));
        let jobs: Vec<_> = new.chain(rewrites).collect();
        let parts = jobs.iter().map(SilverJob::parts).sum();
        let (objects, aggregators) = workers::share(
            jobs,
            parts,
            |job| self.begin(job),
            |object, aggregator| object.iter().for_each(|object| self.work(object, aggregator)),
            |object, aggregator| self.end(object?, aggregator),
        );
        workers::map(aggregators.into_iter().flatten().collect(), PartialAggregator::finalize);

        let mut written = Written { cleaned: vec![], rewritten: vec![], removed: None };
        let mut removed = Vec::new();
        for object in objects {
            let (name, entry, rows) = object?;
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

    fn begin(&self, job: SilverJob<'w>) -> Result<ObjectInProgress<'w>> {
        let SilverJob { name, entry, lost, rows } = job;
        let again = matches!(rows, RowSource::Silver);
        let stream = match rows {
            RowSource::Written => None,
            RowSource::New(spool) => Some(Stream::begin(self, &name, Box::new(spool.into_batches()), lost, false)?),
            RowSource::Silver => {
                let schema = &self.step.plugin.spec().output;
                let batches = silver::read(self.cleaning.store, &entry.silver, schema, schema)?;
                Some(Stream::begin(self, &name, Box::new(batches.into_iter().map(Ok)), lost, true)?)
            }
        };
        Ok(ObjectInProgress { name, entry, stream, again })
    }

    fn work(&self, object: &ObjectInProgress<'w>, aggregator: &mut Option<PartialAggregator<'w>>) {
        if let Some(stream) = &object.stream {
            stream.work(if object.again { None } else { self.opened(aggregator) });
        }
    }

    fn end(
        &self,
        object: ObjectInProgress<'w>,
        aggregator: &mut Option<PartialAggregator<'w>>,
    ) -> Result<WrittenObject> {
        let ObjectInProgress { name, mut entry, stream, again } = object;
        let Some(stream) = stream else { return Ok((name, entry, None)) };
        let (silver, removed) = stream.end()?;
        entry.silver = silver;
        if again {
            return Ok((name, entry, Some(removed)));
        }
        self.opened(aggregator).into_iter().for_each(|aggregator| aggregator.end_object(&entry.silver.key));
        Ok((name, entry, None))
    }

    /// Returns the worker's partial aggregator, and creates it the first time. Returns `None` if the run does not
    /// aggregate.
    fn opened<'a>(&self, aggregator: &'a mut Option<PartialAggregator<'w>>) -> Option<&'a mut PartialAggregator<'w>> {
        let partials = self.cleaning.partials?;
        let Cleaning { pipeline, state, as_of, .. } = self.cleaning;
        Some(aggregator.get_or_insert_with(|| partials.aggregator(pipeline, state, &self.step.name, *as_of)))
    }

    /// Writes the rows that left silver, so that KPIs can subtract them.
    fn write_removed(&self, removed: Vec<(String, Vec<RecordBatch>)>) -> Result<Option<Removed>> {
        if removed.is_empty() {
            return Ok(None);
        }
        let schema = &self.step.plugin.spec().output;
        let stem = format!("{}-removed", self.numbered(CHANGES));
        let mut writer = Writer::begin(self.cleaning.store, &stem, OutputFormat::Csv, schema)?;
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

impl<'w> SilverJob<'w> {
    /// Returns the job for a cleaned object.
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
            is_void: _,
            staged,
        } = object;
        let (rows, silver) = match rows {
            Rows::Written(silver) => (RowSource::Written, silver),
            Rows::Waiting(spool) => (RowSource::New(spool), ObjectRef::default()),
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
            status: None,
            staged,
        };
        Self { name: name.to_owned(), entry, lost, rows }
    }

    /// Returns the job for a silver object that loses the rows at the positions.
    fn rewrite(positions: &[u32], Rewrite { name, mut entry }: Rewrite) -> Self {
        // Positions count the rows that the cleaner kept. The silver object lacks those that were superseded before.
        let shift = |&position: &u32| position - entry.superseded.partition_point(|&gone| gone < position) as u32;
        let lost = positions.iter().map(shift).collect();
        entry.superseded.extend(positions);
        entry.superseded.sort_unstable();
        Self { name, entry, lost, rows: RowSource::Silver }
    }

    /// Returns the number of workers that could take part.
    fn parts(&self) -> usize {
        match &self.rows {
            RowSource::New(spool) => spool.batches().max(1),
            RowSource::Written | RowSource::Silver => 1,
        }
    }
}
