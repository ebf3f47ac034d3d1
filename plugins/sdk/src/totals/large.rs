//! Counts and sums of money that do not fit 64 bits.

use super::key::Sums;
use super::wide::Wide;
use crate::Money;

/// A count and a sum of any size.
#[derive(Clone, Copy, Default)]
pub(super) struct Large {
    count: i128,
    units: Wide,
}

impl Large {
    pub(super) fn add(&mut self, count: i64, units: i128) {
        self.count += i128::from(count);
        self.units.add(units);
    }

    /// Adds the sums beside the key, and splits the result into parts that fit 64 bits and 38 digits. If the result
    /// fits them, there is one part.
    pub(super) fn parts(mut self, beside: Sums) -> ((i64, Money), Vec<(i64, Money)>) {
        self.add(beside.count, beside.units.into());
        let (parts, units) = self.units.parts();
        let mut parts: Vec<_> = parts.into_iter().map(|part| (0, Money::from_units(part))).collect();
        let count = loop {
            match i64::try_from(self.count) {
                Ok(count) => break count,
                Err(_) => {
                    let part = if self.count < 0 { i64::MIN } else { i64::MAX };
                    parts.push((part, Money::ZERO));
                    self.count -= i128::from(part);
                }
            }
        };
        ((count, Money::from_units(units)), parts)
    }
}
