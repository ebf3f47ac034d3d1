//! What became of all rows of a dataset.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::entry::Entry;

/// What became of all rows of a dataset: read = kept + rejected + superseded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Bronze objects read.
    pub objects: u64,
    /// Rows in them.
    pub read: u64,
    /// Rows in silver.
    pub kept: u64,
    /// Rows that lost to another row of the same key.
    pub superseded: u64,
    /// Rows in quarantine, by rule.
    pub rejected: BTreeMap<String, u64>,
    /// Rows in silver with a value changed, by rule.
    pub repaired: BTreeMap<String, u64>,
}

impl Totals {
    /// Counts an object in.
    pub fn add(&mut self, entry: &Entry) {
        self.change(entry, |total, rows| *total += rows);
    }

    /// Counts an object out that was counted in.
    pub fn subtract(&mut self, entry: &Entry) {
        self.change(entry, |total, rows| *total -= rows);
    }

    fn change(&mut self, entry: &Entry, by: impl Fn(&mut u64, u64)) {
        by(&mut self.objects, 1);
        by(&mut self.read, entry.read);
        by(&mut self.kept, entry.kept());
        by(&mut self.superseded, entry.superseded.len() as u64);
        for (sums, rules) in [(&mut self.rejected, &entry.rejected), (&mut self.repaired, &entry.repaired)] {
            for (rule, &rows) in rules {
                by(sums.entry(rule.clone()).or_default(), rows);
            }
            sums.retain(|_, rows| *rows > 0);
        }
    }
}
