//! Predicts the next key of a record. Records of one object nearly always have the same keys in the same order with the
//! same spaces, so the bytes between two values (`,"name":`) are learned and then only compared.

use std::collections::HashMap;

use super::super::scan::array_at;

/// Most gaps learned; records with more keys than that pay for the others.
const MOST: usize = 64;

/// The column index of members that are not declared.
pub(super) const UNDECLARED: usize = usize::MAX;

/// The bytes from the end of one value to the beginning of the next. Up to 32 bytes, which is nearly all, compare as
/// two words.
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

/// What has been learned about an object's keys.
pub(super) struct Keys {
    columns: HashMap<Box<[u8]>, usize>,
    /// Whether a record has had each column. A key is noted where it is first looked up, so a predicted key costs nothing
    /// more.
    seen: Vec<bool>,
    /// The gap with the opening brace, apart from the others: elsewhere in a record it would be an error.
    first: Option<Gap>,
    gaps: Vec<Gap>,
}

impl Keys {
    /// `columns` are the declared names; of equal ones the first counts.
    pub(super) fn new(names: &[String]) -> Self {
        let columns = names.iter().enumerate().rev().map(|(i, name)| (name.as_bytes().into(), i)).collect();
        Self { columns, seen: vec![false; names.len()], first: None, gaps: Vec::new() }
    }

    /// The index of the column with this name, `UNDECLARED` if there is none.
    pub(super) fn column(&mut self, name: &[u8]) -> usize {
        let column = self.columns.get(name).copied().unwrap_or(UNDECLARED);
        if let Some(seen) = self.seen.get_mut(column) {
            *seen = true;
        }
        column
    }

    /// The columns that no record has had, in their order.
    pub(super) fn missing(&self) -> Vec<usize> {
        let mut missing: Vec<_> = self.columns.values().copied().filter(|&column| !self.seen[column]).collect();
        missing.sort_unstable();
        missing
    }

    /// The column and the position of the first value of the record at `at`, if its gap is as before.
    #[inline(always)]
    pub(super) fn predict_first(&self, window: &[u8], at: usize) -> Option<(usize, usize)> {
        let gap = self.first.as_ref().filter(|gap| gap.is_at(window, at))?;
        Some((gap.column, at + gap.bytes.len()))
    }

    /// The same for the `step`th value after the first.
    #[inline(always)]
    pub(super) fn predict(&self, step: usize, window: &[u8], at: usize) -> Option<(usize, usize)> {
        let gap = self.gaps.get(step).filter(|gap| gap.is_at(window, at))?;
        Some((gap.column, at + gap.bytes.len()))
    }

    /// Learns the first gap of a record.
    pub(super) fn learn_first(&mut self, gap: &[u8], column: usize) {
        self.first = Some(Gap::new(gap, column));
    }

    /// Learns a gap that was not the `step`th, and gives the step to go on with: after where it is already known, as
    /// when a record leaves out a key, or after its new place.
    pub(super) fn learn(&mut self, step: usize, gap: &[u8], column: usize) -> usize {
        if let Some(known) = self.gaps.iter().position(|known| *known.bytes == *gap) {
            return known + 1;
        }
        if self.gaps.len() >= MOST {
            self.gaps.clear();
        }
        let place = step.min(self.gaps.len());
        self.gaps.insert(place, Gap::new(gap, column));
        place + 1
    }
}
