//! The values of cells and schemas.

use std::borrow::Cow;
use std::cmp::Ordering;

use smelt_sdk::{Date, Decimal, Timestamp};

use crate::json::Json;

/// A number of a cell: at most 18 digits before the point, and 18 after it. It is exact.
pub type Number = Decimal<18>;

/// The units of a [`Number`] that are 1.
const ONE: i128 = 10i128.pow(18);

/// A value of a cell, or of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// A text.
    Text(Cow<'a, str>),
    /// An integer or a decimal.
    Number(Number),
    /// A boolean.
    Boolean(bool),
    /// A date.
    Date(Date),
    /// An instant.
    Timestamp(Timestamp),
    /// A JSON array or object.
    Json(Json<'a>),
}

impl Value<'_> {
    /// Returns the number, if the value is one.
    pub fn number(&self) -> Option<Number> {
        match *self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Returns the boolean, if the value is one.
    pub fn boolean(&self) -> Option<bool> {
        match *self {
            Self::Boolean(boolean) => Some(boolean),
            _ => None,
        }
    }

    /// Returns the instant, if the value is one. A date is its midnight, UTC.
    pub fn instant(&self) -> Option<Timestamp> {
        match *self {
            Self::Timestamp(instant) => Some(instant),
            Self::Date(date) => Some(midnight(date)),
            _ => None,
        }
    }

    /// Returns the date, if the value is one. Of an instant it is the date in UTC.
    pub fn date(&self) -> Option<Date> {
        match *self {
            Self::Timestamp(instant) => Some(instant.date()),
            Self::Date(date) => Some(date),
            _ => None,
        }
    }

    /// Compares two values of one kind; dates and instants are of one. Texts compare by their bytes. Returns `None` for
    /// values that do not compare.
    pub fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Value::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
            (Self::Number(a), Value::Number(b)) => Some(a.cmp(b)),
            (Self::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
            _ => Some(self.instant()?.cmp(&other.instant()?)),
        }
    }
}

/// Returns the number as an integer, if it is whole.
pub fn integer(number: Number) -> Option<i64> {
    let units = number.units();
    if units % ONE == 0 { i64::try_from(units / ONE).ok() } else { None }
}

/// Rounds a number half away from zero to `SCALE` places, of which there are at most 18.
pub fn round<const SCALE: u8>(number: Number) -> Decimal<SCALE> {
    const { assert!(SCALE <= 18, "a number of a cell has 18 places") };
    let one = 10i128.pow(18 - u32::from(SCALE));
    let (units, half) = (number.units(), one / 2);
    Decimal::from_units((units + if units < 0 { -half } else { half }) / one)
}

fn midnight(date: Date) -> Timestamp {
    Timestamp(i64::from(date.0) * 86_400_000_000)
}

#[cfg(test)]
mod tests {
    use smelt_sdk::Money;

    use super::*;
    use crate::cell::number;

    #[test]
    fn numbers_are_rounded_half_away_from_zero() {
        for (text, money) in [("1.005", 101), ("-1.005", -101), ("1.0049999", 100), ("0", 0), ("-0.004", 0), ("7", 700)]
        {
            assert_eq!(number(text).map(round), Some(Money::from_units(money)), "{text}");
        }
        assert_eq!(number("1.5").map(round), Some(Number::from_units(1_500_000_000_000_000_000)));
    }

    #[test]
    fn integers_are_whole() {
        for (text, whole) in [("7", Some(7)), ("-7.000", Some(-7)), ("7.5", None), ("0.000000000000000001", None)] {
            assert_eq!(number(text).and_then(integer), whole, "{text}");
        }
        assert_eq!(number("1e3"), None);
    }

    #[test]
    fn dates_are_midnights_where_they_meet_instants() {
        let day = Value::Date(Date::parse("2025-11-13").expect("a date"));
        let instant = |text| Value::Timestamp(Timestamp::parse(text).expect("an instant"));
        assert_eq!(day.compare(&instant("2025-11-13T00:00:00Z")), Some(Ordering::Equal));
        assert_eq!(instant("2025-11-13T00:00:01Z").compare(&day), Some(Ordering::Greater));
        assert_eq!(day.compare(&Value::Text("2025-11-13".into())), None);
        assert_eq!(Value::Text("é".into()).compare(&Value::Text("z".into())), Some(Ordering::Greater));
    }
}
