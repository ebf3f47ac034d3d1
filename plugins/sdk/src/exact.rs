//! Integers beyond 128 bits, for squares of money and products of them.

use std::cmp::Ordering;
use std::ops::{Add, Mul, Neg, Sub};

use crate::Result;
use crate::saved::{Saved, malformed};

/// The number of parts of 64 bits that a number has.
const PARTS: usize = 6;

/// An exact integer of up to 384 bits, which hold any product of three numbers of 128 bits:
///
/// ```
/// # use smelt_sdk::Exact;
/// let (a, b) = (Exact::from(i128::MAX), Exact::from(i128::MAX - 1));
/// assert!(a * b < a * a && a * b - a * a == -a);
/// ```
///
/// Arithmetic that exceeds 384 bits panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exact {
    /// Set if it is less than 0.
    negative: bool,
    /// The absolute value, the least part first.
    parts: [u64; PARTS],
}

impl Exact {
    /// Returns the sum, if it fits.
    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        let (one, two) = (self.parts, other.parts);
        if self.negative == other.negative {
            return Some(Self { negative: self.negative, parts: sum(one, two)? });
        }
        match compare(&one, &two) {
            Ordering::Equal => Some(Self::default()),
            Ordering::Greater => Some(Self { negative: self.negative, parts: difference(one, two) }),
            Ordering::Less => Some(Self { negative: other.negative, parts: difference(two, one) }),
        }
    }

    /// Returns the product, if it fits.
    pub(crate) fn checked_mul(self, other: Self) -> Option<Self> {
        let parts = product(&self.parts, &other.parts)?;
        Some(Self { negative: self.negative != other.negative && parts != [0; PARTS], parts })
    }

    /// Divides by a positive number, and rounds half away from zero. Returns `None` for a divisor of 384 bits.
    pub(crate) fn divide_half_away(self, divisor: Self) -> Option<Self> {
        if divisor.parts[PARTS - 1] >> 63 == 1 {
            return None;
        }
        let (mut quotient, mut left) = ([0; PARTS], [0; PARTS]);
        for bit in (0..PARTS * 64).rev() {
            // The remainder is less than the divisor, so its double fits.
            left = sum(left, left)?;
            left[0] |= self.parts[bit / 64] >> (bit % 64) & 1;
            if compare(&left, &divisor.parts).is_ge() {
                left = difference(left, divisor.parts);
                quotient[bit / 64] |= 1 << (bit % 64);
            }
        }
        if compare(&sum(left, left)?, &divisor.parts).is_ge() {
            let mut one = [0; PARTS];
            one[0] = 1;
            quotient = sum(quotient, one)?;
        }
        Some(Self { negative: self.negative && quotient != [0; PARTS], parts: quotient })
    }

    /// Returns whether it is greater than 0.
    pub fn is_positive(self) -> bool {
        !self.negative && self.parts != [0; PARTS]
    }

    /// Returns the number, if it fits 128 bits.
    pub(crate) fn short(self) -> Option<i128> {
        let [low, high, rest @ ..] = self.parts;
        let value = u128::from(high) << 64 | u128::from(low);
        match (rest == [0; PARTS - 2], self.negative) {
            (true, false) => i128::try_from(value).ok(),
            (true, true) => 0i128.checked_sub_unsigned(value),
            (false, _) => None,
        }
    }
}

/// Returns the sum of two absolute values, if it fits.
fn sum(mut one: [u64; PARTS], two: [u64; PARTS]) -> Option<[u64; PARTS]> {
    let mut carry = false;
    for (part, other) in one.iter_mut().zip(two) {
        let (added, first) = part.overflowing_add(other);
        let (added, second) = added.overflowing_add(carry.into());
        (*part, carry) = (added, first || second);
    }
    (!carry).then_some(one)
}

/// Returns an absolute value less another one, which is not greater.
fn difference(mut one: [u64; PARTS], two: [u64; PARTS]) -> [u64; PARTS] {
    let mut borrow = false;
    for (part, other) in one.iter_mut().zip(two) {
        let (less, first) = part.overflowing_sub(other);
        let (less, second) = less.overflowing_sub(borrow.into());
        (*part, borrow) = (less, first || second);
    }
    one
}

/// Returns the product of two absolute values, if it fits.
fn product(one: &[u64; PARTS], two: &[u64; PARTS]) -> Option<[u64; PARTS]> {
    let mut parts = [0u64; PARTS];
    // Most numbers have few parts that are not 0.
    for (at, &factor) in one.iter().enumerate().filter(|&(_, &factor)| factor != 0) {
        let mut carry = 0u128;
        for (place, &other) in (at..).zip(two) {
            if other == 0 && carry == 0 {
                continue;
            }
            let held = parts.get(place).copied().unwrap_or_default();
            let value = u128::from(factor) * u128::from(other) + u128::from(held) + carry;
            // A part beyond the last may only be 0.
            match parts.get_mut(place) {
                Some(part) => *part = value as u64,
                None if value == 0 => {}
                None => return None,
            }
            carry = value >> 64;
        }
        for place in at + PARTS.. {
            if carry == 0 {
                break;
            }
            let part = parts.get_mut(place)?;
            let value = u128::from(*part) + carry;
            (*part, carry) = (value as u64, value >> 64);
        }
    }
    Some(parts)
}

fn compare(one: &[u64; PARTS], two: &[u64; PARTS]) -> Ordering {
    one.iter().rev().cmp(two.iter().rev())
}

impl Saved for Exact {
    fn save(&self, out: &mut Vec<u8>) {
        (self.negative, self.parts).save(out);
    }
    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        let (negative, parts) = Saved::resume(bytes)?;
        // 0 has no sign.
        if negative && parts == [0; PARTS] { Err(malformed()) } else { Ok(Self { negative, parts }) }
    }
}

impl From<i128> for Exact {
    fn from(value: i128) -> Self {
        let mut parts = [0; PARTS];
        let size = value.unsigned_abs();
        (parts[0], parts[1]) = (size as u64, (size >> 64) as u64);
        Self { negative: value < 0, parts }
    }
}

impl From<i64> for Exact {
    fn from(value: i64) -> Self {
        i128::from(value).into()
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => compare(&self.parts, &other.parts),
            (true, true) => compare(&other.parts, &self.parts),
        }
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Neg for Exact {
    type Output = Self;
    fn neg(self) -> Self {
        Self { negative: !self.negative && self.parts != [0; PARTS], ..self }
    }
}

impl Add for Exact {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.checked_add(other).expect("a number exceeds 384 bits")
    }
}

impl Sub for Exact {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Exact {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        self.checked_mul(other).expect("a number exceeds 384 bits")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exact(value: i128) -> Exact {
        Exact::from(value)
    }

    /// Makes numbers of all sizes, above all those at the ends of parts.
    fn number() -> impl Strategy<Value = i128> {
        let near = |edge: i128| edge - 2..=edge.saturating_add(2);
        prop_oneof![
            any::<i128>(),
            -3..=3i128,
            near(1 << 64),
            near(-(1 << 64)),
            near(1 << 32),
            (0..127u32).prop_map(|bits| 1 << bits),
            Just(i128::MAX),
            Just(i128::MIN),
        ]
    }

    proptest! {
        #[test]
        fn what_fits_128_bits_is_computed_as_there(a in number(), b in number()) {
            prop_assert_eq!(exact(a).short(), Some(a));
            prop_assert_eq!(exact(a).cmp(&exact(b)), a.cmp(&b));
            prop_assert_eq!(exact(a).is_positive(), a > 0);
            prop_assert_eq!((exact(a) + exact(b)).short(), a.checked_add(b));
            prop_assert_eq!((exact(a) - exact(b)).short(), a.checked_sub(b));
            prop_assert_eq!((exact(a) * exact(b)).short(), a.checked_mul(b));
            prop_assert_eq!((-exact(a)).short(), a.checked_neg());
        }

        #[test]
        fn larger_numbers_follow_the_laws_of_integers(a in number(), b in number(), c in number(), d in number()) {
            let (a, b, c, d) = (exact(a), exact(b), exact(c), exact(d));
            prop_assert_eq!(a * (b + c), a * b + a * c);
            prop_assert_eq!((a + b) * (a - b), a * a - b * b);
            prop_assert_eq!(a * b * c, c * (b * a));
            prop_assert_eq!((a * b).cmp(&(c * d)), (a * b - c * d).cmp(&Exact::default()));
            prop_assert_eq!((a * b).cmp(&(c * d)), (-(c * d)).cmp(&-(a * b)));
        }

        #[test]
        fn a_quotient_is_the_nearest_integer(a in number(), b in number(), c in number()) {
            let (over, under) = (exact(a) * exact(b), if c < 0 { -exact(c) } else { exact(c) });
            prop_assume!(c != 0);
            let quotient = over.divide_half_away(under).expect("the divisor is short");
            // Twice the rest is at most the divisor, and where it is as much the quotient lies farther from 0.
            let twice = (over - quotient * under) * exact(2);
            prop_assert!(-under <= twice && twice <= under);
            prop_assert!(twice != under || !over.is_positive(), "rounded towards 0");
            prop_assert!(twice != -under || over.is_positive(), "rounded towards 0");
        }
    }

    #[test]
    fn what_exceeds_384_bits_is_none() {
        let one = exact(1);
        let half = exact(1 << 126) * exact(1 << 126) * exact(1 << 126) * exact(1 << 5);
        let most = half - one + half;
        assert_eq!(most.checked_add(one), None);
        assert_eq!((-most).checked_add(-one), None);
        assert_eq!(half.checked_mul(exact(2)), None);
        assert_eq!(most.checked_mul(most), None);
        assert_eq!(most.checked_mul(one), Some(most));
        assert_eq!(exact(3).divide_half_away(half), None);
        assert_eq!(most.divide_half_away(one), Some(most));
        assert_eq!(
            (exact(i128::MIN) * exact(i128::MIN) * exact(i128::MIN)).checked_add(one).map(|sum| sum < one),
            Some(true)
        );
    }
}
