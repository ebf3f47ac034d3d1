//! Typed values for KPIs, as silver might hold them.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, SchemaRef};

use crate::rows::Dice;
use crate::unicode::UNICODE;

/// The first and the last day that silver can hold, in days since 1970-01-01: years 0000 and 9999.
const DAYS: [i64; 2] = [-719_528, 2_932_896];
const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// The special feature of a value.
#[derive(Clone, Copy)]
pub(super) enum Special {
    Nothing,
    /// The value is missing, if the column is nullable.
    Missing,
    /// A text of that many bytes.
    Huge(usize),
    /// The text of that index in `UNICODE`.
    Unicode(usize),
    /// The greatest or the least value. Floats have five more limits.
    Limit(usize),
    /// A value that software often gets wrong, but whose sums fit into their columns. The listed values come first.
    Hard(usize),
    /// A value that hardly any other row has.
    Rare,
    /// The value that belongs to a number. No other number has it, if the type has enough values.
    Numbered(u64),
}

/// The number of limits that a float has.
pub(super) const LIMITS: usize = 7;

/// A value without its exact type.
pub(super) enum Value {
    Boolean(bool),
    /// An integer, a day or an instant.
    Integer(i64),
    Float(f64),
    Text(String),
    Decimal(i128),
}

/// Texts that are easily confused as keys.
const TEXTS: &[&str] =
    &["", " ", "0", "-", "NA", "null", "k1", "K1", " k1", "k1 ", "k01", "k1\0", "k", "kk", "k1k1", "a,b", "\n"];
/// Small integers, and the limits of narrower types.
const INTEGERS: &[i64] = &[
    0,
    1,
    -1,
    2,
    9,
    10,
    -10,
    99,
    100,
    127,
    128,
    -128,
    -129,
    255,
    256,
    999,
    1000,
    32_767,
    32_768,
    65_535,
    65_536,
    1_000_000,
    i32::MAX as i64,
    i32::MAX as i64 + 1,
    i32::MIN as i64,
    i32::MIN as i64 - 1,
    u32::MAX as i64,
    u32::MAX as i64 + 1,
];
/// Floats that lose digits by rounding, and ordinary ones.
const FLOATS: &[f64] =
    &[0.0, -0.0, 0.1, -0.1, 0.5, -0.5, 1.5, 2.5, 1e-300, 5e-324, 1e15, -1e15, 9_007_199_254_740_993.0, 1e9];
/// Days since 1970-01-01 at which calendars change: the epoch, a leap day, the years 1600 and 2400, a turn of the
/// century.
const CALENDAR: &[i64] = &[0, -1, 1, 11_016, 19_782, 19_783, 10_956, 10_957, -135_140, 157_113, 18_261, 18_262];

/// Returns a value that software often gets wrong. A sum of a million such values fits into its column.
fn hard(data_type: &DataType, which: usize, dice: &mut Dice) -> Option<Value> {
    Some(match *data_type {
        DataType::Int64 => Value::Integer(listed(INTEGERS, which, dice)),
        DataType::Date32 => Value::Integer(listed(CALENDAR, which, dice)),
        DataType::Timestamp(..) => {
            let within = dice.pick(&[0, 1, 999_999, DAY_MICROSECONDS - 1, DAY_MICROSECONDS / 2]);
            Value::Integer(listed(CALENDAR, which, dice) * DAY_MICROSECONDS + within)
        }
        DataType::Decimal128(precision, _) => {
            let digits = u32::from(if precision > 12 { (precision - 7).min(20) } else { precision.min(5) });
            let beyond = 10_i128.pow(digits);
            let round = 10_i128.pow(dice.below(u64::from(digits) + 1) as u32);
            let value = match dice.below(4) {
                0 => dice.pick(&[0, 1, -1, 5, 49, 50, 99, 100, 101]),
                1 => round - 1,
                2 => round.min(beyond - 1),
                _ => {
                    i128::from(dice.pick(&[i64::MAX, i64::MIN, u32::MAX.into(), i32::MIN.into()]))
                        + i128::from(dice.below(2))
                }
            };
            let value = value.clamp(1 - beyond, beyond - 1);
            Value::Decimal(if dice.percent(30) { -value } else { value })
        }
        DataType::Float64 => Value::Float(listed(FLOATS, which, dice)),
        DataType::Utf8 if which < TEXTS.len() => Value::Text(TEXTS[which].to_owned()),
        DataType::Utf8 => Value::Text(match dice.below(10) {
            0..8 => dice.pick(UNICODE).to_owned(),
            _ => dice.pick(&["x", "é", "k1"]).repeat(1 + dice.below(2000) as usize),
        }),
        _ => return None,
    })
}

/// Returns the value of that index, or any value if there are fewer.
fn listed<T: Copy>(all: &[T], which: usize, dice: &mut Dice) -> T {
    all.get(which).copied().unwrap_or_else(|| dice.pick(all))
}

/// Returns a value for a column.
pub(super) fn value(field: &Field, special: Special, dice: &mut Dice) -> Option<Value> {
    let missing = match special {
        Special::Missing => true,
        Special::Nothing | Special::Rare => dice.percent(15),
        _ => false,
    };
    if missing && field.is_nullable() {
        return None;
    }
    if let Special::Hard(which) = special
        && let Some(hard) = hard(field.data_type(), which, dice)
    {
        return Some(hard);
    }
    // A value that is like no other belongs to a number.
    let number = match special {
        Special::Numbered(number) => Some(number),
        Special::Rare => Some(dice.below(1 << 40)),
        _ => None,
    };
    if let Some(number) = number {
        return Some(numbered_value(field.data_type(), number));
    }
    Some(match *field.data_type() {
        DataType::Boolean => Value::Boolean(dice.percent(50)),
        DataType::Int64 => Value::Integer(match special {
            Special::Limit(which) => [i64::MAX, i64::MIN][which % 2],
            _ => dice.below(2_000) as i64 - 200,
        }),
        DataType::Date32 => Value::Integer(day(special, dice)),
        DataType::Timestamp(..) => Value::Integer(match special {
            Special::Limit(which) if which % 2 == 0 => (DAYS[1] + 1) * DAY_MICROSECONDS - 1,
            Special::Limit(_) => DAYS[0] * DAY_MICROSECONDS,
            _ => day(special, dice) * DAY_MICROSECONDS + dice.below(DAY_MICROSECONDS as u64) as i64,
        }),
        DataType::Decimal128(precision, _) => {
            let beyond = 10_i128.pow(u32::from(precision));
            Value::Decimal(match special {
                Special::Limit(which) => [beyond - 1, 1 - beyond][which % 2],
                _ => (i128::from(dice.below(200_000)) - 20_000) % beyond,
            })
        }
        DataType::Float64 => Value::Float(match special {
            Special::Limit(which) => {
                [f64::MAX, f64::MIN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::from_bits(1)][which]
            }
            _ => (dice.below(20_000) as f64 - 2_000.0) / 8.0,
        }),
        _ => Value::Text(match special {
            Special::Huge(bytes) => "é".repeat(bytes / 2),
            Special::Unicode(which) => UNICODE[which].to_owned(),
            Special::Limit(_) => String::new(),
            // Few different values, so that rows share keys.
            _ => format!("k{}", dice.below(12)),
        }),
    })
}

/// Returns the value that belongs to a number.
fn numbered_value(data_type: &DataType, number: u64) -> Value {
    match *data_type {
        DataType::Boolean => Value::Boolean(number % 2 == 1),
        DataType::Int64 => Value::Integer((number % (1 << 32)) as i64),
        DataType::Date32 => Value::Integer((number % 40_000) as i64),
        DataType::Timestamp(..) => Value::Integer((number % (1 << 32)) as i64 * 1_000_003),
        DataType::Decimal128(precision, _) => {
            Value::Decimal(i128::from(number) % 10_i128.pow(u32::from(precision.saturating_sub(7).clamp(1, 12))))
        }
        DataType::Float64 => Value::Float((number % (1 << 32)) as f64 / 4.0),
        _ => Value::Text(format!("k{number}")),
    }
}

/// Returns one of few days, so that rows share keys, or a day at the limit.
fn day(special: Special, dice: &mut Dice) -> i64 {
    match special {
        Special::Limit(which) => DAYS[(which + 1) % 2],
        _ => 20_000 + dice.below(30) as i64 - 30 * 400 * i64::from(dice.percent(10)),
    }
}

/// Returns rows of values as a batch.
pub(super) fn batch(schema: &SchemaRef, rows: &[Vec<Option<Value>>]) -> RecordBatch {
    let column = |(at, field): (usize, &Arc<Field>)| -> ArrayRef {
        let cells = || rows.iter().map(|row| row[at].as_ref());
        let integers =
            || cells().map(|cell| cell.map(|cell| if let Value::Integer(value) = cell { *value } else { 0 }));
        match *field.data_type() {
            DataType::Boolean => Arc::new(
                cells().map(|cell| cell.map(|cell| matches!(cell, Value::Boolean(true)))).collect::<BooleanArray>(),
            ),
            DataType::Int64 => Arc::new(integers().collect::<Int64Array>()),
            DataType::Date32 => Arc::new(integers().map(|day| day.map(|day| day as i32)).collect::<Date32Array>()),
            DataType::Timestamp(..) => Arc::new(integers().collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
            DataType::Decimal128(precision, scale) => {
                let units =
                    cells().map(|cell| cell.map(|cell| if let Value::Decimal(units) = cell { *units } else { 0 }));
                let array = units.collect::<Decimal128Array>().with_precision_and_scale(precision, scale);
                Arc::new(array.expect("a checked schema has decimals as Arrow has them"))
            }
            DataType::Float64 => {
                let floats =
                    cells().map(|cell| cell.map(|cell| if let Value::Float(value) = cell { *value } else { 0.0 }));
                Arc::new(floats.collect::<Float64Array>())
            }
            _ => {
                let texts = cells().map(|cell| cell.map(|cell| if let Value::Text(text) = cell { text } else { "" }));
                Arc::new(texts.collect::<StringArray>())
            }
        }
    };
    let columns = schema.fields().iter().enumerate().map(column).collect();
    RecordBatch::try_new(Arc::clone(schema), columns).expect("every value is of its column's type")
}
