//! One bronze object: read, decoded, and cleaned batch by batch.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;

use crate::catalog::Stored;
use crate::codec::{DecodedBatch, Decoder, Malformed};
use crate::digest::HashingReader;
use crate::error::Result;
use crate::keys::Keys;
use crate::pipeline::{DatasetStep, Pipeline};
use crate::quarantine::Rejected;
use crate::store::{Store, unavailable};
use crate::wasm::{Cleaned, Session};
use crate::{Error, profile};

/// What the cleaner made of one object; rows are not yet compared with those of other objects.
pub(super) struct CleanObject {
    /// What the store said of the object when it was opened.
    pub(super) etag: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// Rows in the object.
    pub(super) read: u64,
    /// The rows that the cleaner kept; empty once they are written.
    pub(super) kept: Vec<RecordBatch>,
    /// The kept rows as they were written, if no other object can supersede one of them.
    pub(super) silver: Option<Stored>,
    /// Their keys, if the dataset has one.
    pub(super) keys: Option<Keys>,
    pub(super) rejected: BTreeMap<String, u64>,
    pub(super) repaired: BTreeMap<String, u64>,
    /// Rejected rows as JSON Lines; empty if there are none or quarantine is off, and once they are written.
    pub(super) rejected_lines: Vec<u8>,
    pub(super) quarantine: Option<Stored>,
    pub(super) warnings: Vec<String>,
}

/// Reads and cleans the object. `as_of` is in microseconds since the epoch.
pub(super) fn clean(
    store: &dyn Store,
    pipeline: &Pipeline,
    step: &DatasetStep,
    key: &str,
    name: &str,
    as_of: i64,
) -> Result<CleanObject> {
    let (meta, file) = store.open(key)?;
    let mut reader = HashingReader::new(file);
    let mut decoder = Decoder::new(&mut reader, step.format, &step.plugin.spec().input, pipeline.decode);
    let mut session = step.plugin.open(&step.parameters, step.plugin.identity().uses_as_of.then_some(as_of))?;
    let mut object = Object {
        pipeline,
        step,
        name,
        read: 0,
        kept: vec![],
        rejected: BTreeMap::new(),
        repaired: BTreeMap::new(),
        rejected_lines: vec![],
    };
    while let Some(batch) = decode(&mut decoder, &step.name).map_err(|error| unavailable("read", key, &error))? {
        object.take(batch, &mut session)?;
    }
    let warnings = decoder.warnings().iter().map(ToString::to_string).collect();
    // The decoder may have given up before the end; the sha256 is that of the whole object.
    std::io::copy(&mut reader, &mut std::io::sink()).map_err(|error| unavailable("read", key, &error))?;
    let (bytes, sha256) = reader.finish();
    let Object { read, kept, rejected, repaired, rejected_lines, .. } = object;
    let spec = step.plugin.spec();
    let keys = (!spec.key.is_empty()).then(|| Keys::of(&kept, spec));
    Ok(CleanObject {
        etag: meta.etag,
        bytes,
        sha256,
        read,
        kept,
        silver: None,
        keys,
        rejected,
        repaired,
        rejected_lines,
        quarantine: None,
        warnings,
    })
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
struct Object<'o> {
    pipeline: &'o Pipeline,
    step: &'o DatasetStep,
    name: &'o str,
    read: u64,
    kept: Vec<RecordBatch>,
    rejected: BTreeMap<String, u64>,
    repaired: BTreeMap<String, u64>,
    rejected_lines: Vec<u8>,
}

impl Object<'_> {
    fn take(&mut self, batch: DecodedBatch, session: &mut Session<'_>) -> Result<()> {
        self.read += batch.records.len() as u64 + batch.malformed.len() as u64;
        let cleaned = match batch.columns.num_rows() {
            0 => None,
            _ => Some(session.clean(&batch.columns)?),
        };
        self.reject(&batch, cleaned.as_ref())?;
        if let Some(Cleaned { kept, kept_rows: _, rejected: _, repaired }) = cleaned {
            for repair in repaired {
                *self.repaired.entry(self.rule(repair.rule)?.to_owned()).or_default() += u64::from(repair.rows);
            }
            if kept.num_rows() > 0 {
                self.kept.push(kept);
            }
        }
        Ok(())
    }

    fn rule(&self, index: u32) -> Result<&str> {
        let rules = &self.step.plugin.spec().rules;
        rules
            .get(index as usize)
            .map(|rule| rule.name.as_str())
            .ok_or_else(|| Error::internal(format!("no rule {index}")))
    }

    /// Counts and keeps what the decoder and the cleaner rejected, in the order of the rows.
    fn reject(&mut self, batch: &DecodedBatch, cleaned: Option<&Cleaned>) -> Result<()> {
        let _span = profile::span("quarantine", &self.step.name);
        let component = &self.step.plugin.identity().sha256;
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
        let mut lines = Vec::new();
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for row in &rejected {
            *counts.entry(row.rule.to_owned()).or_default() += 1;
            if self.pipeline.quarantine {
                row.write(&mut lines);
            }
        }
        drop(rejected);
        self.rejected_lines.append(&mut lines);
        counts.into_iter().for_each(|(rule, rows)| *self.rejected.entry(rule).or_default() += rows);
        Ok(())
    }
}
