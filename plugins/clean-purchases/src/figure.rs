//! Figures: numbers of a bronze row, judged as they are written.
//!
//! [`Number`] keeps 38 digits. That is enough to round a figure, but not to tell whether it is negative (`-1e-99`) or
//! whole (`2.` with forty zeros and a `1`). The text itself tells both.

use smelt_sdk::{Money, Number};

/// The magnitude from which a number is taken for an error of the system that wrote it, so it counts as missing.
pub(crate) const TOO_GREAT: i128 = 1_000_000_000;

/// A number as it is written, with a magnitude below [`TOO_GREAT`].
#[derive(Clone, Copy)]
pub(crate) struct Figure<'a> {
    text: &'a str,
    number: Number,
}

impl<'a> Figure<'a> {
    /// Reads a trimmed text, if it is such a number.
    pub(crate) fn read(text: &'a str) -> Option<Self> {
        let number = Number::parse(text).filter(|number| number.trunc().abs() < TOO_GREAT)?;
        Some(Self { text, number })
    }

    /// Returns whether the figure is less than zero, by however little. `-0` is not.
    pub(crate) fn is_negative(self) -> bool {
        self.text.starts_with('-') && !is_zero(self.split().0)
    }

    /// Returns the figure if it is whole, however it is written: `2`, `2.0`, `2e0`, `20e-1`.
    pub(crate) fn whole(self) -> Option<i64> {
        let (digits, exponent) = self.split();
        let (integer, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        // The places after the point without the exponent. Zeros at the end need none; those of `20` even spare one.
        let places = match fraction.trim_end_matches('0') {
            "" => integer.trim_end_matches('0').len() as i64 - integer.len() as i64,
            fraction => fraction.len() as i64,
        };
        let whole = is_zero(digits) || places <= exponent;
        whole.then(|| i64::try_from(self.number.trunc()).ok()).flatten()
    }

    /// Returns the figure as money, rounded half away from zero.
    pub(crate) fn money(self) -> Money {
        // A figure has at most nine digits before the point, so it always fits.
        self.number.round().unwrap_or(Money::ZERO)
    }

    /// Splits the text into its digits, with sign and point, and its exponent.
    fn split(self) -> (&'a str, i64) {
        match self.text.split_once(['e', 'E']) {
            // `Number` has read the exponent before, so it is one.
            Some((digits, exponent)) => (digits, exponent.parse().unwrap_or(0)),
            None => (self.text, 0),
        }
    }
}

/// Returns whether digits, with sign and point, are zero.
fn is_zero(digits: &str) -> bool {
    !digits.contains(|digit| matches!(digit, '1'..='9'))
}
