//! Cleans one batch of an object. The result depends on the batch alone, so several workers clean batches side by side.

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
use smelt_runtime::{Cleaned, Identity, Rejection, Session};

/// One batch of an object after the cleaner ran over it.
#[derive(Default)]
pub(super) struct CleanedBatch<'w> {
    /// The number of rows in the batch, malformed ones included.
    pub(super) read: u64,
    /// The number of malformed records, if these are rows too.
    pub(super) malformed: u64,
    /// The rows that the cleaner kept, if any.
    pub(super) kept: Option<RecordBatch>,
    /// The kept rows as they are written. Empty if the dataset has a key, because other rows may still supersede them.
    pub(super) encoded: Encoded,
    /// The number of rejected rows, by rule.
    pub(super) rejected: BTreeMap<&'w str, u64>,
    /// The number of repaired rows, by rule.
    pub(super) repaired: BTreeMap<&'w str, u64>,
    /// The rejected rows as JSON Lines. Empty if the pipeline keeps none.
    pub(super) quarantine: Vec<u8>,
    /// True if the object turned out to be unreadable: what came before this batch counts no more.
    pub(super) unreadable: bool,
}

/// One worker's cleaner for the batches of one object.
pub(super) struct BatchCleaner<'w> {
    work: &'w DatasetWork<'w>,
    /// The object's name.
    name: &'w str,
    session: Option<Session<'w>>,
    /// The result for the latest batch. The next batch reuses its buffers.
    result: CleanedBatch<'w>,
}

impl<'w> BatchCleaner<'w> {
    /// Returns a batch cleaner that uses `session`. Without one, it opens a session when it gets the first batch with
    /// rows.
    pub(super) fn new(work: &'w DatasetWork<'w>, name: &'w str, session: Option<Session<'w>>) -> Self {
        let result = CleanedBatch { encoded: Encoded::of(work.step.output), ..CleanedBatch::default() };
        Self { work, name, session, result }
    }

    /// Cleans the batch.
    ///
    /// # Errors
    /// The cleaner cannot be opened or fails, or a row cannot be encoded.
    pub(super) fn clean(&mut self, batch: &DecodedBatch) -> Result<&mut CleanedBatch<'w>> {
        if self.work.step.is_of_bronze() {
            let malformed = batch.malformed.len() as u64;
            (self.result.read, self.result.malformed) = (batch.records.len() as u64 + malformed, malformed);
            return Ok(&mut self.result);
        }
        let answer = match batch.columns.num_rows() {
            0 => None,
            _ => Some(self.session()?.clean(&batch.columns)?),
        };
        self.result.unreadable = batch.unreadable;
        self.result.read = batch.records.len() as u64 + batch.malformed.len() as u64;
        self.count(batch, answer.as_ref())?;
        if self.work.cleaning.pipeline.quarantine != Quarantine::Off {
            self.quarantine(batch, answer.as_ref())?;
        }
        self.result.repaired.clear();
        self.result.kept = None;
        let Some(Cleaned { kept, kept_rows: _, rejected: _, repaired }) = answer else { return Ok(&mut self.result) };
        for repair in repaired {
            *self.result.repaired.entry(self.rule(repair.rule)?).or_default() += u64::from(repair.rows);
        }
        if kept.num_rows() > 0 {
            if !self.work.is_keyed() {
                self.result.encoded.fill(&kept, None)?;
            }
            self.result.kept = Some(kept);
        }
        Ok(&mut self.result)
    }

    /// Returns the cost of the session so far; `None` if no session is open.
    pub(super) fn cost(&self) -> Option<Cost> {
        self.session.as_ref().map(Session::cost)
    }

    fn session(&mut self) -> Result<&mut Session<'w>> {
        Ok(match &mut self.session {
            Some(session) => session,
            none => none.insert(self.work.session()?),
        })
    }

    /// Returns the name of the cleaner's rule with this index.
    fn rule(&self, index: u32) -> Result<&'w str> {
        let rules = &self.work.step.plugin.spec().rules;
        rules
            .get(index as usize)
            .map(|rule| rule.name.as_str())
            .ok_or_else(|| Error::internal(format!("the cleaner has no rule with index {index}")))
    }

    /// Counts the rows that the decoder and the cleaner rejected, by rule.
    fn count(&mut self, batch: &DecodedBatch, cleaned: Option<&Cleaned>) -> Result<()> {
        let mut counts = std::mem::take(&mut self.result.rejected);
        counts.clear();
        batch.malformed.iter().for_each(|malformed| *counts.entry(malformed.rule).or_default() += 1);
        for rejection in rejections(cleaned) {
            *counts.entry(self.rule(rejection.rule)?).or_default() += 1;
        }
        self.result.rejected = counts;
        Ok(())
    }

    /// Encodes the rejected rows for quarantine, in the order of the rows.
    fn quarantine(&mut self, batch: &DecodedBatch, cleaned: Option<&Cleaned>) -> Result<()> {
        let _span = profile::span("quarantine", &self.work.step.name);
        let component = self.work.step.plugin.identity().map_or("", Identity::sha256);
        let masked = self.work.cleaning.pipeline.quarantine == Quarantine::Masked;
        let text = |record| if masked { Rejected::masked(record) } else { Rejected::raw(record) };
        let by_decoder = batch.malformed.iter().map(|malformed| {
            let Malformed { number, offset, len, raw, rule, detail } = malformed;
            let raw = text(&batch.raw[raw.clone()]);
            let detail = Some(detail.as_str());
            Ok(Rejected { rule, detail, object: self.name, row: *number, offset: *offset, bytes: *len, component, raw })
        });
        let by_cleaner = rejections(cleaned).iter().map(|rejection| {
            let record = batch.records[rejection.row as usize];
            let (rule, raw) = (self.rule(rejection.rule)?, text(&batch.raw[record.range()]));
            let (offset, bytes) = (batch.offset + u64::from(record.start), record.len.into());
            Ok(Rejected { rule, detail: None, object: self.name, row: record.number, offset, bytes, component, raw })
        });
        let mut rejected = by_decoder.chain(by_cleaner).collect::<Result<Vec<_>>>()?;
        rejected.sort_unstable_by_key(|rejected| rejected.row);
        let lines = &mut self.result.quarantine;
        lines.clear();
        rejected.iter().for_each(|row| row.write(lines));
        Ok(())
    }
}

fn rejections(cleaned: Option<&Cleaned>) -> &[Rejection] {
    cleaned.map_or(&[], |cleaned| &cleaned.rejected)
}
