//! Exact quotients.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::{Decimal, Fault, Result};

/// An exact quotient of integers. It is rounded once, where it is written:
///
/// ```
/// # use smelt_sdk::{Money, Ratio};
/// let average = Ratio::from(Money::from_units(1001)) / 2;
/// assert_eq!(average.round::<2>().unwrap(), Some(Money::from_units(501)));
/// assert_eq!((average / 0).round::<2>().unwrap(), None);
/// ```
///
/// What is divided by 0 has no value, and neither has what is computed with it.
#[derive(Debug, Clone, Copy)]
pub struct Ratio(State);

#[derive(Debug, Clone, Copy)]
enum State {
    /// The second number is greater than 0. It is in lowest terms only where it must be, to fit.
    Value(i128, i128),
    /// A divisor was 0.
    Missing,
    /// A number exceeded 128 bits.
    TooLarge,
}

impl Ratio {
    /// Zero.
    pub const ZERO: Self = Self(State::Value(0, 1));

    /// Returns the value with so many places, rounded half away from zero. There is none if a divisor was 0.
    ///
    /// # Errors
    /// Fails if the computation exceeded 128 bits, or the value 38 digits.
    pub fn round<const SCALE: u8>(self) -> Result<Option<Decimal<SCALE>>> {
        let (over, under) = match self.0 {
            State::Value(over, under) => (over, under),
            State::Missing => return Ok(None),
            State::TooLarge => return Err(too_large()),
        };
        // The part before the point and the rest are scaled apart, so that the product fits whenever the result does.
        let one = 10i128.pow(SCALE.into());
        let (whole, rest) = (over / under, over % under);
        let rest = divide_half_away(rest, one, under).ok_or_else(too_large)?;
        let units = whole.checked_mul(one).and_then(|units| units.checked_add(rest)).ok_or_else(too_large)?;
        let decimal = Decimal::ZERO.checked_add(Decimal::from_units(units)).ok_or_else(too_large)?;
        Ok(Some(decimal))
    }

    /// Returns the value with so many places, as [`round`](Self::round) does.
    ///
    /// # Errors
    /// Fails as [`round`](Self::round) does, and if a divisor was 0.
    pub fn value<const SCALE: u8>(self) -> Result<Decimal<SCALE>> {
        self.round()?.ok_or_else(|| Fault::internal("a divisor is 0"))
    }

    /// Returns the quotient of two numbers that fit, if they do.
    fn of(over: Option<i128>, under: Option<i128>) -> Self {
        match (over, under) {
            (_, Some(0)) => Self(State::Missing),
            (Some(over), Some(under)) if under > 0 => Self(State::Value(over, under)),
            (Some(over), Some(under)) => match (over.checked_neg(), under.checked_neg()) {
                (Some(over), Some(under)) => Self(State::Value(over, under)),
                _ => Self(State::TooLarge),
            },
            _ => Self(State::TooLarge),
        }
    }

    fn with(self, other: Self, both: impl FnOnce((i128, i128), (i128, i128)) -> Self) -> Self {
        match (self.0, other.0) {
            (State::Value(a, b), State::Value(c, d)) => both((a, b), (c, d)),
            (State::Missing, _) | (_, State::Missing) => Self(State::Missing),
            _ => Self(State::TooLarge),
        }
    }
}

#[cold]
fn too_large() -> Fault {
    Fault::invalid_input("a quotient exceeds 128 bits")
}

/// Returns `rest` × `one` ÷ `under`, rounded half away from zero, where |`rest`| < `under`.
fn divide_half_away(rest: i128, one: i128, under: i128) -> Option<i128> {
    let (quotient, left) = match rest.checked_mul(one) {
        Some(product) => (product / under, product % under),
        None => {
            // Long division, a digit at a time: it fits unless the divisor nearly fills 128 bits.
            let (mut quotient, mut left, mut places) = (0i128, rest, one);
            while places > 1 {
                let digit = left.checked_mul(10)?;
                (quotient, left, places) = (quotient * 10 + digit / under, digit % under, places / 10);
            }
            (quotient, left)
        }
    };
    let up = left.unsigned_abs() >= under.unsigned_abs() - left.unsigned_abs();
    Some(quotient + if up { rest.signum() } else { 0 })
}

/// Returns the quotient in lowest terms, where the second number is greater than 0.
fn lowest(over: i128, under: i128) -> (i128, i128) {
    let common = greatest_divisor(over.unsigned_abs(), under.unsigned_abs()) as i128;
    (over / common, under / common)
}

fn greatest_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        // In WebAssembly a division of 128 bits is a call of many instructions.
        if let (Ok(a), Ok(b)) = (u64::try_from(a), u64::try_from(b)) {
            return short_divisor(a, b).into();
        }
        (a, b) = (b, a % b);
    }
    a.max(1)
}

fn short_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl From<i64> for Ratio {
    fn from(value: i64) -> Self {
        Self(State::Value(value.into(), 1))
    }
}

impl<const SCALE: u8> From<Decimal<SCALE>> for Ratio {
    fn from(value: Decimal<SCALE>) -> Self {
        Self::of(Some(value.units()), Some(10i128.pow(SCALE.into())))
    }
}

impl<T: Into<Ratio>> Add<T> for Ratio {
    type Output = Self;
    fn add(self, other: T) -> Self {
        fn sum((a, b): (i128, i128), (c, d): (i128, i128)) -> Option<(i128, i128)> {
            Some((a.checked_mul(d)?.checked_add(c.checked_mul(b)?)?, b.checked_mul(d)?))
        }
        self.with(other.into(), |one, other| {
            let sum = sum(one, other).or_else(|| sum(lowest(one.0, one.1), lowest(other.0, other.1)));
            Self::of(sum.map(|sum| sum.0), sum.map(|sum| sum.1))
        })
    }
}

impl<T: Into<Ratio>> Sub<T> for Ratio {
    type Output = Self;
    fn sub(self, other: T) -> Self {
        self + -other.into()
    }
}

impl Neg for Ratio {
    type Output = Self;
    fn neg(self) -> Self {
        Self::ZERO.with(self, |_, (c, d)| Self::of(c.checked_neg(), Some(d)))
    }
}

impl<T: Into<Ratio>> Mul<T> for Ratio {
    type Output = Self;
    fn mul(self, other: T) -> Self {
        fn product((a, b): (i128, i128), (c, d): (i128, i128)) -> Option<(i128, i128)> {
            Some((a.checked_mul(c)?, b.checked_mul(d)?))
        }
        self.with(other.into(), |(a, b), (c, d)| {
            let product = product((a, b), (c, d)).or_else(|| {
                let ((a, b), (c, d)) = (lowest(a, b), lowest(c, d));
                product(lowest(a, d), lowest(c, b))
            });
            Self::of(product.map(|product| product.0), product.map(|product| product.1))
        })
    }
}

impl<T: Into<Ratio>> Div<T> for Ratio {
    type Output = Self;
    fn div(self, other: T) -> Self {
        let inverse = Self::ZERO.with(other.into(), |_, (c, d)| Self::of(Some(d), Some(c)));
        inverse.mul(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Money;

    fn quotient(over: i64, under: i64) -> Ratio {
        Ratio::from(over) / under
    }

    fn rounded(ratio: Ratio) -> Option<String> {
        ratio.round::<2>().expect("it fits").map(|value| value.to_string())
    }

    proptest! {
        #[test]
        fn arithmetic_is_that_of_fractions(a in -9999i64..9999, b in 1i64..999, c in -9999i64..9999, d in 1i64..999) {
            let (one, two) = (quotient(a, -b), quotient(c, d));
            prop_assert_eq!(rounded(one + two), rounded(quotient(c * b - a * d, b * d)));
            prop_assert_eq!(rounded(one - two), rounded(quotient(-a * d - c * b, b * d)));
            prop_assert_eq!(rounded(one * two), rounded(quotient(-a * c, b * d)));
            prop_assert_eq!(rounded(one / two), if c == 0 { None } else { rounded(quotient(-a * d, b * c)) });
        }

        #[test]
        fn large_numbers_are_rounded_as_small_ones(
            over in -9999i64..9999,
            under in 1i64..999,
            by in 1i128..10i128.pow(30),
        ) {
            let scaled = Ratio(State::Value(i128::from(over) * by, i128::from(under) * by));
            prop_assert_eq!(rounded(scaled), rounded(quotient(over, under)));
            prop_assert_eq!(rounded(scaled * scaled), rounded(quotient(over, under) * quotient(over, under)));
            prop_assert_eq!(rounded(scaled + scaled), rounded(quotient(2 * over, under)));
        }
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (over, under, expected) in
            [(1, 200, "0.01"), (-1, 200, "-0.01"), (1, 201, "0.00"), (10, 4, "2.50"), (0, -3, "0.00"), (2, 3, "0.67")]
        {
            assert_eq!(rounded(quotient(over, under)).as_deref(), Some(expected), "{over} / {under}");
        }
    }

    #[test]
    fn what_is_divided_by_0_is_missing_and_what_does_not_fit_is_a_fault() {
        assert_eq!(rounded(quotient(0, 0)), None);
        assert_eq!(rounded(Ratio::from(1) + quotient(1, 0)), None);
        assert!(quotient(1, 0).value::<2>().is_err());
        let most = Ratio::from(Money::from_units(crate::decimal::MAX));
        assert_eq!(most.round::<2>().expect("it fits"), Some(Money::from_units(crate::decimal::MAX)));
        assert!((most * 10).round::<2>().is_err());
        assert!((most * most * most).round::<2>().is_err());
    }
}
