//! What became of all rows of a dataset.

use std::collections::BTreeMap;

use serde::Serialize;

use super::State;

impl State {
    /// The totals of each dataset.
    pub fn totals(&self) -> Vec<Totals> {
        self.datasets
            .iter()
            .map(|(name, dataset)| {
                let mut totals = Totals { dataset: name.clone(), objects: dataset.objects.len(), ..Totals::default() };
                for entry in dataset.objects.values() {
                    totals.read += entry.read;
                    totals.kept += entry.kept();
                    totals.superseded += entry.superseded.len() as u64;
                    for (sums, rules) in
                        [(&mut totals.rejected, &entry.rejected), (&mut totals.repaired, &entry.repaired)]
                    {
                        for (rule, rows) in rules {
                            *sums.entry(rule.clone()).or_default() += rows;
                        }
                    }
                }
                totals
            })
            .collect()
    }
}

/// What became of all rows of a dataset: read = kept + rejected + superseded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// The dataset's name.
    pub dataset: String,
    /// Bronze objects read.
    pub objects: usize,
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
