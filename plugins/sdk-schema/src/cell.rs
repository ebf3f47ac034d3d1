//! Cells, and the bounds of their values.

use std::cmp::Ordering;

use smelt_sdk::Timestamp;

use crate::form::Type;
use crate::value::{Number, Value};

/// A cell as its column reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// The cell is blank, has no value, or is a word that stands for none.
    Missing,
    /// The trimmed text of a cell that is not written as its type.
    Unreadable(&'a str),
    /// The trimmed text of a cell, and its value.
    Value(&'a str, Value<'a>),
}

impl<'a> Cell<'a> {
    /// Returns the trimmed text, unless the cell is missing.
    pub fn text(&self) -> Option<&'a str> {
        match self {
            Self::Missing => None,
            Self::Unreadable(text) | Self::Value(text, _) => Some(text),
        }
    }

    /// Returns the value, unless the cell is missing or unreadable.
    pub fn value(&self) -> Option<&Value<'a>> {
        match self {
            Self::Missing | Self::Unreadable(_) => None,
            Self::Value(_, value) => Some(value),
        }
    }
}

/// An end of a range in a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// A value.
    Value(Value<'static>),
    /// The stamp of the object's name, and so many microseconds.
    Stamp(i64),
}

impl Bound {
    /// Reads a bound that is written plainly, for cells of that type.
    pub fn parse(text: &str, of: &Type) -> Option<Self> {
        match (of, text.strip_prefix("stamp")) {
            (Type::Date(_) | Type::Timestamp(_), Some("")) => Some(Self::Stamp(0)),
            (Type::Date(_) | Type::Timestamp(_), Some(by)) => offset(by).map(Self::Stamp),
            _ => of.read_plain(text).map(Self::Value),
        }
    }

    /// Compares a cell's value with the bound in an object that has that stamp.
    pub fn compare(&self, value: &Value<'_>, stamp: Timestamp) -> Option<Ordering> {
        match self {
            Self::Value(bound) => value.compare(bound),
            Self::Stamp(by) => value.compare(&Value::Timestamp(Timestamp(stamp.0.saturating_add(*by)))),
        }
    }
}

/// Reads a signed duration, `+7d`, `-24h`, `+5m` or `-30s`, in microseconds.
pub fn offset(text: &str) -> Option<i64> {
    let (sign, amount) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let seconds = match amount.as_bytes().last()? {
        b'd' => 86_400,
        b'h' => 3600,
        b'm' => 60,
        b's' => 1,
        _ => return None,
    };
    let digits = &amount[..amount.len() - 1];
    let all = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: i64 = if all { digits.parse().ok()? } else { return None };
    count.checked_mul(seconds * 1_000_000)?.checked_mul(sign)
}

/// Returns the number that a text says plainly: `-1234.50`.
pub fn number(text: &str) -> Option<Number> {
    Type::Decimal { mark: '.', group: None }.read_plain(text)?.number()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::{DateForm, InstantForm};

    #[test]
    fn bounds_may_move_with_the_stamp() {
        let (dates, instants) = (Type::Date(DateForm::iso()), Type::Timestamp(InstantForm::Clf));
        let stamp = Timestamp::parse("2025-11-13T06:00:00Z").expect("an instant");
        let value = Value::Timestamp(Timestamp::parse("2025-11-12T06:00:00Z").expect("an instant"));
        for (text, ordering) in [
            ("stamp", Ordering::Less),
            ("stamp-1d", Ordering::Equal),
            ("stamp-24h", Ordering::Equal),
            ("stamp-1441m", Ordering::Greater),
            ("stamp-86399s", Ordering::Less),
            ("2025-11-12T06:00:00Z", Ordering::Equal),
        ] {
            let bound = Bound::parse(text, &instants).expect(text);
            assert_eq!(bound.compare(&value, stamp), Some(ordering), "{text}");
        }
        assert_eq!(Bound::parse("stamp", &dates), Some(Bound::Stamp(0)));
        for text in
            ["stamp1d", "stamp+", "stamp+d", "stamp+1w", "stamp+-1d", "stamps", "stamp +1d", "stamp+1é", "13/11/2025"]
        {
            assert_eq!(Bound::parse(text, &dates), None, "{text}");
        }
        assert_eq!(Bound::parse("stamp", &Type::Integer), None);
        assert_eq!(Bound::parse("0,5", &Type::Decimal { mark: ',', group: None }), None);
    }
}
