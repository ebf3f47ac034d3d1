//! RFM scores from 1 to 5, after Hughes, *Strategic Database Marketing*, and the segments that they make.

use smelt_sdk::saved::Saved;
use smelt_sdk::{Fault, Result, Sum as _};

/// Scores of values that come in ascending order: 1 + ⌊5 × (how many are less) ÷ (how many there are)⌋. Equal values
/// have equal scores.
#[derive(Default, Saved)]
pub(crate) struct Scores<T> {
    /// The number of those that are less than the value that came last, and of those that have it.
    less: i64,
    equal: i64,
    value: Option<T>,
    /// The least value of each score that occurs: five at most.
    steps: Vec<(T, i64)>,
}

impl<T: Ord + Copy> Scores<T> {
    /// Takes the next value, which `count` of `all` have. It may come again at once.
    pub(crate) fn take(&mut self, value: T, count: i64, all: i64) -> Result<()> {
        if self.value != Some(value) {
            self.less.increase(std::mem::take(&mut self.equal))?;
            self.value = Some(value);
            let score = i128::from(self.less) * 5 / i128::from(all.max(1)) + 1;
            if self.steps.last().is_none_or(|&(_, last)| i128::from(last) < score) {
                self.steps.push((value, score as i64));
            }
        }
        self.equal.increase(count)
    }

    /// Returns the score of a value that was taken.
    pub(crate) fn of(&self, value: T) -> Result<i64> {
        let step = self.steps.partition_point(|&(from, _)| from <= value).checked_sub(1);
        step.map(|step| self.steps[step].1).ok_or_else(|| Fault::internal("a client is not among all clients"))
    }
}

/// Returns the segment of a client by the scores of recency and frequency.
pub(crate) fn segment(r: i64, f: i64) -> &'static str {
    match (r, f) {
        (..=2, ..=2) => "hibernating",
        (..=2, ..=4) => "at_risk",
        (..=2, _) => "cant_lose",
        (3, ..=2) => "about_to_sleep",
        (3, 3) => "need_attention",
        (4, 1) => "promising",
        (5.., 1) => "new",
        (4.., ..=3) => "potential_loyalist",
        (5.., _) => "champion",
        _ => "loyal",
    }
}
