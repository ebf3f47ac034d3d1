//! Exact decimals: [`Number`] is as it was written, [`Decimal`] has a fixed number of places, and [`Money`] has two.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

/// An amount of money: an exact decimal with two places.
pub type Money = Decimal<2>;

/// An exact decimal with `SCALE` places and at most 38 digits.
///
/// Arithmetic that exceeds 38 digits panics, and a panic fails the plugin's call. So a sum of many decimals may fail in
/// one order of its rows and not in another. [`Totals`](crate::Totals) adds up many amounts without that danger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal<const SCALE: u8>(i128);

/// A number exactly as it was written: `mantissa` / 10^`scale`.
///
/// ```
/// # use smelt_sdk::{Money, Number};
/// let price = Number::parse("19.995").and_then(Number::round::<2>);
/// assert_eq!(price, Some(Money::from_units(2000)));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Number {
    mantissa: i128,
    scale: u32,
}

/// The greatest number of 38 digits.
pub(crate) const MAX: i128 = 10i128.pow(38) - 1;

impl<const SCALE: u8> Decimal<SCALE> {
    /// Zero.
    pub const ZERO: Self = Self(0);

    /// Returns the decimal of so many units of the last place: `Money::from_units(1999)` is 19.99.
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// Returns the number of units of the last place: of 19.99 it is 1999.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// Returns whether the decimal is less than zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Divides by a count, and rounds half away from zero. Returns `None` for a count of zero.
    pub const fn divide(self, count: i64) -> Option<Self> {
        match count {
            0 => None,
            1.. => Some(Self(divide_half_away(self.0, count as i128))),
            _ => Some(Self(divide_half_away(-self.0, -(count as i128)))),
        }
    }

    /// Returns the sum, or `None` if it exceeds 38 digits.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).filter(|sum| sum.unsigned_abs() <= MAX as u128).map(Self)
    }
}

// Nearly all numbers are short, and WebAssembly is slow with 128 bits. So arithmetic uses 64 bits where these suffice.

/// The powers of ten that fit 64 bits.
const TENS: [i64; 19] = {
    let mut tens = [1; 19];
    let mut power = 1;
    while power < tens.len() {
        tens[power] = tens[power - 1] * 10;
        power += 1;
    }
    tens
};

/// Returns a power of ten, if it fits 128 bits.
const fn ten_to(power: u32) -> Option<i128> {
    match power {
        0..19 => Some(TENS[power as usize] as i128),
        _ => 10i128.checked_pow(power),
    }
}

/// Returns the value, if it fits 64 bits.
const fn short(value: i128) -> Option<i64> {
    if value as i64 as i128 == value { Some(value as i64) } else { None }
}

/// Returns the product, if it fits 128 bits.
const fn multiply(a: i128, b: i128) -> Option<i128> {
    match (a.unsigned_abs() | b.unsigned_abs()) >> 31 {
        0 => Some((a as i64 * b as i64) as i128),
        _ => a.checked_mul(b),
    }
}

/// Returns the quotient and the remainder of a division by a positive number.
const fn divide(dividend: i128, divisor: i128) -> (i128, i128) {
    match (short(dividend), short(divisor)) {
        (Some(dividend), Some(divisor)) => ((dividend / divisor) as i128, (dividend % divisor) as i128),
        _ => (dividend / divisor, dividend % divisor),
    }
}

/// Divides by a positive number, and rounds half away from zero.
const fn divide_half_away(dividend: i128, divisor: i128) -> i128 {
    let (quotient, remainder) = divide(dividend, divisor);
    // True if the remainder is at least half of the divisor. Doubling the remainder could overflow.
    let up = remainder.unsigned_abs() >= divisor.unsigned_abs() - remainder.unsigned_abs();
    match (up, dividend < 0) {
        (false, _) => quotient,
        (true, false) => quotient + 1,
        (true, true) => quotient - 1,
    }
}

impl<const SCALE: u8> Add for Decimal<SCALE> {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        self.checked_add(other).expect("a decimal exceeds 38 digits")
    }
}

impl<const SCALE: u8> AddAssign for Decimal<SCALE> {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl<const SCALE: u8> Neg for Decimal<SCALE> {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl<const SCALE: u8> Sub for Decimal<SCALE> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl<const SCALE: u8> Sum for Decimal<SCALE> {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Self::add)
    }
}

impl<const SCALE: u8> fmt::Display for Decimal<SCALE> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10u128.pow(SCALE.into());
        let (sign, units) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        match SCALE {
            0 => write!(out, "{sign}{units}"),
            _ => write!(out, "{sign}{}.{:0places$}", units / one, units % one, places = SCALE.into()),
        }
    }
}

impl Number {
    /// Reads a number as people and JSON write it: an optional sign, digits with an optional point, and an optional
    /// exponent (`12`, `00012`, `-0`, `.5`, `1.5e3`).
    ///
    /// Returns `None` for anything else (`NaN`, `1,000`, `0x10`), and for a number with more than 38 digits before the
    /// point (`1e400`). Digits that no longer fit after the point are cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        if let Some((magnitude, scale)) = short_digits(digits) {
            let mantissa = if negative { -magnitude } else { magnitude };
            return Some(Self { mantissa: mantissa.into(), scale: if magnitude == 0 { 0 } else { scale } });
        }
        Self::parse_long(negative, digits)
    }

    fn parse_long(negative: bool, digits: &[u8]) -> Option<Self> {
        let (mut magnitude, mut scale, mut exponent) = (0i128, 0i64, 0i64);
        let (mut any, mut point) = (false, false);
        let mut rest = digits;
        while let [byte, after @ ..] = rest {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    if magnitude <= MAX / 10 {
                        magnitude = magnitude * 10 + i128::from(byte - b'0');
                        scale += i64::from(point);
                    } else if !point {
                        scale -= 1;
                    }
                }
                b'.' if !point => point = true,
                b'e' | b'E' if any => {
                    exponent = std::str::from_utf8(after).ok()?.parse().ok()?;
                    break;
                }
                _ => return None,
            }
            rest = after;
        }
        if !any {
            return None;
        }
        let scale = scale.checked_sub(exponent)?;
        let mantissa = if negative { -magnitude } else { magnitude };
        match scale {
            _ if mantissa == 0 => Some(Self { mantissa, scale: 0 }),
            // A number so small is zero at every scale.
            77.. => Some(Self { mantissa: 0, scale: 0 }),
            0.. => Some(Self { mantissa, scale: scale as u32 }),
            _ => {
                let power = 10i128.checked_pow(u32::try_from(-scale).ok()?)?;
                mantissa
                    .checked_mul(power)
                    .filter(|all| all.unsigned_abs() <= MAX as u128)
                    .map(|mantissa| Self { mantissa, scale: 0 })
            }
        }
    }

    /// Returns whether the number is less than zero. -0 is not.
    pub const fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Rounds half away from zero to `SCALE` places. Returns `None` if the result exceeds 38 digits.
    pub fn round<const SCALE: u8>(self) -> Option<Decimal<SCALE>> {
        let places = u32::from(SCALE);
        let units = if self.scale <= places {
            multiply(self.mantissa, ten_to(places - self.scale)?)?
        } else {
            match ten_to(self.scale - places) {
                Some(divisor) => divide_half_away(self.mantissa, divisor),
                None => 0,
            }
        };
        (units.unsigned_abs() <= MAX as u128).then_some(Decimal(units))
    }

    /// Multiplies with a decimal exactly, then rounds half away from zero to the decimal's places. Returns `None` if
    /// the result exceeds 38 digits.
    pub fn times<const SCALE: u8>(self, other: Decimal<SCALE>) -> Option<Decimal<SCALE>> {
        if let Some(mantissa) = multiply(self.mantissa, other.0) {
            return Self { mantissa, scale: self.scale + u32::from(SCALE) }.round();
        }
        // The exact product does not fit 128 bits. So this multiplies by one digit after the point at a time, from the
        // last digit. A step drops less than a unit, so the tenths of the last step alone decide how to round.
        let (mut digits, units) = (self.mantissa.unsigned_abs(), other.0.unsigned_abs());
        let (mut product, mut tenths) = (0, 0);
        for _ in 0..self.scale {
            let low = product + units % 10 * (digits % 10);
            (product, tenths) = (units / 10 * (digits % 10) + low / 10, low % 10);
            digits /= 10;
        }
        product = units.checked_mul(digits)?.checked_add(product + u128::from(tenths >= 5))?;
        let product = i128::try_from(product).ok().filter(|&product| product <= MAX)?;
        Some(Decimal(if (self.mantissa < 0) == (other.0 < 0) { product } else { -product }))
    }

    /// Returns the part before the point: -1 for -1.5.
    pub const fn trunc(self) -> i128 {
        match ten_to(self.scale) {
            Some(one) => divide(self.mantissa, one).0,
            None => 0,
        }
    }

    /// Returns the nearest 64-bit float.
    pub fn to_f64(self) -> f64 {
        match (short(self.mantissa), TENS.get(self.scale as usize)) {
            (Some(mantissa), _) if self.scale == 0 => mantissa as f64,
            // Both convert to floats without loss, so only the quotient is rounded.
            (Some(mantissa), Some(&one)) if mantissa.unsigned_abs() < 1 << 53 => mantissa as f64 / one as f64,
            // Only a conversion of text is right to the last bit for every mantissa and scale.
            _ => format!("{}e-{}", self.mantissa, self.scale).parse().expect("digits with an exponent are a float"),
        }
    }
}

/// Returns the digits, and the number of digits after the point, if the text has at most 18 bytes and nothing else.
fn short_digits(text: &[u8]) -> Option<(i64, u32)> {
    if text.len() > 18 {
        return None;
    }
    let (mut digits, mut point) = (0, None);
    for (at, byte) in text.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    match point {
        None if text.is_empty() => None,
        None => Some((digits, 0)),
        Some(_) if text.len() == 1 => None,
        Some(point) => Some((digits, (text.len() - 1 - point) as u32)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Makes values with any number of digits.
    fn of_any_length() -> impl Strategy<Value = i128> {
        (any::<i64>(), 0u32..64, 0u32..64).prop_map(|(value, left, right)| (i128::from(value >> right)) << left)
    }

    proptest! {
        #[test]
        fn few_digits_are_read_as_many_are(text in "[0-9]{0,17}\\.?[0-9]{0,17}") {
            let short = Number::parse(&text).map(|number| (number.mantissa, number.scale));
            let long = Number::parse(&format!("{:0>60}", text)).map(|number| (number.mantissa, number.scale));
            prop_assert_eq!(short, long.filter(|_| !matches!(text.as_str(), "" | ".")));
        }

        #[test]
        fn floats_are_the_nearest_whatever_the_digits(mantissa in of_any_length(), scale in 0u32..40) {
            prop_assume!(mantissa.unsigned_abs() <= MAX as u128);
            let float = Number { mantissa, scale }.to_f64();
            prop_assert_eq!(float, format!("{mantissa}e-{scale}").parse::<f64>().expect("a float"));
        }

        #[test]
        fn short_arithmetic_is_long_arithmetic(a in of_any_length(), b in of_any_length()) {
            prop_assert_eq!(multiply(a, b), a.checked_mul(b));
            let divisor = b.saturating_abs().max(1);
            prop_assert_eq!(divide(a, divisor), (a / divisor, a % divisor));
        }
    }

    fn money(text: &str) -> Option<String> {
        Number::parse(text)?.round::<2>().map(|money| money.to_string())
    }

    #[test]
    fn money_is_rounded_half_away_from_zero() {
        for (text, rounded) in [
            ("1.005", "1.01"),
            ("-1.005", "-1.01"),
            ("1.00499999999999999999999999999999999999999999", "1.00"),
            ("0.005", "0.01"),
            ("19.99", "19.99"),
            ("7", "7.00"),
            ("-0", "0.00"),
            ("-0.001", "0.00"),
            ("00012", "12.00"),
            ("1.5e3", "1500.00"),
            ("125E-3", "0.13"),
            (".5", "0.50"),
            ("5.", "5.00"),
            ("18446744073709551616", "18446744073709551616.00"),
            ("1e-400", "0.00"),
            ("0e999999", "0.00"),
        ] {
            assert_eq!(money(text).as_deref(), Some(rounded), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "",
            "-",
            ".",
            "e5",
            "NaN",
            "inf",
            "1,000",
            "0x10",
            "1e",
            "1e400",
            "1 2",
            "--1",
            "1.2.3",
            "１",
            "1e99999999999999999999",
        ] {
            assert_eq!(money(text), None, "{text}");
        }
    }

    #[test]
    fn products_are_exact_before_they_are_rounded() {
        let total = |quantity: &str, price: &str| {
            Number::parse(quantity)?.times(Number::parse(price)?.round::<2>()?).map(|money: Money| money.to_string())
        };
        assert_eq!(total("3", "19.99").as_deref(), Some("59.97"));
        assert_eq!(total("2.5", "0.01").as_deref(), Some("0.03"));
        assert_eq!(total("0.333", "10.00").as_deref(), Some("3.33"));
        assert_eq!(total("1e30", "1e30"), None);
    }

    #[test]
    fn products_of_many_digits_are_exact_too() {
        let times = |factor: &str, units| Number::parse(factor)?.times(Money::from_units(units)).map(Money::units);
        for (factor, units, product) in [
            ("0.33333333333333333333333333333333333333", 1000, 333),
            ("-0.33333333333333333333333333333333333333", 1000, -333),
            ("0.50000000000000000000000000000000000000", 5, 3),
            ("0.49999999999999999999999999999999999999", 5, 2),
            ("1.4999999999999999999999999999999999999", 1_000_000, 1_500_000),
            ("0.99999999999999999999999999999999999999", -MAX, -MAX + 1),
            (
                "12345678901234567890.123456789012345678",
                10i128.pow(17),
                1_234_567_890_123_456_789_012_345_678_901_234_568,
            ),
        ] {
            assert_eq!(times(factor, units), Some(product), "{factor} times {units}");
        }
        assert_eq!(times("10.000000000000000000000000000000000001", MAX), None);
    }

    #[test]
    fn the_part_before_the_point_is_exact() {
        for (text, whole) in [
            ("99999999999999999999.99999999", 10i128.pow(20) - 1),
            ("1e20", 10i128.pow(20)),
            ("-1.5", -1),
            ("1e-70", 0),
            ("99999999999999999999999999999999999999", MAX),
        ] {
            assert_eq!(Number::parse(text).map(Number::trunc), Some(whole), "{text}");
        }
    }

    #[test]
    fn division_rounds_half_away_from_zero() {
        assert_eq!(Money::from_units(1000).divide(3), Some(Money::from_units(333)));
        assert_eq!(Money::from_units(5).divide(2), Some(Money::from_units(3)));
        assert_eq!(Money::from_units(-5).divide(2), Some(Money::from_units(-3)));
        assert_eq!(Money::from_units(5).divide(0), None);
    }

    #[test]
    fn floats_are_the_nearest() {
        for text in ["0.1", "2.5", "18446744073709551616", "123456789.123456789", "-7"] {
            assert_eq!(Number::parse(text).map(Number::to_f64), text.parse().ok(), "{text}");
        }
    }
}
