//! Conditions on the values of a column.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef};
use arrow_schema::DataType;
use chrono::{DateTime, NaiveDate, TimeDelta};

use crate::frame::{Cell, cell};

/// A condition on the values of a column. A missing value meets none but an equality with the empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// The value is one of these, as texts.
    Is(BTreeSet<String>),
    /// The value is from the first to the second, both included. Of a moment, a day as the last one counts whole.
    Range(Option<String>, Option<String>),
}

impl Filter {
    /// Returns the condition that the value is this one.
    pub fn is(text: &str) -> Self {
        Self::Is([text.to_owned()].into())
    }

    /// Returns the condition that this one and another one on the same column both hold; `None` if no single one says so.
    pub(crate) fn and(&self, other: &Self, data_type: &DataType) -> Option<Self> {
        match (self, other) {
            (Self::Is(one), Self::Is(other)) => {
                // Texts may be written in several ways, such as `1.0` and `1.00`.
                let value = |text: &String| parse(text, data_type, Edge::Is);
                let others: Vec<_> = other.iter().filter_map(value).collect();
                let is_other =
                    |text: &&String| value(text).is_some_and(|value| others.iter().any(|other| is_same(&value, other)));
                Some(Self::Is(one.iter().filter(is_other).cloned().collect()))
            }
            (Self::Range(from, to), Self::Range(other_from, other_to)) => {
                let tighter = |one: &Option<String>, other: &Option<String>, edge, is_tighter: fn(Ordering) -> bool| {
                    let (Some(first), Some(second)) = (one, other) else { return one.clone().or(other.clone()) };
                    // What is no value is met by none, so nothing is tighter.
                    let Some(a) = parse(first, data_type, edge) else { return one.clone() };
                    let Some(b) = parse(second, data_type, edge) else { return other.clone() };
                    if is_tighter(a.compare(&b)) { one.clone() } else { other.clone() }
                };
                let from = tighter(from, other_from, Edge::First, Ordering::is_ge);
                Some(Self::Range(from, tighter(to, other_to, Edge::Last, Ordering::is_le)))
            }
            (Self::Is(_), Self::Range(..)) | (Self::Range(..), Self::Is(_)) => None,
        }
    }

    /// Clears the mark of each row that does not meet the condition.
    pub(super) fn apply(&self, column: &ArrayRef, marks: &mut [bool]) {
        match (self, column.data_type()) {
            (Self::Is(texts), DataType::Utf8) => {
                let values = column.as_string::<i32>();
                each(marks, |row| {
                    let value = if values.is_null(row) { "" } else { values.value(row) };
                    texts.contains(value)
                });
            }
            (Self::Is(texts), data_type) => {
                let cells: Vec<_> = texts.iter().filter_map(|text| parse(text, data_type, Edge::Is)).collect();
                each(marks, |row| {
                    let value = cell(column, row);
                    cells.iter().any(|one| is_same(&value, one))
                });
            }
            (Self::Range(from, to), data_type) => {
                let edge = |text: &Option<String>, edge| text.as_ref().map(|text| parse(text, data_type, edge));
                let (from, to) = (edge(from, Edge::First), edge(to, Edge::Last));
                // What cannot be a value of the column is no bound that a value could meet.
                if matches!(from, Some(None)) || matches!(to, Some(None)) {
                    marks.fill(false);
                    return;
                }
                let (from, to) = (from.flatten(), to.flatten());
                each(marks, |row| {
                    let value = cell(column, row);
                    value != Cell::Missing
                        && from.as_ref().is_none_or(|from| value.compare(from).is_ge())
                        && to.as_ref().is_none_or(|to| value.compare(to).is_le())
                });
            }
        }
    }
}

/// Returns whether two values of one column are the same.
fn is_same(one: &Cell, other: &Cell) -> bool {
    one.compare(other).is_eq()
}

fn each(marks: &mut [bool], meets: impl Fn(usize) -> bool) {
    for (row, mark) in marks.iter_mut().enumerate() {
        *mark = *mark && meets(row);
    }
}

/// What a text stands for: a value, or an end of a range.
#[derive(Clone, Copy, PartialEq)]
enum Edge {
    Is,
    First,
    Last,
}

/// Returns the text as a value of that type; `None` if it is none.
fn parse(text: &str, data_type: &DataType, edge: Edge) -> Option<Cell> {
    if text.is_empty() {
        return Some(Cell::Missing);
    }
    Some(match data_type {
        DataType::Boolean => Cell::Boolean(text.parse().ok()?),
        DataType::Int64 => Cell::Int(integer(decimal(text, 0, edge)?, edge)?),
        DataType::Float64 => Cell::Float(text.parse().ok()?),
        DataType::Date32 => Cell::Date(days(day(text)?)?),
        DataType::Timestamp(..) => Cell::Timestamp(match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.timestamp_micros(),
            Err(_) => {
                let day = if edge == Edge::Last { day(text)? + TimeDelta::days(1) } else { day(text)? };
                let micros = day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros();
                micros - i64::from(edge == Edge::Last)
            }
        }),
        &DataType::Decimal128(_, scale) => {
            Cell::Decimal(decimal(text, scale.unsigned_abs(), edge)?, scale.unsigned_abs())
        }
        _ => Cell::Text(text.to_owned()),
    })
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.get(..10).unwrap_or(text), "%Y-%m-%d").ok()
}

fn days(day: NaiveDate) -> Option<i32> {
    i32::try_from(day.signed_duration_since(DateTime::UNIX_EPOCH.date_naive()).num_days()).ok()
}

/// Returns the digits of a decimal of so many places. A bound with more places than that becomes the next value within it.
fn decimal(text: &str, scale: u8, edge: Edge) -> Option<i128> {
    let (is_negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    if !is_digits(whole) || !is_digits(places) {
        return None;
    }
    let (kept, cut) = places.split_at_checked(scale.into()).unwrap_or((places, ""));
    // No value has as many digits as an `i128`.
    let value: i128 = format!("{whole}{kept:0<width$}", width = usize::from(scale)).parse().unwrap_or(i128::MAX);
    let value = if is_negative { -value } else { value };
    let is_cut = cut.bytes().any(|digit| digit != b'0');
    match edge {
        Edge::Is => (!is_cut).then_some(value),
        Edge::First => Some(value.saturating_add(i128::from(is_cut && !is_negative))),
        Edge::Last => Some(value.saturating_sub(i128::from(is_cut && is_negative))),
    }
}

/// Returns the bound as an integer. One beyond all integers is met by all of them, or cannot be met.
fn integer(bound: i128, edge: Edge) -> Option<i64> {
    let (least, greatest) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let bound = match edge {
        Edge::Is => bound,
        Edge::First => bound.max(least),
        Edge::Last => bound.min(greatest),
    };
    i64::try_from(bound).ok()
}
