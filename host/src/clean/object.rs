//! One bronze object: read, decoded, and cleaned batch by batch. Memory does not depend on its size.

use std::collections::BTreeMap;
use std::io::Write as _;

use arrow_array::RecordBatch;

use super::dataset::DatasetWork;
use crate::catalog::{QUARANTINE, SILVER, Stored};
use crate::codec::{DecodedBatch, Decoder, Malformed};
use crate::digest::HashingReader;
use crate::error::Result;
use crate::quarantine::Rejected;
use crate::spool::Spool;
use crate::store::{Durability, NewObject, Put, unavailable};
use crate::wasm::Cleaned;
use crate::{Error, profile, silver};

/// What the cleaner made of one object; rows are not yet compared with those of other objects.
pub(super) struct CleanObject<'w> {
    /// What the store said of the object when it was opened.
    pub(super) etag: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// Rows in the object.
    pub(super) read: u64,
    pub(super) rows: Rows<'w>,
    pub(super) rejected: BTreeMap<String, u64>,
    pub(super) repaired: BTreeMap<String, u64>,
    pub(super) quarantine: Option<Stored>,
    pub(super) warnings: Vec<String>,
}

/// The rows that the cleaner kept.
pub(super) enum Rows<'w> {
    /// Rows that others may supersede.
    Waiting(Spool<'w>),
    /// Written already: the dataset has no key.
    Written(Stored),
}

/// Where kept rows go.
enum Sink<'w> {
    Wait { spool: Spool<'w>, id: u32 },
    Write(silver::Writer<'w>),
}

/// Reads and cleans the object, which has that number in its dataset.
pub(super) fn clean<'w>(work: &'w DatasetWork<'w>, name: &str, bronze: &str, id: u32) -> Result<CleanObject<'w>> {
    let (cleaning, step) = (work.cleaning, work.step);
    let (meta, file) = cleaning.store.open(bronze)?;
    let mut reader = HashingReader::new(file);
    let mut decoder = Decoder::new(&mut reader, step.format, &step.plugin.spec().input, cleaning.pipeline.decode);
    let as_of = step.plugin.identity().uses_as_of.then_some(cleaning.as_of);
    let mut session = step.plugin.open(&step.parameters, as_of)?;
    let silver_stem = work.key(SILVER, "clean", name, false);
    let sink = match step.plugin.spec().key.is_empty() {
        false => Sink::Wait { spool: Spool::new(work.spools), id },
        true => Sink::Write(silver::Writer::begin(cleaning.store, &silver_stem, &step.plugin.spec().output)?),
    };
    let mut object = Object {
        work,
        name,
        read: 0,
        kept: 0,
        sink,
        rejected: BTreeMap::new(),
        repaired: BTreeMap::new(),
        quarantine: None,
        quarantine_stem: work.key(QUARANTINE, "rejected", name, false),
        lines: vec![],
    };
    while let Some(batch) = decode(&mut decoder, &step.name).map_err(|error| unavailable("read", bronze, &error))? {
        let cleaned = match batch.columns.num_rows() {
            0 => None,
            _ => Some(session.clean(&batch.columns)?),
        };
        object.take(&batch, cleaned)?;
    }
    let warnings = decoder.warnings().iter().map(ToString::to_string).collect();
    // The decoder may have given up before the end; the sha256 is that of the whole object.
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| unavailable("read", bronze, &error))?;
    let (bytes, sha256) = reader.finish();
    let quarantine = object.finish_quarantine()?;
    let Object { read, sink, rejected, repaired, .. } = object;
    let rows = match sink {
        Sink::Wait { spool, .. } => Rows::Waiting(spool),
        Sink::Write(writer) => Rows::Written(writer.finish(&silver_stem)?),
    };
    Ok(CleanObject { etag: meta.etag, bytes, sha256, read, rows, rejected, repaired, quarantine, warnings })
}

fn decode<R: std::io::Read>(decoder: &mut Decoder<R>, dataset: &str) -> std::io::Result<Option<DecodedBatch>> {
    let mut span = profile::span("decode", dataset);
    let batch = decoder.next_batch()?;
    if let Some(batch) = &batch {
        span.through(batch.records.len() + batch.malformed.len(), batch.raw.len());
    }
    Ok(batch)
}

/// An object being cleaned.
struct Object<'o, 'w> {
    work: &'w DatasetWork<'w>,
    name: &'o str,
    read: u64,
    kept: usize,
    sink: Sink<'w>,
    rejected: BTreeMap<String, u64>,
    repaired: BTreeMap<String, u64>,
    /// Where rejected rows go, once there is one.
    quarantine: Option<NewObject<'w>>,
    quarantine_stem: String,
    lines: Vec<u8>,
}

impl<'w> Object<'_, 'w> {
    fn take(&mut self, batch: &DecodedBatch, cleaned: Option<Cleaned>) -> Result<()> {
        self.read += batch.records.len() as u64 + batch.malformed.len() as u64;
        self.reject(batch, cleaned.as_ref())?;
        let Some(Cleaned { kept, kept_rows: _, rejected: _, repaired }) = cleaned else { return Ok(()) };
        for repair in repaired {
            *self.repaired.entry(self.rule(repair.rule)?.to_owned()).or_default() += u64::from(repair.rows);
        }
        if kept.num_rows() > 0 { self.keep(kept) } else { Ok(()) }
    }

    fn keep(&mut self, kept: RecordBatch) -> Result<()> {
        let first = self.kept;
        self.kept += kept.num_rows();
        match &mut self.sink {
            Sink::Write(writer) => writer.write(&kept, None),
            Sink::Wait { spool, id } => {
                self.work.keys.append(*id, first as u32, &kept, self.work.step.plugin.spec())?;
                spool.push(kept)
            }
        }
    }

    fn rule(&self, index: u32) -> Result<&'w str> {
        let rules = &self.work.step.plugin.spec().rules;
        rules
            .get(index as usize)
            .map(|rule| rule.name.as_str())
            .ok_or_else(|| Error::internal(format!("no rule {index}")))
    }

    /// Counts and keeps what the decoder and the cleaner rejected, in the order of the rows.
    fn reject(&mut self, batch: &DecodedBatch, cleaned: Option<&Cleaned>) -> Result<()> {
        let _span = profile::span("quarantine", &self.work.step.name);
        let component = &self.work.step.plugin.identity().sha256;
        let of_decoder = batch.malformed.iter().map(|malformed| {
            let Malformed { number, offset, len, raw, rule, detail } = malformed;
            let raw = Rejected::raw(&batch.raw[raw.clone()]);
            let detail = Some(detail.as_str());
            Ok(Rejected { rule, detail, object: self.name, row: *number, offset: *offset, bytes: *len, component, raw })
        });
        let of_cleaner = cleaned.map_or(&[][..], |cleaned| &cleaned.rejected).iter().map(|rejection| {
            let record = batch.records[rejection.row as usize];
            let (rule, raw) = (self.rule(rejection.rule)?, Rejected::raw(&batch.raw[record.range()]));
            let (offset, bytes) = (batch.offset + u64::from(record.start), record.len.into());
            Ok(Rejected { rule, detail: None, object: self.name, row: record.number, offset, bytes, component, raw })
        });
        let mut rejected = of_decoder.chain(of_cleaner).collect::<Result<Vec<_>>>()?;
        rejected.sort_unstable_by_key(|rejected| rejected.row);
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for row in &rejected {
            *counts.entry(row.rule).or_default() += 1;
            if self.work.cleaning.pipeline.quarantine {
                row.write(&mut self.lines);
            }
        }
        counts.into_iter().for_each(|(rule, rows)| *self.rejected.entry(rule.to_owned()).or_default() += rows);
        self.write_lines()
    }

    fn write_lines(&mut self) -> Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let object = match &mut self.quarantine {
            Some(object) => object,
            none => none.insert(NewObject::create(self.work.cleaning.store, &self.quarantine_stem)?),
        };
        object.write_all(&self.lines).map_err(|error| unavailable("write", "quarantine", &error))?;
        self.lines.clear();
        Ok(())
    }

    fn finish_quarantine(&mut self) -> Result<Option<Stored>> {
        let Some(object) = self.quarantine.take() else { return Ok(None) };
        let Put { key, sha256, bytes } =
            object.finish(&self.quarantine_stem, '.', ".jsonl", Durability::Rebuildable)?;
        Ok(Some(Stored { key, sha256, bytes, rows: self.rejected.values().sum() }))
    }
}
