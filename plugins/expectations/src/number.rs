//! Exact numbers of any size: decimals for conditions and metrics, fractions for scores.

use std::cmp::Ordering;

use smelt_sdk::Result;
use smelt_sdk::saved::{Saved, malformed};

/// An exact decimal: `units` of 10^-`scale`. Numbers that 128 bits hold take no memory of their own.
#[derive(Debug, Clone)]
pub(crate) struct Amount {
    units: Units,
    scale: u32,
}

#[derive(Debug, Clone)]
enum Units {
    Small(i128),
    Large(Big),
}

impl Amount {
    pub(crate) const ZERO: Self = Self::new(0, 0);

    /// Returns `units` of 10^-`scale`.
    pub(crate) const fn new(units: i128, scale: u32) -> Self {
        Self { units: Units::Small(units), scale }
    }

    /// Reads digits with a sign and a point, as JSON, YAML and conditions write a number without an exponent.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, part) = match digits.split_once('.') {
            Some((whole, part)) if !part.is_empty() => (whole, part),
            Some(_) => return None,
            None => (digits, ""),
        };
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 18 || part.len() > 18 || !all_digits(whole) || !all_digits(part) {
            return None;
        }
        let part = part.trim_end_matches('0');
        let units = whole.bytes().chain(part.bytes()).fold(0, |units, digit| units * 10 + i128::from(digit - b'0'));
        Some(Self::new(if negative { -units } else { units }, part.len() as u32))
    }

    /// Reads what [`plain`](Self::plain) writes, of whatever length.
    pub(crate) fn of_digits(text: &str) -> Option<Self> {
        let (digits, scale) = match text.split_once('.') {
            Some((whole, part)) => (format!("{whole}{part}"), part.len()),
            None => (text.to_owned(), 0),
        };
        Some(Self::of_big(Big::parse(&digits)?, scale as u32))
    }

    /// Returns the number of a cell. Zeros at its end are left out, so that products stay small.
    pub(crate) fn of_cell(number: smelt_sdk_schema::Number) -> Self {
        let (mut units, mut scale) = (number.units(), 18);
        for by in [9, 4, 2, 2, 1] {
            let power = 10i128.pow(by);
            if scale >= by && units % power == 0 {
                (units, scale) = (units / power, scale - by);
            }
        }
        Self::new(units, scale)
    }

    fn big(&self) -> Big {
        match &self.units {
            Units::Small(units) => Big::from(*units),
            Units::Large(units) => units.clone(),
        }
    }

    /// Returns the units of both at their greater scale.
    fn aligned(&self, other: &Self) -> (Big, Big, u32) {
        let scale = self.scale.max(other.scale);
        let at = |amount: &Self| amount.big().times(&Big::power_of_ten(scale - amount.scale));
        (at(self), at(other), scale)
    }

    /// Returns the units of both at their greater scale, if 128 bits hold them.
    fn small(&self, other: &Self) -> Option<(i128, i128, u32)> {
        let (Units::Small(one), Units::Small(two)) = (&self.units, &other.units) else { return None };
        let up = |units: i128, by: u32| units.checked_mul(10i128.checked_pow(by)?);
        Some(match self.scale.cmp(&other.scale) {
            Ordering::Equal => (*one, *two, self.scale),
            Ordering::Less => (up(*one, other.scale - self.scale)?, *two, other.scale),
            Ordering::Greater => (*one, up(*two, self.scale - other.scale)?, self.scale),
        })
    }

    fn of_big(units: Big, scale: u32) -> Self {
        match units.small() {
            Some(units) => Self::new(units, scale),
            None => Self { units: Units::Large(units), scale },
        }
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        if let Some((one, two, scale)) = self.small(other)
            && let Some(sum) = one.checked_add(two)
        {
            return Self::new(sum, scale);
        }
        let (one, two, scale) = self.aligned(other);
        Self::of_big(one.plus(&two), scale)
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.plus(&other.negated())
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        let scale = self.scale + other.scale;
        if let (Units::Small(one), Units::Small(two)) = (&self.units, &other.units)
            && let Some(product) = one.checked_mul(*two)
        {
            return Self::new(product, scale);
        }
        Self::of_big(self.big().times(&other.big()), scale)
    }

    pub(crate) fn negated(&self) -> Self {
        match &self.units {
            Units::Small(units) if *units != i128::MIN => Self::new(-units, self.scale),
            _ => Self::of_big(self.big().negated(), self.scale),
        }
    }

    pub(crate) fn absolute(&self) -> Self {
        if self.is_negative() { self.negated() } else { self.clone() }
    }

    pub(crate) fn is_negative(&self) -> bool {
        match &self.units {
            Units::Small(units) => *units < 0,
            Units::Large(units) => units.negative,
        }
    }

    /// Returns half of it.
    pub(crate) fn half(&self) -> Self {
        self.times(&Self::new(5, 1))
    }

    /// Returns it as a quotient.
    pub(crate) fn fraction(&self) -> Fraction {
        Fraction { over: self.big(), under: Big::power_of_ten(self.scale) }
    }

    /// Returns it in units of 10^-`places`, rounded half away from zero.
    pub(crate) fn rounded(&self, places: u32) -> i128 {
        match (&self.units, self.scale) {
            (Units::Small(units), scale) if scale == places => *units,
            _ => self.fraction().rounded(places),
        }
    }

    /// Returns its digits, without zeros at the end.
    pub(crate) fn plain(&self) -> String {
        let mut text = self.big().digits();
        let negative = text.starts_with('-');
        let digits = text.split_off(usize::from(negative));
        let digits = format!("{digits:0>width$}", width = self.scale as usize + 1);
        let (whole, part) = digits.split_at(digits.len() - self.scale as usize);
        let part = part.trim_end_matches('0');
        let point = if part.is_empty() { "" } else { "." };
        let sign = if negative && !(whole.bytes().all(|digit| digit == b'0') && part.is_empty()) { "-" } else { "" };
        format!("{sign}{whole}{point}{part}")
    }
}

impl PartialEq for Amount {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Amount {}

impl PartialOrd for Amount {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Amount {
    fn cmp(&self, other: &Self) -> Ordering {
        if let Some((one, two, _)) = self.small(other) {
            return one.cmp(&two);
        }
        let (one, two, _) = self.aligned(other);
        one.compare(&two)
    }
}

/// Equal numbers may have different scales, so what is saved is its digits.
impl Saved for Amount {
    fn save(&self, out: &mut Vec<u8>) {
        self.plain().save(out);
    }

    fn resume(bytes: &mut &[u8]) -> Result<Self> {
        Self::of_digits(&String::resume(bytes)?).ok_or_else(malformed)
    }
}

/// An exact quotient of integers of any size.
#[derive(Debug, Clone)]
pub(crate) struct Fraction {
    over: Big,
    /// More than 0.
    under: Big,
}

impl Fraction {
    /// Returns the quotient of two counts; `None` if the second one is not more than 0.
    pub(crate) fn of(over: i64, under: i64) -> Option<Self> {
        (under > 0).then(|| Self { over: Big::from(i128::from(over)), under: Big::from(i128::from(under)) })
    }

    pub(crate) fn whole(number: i64) -> Self {
        Self { over: Big::from(i128::from(number)), under: Big::from(1) }
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        let over = self.over.times(&other.under).plus(&other.over.times(&self.under));
        Self { over, under: self.under.times(&other.under) }
    }

    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.plus(&Self { over: other.over.negated(), under: other.under.clone() })
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        Self { over: self.over.times(&other.over), under: self.under.times(&other.under) }
    }

    /// Returns the quotient of both; `None` unless the other one is more than 0.
    pub(crate) fn divided(&self, other: &Self) -> Option<Self> {
        let positive = !other.over.negative && !other.over.is_zero();
        positive.then(|| Self { over: self.over.times(&other.under), under: self.under.times(&other.over) })
    }

    /// Returns the quotient by a count; `None` if that is not more than 0.
    pub(crate) fn divided_by(&self, count: i64) -> Option<Self> {
        self.divided(&Self::whole(count))
    }

    /// Returns it in units of 10^-`places`, rounded half away from zero. A number that 128 bits cannot hold is cut off
    /// there.
    pub(crate) fn rounded(&self, places: u32) -> i128 {
        let units = self.over.times(&Big::power_of_ten(places));
        let rounded = units.divided_half_away(&self.under);
        rounded.small().unwrap_or(if rounded.negative { -i128::MAX } else { i128::MAX })
    }

    /// Returns it with four places.
    pub(crate) fn four(&self) -> String {
        four(self.rounded(4))
    }

    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        self.over.times(&other.under).compare(&other.over.times(&self.under))
    }
}

/// Returns ten-thousandths as a number with four places.
pub(crate) fn four(units: i128) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let units = units.unsigned_abs();
    format!("{sign}{}.{:04}", units / 10_000, units % 10_000)
}

/// An integer of any size: its absolute value in parts of 32 bits, the least first, none of them needless.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Big {
    negative: bool,
    parts: Vec<u32>,
}

impl From<i128> for Big {
    fn from(value: i128) -> Self {
        let mut left = value.unsigned_abs();
        let mut parts = Vec::new();
        while left > 0 {
            parts.push(left as u32);
            left >>= 32;
        }
        Self { negative: value < 0, parts }
    }
}

impl Big {
    fn of(negative: bool, mut parts: Vec<u32>) -> Self {
        while parts.last() == Some(&0) {
            parts.pop();
        }
        Self { negative: negative && !parts.is_empty(), parts }
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut parts = Vec::new();
        for digit in digits.bytes() {
            multiply_add(&mut parts, 10, u32::from(digit - b'0'));
        }
        Some(Self::of(text.len() > digits.len(), parts))
    }

    fn power_of_ten(exponent: u32) -> Self {
        match 10i128.checked_pow(exponent) {
            Some(power) => Self::from(power),
            None => Self::power_of_ten(38).times(&Self::power_of_ten(exponent - 38)),
        }
    }

    fn is_zero(&self) -> bool {
        self.parts.is_empty()
    }

    /// Returns it as an integer of 128 bits, if that is enough and one bit is left.
    fn small(&self) -> Option<i128> {
        if self.parts.len() > 4 {
            return None;
        }
        let absolute = self.parts.iter().rev().fold(0u128, |value, &part| value << 32 | u128::from(part));
        let absolute = i128::try_from(absolute).ok()?;
        Some(if self.negative { -absolute } else { absolute })
    }

    fn negated(&self) -> Self {
        Self::of(!self.negative, self.parts.clone())
    }

    fn compare(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => compare(&self.parts, &other.parts),
            (true, true) => compare(&other.parts, &self.parts),
        }
    }

    fn plus(&self, other: &Self) -> Self {
        if self.negative == other.negative {
            return Self::of(self.negative, sum(&self.parts, &other.parts));
        }
        match compare(&self.parts, &other.parts) {
            Ordering::Less => Self::of(other.negative, difference(&other.parts, &self.parts)),
            _ => Self::of(self.negative, difference(&self.parts, &other.parts)),
        }
    }

    fn times(&self, other: &Self) -> Self {
        let mut parts = vec![0u32; self.parts.len() + other.parts.len()];
        for (at, &one) in self.parts.iter().enumerate() {
            let mut carry = 0u64;
            for (place, &two) in parts[at..].iter_mut().zip(other.parts.iter().chain(std::iter::repeat(&0))) {
                let value = u64::from(one) * u64::from(two) + u64::from(*place) + carry;
                *place = value as u32;
                carry = value >> 32;
            }
        }
        Self::of(self.negative != other.negative, parts)
    }

    /// Divides by a positive number, and rounds half away from zero.
    fn divided_half_away(&self, by: &Self) -> Self {
        let mut quotient = vec![0u32; self.parts.len() + 1];
        let mut left: Vec<u32> = Vec::new();
        for bit in (0..self.parts.len() * 32).rev() {
            multiply_add(&mut left, 2, self.parts[bit / 32] >> (bit % 32) & 1);
            if compare(&left, &by.parts).is_ge() {
                left = difference(&left, &by.parts);
                quotient[bit / 32] |= 1 << (bit % 32);
            }
        }
        multiply_add(&mut left, 2, 0);
        if compare(&left, &by.parts).is_ge() {
            quotient = sum(&quotient, &[1]);
        }
        Self::of(self.negative, quotient)
    }

    fn digits(&self) -> String {
        if let Some(small) = self.small() {
            return small.to_string();
        }
        let (mut left, mut groups) = (self.parts.clone(), Vec::new());
        while !left.is_empty() {
            let mut remainder = 0u64;
            for part in left.iter_mut().rev() {
                let value = remainder << 32 | u64::from(*part);
                *part = (value / 1_000_000_000) as u32;
                remainder = value % 1_000_000_000;
            }
            groups.push(remainder);
            while left.last() == Some(&0) {
                left.pop();
            }
        }
        let mut text = String::from(if self.negative { "-" } else { "" });
        for (at, group) in groups.iter().rev().enumerate() {
            text += &if at == 0 { group.to_string() } else { format!("{group:09}") };
        }
        text
    }
}

/// Multiplies an absolute value, and adds to it.
fn multiply_add(parts: &mut Vec<u32>, by: u32, add: u32) {
    let mut carry = u64::from(add);
    for part in parts.iter_mut() {
        let value = u64::from(*part) * u64::from(by) + carry;
        *part = value as u32;
        carry = value >> 32;
    }
    if carry > 0 {
        parts.push(carry as u32);
    }
}

fn compare(one: &[u32], two: &[u32]) -> Ordering {
    let used = |parts: &[u32]| parts.iter().rposition(|&part| part > 0).map_or(0, |last| last + 1);
    let (one, two) = (&one[..used(one)], &two[..used(two)]);
    one.len().cmp(&two.len()).then_with(|| one.iter().rev().cmp(two.iter().rev()))
}

fn sum(one: &[u32], two: &[u32]) -> Vec<u32> {
    let mut carry = 0u64;
    let mut parts = Vec::with_capacity(one.len().max(two.len()) + 1);
    for at in 0..=one.len().max(two.len()) {
        let of = |parts: &[u32]| u64::from(parts.get(at).copied().unwrap_or_default());
        let value = of(one) + of(two) + carry;
        parts.push(value as u32);
        carry = value >> 32;
    }
    parts
}

/// Returns the difference, where the first number is not less than the second one.
fn difference(one: &[u32], two: &[u32]) -> Vec<u32> {
    let mut borrow = 0i64;
    let parts = one.iter().enumerate().map(|(at, &part)| {
        let value = i64::from(part) - i64::from(two.get(at).copied().unwrap_or_default()) - borrow;
        borrow = i64::from(value < 0);
        value as u32
    });
    let mut parts: Vec<_> = parts.collect();
    while parts.last() == Some(&0) {
        parts.pop();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use smelt_sdk::saved;

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn numbers_keep_all_their_digits() {
        let most = "999999999999999999.999999999999999999";
        let square = amount(most).times(&amount(most));
        assert_eq!(square.plain(), "999999999999999999999999999999999998.000000000000000000000000000000000001");
        let cube = square.times(&amount(most)).times(&amount("-1"));
        assert!(cube < square && cube.plus(&cube.negated()) == Amount::ZERO);
        assert_eq!(saved::resume::<Amount>(&saved::save(&cube)).expect("it was saved"), cube);
        assert_eq!(amount("-0.50").plain(), "-0.5");
        assert_eq!(["0.00", "-0", "+7", "10.0"].map(|text| amount(text).plain()), ["0", "0", "7", "10"]);
        for wrong in ["", "-", ".5", "5.", "1e3", "1_000", "0x1", "1234567890123456789", "1,5", "٣"] {
            assert!(Amount::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn quotients_round_half_away_from_zero() {
        let of = |over, under| Fraction::of(over, under).expect("more than 0");
        assert_eq!(
            [of(1, 3), of(2, 3), of(-1, 20_000), of(1, 20_001)].map(|ratio| ratio.four()),
            ["0.3333", "0.6667", "-0.0001", "0.0000"]
        );
        let third = of(1, 3);
        let one = third.plus(&third).plus(&third);
        assert!(one.compare(&Fraction::whole(1)).is_eq() && one.minus(&Fraction::whole(1)).four() == "0.0000");
        assert_eq!(amount("-2.00005").rounded(4), -20_001);
        assert!(Fraction::of(1, 0).is_none());
    }
}
