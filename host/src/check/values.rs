//! Rows for KPIs: typed values as silver might hold them.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, SchemaRef};

use super::rows::{BATCH_BYTES, BATCH_ROWS, Dice, Made, Part, cut, joined};
use super::texts::UNICODE;
use crate::wasm::KpiSpec;

/// How many rows of each input are made by throwing dice.
const GENERATED: usize = 400;
/// The longest text in bytes.
const HUGE: usize = 1 << 20;
/// The first and the last day that silver can hold, in days since 1970-01-01: years 0000 and 9999.
const DAYS: [i64; 2] = [-719_528, 2_932_896];
const DAY_MICROSECONDS: i64 = 86_400_000_000;

/// What is special about a row.
#[derive(Clone, Copy)]
enum Special {
    Nothing,
    /// Missing where that is allowed.
    Missing,
    Huge(usize),
    Unicode(usize),
    /// The greatest, the least, and for floats five more.
    Limit(usize),
}

const LIMITS: usize = 7;

/// A value, but for its type.
enum Value {
    Boolean(bool),
    /// An integer, a day or an instant.
    Integer(i64),
    Float(f64),
    Text(String),
    Decimal(i128),
}

/// The batches a KPI is sent.
pub(super) fn make(spec: &KpiSpec) -> Vec<Made> {
    let mut dice = Dice::new();
    let mut made = |name, count: usize, special: &dyn Fn(usize) -> Special| {
        let parts = spec.inputs.iter().enumerate().map(|(input, declared)| {
            let rows = (0..count).map(|row| {
                let fields = declared.columns.fields().iter();
                fields.map(|field| value(field, special(row), &mut dice)).collect::<Vec<_>>()
            });
            Part { input, rows: batch(&declared.columns, &rows.collect::<Vec<_>>()) }
        });
        Made { name, parts: parts.collect() }
    };
    let columns = spec.inputs.iter().map(|input| input.columns.fields().len()).max().unwrap_or(1);
    let mut all = vec![
        made("empty batch", 0, &|_| Special::Nothing),
        made("one row", 1, &|_| Special::Nothing),
        made("all missing", 3, &|_| Special::Missing),
        made("huge texts", 2, &|_| Special::Huge(HUGE.min(BATCH_BYTES / 4 / columns))),
        made("unicode", UNICODE.len(), &Special::Unicode),
        made("numbers at their limits", LIMITS, &Special::Limit),
        made("generated rows", GENERATED, &|_| Special::Nothing),
    ];
    let many = |part: &Part| {
        let bytes = part.rows.get_array_memory_size().max(1);
        let times = (BATCH_ROWS / GENERATED + 1).min((BATCH_BYTES / bytes).max(1));
        let rows = joined(&part.rows.schema(), std::iter::repeat_n(&part.rows, times));
        Part { input: part.input, rows: cut(&rows, BATCH_ROWS).next().expect("there are many") }
    };
    let parts = all.last().map(|generated| generated.parts.iter().map(many).collect()).unwrap_or_default();
    all.push(Made { name: "many rows", parts });
    all
}

fn value(field: &Field, special: Special, dice: &mut Dice) -> Option<Value> {
    let missing = match special {
        Special::Missing => true,
        Special::Nothing => dice.percent(15),
        _ => false,
    };
    if missing && field.is_nullable() {
        return None;
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
            // Few, so that rows meet.
            _ => format!("k{}", dice.below(12)),
        }),
    })
}

/// A day of few, so that rows meet, or one at the limit.
fn day(special: Special, dice: &mut Dice) -> i64 {
    match special {
        Special::Limit(which) => DAYS[(which + 1) % 2],
        _ => 20_000 + dice.below(30) as i64 - 30 * 400 * i64::from(dice.percent(10)),
    }
}

fn batch(schema: &SchemaRef, rows: &[Vec<Option<Value>>]) -> RecordBatch {
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
