//! Rows for KPIs.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, SchemaRef};
use arrow_select::interleave::interleave;

use super::values::{LIMITS, Special, Value, batch, value};
use crate::rows::{BATCH_BYTES, BATCH_ROWS, Dice, InputRows, NamedRows, cut, joined};
use crate::samples::Samples;
use crate::unicode::UNICODE;
use smelt_runtime::{KpiInputSpec, KpiSpec};

/// The number of generated rows of each input.
const GENERATED: usize = 400;
/// The bytes of the longest text.
const HUGE: usize = 1 << 20;

/// The numbers of rows of an input that are generated, that have one special cell for each column, and that are rows of
/// golden cases.
const POOL: [usize; 3] = [60, 40, 40];
/// The number of rows of an input whose columns have one value, few or many: more than a byte counts.
const SHAPED: usize = 300;

/// Returns random rows of each input, of which some have equal cells and some are like no other. They are generated, or
/// from golden cases, and some of both have a cell that software often gets wrong. The last rows have a word of the
/// component each. With `limits`, some rows have values at the limits of their types.
pub(super) fn pool(
    spec: &KpiSpec,
    samples: &Samples<Vec<RecordBatch>>,
    words: &[String],
    limits: bool,
    dice: &mut Dice,
) -> Vec<RecordBatch> {
    let [thrown, special, own] = POOL;
    let input = |(input, declared): (usize, &KpiInputSpec)| {
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
        let theirs = samples.rows.get(input).filter(|rows| rows.num_rows() > 0);
        if let Some(theirs) = theirs {
            let many = theirs.num_rows() as u64;
            let pick = |dice: &mut Dice, from: usize| (from, dice.below(many) as usize);
            let whole: Vec<_> = (0..own).map(|_| dice.below(many) as usize).collect();
            let columns = theirs.columns().iter().map(|column| taken(&[column], whole.iter().map(|&row| (0, row))));
            parts.push(of(schema, columns.collect()));
            // The cells come from different rows of the cases, except for one column with special values.
            for (column, odd) in odd.iter().enumerate() {
                let columns = theirs.columns().iter().enumerate().map(|(at, cells)| match at == column {
                    true => Arc::clone(odd.column(at)),
                    false => taken(&[cells], (0..odd.num_rows()).map(|_| pick(dice, 0)).collect::<Vec<_>>()),
                });
                parts.push(of(schema, columns.collect()));
            }
        }
        parts.extend(odd);
        parts.push(with_words(ordinary, samples, words, dice));
        joined(schema, &parts)
    };
    spec.inputs.iter().enumerate().map(input).collect()
}

/// The form of a column in rows that make groups of another size.
#[derive(Clone, Copy)]
enum Form {
    /// All rows have the same value, which is that of other inputs too.
    One,
    /// Rows share values.
    Few,
    /// Hardly any two rows have the same value, and some are numbers of the component.
    Many,
}

/// Returns random rows of each input, in which each column has one value, few or many. So some make few groups of many
/// rows, whatever columns make a group.
pub(super) fn shaped(spec: &KpiSpec, samples: &Samples<Vec<RecordBatch>>, dice: &mut Dice) -> Vec<RecordBatch> {
    // Columns of the same name are often what inputs are joined by.
    let mut forms: BTreeMap<String, Form> = BTreeMap::new();
    let mut all = Vec::new();
    for declared in &spec.inputs {
        let fields = declared.columns.fields();
        for field in fields {
            let form = dice.pick(&[Form::One, Form::Few, Form::Many]);
            forms.entry(field.name().clone()).or_insert(form);
        }
        let mut cell = |field: &Field| match forms[field.name()] {
            Form::One => value(field, Special::Numbered(1), dice),
            Form::Few => value(field, Special::Nothing, dice),
            Form::Many if field.data_type() == &DataType::Int64 && dice.percent(20) => {
                Some(Value::Integer(samples.number(dice) % (1 << 33)))
            }
            Form::Many => value(field, Special::Rare, dice),
        };
        let rows = (0..SHAPED).map(|_| fields.iter().map(|field| cell(field)).collect::<Vec<_>>());
        all.push(batch(&declared.columns, &rows.collect::<Vec<_>>()));
    }
    all
}

fn taken(from: &[&ArrayRef], rows: impl IntoIterator<Item = (usize, usize)>) -> ArrayRef {
    let from: Vec<_> = from.iter().map(|array| array.as_ref()).collect();
    interleave(&from, &rows.into_iter().collect::<Vec<_>>()).expect("the rows are there, of one type")
}

fn of(schema: &SchemaRef, columns: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(Arc::clone(schema), columns).expect("the columns are those of other rows")
}

/// Puts a text or number of the component into one cell of each row, if a column can hold it.
fn with_words(
    rows: RecordBatch,
    samples: &Samples<Vec<RecordBatch>>,
    words: &[String],
    dice: &mut Dice,
) -> RecordBatch {
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
                Arc::new(chosen.iter().map(|_| Some(samples.number(dice) % (1 << 33))).collect::<Int64Array>())
            }
            _ => return Arc::clone(cells),
        };
        taken(&[cells, &others], chosen.iter().enumerate().map(|(row, &column)| (usize::from(column == at), row)))
    });
    of(&schema, columns.collect())
}

/// Returns `count` rows of each input. Rows have one of `keys` numbers. Rows with different numbers share no value, and
/// rows with equal numbers share all.
pub(super) fn numbered(spec: &KpiSpec, count: usize, keys: u64, dice: &mut Dice) -> Vec<RecordBatch> {
    let input = |declared: &KpiInputSpec| {
        let rows = (0..count as u64).map(|row| {
            let fields = declared.columns.fields().iter();
            fields.map(|field| value(field, Special::Numbered(row % keys), dice)).collect::<Vec<_>>()
        });
        let rows = rows.collect::<Vec<_>>();
        batch(&declared.columns, &rows)
    };
    spec.inputs.iter().map(input).collect()
}

/// The names of the batches whose rows all tests of laws are made with.
pub(super) const LAWFUL: [&str; 4] = ["one row", "all missing", "unicode", "generated rows"];

/// Returns the batches that every KPI is sent.
pub(super) fn make(spec: &KpiSpec) -> Vec<NamedRows> {
    let mut dice = Dice::new();
    let mut made = |name, count: usize, special: &dyn Fn(usize) -> Special| {
        let parts = spec.inputs.iter().enumerate().map(|(input, declared)| {
            let rows = (0..count).map(|row| {
                let fields = declared.columns.fields().iter();
                fields.map(|field| value(field, special(row), &mut dice)).collect::<Vec<_>>()
            });
            InputRows { input, rows: batch(&declared.columns, &rows.collect::<Vec<_>>()) }
        });
        NamedRows { name, parts: parts.collect() }
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
    let many = |part: &InputRows| {
        let bytes = part.rows.get_array_memory_size().max(1);
        let times = (BATCH_ROWS / GENERATED + 1).min((BATCH_BYTES / bytes).max(1));
        let rows = joined(&part.rows.schema(), std::iter::repeat_n(&part.rows, times));
        InputRows { input: part.input, rows: cut(&rows, BATCH_ROWS).next().expect("there are many") }
    };
    let parts = all.last().map(|generated| generated.parts.iter().map(many).collect()).unwrap_or_default();
    all.push(NamedRows { name: "many rows", parts });
    all
}
