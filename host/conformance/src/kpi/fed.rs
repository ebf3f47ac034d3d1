//! The sums that inputs add to the stages of a KPI.

use arrow_array::RecordBatch;

use super::differ::differ;
use smelt_common::error::Result;
use smelt_runtime::sums::{Sign, Sums};

/// For each stage the sums that inputs add to it.
pub(super) struct Fed(pub(super) Vec<Sums>);

impl Fed {
    /// Returns the sums that inputs add to the stage.
    pub(super) fn of(&self, stage: usize) -> Sums {
        let mut sums = self.0[stage].like();
        sums.add_all(&self.0[stage], Sign::Plus);
        sums
    }

    /// Adds or subtracts other sums.
    pub(super) fn add_all(&mut self, other: &Self, sign: Sign) {
        self.0.iter_mut().zip(&other.0).for_each(|(sums, other)| sums.add_all(other, sign));
    }

    /// Returns the rows of each stage, sorted by key.
    pub(super) fn batches(&self) -> Result<Vec<RecordBatch>> {
        self.0.iter().map(Sums::batch).collect()
    }
}

/// Returns how the second sums differ from the first ones.
pub(super) fn differ_fed(first: &Result<Vec<RecordBatch>>, then: &Result<Vec<RecordBatch>>) -> Option<String> {
    match (first, then) {
        (Ok(first), Ok(then)) => {
            let told = first.iter().zip(then).enumerate().find_map(|(stage, (first, then))| {
                differ(&Ok(first.clone()), &Ok(then.clone())).map(|told| (stage, told))
            });
            told.map(|(stage, told)| if stage == 0 { told } else { format!("in stage {stage}: {told}") })
        }
        (first, then) => {
            let rows = |made: &Result<Vec<RecordBatch>>| made.clone().map(|mut stages| stages.swap_remove(0));
            differ(&rows(first), &rows(then))
        }
    }
}
