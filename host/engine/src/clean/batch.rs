//! What becomes of one batch. It depends on the batch alone, so several are made side by side.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;

use super::context::DatasetWork;
use crate::manifest::Quarantine;
use crate::quarantine::Rejected;
use crate::silver::Encoded;
use smelt_common::cost::Cost;
use smelt_common::error::Result;
use smelt_common::{Error, profile};
use smelt_formats::{DecodedBatch, Malformed};
use smelt_runtime::{Cleaned, Rejection, Session};

/// One batch of an object, cleaned.
#[derive(Default)]
pub(super) struct CleanedBatch<'w> {
    pub(super) read: u64,
    /// The rows that the cleaner kept, if any.
    pub(super) kept: Option<RecordBatch>,
    /// The same as they are written, unless others may supersede them.
    pub(super) encoded: Encoded,
    pub(super) rejected: BTreeMap<&'w str, u64>,
    pub(super) repaired: BTreeMap<&'w str, u64>,
    /// The rejected rows as they are written, if they are.
    pub(super) quarantine: Vec<u8>,
}

/// What one worker makes the parts of one object with.
pub(super) struct Maker<'w> {
    work: &'w DatasetWork<'w>,
    name: &'w str,
    session: Option<Session<'w>>,
    /// The last one; its buffers are used again.
    part: CleanedBatch<'w>,
}

impl<'w> Maker<'w> {
    /// With that session, or one that is opened for the first batch.
    pub(super) fn new(work: &'w DatasetWork<'w>, name: &'w str, session: Option<Session<'w>>) -> Self {
        Self { work, name, session, part: CleanedBatch::default() }
    }

    /// Cleans the batch.
    pub(super) fn make(&mut self, batch: &DecodedBatch) -> Result<&mut CleanedBatch<'w>> {
        let cleaned = match batch.columns.num_rows() {
            0 => None,
            _ => Some(self.session()?.clean(&batch.columns)?),
        };
        self.part.read = batch.records.len() as u64 + batch.malformed.len() as u64;
        self.count(batch, cleaned.as_ref())?;
        if self.work.cleaning.pipeline.quarantine != Quarantine::Off {
            self.quarantine(batch, cleaned.as_ref())?;
        }
        self.part.repaired.clear();
        self.part.kept = None;
        let Some(Cleaned { kept, kept_rows: _, rejected: _, repaired }) = cleaned else { return Ok(&mut self.part) };
        for repair in repaired {
            *self.part.repaired.entry(self.rule(repair.rule)?).or_default() += u64::from(repair.rows);
        }
        if kept.num_rows() > 0 {
            if !self.work.is_keyed() {
                self.part.encoded.fill(&kept, None)?;
            }
            self.part.kept = Some(kept);
        }
        Ok(&mut self.part)
    }

    /// What its session has used, if it has one.
    pub(super) fn cost(&self) -> Option<Cost> {
        self.session.as_ref().map(Session::cost)
    }

    fn session(&mut self) -> Result<&mut Session<'w>> {
        Ok(match &mut self.session {
            Some(session) => session,
            none => none.insert(self.work.session()?),
        })
    }

    fn rule(&self, index: u32) -> Result<&'w str> {
        let rules = &self.work.step.plugin.spec().rules;
        rules
            .get(index as usize)
            .map(|rule| rule.name.as_str())
            .ok_or_else(|| Error::internal(format!("no rule {index}")))
    }

    /// Counts what the decoder and the cleaner rejected.
    fn count(&mut self, batch: &DecodedBatch, cleaned: Option<&Cleaned>) -> Result<()> {
        let mut counts = std::mem::take(&mut self.part.rejected);
        counts.clear();
        batch.malformed.iter().for_each(|malformed| *counts.entry(malformed.rule).or_default() += 1);
        for rejection in rejections(cleaned) {
            *counts.entry(self.rule(rejection.rule)?).or_default() += 1;
        }
        self.part.rejected = counts;
        Ok(())
    }

    /// Writes it down, in the order of the rows.
    fn quarantine(&mut self, batch: &DecodedBatch, cleaned: Option<&Cleaned>) -> Result<()> {
        let _span = profile::span("quarantine", &self.work.step.name);
        let component = self.work.step.plugin.identity().sha256();
        let masked = self.work.cleaning.pipeline.quarantine == Quarantine::Masked;
        let kept = |record| if masked { Rejected::masked(record) } else { Rejected::raw(record) };
        let of_decoder = batch.malformed.iter().map(|malformed| {
            let Malformed { number, offset, len, raw, rule, detail } = malformed;
            let raw = kept(&batch.raw[raw.clone()]);
            let detail = Some(detail.as_str());
            Ok(Rejected { rule, detail, object: self.name, row: *number, offset: *offset, bytes: *len, component, raw })
        });
        let of_cleaner = rejections(cleaned).iter().map(|rejection| {
            let record = batch.records[rejection.row as usize];
            let (rule, raw) = (self.rule(rejection.rule)?, kept(&batch.raw[record.range()]));
            let (offset, bytes) = (batch.offset + u64::from(record.start), record.len.into());
            Ok(Rejected { rule, detail: None, object: self.name, row: record.number, offset, bytes, component, raw })
        });
        let mut rejected = of_decoder.chain(of_cleaner).collect::<Result<Vec<_>>>()?;
        rejected.sort_unstable_by_key(|rejected| rejected.row);
        let lines = &mut self.part.quarantine;
        lines.clear();
        rejected.iter().for_each(|row| row.write(lines));
        Ok(())
    }
}

fn rejections(cleaned: Option<&Cleaned>) -> &[Rejection] {
    cleaned.map_or(&[], |cleaned| &cleaned.rejected)
}
