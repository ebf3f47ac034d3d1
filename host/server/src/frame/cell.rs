//! Single values of tables.

use std::cmp::Ordering;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

/// A value of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// No value.
    Missing,
    /// True or false.
    Boolean(bool),
    /// An integer.
    Int(i64),
    /// A number that need not be exact.
    Float(f64),
    /// An exact number: the digits, and how many of them come after the point.
    Decimal(i128, u8),
    /// A text.
    Text(String),
    /// A day, in days since 1970-01-01.
    Date(i32),
    /// A moment, in microseconds since the epoch.
    Timestamp(i64),
}

/// Returns a value of a column.
pub fn cell(column: &ArrayRef, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::Missing;
    }
    match column.data_type() {
        DataType::Boolean => Cell::Boolean(column.as_boolean().value(row)),
        DataType::Int64 => Cell::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Cell::Float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Date32 => Cell::Date(column.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(..) => Cell::Timestamp(column.as_primitive::<TimestampMicrosecondType>().value(row)),
        &DataType::Decimal128(_, scale) => {
            Cell::Decimal(column.as_primitive::<Decimal128Type>().value(row), scale.unsigned_abs())
        }
        _ => Cell::Text(column.as_string::<i32>().value(row).to_owned()),
    }
}

impl Cell {
    /// Returns the value as a point on an axis; `None` if it is no number.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Int(value) => Some(value as f64),
            Self::Float(value) => Some(value).filter(|value| value.is_finite()),
            Self::Decimal(value, scale) => Some(value as f64 / 10_f64.powi(scale.into())),
            Self::Boolean(value) => Some(f64::from(u8::from(value))),
            Self::Missing | Self::Text(_) | Self::Date(_) | Self::Timestamp(_) => None,
        }
    }

    /// Returns the value as text, as CSV has it; empty if there is none.
    pub fn text(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Boolean(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Decimal(value, scale) => decimal(*value, *scale),
            Self::Text(value) => value.clone(),
            Self::Date(days) => date(*days),
            Self::Timestamp(micros) => timestamp(*micros),
        }
    }

    /// Compares two values of one column. What is missing comes first, and NaN last. As in keys of tables, -0 is 0, and NaN is
    /// one value.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Missing, Self::Missing) => Ordering::Equal,
            (Self::Missing, _) => Ordering::Less,
            (_, Self::Missing) => Ordering::Greater,
            (Self::Boolean(one), Self::Boolean(other)) => one.cmp(other),
            (Self::Int(one), Self::Int(other)) => one.cmp(other),
            (Self::Float(one), Self::Float(other)) => ordered(*one).total_cmp(&ordered(*other)),
            (Self::Decimal(one, _), Self::Decimal(other, _)) => one.cmp(other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Date(one), Self::Date(other)) => one.cmp(other),
            (Self::Timestamp(one), Self::Timestamp(other)) => one.cmp(other),
            _ => Ordering::Equal,
        }
    }
}

/// Returns the number in whose place `total_cmp` takes a number.
pub(crate) fn ordered(value: f64) -> f64 {
    if value.is_nan() { f64::NAN } else { value + 0.0 }
}

/// Returns an exact number as text, with all its places.
fn decimal(value: i128, scale: u8) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, places) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if value < 0 { "-" } else { "" };
    if places.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{places}") }
}

/// Returns a day as `YYYY-MM-DD`.
fn date(days: i32) -> String {
    let date = chrono::DateTime::from_timestamp(i64::from(days) * 86_400, 0);
    date.map_or_else(String::new, |date| date.format("%F").to_string())
}

/// Returns a moment in RFC 3339, in UTC. A fraction of a second has six places, as in smelt's files.
fn timestamp(micros: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(micros);
    let is_whole = micros.rem_euclid(1_000_000) == 0;
    let digits = if is_whole { chrono::SecondsFormat::Secs } else { chrono::SecondsFormat::Micros };
    time.map_or_else(String::new, |time| time.to_rfc3339_opts(digits, true))
}
