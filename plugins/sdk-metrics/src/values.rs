//! The values of one metric, as far as they are asked for.

use smelt_sdk::{Result, Sum as _};

use crate::near;
use crate::rows::OfMetric;

/// The values of a metric in ascending order, in units of a hundredth. They are read from their rows where they are needed,
/// so that memory is needed for the rows alone.
#[derive(Default)]
pub struct Values<'v> {
    metric: &'v str,
    groups: Vec<Group<'v>>,
    count: i64,
}

struct Group<'v> {
    /// The number of values in the groups before.
    before: i64,
    near: i128,
    values: &'v str,
}

impl<'v> Values<'v> {
    /// Returns the values of these rows, which are all rows of the metric.
    ///
    /// # Errors
    /// Fails if the number of values exceeds 64 bits.
    pub fn of(rows: &[OfMetric<'v>]) -> Result<Self> {
        let mut all = Self::default();
        for row in rows {
            match *row {
                OfMetric::Named { metric } => all.metric = metric,
                OfMetric::Near { metric, near, values, rows } => {
                    all.metric = metric;
                    all.groups.push(Group { before: all.count, near: near.units(), values });
                    all.count.increase(rows)?;
                }
            }
        }
        Ok(all)
    }

    /// Returns the metric.
    pub fn metric(&self) -> &'v str {
        self.metric
    }

    /// Returns how many values there are.
    pub fn count(&self) -> i64 {
        self.count
    }

    /// Returns the least and the greatest value.
    pub fn ends(&self) -> Option<(i128, i128)> {
        Some((self.at(0)?, self.at(self.count - 1)?))
    }

    /// Returns the different values, each with the number of times that it is there.
    pub fn iter(&self) -> impl Iterator<Item = (i128, i64)> {
        self.groups.iter().flat_map(|group| near::read(group.near, group.values))
    }

    /// Returns the value before which so many others come.
    pub fn at(&self, rank: i64) -> Option<i128> {
        let group = self.groups.partition_point(|group| group.before <= rank).checked_sub(1)?;
        let Group { before, near, values } = self.groups[group];
        let mut left = rank - before;
        let mut here = near::read(near, values);
        let found = here.find(|&(_, rows)| {
            left -= rows;
            left < 0
        });
        found.map(|(value, _)| value)
    }
}
