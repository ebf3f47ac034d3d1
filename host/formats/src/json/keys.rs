//! Predicts the next key of a record. The records of one object nearly always have the same keys in the same order with
//! the same blanks. So the bytes between two values (`,"name":`) are learned once and then only compared.

use std::collections::HashMap;

use crate::scan::array_at;

/// The most gaps that are learned. Records with more keys are read more slowly.
const MOST: usize = 64;

/// The column index of members that are not declared.
pub(super) const UNDECLARED: usize = usize::MAX;

/// The bytes from the end of one value to the beginning of the next. Nearly all gaps have at most 32 bytes, which are
/// compared as two words.
struct Gap {
    bytes: Box<[u8]>,
    words: [u128; 2],
    masks: [u128; 2],
    column: usize,
}

impl Gap {
    fn new(bytes: &[u8], column: usize) -> Self {
        let (mut words, mut masks) = ([[0; 16]; 2], [[0; 16]; 2]);
        for (i, &byte) in bytes.iter().take(32).enumerate() {
            (words[i / 16][i % 16], masks[i / 16][i % 16]) = (byte, 0xff);
        }
        Self {
            bytes: bytes.into(),
            words: words.map(u128::from_le_bytes),
            masks: masks.map(u128::from_le_bytes),
            column,
        }
    }

    #[inline(always)]
    fn is_at(&self, window: &[u8], at: usize) -> bool {
        match array_at::<32>(window, at) {
            Some(next) if self.bytes.len() <= 32 => {
                let ([low, high], _) = next.as_chunks::<16>() else { return false };
                let low = (u128::from_le_bytes(*low) & self.masks[0]) ^ self.words[0];
                let high = (u128::from_le_bytes(*high) & self.masks[1]) ^ self.words[1];
                low | high == 0
            }
            _ => window.get(at..).is_some_and(|rest| rest.starts_with(&self.bytes)),
        }
    }
}

/// The predictor of an object's keys, with all it has learned.
pub(super) struct Keys {
    columns: HashMap<Box<[u8]>, usize>,
    /// For each column, true if a record has had it. A key is noted when it is first looked up, so a predicted key
    /// costs nothing more.
    seen: Vec<bool>,
    /// The gap with the opening brace. It is kept apart from the others, because elsewhere in a record it is an error.
    first: Option<Gap>,
    gaps: Vec<Gap>,
}

impl Keys {
    /// Returns a predictor for the declared columns. If a name comes twice, the first one counts.
    pub(super) fn new(names: &[String]) -> Self {
        let columns = names.iter().enumerate().rev().map(|(i, name)| (name.as_bytes().into(), i)).collect();
        Self { columns, seen: vec![false; names.len()], first: None, gaps: Vec::new() }
    }

    /// Returns the index of the column with this name, or `UNDECLARED`.
    pub(super) fn column(&mut self, name: &[u8]) -> usize {
        let column = self.columns.get(name).copied().unwrap_or(UNDECLARED);
        if let Some(seen) = self.seen.get_mut(column) {
            *seen = true;
        }
        column
    }

    /// Returns for each column whether a record has had it.
    pub(super) fn seen(&self) -> &[bool] {
        &self.seen
    }

    /// Returns the columns that no record has had, in their order.
    pub(super) fn missing(&self) -> Vec<usize> {
        let mut missing: Vec<_> = self.columns.values().copied().filter(|&column| !self.seen[column]).collect();
        missing.sort_unstable();
        missing
    }

    /// Returns the column and the position of the first value of the record at `at`, if the gap before it is the
    /// learned one.
    #[inline(always)]
    pub(super) fn predict_first(&self, window: &[u8], at: usize) -> Option<(usize, usize)> {
        let gap = self.first.as_ref().filter(|gap| gap.is_at(window, at))?;
        Some((gap.column, at + gap.bytes.len()))
    }

    /// Returns the column and the position of the `step`th value after the first, if the gap at `at` is the learned
    /// one.
    #[inline(always)]
    pub(super) fn predict(&self, step: usize, window: &[u8], at: usize) -> Option<(usize, usize)> {
        let gap = self.gaps.get(step).filter(|gap| gap.is_at(window, at))?;
        Some((gap.column, at + gap.bytes.len()))
    }

    /// Learns the first gap of a record.
    pub(super) fn learn_first(&mut self, gap: &[u8], column: usize) {
        self.first = Some(Gap::new(gap, column));
    }

    /// Learns a gap that was not the `step`th. Returns the step to go on with. If the gap is already known, as when a
    /// record leaves out a key, that is the step after the known one. Otherwise it is the step after the new one.
    pub(super) fn learn(&mut self, step: usize, gap: &[u8], column: usize) -> usize {
        if let Some(known) = self.gaps.iter().position(|known| *known.bytes == *gap) {
            return known + 1;
        }
        if self.gaps.len() >= MOST {
            self.gaps.clear();
        }
        let at = step.min(self.gaps.len());
        self.gaps.insert(at, Gap::new(gap, column));
        at + 1
    }
}
