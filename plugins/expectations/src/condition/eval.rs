//! The values of conditions in a row.

use std::cmp::Ordering;

use smelt_sdk::Timestamp;
use smelt_sdk_schema::{Cell, Value};

use super::term::{Comparison, Logic, Operand};
use crate::number::Amount;

/// A row that a condition is asked about.
pub(crate) struct Row<'r, 'a> {
    /// The cells, by the index of their column in the schema. Those that no condition reads may be anything.
    pub(crate) cells: &'r [Cell<'a>],
    pub(crate) stamp: Option<Timestamp>,
}

/// A value of an operand.
enum Found<'v> {
    Number(Amount),
    Text(&'v str),
    Boolean(bool),
    /// An instant or a duration, in microseconds.
    Time(i128),
}

impl Logic {
    pub(super) fn holds(&self, row: &Row<'_, '_>) -> Option<bool> {
        match self {
            Self::Or(one, two) => match one.holds(row) {
                Some(true) => Some(true),
                Some(false) => two.holds(row),
                None => two.holds(row).filter(|holds| *holds),
            },
            Self::And(one, two) => match one.holds(row) {
                Some(false) => Some(false),
                Some(true) => two.holds(row),
                None => two.holds(row).filter(|holds| !holds),
            },
            Self::Not(one) => one.holds(row).map(|holds| !holds),
            Self::Compare(comparison, one, two) => {
                let order = compare(&one.value(row)?, &two.value(row)?)?;
                Some(match comparison {
                    Comparison::Equal => order.is_eq(),
                    Comparison::Different => order.is_ne(),
                    Comparison::Less => order.is_lt(),
                    Comparison::LessOrEqual => order.is_le(),
                    Comparison::Greater => order.is_gt(),
                    Comparison::GreaterOrEqual => order.is_ge(),
                })
            }
            Self::In(one, list) => {
                let value = one.value(row)?;
                let is = |literal: &Operand| literal.value(row).and_then(|other| compare(&value, &other));
                Some(list.iter().any(|literal| is(literal) == Some(Ordering::Equal)))
            }
            Self::Missing(column) => Some(matches!(row.cells[*column], Cell::Missing)),
        }
    }
}

impl Operand {
    fn value<'v>(&'v self, row: &'v Row<'_, '_>) -> Option<Found<'v>> {
        Some(match self {
            Self::Column(column) => match row.cells[*column].value()? {
                Value::Text(text) => Found::Text(text),
                Value::Number(number) => Found::Number(Amount::of_cell(*number)),
                Value::Boolean(boolean) => Found::Boolean(*boolean),
                time @ (Value::Date(_) | Value::Timestamp(_)) => Found::Time(time.instant()?.0.into()),
                Value::Json(_) => return None,
            },
            Self::Number(number) => Found::Number(number.clone()),
            Self::Text(text) => Found::Text(text),
            Self::Boolean(boolean) => Found::Boolean(*boolean),
            Self::Instant(time) | Self::Duration(time) => Found::Time(*time),
            Self::Stamp => Found::Time(row.stamp?.0.into()),
            Self::Add(one, two) => both(one, two, row, Amount::plus, |one, two| one + two)?,
            Self::Subtract(one, two) => both(one, two, row, Amount::minus, |one, two| one - two)?,
            Self::Multiply(one, two) => both(one, two, row, Amount::times, |one, _| one)?,
            Self::Negate(one) => match one.value(row)? {
                Found::Number(number) => Found::Number(number.negated()),
                Found::Time(time) => Found::Time(-time),
                other => other,
            },
            Self::Absolute(one) => match one.value(row)? {
                Found::Number(number) => Found::Number(number.absolute()),
                Found::Time(time) => Found::Time(time.abs()),
                other => other,
            },
        })
    }
}

/// Returns what two operands make together. Times are far from what 128 bits hold: each literal has ten digits of days.
fn both<'v>(
    one: &'v Operand,
    two: &'v Operand,
    row: &'v Row<'_, '_>,
    numbers: fn(&Amount, &Amount) -> Amount,
    times: fn(i128, i128) -> i128,
) -> Option<Found<'v>> {
    Some(match (one.value(row)?, two.value(row)?) {
        (Found::Number(one), Found::Number(two)) => Found::Number(numbers(&one, &two)),
        (Found::Time(one), Found::Time(two)) => Found::Time(times(one, two)),
        _ => return None,
    })
}

fn compare(one: &Found<'_>, two: &Found<'_>) -> Option<Ordering> {
    match (one, two) {
        (Found::Number(one), Found::Number(two)) => Some(one.cmp(two)),
        (Found::Text(one), Found::Text(two)) => Some(one.as_bytes().cmp(two.as_bytes())),
        (Found::Boolean(one), Found::Boolean(two)) => Some(one.cmp(two)),
        (Found::Time(one), Found::Time(two)) => Some(one.cmp(two)),
        _ => None,
    }
}
