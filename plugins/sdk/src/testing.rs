//! For unit tests: run a plugin natively, through the same bytes as the host would send, on rows written as text.

use crate::bindings::types::{DataType, Field};
use crate::glue::{Accumulator, Session};
use crate::{Batch, Cleaner, Date, Fault, Kpi, Number, Result, Table, Timestamp, nullable, text};

/// What a cleaner made of rows: the kept ones as text cells, the rejected ones as row and rule, repairs as rule and rows.
#[derive(Debug, PartialEq)]
pub struct CleanedRows {
    /// The kept rows, each cell as text; a missing value is empty.
    pub kept: Vec<Vec<String>>,
    /// The index and the rule of each rejected row.
    pub rejected: Vec<(u32, String)>,
    /// How many rows each rule repaired.
    pub repaired: Vec<(String, u32)>,
}

/// The time that a plugin is told here if it declares `uses_as_of`: 2025-01-01T00:00:00Z.
pub const AS_OF: Timestamp = Timestamp(1_735_689_600_000_000);

/// Cleans rows of the cleaner's input columns, given as text, with these parameters (a JSON object).
pub fn clean<T: Cleaner>(params: &str, rows: &[&[Option<&str>]]) -> Result<CleanedRows> {
    let description = T::describe();
    let fields: Vec<_> = description.input.iter().map(|name| nullable(text(name))).collect();
    let as_of = description.identity.uses_as_of.then_some(AS_OF.0);
    let cleaned = Session::<T>::open(params, as_of)?.clean(&encode(&fields, rows)?)?;
    let rule = |index: u32| description.rules[index as usize].name.clone();
    Ok(CleanedRows {
        kept: decode(&description.output, &cleaned.kept)?,
        rejected: cleaned.rejected.iter().map(|rejection| (rejection.row, rule(rejection.rule))).collect(),
        repaired: cleaned.repaired.iter().map(|repair| (rule(repair.rule), repair.rows)).collect(),
    })
}

fn open<T: Kpi>(params: &str) -> Result<Accumulator<T>> {
    Accumulator::open(params, T::describe().identity.uses_as_of.then_some(AS_OF.0))
}

/// Evaluates a KPI over rows of its inputs, given as text. Each `(input, rows)` goes to an accumulator of its own, and
/// their states are merged, as the host does with silver objects.
pub fn evaluate<T: Kpi>(params: &str, batches: &[(&str, &[&[Option<&str>]])]) -> Result<Vec<Vec<String>>> {
    let description = T::describe();
    let total = open::<T>(params)?;
    for (input, rows) in batches {
        let declared = description.inputs.iter().find(|known| known.name == *input);
        let fields = &declared.ok_or_else(|| Fault::invalid_input(format!("no input `{input}`")))?.columns;
        let part = open::<T>(params)?;
        part.update_batch(input, &encode(fields, rows)?)?;
        total.merge_batch(&part.state()?)?;
    }
    decode(&description.output, &total.evaluate()?)
}

/// Evaluates a KPI over all rows in one accumulator, and panics unless every other way gives the same state and table:
/// an accumulator a row (and one without rows), merged in several orders, one by one or as a tree.
pub fn evaluate_split<T: Kpi>(params: &str, batches: &[(&str, &[&[Option<&str>]])]) -> Result<Vec<Vec<String>>> {
    let description = T::describe();
    let (whole, mut parts) = (open::<T>(params)?, Vec::new());
    parts.push(whole.state()?);
    for (input, rows) in batches {
        let declared = description.inputs.iter().find(|known| known.name == *input);
        let fields = &declared.ok_or_else(|| Fault::invalid_input(format!("no input `{input}`")))?.columns;
        for row in *rows {
            let (row, part) = (encode(fields, &[row])?, open::<T>(params)?);
            whole.update_batch(input, &row)?;
            part.update_batch(input, &row)?;
            parts.push(part.state()?);
        }
    }
    let merged = |states: &[Vec<u8>]| {
        let total = open::<T>(params)?;
        states.iter().try_for_each(|state| total.merge_batch(state))?;
        Ok::<_, Fault>((total.state()?, total.evaluate()?))
    };
    let expected = (whole.state()?, whole.evaluate()?);
    for _ in 0..2 {
        parts.reverse();
        for middle in 0..parts.len() {
            parts.rotate_left(middle);
            assert!(merged(&parts)? == expected, "merged one by one, the rows give another state");
            let (left, right) = parts.split_at(middle);
            assert!(
                merged(&[merged(left)?.0, merged(right)?.0])? == expected,
                "merged as a tree, the rows give another state"
            );
        }
    }
    decode(&description.output, &expected.1)
}

/// A row of cells; an empty one is a missing value.
pub fn cells<const N: usize>(row: [&str; N]) -> [Option<&str>; N] {
    row.map(|cell| (!cell.is_empty()).then_some(cell))
}

/// Rows of text as an IPC stream of the fields. Empty and `None` are both missing values.
pub fn encode(fields: &[Field], rows: &[&[Option<&str>]]) -> Result<Vec<u8>> {
    let mut table = Table::new(fields);
    for row in rows {
        let mut out = table.row();
        for (field, &cell) in fields.iter().zip(*row) {
            let wrong =
                || Fault::invalid_input(format!("column `{}`: `{}` is not valid", field.name, cell.unwrap_or("")));
            macro_rules! parse {
                ($read:expr) => {
                    cell.filter(|cell| !cell.is_empty()).map(|cell| $read(cell).ok_or_else(wrong)).transpose()?
                };
            }
            out = match &field.data_type {
                DataType::Utf8 => out.text(cell),
                DataType::Boolean => out.boolean(parse!(|cell: &str| cell.parse().ok())),
                DataType::Int64 => out.integer(parse!(|cell: &str| cell.parse().ok())),
                DataType::Float64 => out.float(parse!(|cell: &str| cell.parse().ok())),
                DataType::Date32 => out.date(parse!(Date::parse)),
                DataType::Timestamp => out.timestamp(parse!(Timestamp::parse)),
                DataType::Decimal128(decimal) => match decimal.scale {
                    0 => out.decimal(parse!(|cell| Number::parse(cell)?.round::<0>())),
                    2 => out.decimal(parse!(|cell| Number::parse(cell)?.round::<2>())),
                    4 => out.decimal(parse!(|cell| Number::parse(cell)?.round::<4>())),
                    _ => return Err(Fault::invalid_input("test rows have decimals of scale 0, 2 or 4 only")),
                },
            };
        }
    }
    table.finish()
}

/// The rows of an IPC stream as text; a missing value is empty.
pub fn decode(fields: &[Field], stream: &[u8]) -> Result<Vec<Vec<String>>> {
    fn show<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let batch = Batch::read(stream)?;
    let mut columns: Vec<Vec<String>> = Vec::new();
    for Field { name, data_type, .. } in fields {
        macro_rules! column {
            ($view:expr) => {{
                let view = $view;
                batch.rows().map(|row| show(view.get(row))).collect()
            }};
        }
        columns.push(match data_type {
            DataType::Utf8 => column!(batch.text(name)?),
            DataType::Boolean => column!(batch.booleans(name)?),
            DataType::Int64 => column!(batch.integers(name)?),
            DataType::Float64 => column!(batch.floats(name)?),
            DataType::Date32 => column!(batch.dates(name)?),
            DataType::Timestamp => column!(batch.timestamps(name)?),
            DataType::Decimal128(decimal) => match decimal.scale {
                0 => column!(batch.decimals::<0>(name)?),
                2 => column!(batch.decimals::<2>(name)?),
                4 => column!(batch.decimals::<4>(name)?),
                _ => return Err(Fault::invalid_input("test rows have decimals of scale 0, 2 or 4 only")),
            },
        });
    }
    Ok(batch.rows().map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect())
}
