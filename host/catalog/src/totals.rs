//! Counts the rows of a dataset, by what became of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::entry::Entry;

/// The number of rows of a dataset, by what became of them: read = kept + rejected + superseded + held.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// The number of bronze objects that were read.
    pub objects: u64,
    /// The number of rows in these objects.
    pub read: u64,
    /// The number of rows in silver.
    pub kept: u64,
    /// The number of rows that another row with the same key superseded.
    pub superseded: u64,
    /// The number of rows of objects that checks or people keep out.
    #[serde(default, skip_serializing_if = "is_none")]
    pub held: u64,
    /// The number of rejected rows, by rule.
    pub rejected: BTreeMap<String, u64>,
    /// The number of repaired rows, by rule. Repaired rows are kept, with a changed value.
    pub repaired: BTreeMap<String, u64>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(rows: &u64) -> bool {
    *rows == 0
}

impl Totals {
    /// Returns the account of one object.
    pub fn of(entry: &Entry) -> Self {
        let mut totals = Self::default();
        totals.add(entry);
        totals
    }

    /// Adds the rows of an object.
    pub fn add(&mut self, entry: &Entry) {
        self.change(entry, |total, rows| *total += rows);
    }

    /// Subtracts the rows of an object that was added before.
    pub fn subtract(&mut self, entry: &Entry) {
        self.change(entry, |total, rows| *total -= rows);
    }

    fn change(&mut self, entry: &Entry, by: impl Fn(&mut u64, u64)) {
        by(&mut self.objects, 1);
        by(&mut self.read, entry.read);
        by(&mut self.kept, entry.kept());
        by(&mut self.superseded, entry.superseded.len() as u64);
        by(&mut self.held, entry.held());
        for (sums, rules) in [(&mut self.rejected, &entry.rejected), (&mut self.repaired, &entry.repaired)] {
            for (rule, &rows) in rules {
                by(sums.entry(rule.clone()).or_default(), rows);
            }
            sums.retain(|_, rows| *rows > 0);
        }
    }
}
