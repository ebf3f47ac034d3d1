//! Exact quotients.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::saved::{Saved, malformed};
use crate::{Decimal, Exact, Fault, Result};

/// An exact quotient of integers. It is rounded once, where it is written:
///
/// ```
/// # use smelt_sdk::{Money, Ratio};
/// let average = Ratio::from(Money::from_units(1001)) / 2;
/// assert_eq!(average.round::<2>().unwrap(), Some(Money::from_units(501)));
/// assert_eq!((average / 0).round::<2>().unwrap(), None);
/// ```
///
/// A quotient by 0 has no value, and neither has anything that is computed with it.
#[derive(Debug, Clone, Copy)]
pub struct Ratio(State);

#[derive(Debug, Clone, Copy, Saved)]
enum State {
    /// The second number is greater than 0. It is in lowest terms only where it must be, to fit.
    Value(i128, i128),
    /// Numbers that exceed 128 bits even in lowest terms. The second one is greater than 0.
    Wide(Exact, Exact),
    /// A divisor was 0.
    Missing,
    /// A number exceeded 384 bits.
    TooLarge,
}

impl Ratio {
    /// Zero.
    pub const ZERO: Self = Self(State::Value(0, 1));

    /// Returns the value with so many places, rounded half away from zero. There is none if a divisor was 0.
    ///
    /// # Errors
    /// Fails if the value exceeds 38 digits, or the computation 384 bits.
    pub fn round<const SCALE: u8>(self) -> Result<Option<Decimal<SCALE>>> {
        let one = 10i128.pow(SCALE.into());
        let units = match self.0 {
            State::Value(over, under) => {
                // The part before the point and the rest are scaled apart, so that nearly always 128 bits are enough.
                let (whole, rest) = (over / under, over % under);
                let rest = divide_half_away(rest, one, under);
                whole.checked_mul(one).and_then(|units| units.checked_add(rest?))
            }
            State::Wide(over, under) => {
                over.checked_mul(one.into()).and_then(|over| over.divide_half_away(under)?.short())
            }
            State::Missing => return Ok(None),
            State::TooLarge => return Err(Fault::invalid_input("a quotient exceeds 384 bits")),
        };
        let decimal = units.and_then(|units| Decimal::ZERO.checked_add(Decimal::from_units(units)));
        decimal.map(Some).ok_or_else(|| Fault::invalid_input("a quotient exceeds 38 digits"))
    }

    /// Returns the value with so many places, as [`round`](Self::round) does.
    ///
    /// # Errors
    /// Fails as [`round`](Self::round) does, and if a divisor was 0.
    pub fn value<const SCALE: u8>(self) -> Result<Decimal<SCALE>> {
        self.round()?.ok_or_else(|| Fault::internal("a divisor is 0"))
    }

    /// Returns the square root with so many places, rounded half away from zero. There is none if a divisor was 0.
    ///
    /// ```
    /// # use smelt_sdk::Ratio;
    /// assert_eq!((Ratio::from(9) / 4).square_root::<1>().unwrap().map(|root| root.units()), Some(15));
    /// ```
    ///
    /// # Errors
    /// Fails if the value is less than 0, if the root exceeds 38 digits, or the computation 384 bits.
    pub fn square_root<const SCALE: u8>(self) -> Result<Option<Decimal<SCALE>>> {
        let (over, under) = match self.0 {
            State::Value(over, under) => (over.into(), under.into()),
            State::Wide(over, under) => (over, under),
            State::Missing => return Ok(None),
            State::TooLarge => return Err(Fault::invalid_input("a quotient exceeds 384 bits")),
        };
        if over < Exact::default() {
            return Err(Fault::invalid_input("a number less than 0 has no square root"));
        }
        let one = Exact::from(10i128.pow(SCALE.into()));
        let four = Exact::from(4i64).checked_mul(one).and_then(|four| four.checked_mul(one));
        let limit = four.and_then(|four| over.checked_mul(four));
        let limit = limit.ok_or_else(|| Fault::invalid_input("a quotient exceeds 384 bits"))?;
        // Half a unit less than the root that is looked for is at most the exact root: (2 root - 1)² <= 4 over / under.
        let is_reached = |root: i128| {
            let twice = Exact::from(root) + Exact::from(root - 1);
            twice.checked_mul(twice).and_then(|square| square.checked_mul(under)).is_some_and(|square| square <= limit)
        };
        let root = (0..127).rev().fold(0i128, |root, bit| {
            let greater = root | 1 << bit;
            if is_reached(greater) { greater } else { root }
        });
        let decimal = Decimal::ZERO.checked_add(Decimal::from_units(root));
        decimal.map(Some).ok_or_else(|| Fault::invalid_input("a square root exceeds 38 digits"))
    }

    /// Returns the quotient of two numbers, if 128 bits hold it with a divisor that is not negative.
    fn short(over: i128, under: i128) -> Option<Self> {
        match under {
            0 => Some(Self(State::Missing)),
            1.. => Some(Self(State::Value(over, under))),
            _ => Some(Self(State::Value(over.checked_neg()?, under.checked_neg()?))),
        }
    }

    /// Returns the quotient of two numbers of any size.
    fn wide(over: Exact, under: Exact) -> Self {
        let (over, under) = if under < Exact::default() { (-over, -under) } else { (over, under) };
        match (over.short(), under.short()) {
            (_, Some(0)) => Self(State::Missing),
            (Some(over), Some(under)) => Self(State::Value(over, under)),
            _ => Self(State::Wide(over, under)),
        }
    }

    /// Computes with two quotients: in 128 bits if they hold the numbers, and otherwise in 384 bits.
    fn with(
        self,
        other: Self,
        short: impl FnOnce((i128, i128), (i128, i128)) -> Option<(i128, i128)>,
        wide: impl FnOnce((Exact, Exact), (Exact, Exact)) -> Option<(Exact, Exact)>,
    ) -> Self {
        if let (State::Value(a, b), State::Value(c, d)) = (self.0, other.0)
            && let Some(quotient) = short((a, b), (c, d)).and_then(|(over, under)| Self::short(over, under))
        {
            return quotient;
        }
        let numbers = |state| match state {
            State::Value(over, under) => Some((over.into(), under.into())),
            State::Wide(over, under) => Some((over, under)),
            State::Missing | State::TooLarge => None,
        };
        match (self.0, other.0) {
            (State::Missing, _) | (_, State::Missing) => Self(State::Missing),
            (one, other) => {
                let made = numbers(one).zip(numbers(other)).and_then(|(one, other)| wide(one, other));
                made.map_or(Self(State::TooLarge), |(over, under)| Self::wide(over, under))
            }
        }
    }
}

/// Returns `rest` × `one` ÷ `under`, rounded half away from zero, where |`rest`| < `under`.
fn divide_half_away(rest: i128, one: i128, under: i128) -> Option<i128> {
    let Some(product) = rest.checked_mul(one) else {
        return Exact::from(rest).checked_mul(one.into())?.divide_half_away(under.into())?.short();
    };
    let (quotient, left) = (product / under, product % under);
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

/// The terms are saved as they are, not in lowest terms: those decide what exceeds 384 bits.
impl Saved for Ratio {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        let state = Saved::resume(bytes)?;
        let is_positive = match state {
            State::Value(_, under) => under > 0,
            State::Wide(_, under) => under.is_positive(),
            State::Missing | State::TooLarge => true,
        };
        if is_positive { Ok(Self(state)) } else { Err(malformed()) }
    }
}

impl From<i64> for Ratio {
    fn from(value: i64) -> Self {
        Self(State::Value(value.into(), 1))
    }
}

impl From<Exact> for Ratio {
    fn from(value: Exact) -> Self {
        Self::wide(value, 1i64.into())
    }
}

impl<const SCALE: u8> From<Decimal<SCALE>> for Ratio {
    fn from(value: Decimal<SCALE>) -> Self {
        Self(State::Value(value.units(), 10i128.pow(SCALE.into())))
    }
}

impl<T: Into<Ratio>> Add<T> for Ratio {
    type Output = Self;
    fn add(self, other: T) -> Self {
        fn sum((a, b): (i128, i128), (c, d): (i128, i128)) -> Option<(i128, i128)> {
            Some((a.checked_mul(d)?.checked_add(c.checked_mul(b)?)?, b.checked_mul(d)?))
        }
        self.with(
            other.into(),
            |one, other| sum(one, other).or_else(|| sum(lowest(one.0, one.1), lowest(other.0, other.1))),
            |(a, b), (c, d)| Some((a.checked_mul(d)?.checked_add(c.checked_mul(b)?)?, b.checked_mul(d)?)),
        )
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
        Self::ZERO.with(self, |_, (c, d)| Some((c.checked_neg()?, d)), |_, (c, d)| Some((-c, d)))
    }
}

impl<T: Into<Ratio>> Mul<T> for Ratio {
    type Output = Self;
    fn mul(self, other: T) -> Self {
        fn product((a, b): (i128, i128), (c, d): (i128, i128)) -> Option<(i128, i128)> {
            Some((a.checked_mul(c)?, b.checked_mul(d)?))
        }
        self.with(
            other.into(),
            |(a, b), (c, d)| {
                product((a, b), (c, d)).or_else(|| {
                    let ((a, b), (c, d)) = (lowest(a, b), lowest(c, d));
                    product(lowest(a, d), lowest(c, b))
                })
            },
            |(a, b), (c, d)| Some((a.checked_mul(c)?, b.checked_mul(d)?)),
        )
    }
}

impl<T: Into<Ratio>> Div<T> for Ratio {
    type Output = Self;
    fn div(self, other: T) -> Self {
        let inverse = Self::ZERO.with(other.into(), |_, (c, d)| Some((d, c)), |_, (c, d)| Some((d, c)));
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

    proptest! {
        #[test]
        fn a_square_root_is_the_nearest(over in 0..10i128.pow(30), under in 1i64..10_000, by in 1i128..10i128.pow(37)) {
            let ratio = |by: i128| Ratio::from(Exact::from(over) * by.into()) / Ratio::from(Exact::from(under) * by.into());
            let root = ratio(1).square_root::<2>().expect("it fits").expect("it has a value").units();
            prop_assert_eq!(ratio(by).square_root::<2>().expect("it fits"), Some(Money::from_units(root)));
            let square = |twice: i128| Exact::from(twice) * twice.into() * under.into();
            let four = Exact::from(over) * 40_000i64.into();
            prop_assert!(root == 0 || square(2 * root - 1) <= four, "it is too large");
            prop_assert!(square(2 * root + 1) > four, "it is too small");
        }
    }

    #[test]
    fn square_roots_are_rounded_half_away_and_exist_of_what_is_not_negative() {
        let root = |ratio: Ratio| ratio.square_root::<2>().map(|root| root.map(|root| root.to_string()));
        for (over, under, expected) in
            [(2, 1, "1.41"), (3, 1, "1.73"), (0, 5, "0.00"), (1, 40_000, "0.01"), (1, 40_001, "0.00")]
        {
            assert_eq!(root(quotient(over, under)).expect("it fits").as_deref(), Some(expected), "{over} / {under}");
        }
        assert_eq!(root(quotient(1, 0)).expect("it fits"), None);
        let most = Ratio::from(Money::from_units(crate::decimal::MAX));
        let squared = (most * most).square_root::<2>().expect("it fits").map(Decimal::units);
        assert_eq!(squared, Some(crate::decimal::MAX));
        let fault = |ratio: Ratio| root(ratio).expect_err("it has none").message;
        assert_eq!(fault(-quotient(1, 2)), "a number less than 0 has no square root");
        assert_eq!(fault(most * most * 4), "a square root exceeds 38 digits");
        assert_eq!(fault(most * most * most), "a quotient exceeds 384 bits");
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
        let fault = |ratio: Ratio| ratio.round::<2>().expect_err("it is too large").message;
        assert_eq!(fault(most * 10), "a quotient exceeds 38 digits");
        assert_eq!(fault(most * most * most), "a quotient exceeds 38 digits");
        assert_eq!(fault(most * most * most * most / most / most / most), "a quotient exceeds 384 bits");
    }

    #[test]
    fn what_exceeds_128_bits_on_the_way_is_exact() {
        let most = Ratio::from(Money::from_units(crate::decimal::MAX));
        let prime = Ratio::from(i64::MAX - 24);
        let value = |ratio: Ratio| ratio.value::<2>().expect("it fits").units();
        assert_eq!(value(most * most / most), crate::decimal::MAX);
        assert_eq!(value(most * prime / prime), crate::decimal::MAX);
        assert_eq!(value(most + most - most), crate::decimal::MAX);
        assert_eq!(value(-(most * 3) / -3), crate::decimal::MAX);
        assert_eq!(value((most * 2 - most) / most), 100);
        assert_eq!(value(most * most / most / 3), crate::decimal::MAX / 3);
        assert_eq!(value(-(most * 1001) / most / 200), -501, "half away from zero");
        assert_eq!(rounded(most * most / (most - most)), None);
        let square = Exact::from(i128::MAX) * i128::MIN.into();
        assert_eq!(value(Ratio::from(square) / Ratio::from(Exact::from(i128::MIN)) / 1000), i128::MAX / 10 + 1);
    }

    proptest! {
        #[test]
        fn a_computation_of_any_size_is_that_of_small_numbers(
            a in -9999i64..9999, b in 1i64..999, c in -9999i64..9999, d in 1i64..999, by in 10i128.pow(37)..10i128.pow(38),
        ) {
            let small = [quotient(a, b), quotient(c, -d)];
            let by = Exact::from(by) * Exact::from(by);
            let (one, two) = (Ratio(State::Wide(Exact::from(a) * by, Exact::from(b) * by)), small[1]);
            prop_assert_eq!(rounded(one), rounded(small[0]));
            prop_assert_eq!(rounded(one + two), rounded(small[0] + small[1]));
            prop_assert_eq!(rounded(two - one), rounded(small[1] - small[0]));
            prop_assert_eq!(rounded(one * two), rounded(small[0] * small[1]));
            prop_assert_eq!(rounded(one / two), rounded(small[0] / small[1]));
            prop_assert_eq!(rounded(two / one), rounded(small[1] / small[0]));
        }
    }
}
