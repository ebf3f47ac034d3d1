//! Writes one silver object, batch by batch, without the superseded rows. The KPIs' partial aggregates take the other
//! rows.

use arrow_array::{BooleanArray, RecordBatch};
use arrow_buffer::BooleanBuffer;
use arrow_schema::{Schema, SchemaRef};
use arrow_select::filter::filter_record_batch;

use super::context::DatasetWork;
use super::names::RowKind;
use crate::manifest::OutputFormat;
use crate::silver;
use crate::silver::{Encoded, Writer};
use crate::tables::partial::PartialAggregator;
use smelt_catalog::ObjectRef;
use smelt_common::error::Result;
use smelt_common::workers::Relay;
use smelt_common::{Error, profile};

/// The rows of one object, batch by batch.
pub(super) type Batches<'w> = Box<dyn Iterator<Item = Result<RecordBatch>> + Send + 'w>;

/// A silver object that is being written.
pub(super) struct Stream<'w> {
    schema: &'w SchemaRef,
    format: OutputFormat,
    stem: String,
    /// The positions of the rows that are left out, in ascending order and counted over all batches.
    lost: Vec<u32>,
    /// Source: the batches that are left, with the position of the next row. Sink: the writer, with the rows that were
    /// left out.
    relay: Relay<(Batches<'w>, u32), (Writer<'w>, Vec<RecordBatch>)>,
    /// True if the rows that are left out are kept for [`Stream::end`].
    wants_removed: bool,
}

impl<'w> Stream<'w> {
    /// Begins a silver object for the rows of the bronze object `name`. With `again`, silver has these rows already:
    /// then the stream keeps those that are left out, because KPIs must subtract them.
    pub(super) fn begin(
        work: &DatasetWork<'w>,
        name: &str,
        batches: Batches<'w>,
        lost: Vec<u32>,
        again: bool,
    ) -> Result<Self> {
        let (schema, format) = (&work.step.plugin.spec().output, work.step.output);
        let stem = work.key(RowKind::Silver, name, again);
        let writer = Writer::begin(work.cleaning.store, &stem, format, schema)?;
        let relay = Relay::new((batches, 0), (writer, vec![]));
        Ok(Self { schema, format, stem, lost, relay, wants_removed: again })
    }

    /// Writes batches until none is left. Several workers may call this at once, each with a partial aggregator of its
    /// own.
    pub(super) fn work(&self, mut aggregator: Option<&mut PartialAggregator<'_>>) {
        let mut encoded = Encoded::of(self.format);
        while let Some((turn, rows)) = self.relay.take(next) {
            let left_out = rows.and_then(|rows| self.encode(rows, &mut encoded, aggregator.as_deref_mut()));
            turn.give(left_out, |(writer, removed), left_out| {
                removed.extend(left_out);
                writer.append(&encoded)
            });
        }
    }

    /// Encodes a batch whose first row has the position `first`. Returns the rows that were left out, if they are
    /// wanted.
    fn encode(
        &self,
        (batch, first): (RecordBatch, u32),
        encoded: &mut Encoded,
        aggregator: Option<&mut PartialAggregator<'_>>,
    ) -> Result<Option<RecordBatch>> {
        let keep = mask(batch.num_rows(), first, &self.lost);
        encoded.fill(&batch, keep.as_ref())?;
        if let Some(aggregator) = aggregator {
            let rows = silver::project(&batch, &columns(self.schema, aggregator))?;
            aggregator.add(&match &keep {
                Some(keep) => filter(&rows, keep)?,
                None => rows,
            })?;
        }
        let lost = keep.filter(|_| self.wants_removed).map(|keep| BooleanArray::new(!keep.values(), None));
        lost.map(|lost| filter(&batch, &lost)).transpose()
    }

    /// Gives the object its name. Returns it with the rows that were left out, if they are wanted.
    pub(super) fn end(self) -> Result<(ObjectRef, Vec<RecordBatch>)> {
        let (_, (writer, removed)) = self.relay.finish()?;
        Ok((writer.finish(&self.stem)?, removed))
    }
}

/// Returns the next batch and the position of its first row.
fn next((batches, position): &mut (Batches<'_>, u32)) -> Result<Option<(RecordBatch, u32)>> {
    let Some(batch) = batches.next().transpose()? else { return Ok(None) };
    let first = *position;
    *position += batch.num_rows() as u32;
    Ok(Some((batch, first)))
}

/// Returns a mask of the rows of a batch that stay; `None` if all of them stay. The batch's first row has the position
/// `first`.
fn mask(rows: usize, first: u32, lost: &[u32]) -> Option<BooleanArray> {
    let below = |end: u32| lost.partition_point(|&position| position < end);
    let of_batch = below(first)..below(first + rows as u32);
    let mut lost = lost[of_batch].iter().map(|&position| (position - first) as usize).peekable();
    lost.peek()?;
    let keep = BooleanBuffer::collect_bool(rows, |row| lost.next_if_eq(&row).is_none());
    Some(BooleanArray::new(keep, None))
}

fn filter(batch: &RecordBatch, keep: &BooleanArray) -> Result<RecordBatch> {
    let _span = profile::span("leave out superseded rows", "");
    filter_record_batch(batch, keep).map_err(|error| Error::internal(format!("cannot drop superseded rows: {error}")))
}

/// Returns the columns that at least one KPI reads.
fn columns(schema: &Schema, aggregator: &PartialAggregator<'_>) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().filter(|field| aggregator.wants(field.name())).cloned().collect();
    Schema::new(fields).into()
}
