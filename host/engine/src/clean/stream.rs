//! One silver object: encoded batch by batch without the rows that were superseded, while KPIs take in the others.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;

use super::context::DatasetWork;
use super::names::What;
use crate::silver;
use crate::silver::{Encoded, Writer};
use crate::tables::partial::Feed;
use smelt_catalog::ObjectRef;
use smelt_common::error::Result;
use smelt_common::workers::Relay;
use smelt_common::{Error, profile};

/// Rows to be written, batch by batch.
pub(super) type Batches<'w> = Box<dyn Iterator<Item = Result<RecordBatch>> + Send + 'w>;

/// A silver object being written.
pub(super) struct Stream<'w> {
    schema: &'w SchemaRef,
    stem: String,
    /// The places of the rows that are left out, in order and counted over all batches.
    lost: Vec<u32>,
    /// The rows, and the place of the first one; where they go, and those that were left out.
    relay: Relay<(Batches<'w>, u32), (Writer<'w>, Vec<RecordBatch>)>,
    wants_removed: bool,
}

impl<'w> Stream<'w> {
    /// Of a bronze object's rows; `again` if they are in silver already, so that it is of use which ones are left out.
    pub(super) fn begin(
        work: &DatasetWork<'w>,
        name: &str,
        batches: Batches<'w>,
        lost: Vec<u32>,
        again: bool,
    ) -> Result<Self> {
        let schema = &work.step.plugin.spec().output;
        let stem = work.key(What::Silver, name, again);
        let writer = Writer::begin(work.cleaning.store, &stem, schema)?;
        Ok(Self { schema, stem, lost, relay: Relay::new((batches, 0), (writer, vec![])), wants_removed: again })
    }

    /// Writes batches until there are no more.
    pub(super) fn work(&self, mut feed: Option<&mut Feed<'_>>) {
        let mut encoded = Encoded::default();
        while let Some((turn, part)) = self.relay.take(next) {
            let made = part.and_then(|part| self.make(part, &mut encoded, feed.as_deref_mut()));
            turn.give(made, |(writer, removed), gone| {
                removed.extend(gone);
                writer.append(&encoded)
            });
        }
    }

    /// Encodes a batch; returns the rows that were left out, if they are wanted.
    fn make(
        &self,
        (batch, first): (RecordBatch, u32),
        encoded: &mut Encoded,
        feed: Option<&mut Feed<'_>>,
    ) -> Result<Option<RecordBatch>> {
        let keep = mask(batch.num_rows(), first, &self.lost);
        encoded.fill(&batch, keep.as_ref())?;
        if let Some(feed) = feed {
            let rows = silver::project(&batch, &columns(self.schema, feed))?;
            feed.take_in(&match &keep {
                Some(keep) => filter(&rows, keep)?,
                None => rows,
            })?;
        }
        let gone = keep.filter(|_| self.wants_removed).map(|keep| BooleanArray::new(!keep.values(), None));
        gone.map(|gone| filter(&batch, &gone)).transpose()
    }

    /// The object, and the rows that were left out.
    pub(super) fn end(self) -> Result<(ObjectRef, Vec<RecordBatch>)> {
        let (_, (writer, removed)) = self.relay.finish()?;
        Ok((writer.finish(&self.stem)?, removed))
    }
}

/// The next batch, and the place of its first row.
fn next((batches, place): &mut (Batches<'_>, u32)) -> Result<Option<(RecordBatch, u32)>> {
    let Some(batch) = batches.next().transpose()? else { return Ok(None) };
    let first = *place;
    *place += batch.num_rows() as u32;
    Ok(Some((batch, first)))
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
