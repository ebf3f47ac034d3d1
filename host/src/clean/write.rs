//! Writing silver once it is known which rows stay.

use std::collections::{BTreeMap, HashMap};

use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;

use super::dataset::DatasetWork;
use super::object::{CleanObject, Rows};
use crate::catalog::{CHANGES, Entry, Removed, SILVER, Stored};
use crate::error::Result;
use crate::fresh::Feed;
use crate::{Error, profile, silver, workers};

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

enum Job<'j, 'w> {
    New { name: &'j str, id: u32, object: Box<CleanObject<'w>> },
    Again(Box<Again>),
}

/// What became of a job, and the rows that left silver.
type Done = Result<(String, Entry, Option<Vec<RecordBatch>>)>;

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
        let mut jobs: Vec<_> =
            objects.into_iter().map(|(id, (name, object))| Job::New { name, id, object: Box::new(object) }).collect();
        jobs.extend(again.into_iter().map(|again| Job::Again(Box::new(again))));
        let none = Vec::new();
        let work = |feed: &mut Option<Feed<'w>>, job: Job<'_, 'w>| -> Done {
            match job {
                Job::New { name, id, object } => {
                    if let (Some(fresh), None) = (self.cleaning.fresh, feed.as_ref()) {
                        *feed = Some(fresh.feed(
                            self.cleaning.pipeline,
                            self.cleaning.state,
                            &self.step.name,
                            self.cleaning.as_of,
                        ));
                    }
                    let entry = self.new_entry(name, id, *object, lost.get(&id).unwrap_or(&none), feed)?;
                    Ok((name.to_owned(), entry, None))
                }
                Job::Again(again) => {
                    let Again { name, entry } = *again;
                    let places = lost.get(&entry.id).unwrap_or(&none);
                    let (entry, removed) = self.again_entry(&name, entry, places)?;
                    Ok((name, entry, Some(removed)))
                }
            }
        };
        let done =
            workers::map_with(jobs, || None, work, |feed: Option<Feed<'w>>| feed.into_iter().for_each(Feed::finish));

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

    fn new_entry(
        &self,
        name: &str,
        id: u32,
        object: CleanObject<'_>,
        lost: &[u32],
        feed: &mut Option<Feed<'_>>,
    ) -> Result<Entry> {
        let CleanObject { etag, bytes, sha256, read, rows, rejected, repaired, quarantine, warnings: _ } = object;
        let silver = match rows {
            Rows::Written(silver) => silver,
            Rows::Waiting(spool) => {
                let batches = spool.into_batches();
                self.write_silver(name, batches, lost, false, feed)?
            }
        };
        let superseded = lost.to_vec();
        Ok(Entry { id, etag, sha256, bytes, read, rejected, repaired, superseded, silver, quarantine })
    }

    /// Writes an object again without the rows at those places; returns them too.
    fn again_entry(&self, name: &str, entry: Entry, places: &[u32]) -> Result<(Entry, Vec<RecordBatch>)> {
        // Places count over what the cleaner kept; the silver object lacks what was superseded before.
        let shift = |&place: &u32| place - entry.superseded.partition_point(|&gone| gone < place) as u32;
        let lost: Vec<u32> = places.iter().map(shift).collect();
        let schema = &self.step.plugin.spec().output;
        let batches = silver::read(self.cleaning.store, &entry.silver, schema, schema)?;
        let mut removed = Vec::new();
        let mut base = 0;
        for batch in &batches {
            if let Some(keep) = mask(batch.num_rows(), base, &lost) {
                let gone = BooleanArray::new(!keep.values(), None);
                removed.push(filter(batch, &gone)?);
            }
            base += batch.num_rows() as u32;
        }
        let silver = self.write_silver(name, batches.into_iter().map(Ok), &lost, true, &mut None)?;
        let mut superseded = entry.superseded.clone();
        superseded.extend(places);
        superseded.sort_unstable();
        Ok((Entry { superseded, silver, ..entry }, removed))
    }

    /// Writes rows without those at the places, which are in order and count over all batches.
    fn write_silver(
        &self,
        name: &str,
        batches: impl Iterator<Item = Result<RecordBatch>>,
        lost: &[u32],
        again: bool,
        feed: &mut Option<Feed<'_>>,
    ) -> Result<Stored> {
        let schema = &self.step.plugin.spec().output;
        let stem = self.key(SILVER, "clean", name, again);
        let mut writer = silver::Writer::begin(self.cleaning.store, &stem, schema)?;
        let wanted = feed.as_ref().map(|feed| columns(schema, feed));
        let mut base = 0;
        for batch in batches {
            let batch = batch?;
            let keep = mask(batch.num_rows(), base, lost);
            base += batch.num_rows() as u32;
            writer.write(&batch, keep.as_ref())?;
            if let (Some(feed), Some(columns)) =
                (&mut *feed, wanted.as_ref().filter(|wanted| !wanted.fields().is_empty()))
            {
                let rows = silver::project(&batch, columns)?;
                feed.take_in(&match keep {
                    Some(keep) => filter(&rows, &keep)?,
                    None => rows,
                })?;
            }
        }
        let silver = writer.finish(&stem)?;
        feed.iter_mut().for_each(|feed| feed.written(&silver.key));
        Ok(silver)
    }

    /// Writes the rows that left silver, so that KPIs can take them back.
    fn write_removed(&self, removed: Vec<(String, Vec<RecordBatch>)>) -> Result<Option<Removed>> {
        if removed.is_empty() {
            return Ok(None);
        }
        let schema = &self.step.plugin.spec().output;
        let stem = format!("{}-removed", self.numbered(CHANGES));
        let mut writer = silver::Writer::begin(self.cleaning.store, &stem, schema)?;
        let mut objects = Vec::new();
        for (name, batches) in removed {
            objects.push((name, batches.iter().map(|batch| batch.num_rows() as u64).sum()));
            batches.iter().try_for_each(|batch| writer.write(batch, None))?;
        }
        let rows = writer.finish(&stem)?;
        Ok(Some(Removed { rows, objects }))
    }
}

/// Which rows of a batch, the first of which has that place, are not lost; `None` if none is.
fn mask(rows: usize, first: u32, lost: &[u32]) -> Option<BooleanArray> {
    let of_batch =
        lost.partition_point(|&place| place < first)..lost.partition_point(|&place| place < first + rows as u32);
    let mut lost = lost[of_batch].iter().map(|&place| (place - first) as usize).peekable();
    lost.peek()?;
    let keep = BooleanBuffer::collect_bool(rows, |row| lost.next_if_eq(&row).is_none());
    Some(BooleanArray::new(keep, None))
}

fn filter(batch: &RecordBatch, keep: &BooleanArray) -> Result<RecordBatch> {
    let _span = profile::span("leave out superseded rows", "");
    filter_record_batch(batch, keep).map_err(|error| Error::internal(format!("cannot drop superseded rows: {error}")))
}

/// The columns that some KPI reads.
fn columns(schema: &Schema, feed: &Feed<'_>) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().filter(|field| feed.wants(field.name())).cloned().collect();
    Schema::new(fields).into()
}
