//! A sum that is exact however far it leaves 128 bits on the way, so that the order of addition does not show.

use crate::decimal::MAX;

/// A sum of any size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Wide {
    /// Modulo 2^128.
    low: i128,
    /// How many times 2^128 is to be added.
    carry: i64,
}

impl Wide {
    pub(crate) fn add(&mut self, addend: i128) {
        let overflows;
        (self.low, overflows) = self.low.overflowing_add(addend);
        if overflows {
            // It left 128 bits at the end that it was going to, so what is kept has the other sign.
            self.carry += if self.low < 0 { 1 } else { -1 };
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// The sum, if 38 digits hold it.
    pub(crate) fn fits(self) -> Option<i128> {
        (self.carry == 0 && self.low.unsigned_abs() <= MAX as u128).then_some(self.low)
    }

    /// Parts that 38 digits hold, and what is left of it, which they hold too.
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
