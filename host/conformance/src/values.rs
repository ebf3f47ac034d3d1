//! Rows for KPIs: typed values as silver might hold them.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, SchemaRef};
use arrow_select::interleave::interleave;

use super::given::Given;
use super::rows::{BATCH_BYTES, BATCH_ROWS, Dice, Made, Part, cut, joined};
use super::texts::UNICODE;
use smelt_runtime::KpiSpec;

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
    /// One at which software goes wrong, and which every sum of some holds; those that are listed come first.
    Hard(usize),
    /// Like hardly any other.
    Rare,
    /// That of a number, and of no other number where the type has so many.
    Numbered(u64),
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

/// Texts that keys are confused by.
const TEXTS: &[&str] =
    &["", " ", "0", "-", "NA", "null", "k1", "K1", " k1", "k1 ", "k01", "k1\0", "k", "kk", "k1k1", "a,b", "\n"];
/// Integers at which narrower ones end, and small ones.
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
/// Beside what every float column may hold, what is lost by rounding.
const FLOATS: &[f64] =
    &[0.0, -0.0, 0.1, -0.1, 0.5, -0.5, 1.5, 2.5, 1e-300, 5e-324, 1e15, -1e15, 9_007_199_254_740_993.0, 1e9];
/// Days around which calendars change, since 1970-01-01: then, a leap day, years 1600 and 2400, a turn of the century.
const CALENDAR: &[i64] = &[0, -1, 1, 11_016, 19_782, 19_783, 10_956, 10_957, -135_140, 157_113, 18_261, 18_262];

/// How many rows of an input those that are thrown by dice, with one cell of each column that is special, and with cells of
/// the author's own rows are.
const POOL: [usize; 3] = [60, 40, 40];

/// Rows of each input of which some agree in what they hold and some are like no other: thrown by dice, the author's own, and
/// both with a cell that software gets wrong. Last come rows with a word of the component each. With `limits` some are as great as can be.
pub(super) fn pool(
    spec: &KpiSpec,
    given: &Given<Vec<RecordBatch>>,
    words: &[String],
    limits: bool,
    dice: &mut Dice,
) -> Vec<RecordBatch> {
    let [thrown, special, own] = POOL;
    let input = |(input, declared): (usize, &smelt_runtime::KpiInputSpec)| {
        let schema = &declared.columns;
        let mut made = |count: usize, of: &dyn Fn(usize, usize, &mut Dice) -> Special| {
            let rows = (0..count).map(|row| {
                let cells = schema.fields().iter().enumerate();
                cells.map(|(column, field)| value(field, of(row, column, dice), dice)).collect::<Vec<_>>()
            });
            let rows = rows.collect::<Vec<_>>();
            batch(schema, &rows)
        };
        let mut parts = vec![made(thrown, &|_, _, _| Special::Nothing), made(thrown, &|_, _, _| Special::Rare)];
        let mut odd = Vec::new();
        for column in 0..schema.fields().len() {
            odd.push(made(special, &|row, at, _| if at == column { Special::Hard(row) } else { Special::Nothing }));
        }
        if limits {
            parts.push(made(special, &|_, _, dice| match dice.percent(30) {
                true => Special::Limit(dice.below(LIMITS as u64) as usize),
                false => Special::Nothing,
            }));
        }
        let ordinary = made(words.len(), &|_, _, _| Special::Nothing);
        let theirs = given.rows.get(input).filter(|rows| rows.num_rows() > 0);
        if let Some(theirs) = theirs {
            let many = theirs.num_rows() as u64;
            let pick = |dice: &mut Dice, from: usize| (from, dice.below(many) as usize);
            let whole: Vec<_> = (0..own).map(|_| dice.below(many) as usize).collect();
            let columns = theirs.columns().iter().map(|column| taken(&[column], whole.iter().map(|&row| (0, row))));
            parts.push(of(schema, columns.collect()));
            // Each cell of some row, and in one column what is odd.
            for (column, odd) in odd.iter().enumerate() {
                let columns = theirs.columns().iter().enumerate().map(|(at, cells)| match at == column {
                    true => Arc::clone(odd.column(at)),
                    false => taken(&[cells], (0..odd.num_rows()).map(|_| pick(dice, 0)).collect::<Vec<_>>()),
                });
                parts.push(of(schema, columns.collect()));
            }
        }
        parts.extend(odd);
        parts.push(with_words(ordinary, given, words, dice));
        joined(schema, &parts)
    };
    spec.inputs.iter().enumerate().map(input).collect()
}

fn taken(from: &[&ArrayRef], rows: impl IntoIterator<Item = (usize, usize)>) -> ArrayRef {
    let from: Vec<_> = from.iter().map(|array| array.as_ref()).collect();
    interleave(&from, &rows.into_iter().collect::<Vec<_>>()).expect("the rows are there, of one type")
}

fn of(schema: &SchemaRef, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(Arc::clone(schema), columns).expect("the columns are those of other rows")
}

/// The rows with one cell each that stands in the component, where it is a text or an integer.
fn with_words(rows: RecordBatch, given: &Given<Vec<RecordBatch>>, words: &[String], dice: &mut Dice) -> RecordBatch {
    let schema = rows.schema();
    let fits = |data_type: &DataType| matches!(data_type, DataType::Utf8 | DataType::Int64);
    let columns: Vec<_> = (0..rows.num_columns()).filter(|&at| fits(schema.field(at).data_type())).collect();
    if columns.is_empty() || rows.num_rows() == 0 {
        return rows;
    }
    let chosen: Vec<_> = (0..rows.num_rows()).map(|_| dice.pick(&columns)).collect();
    let columns = rows.columns().iter().enumerate().map(|(at, cells)| -> ArrayRef {
        let others: ArrayRef = match cells.data_type() {
            DataType::Utf8 => Arc::new(words.iter().map(Some).collect::<StringArray>()),
            DataType::Int64 => {
                Arc::new(chosen.iter().map(|_| Some(given.number(dice) % (1 << 33))).collect::<Int64Array>())
            }
            _ => return Arc::clone(cells),
        };
        taken(&[cells, &others], chosen.iter().enumerate().map(|(row, &column)| (usize::from(column == at), row)))
    });
    of(&schema, columns.collect())
}

/// Returns `count` rows of each input. Two rows share no value, of this input or another one, unless they have the same of
/// the `keys` numbers.
pub(super) fn numbered(spec: &KpiSpec, count: usize, keys: u64, dice: &mut Dice) -> Vec<RecordBatch> {
    let input = |declared: &smelt_runtime::KpiInputSpec| {
        let rows = (0..count as u64).map(|row| {
            let fields = declared.columns.fields().iter();
            fields.map(|field| value(field, Special::Numbered(row % keys), dice)).collect::<Vec<_>>()
        });
        let rows = rows.collect::<Vec<_>>();
        batch(&declared.columns, &rows)
    };
    spec.inputs.iter().map(input).collect()
}

/// A value at which software goes wrong; sums of a million such are within what their columns hold.
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

/// That of the number, and any where there are no more.
fn listed<T: Copy>(all: &[T], which: usize, dice: &mut Dice) -> T {
    all.get(which).copied().unwrap_or_else(|| dice.pick(all))
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
    // The number that the value is to tell of, for those that are like no other.
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
            // Few, so that rows meet.
            _ => format!("k{}", dice.below(12)),
        }),
    })
}

/// The value of a number.
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
