//! A sum that stays exact when it exceeds 128 bits, so that the order of addition does not matter.

use crate::decimal::MAX;

/// A sum of any size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wide {
    /// The sum modulo 2^128.
    low: i128,
    /// The multiple of 2^128 that the sum has besides.
    carry: i64,
}

impl Wide {
    pub(crate) fn add(&mut self, addend: i128) {
        let overflows;
        (self.low, overflows) = self.low.overflowing_add(addend);
        if overflows {
            // An addition that overflows upwards gives a negative number, and one that overflows downwards a positive
            // one.
            self.carry += if self.low < 0 { 1 } else { -1 };
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// Returns the sum, if it fits 38 digits.
    pub(crate) fn fits(self) -> Option<i128> {
        (self.carry == 0 && self.low.unsigned_abs() <= MAX as u128).then_some(self.low)
    }

    /// Splits the sum into parts that fit 38 digits. The last part is returned apart from the others.
    pub(crate) fn parts(self) -> (Vec<i128>, i128) {
        let Self { mut low, carry } = self;
        let mut parts = Vec::new();
        for _ in 0..carry.unsigned_abs() {
            parts.extend([i128::from(carry.signum()) << 126; 4]);
        }
        while low.unsigned_abs() > MAX as u128 {
            let part = if low < 0 { -MAX } else { MAX };
            parts.push(part);
            low -= part;
        }
        (parts, low)
    }
}
