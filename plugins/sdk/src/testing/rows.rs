//! Rows of text, as the bytes that a plugin gets and gives, and a cleaner over them. Objects of a source.

use crate::bindings::types::{DataType, Field};
use crate::glue::Session;
use crate::{
    Batch, Cleaner, Config, Date, Decimal, Fault, Number, Object, Result, Source, Table, Tick, Timestamp, nullable,
    text,
};

/// The result of a cleaner, as text.
#[derive(Debug, PartialEq)]
pub struct CleanedRows {
    /// The rows kept, as cells of text. A missing value is empty.
    pub kept: Vec<Vec<String>>,
    /// The index of each rejected row, and the name of its rule.
    pub rejected: Vec<(u32, String)>,
    /// The name of each rule that repaired rows, and the number of these rows.
    pub repaired: Vec<(String, u32)>,
}

/// The time that a test gives a plugin whose description says `uses_as_of`: 2025-01-01T00:00:00Z.
pub const AS_OF: Timestamp = Timestamp(1_735_689_600_000_000);

/// Cleans rows that have the cleaner's input columns. `params` is a JSON object of parameters.
///
/// # Errors
/// Returns the fault of the cleaner.
pub fn clean<T: Cleaner>(params: &str, rows: &[&[Option<&str>]]) -> Result<CleanedRows> {
    let description = T::describe();
    let fields: Vec<_> = description.input.iter().map(|name| nullable(text(name))).collect();
    let as_of = description.uses_as_of.then_some(AS_OF.0);
    let cleaned = Session::<T>::open(params, as_of)?.clean(&encode(&fields, rows)?)?;
    let rule = |index: u32| description.rules[index as usize].name.clone();
    Ok(CleanedRows {
        kept: decode(&description.output, &cleaned.kept)?,
        rejected: cleaned.rejected.iter().map(|rejection| (rejection.row, rule(rejection.rule))).collect(),
        repaired: cleaned.repaired.iter().map(|repair| (rule(repair.rule), repair.rows)).collect(),
    })
}

/// Returns the objects that a source makes for a tick. `params` is a JSON object of parameters.
///
/// # Errors
/// Returns the fault of the source.
pub fn generate<T: Source>(params: &str, tick: Tick) -> Result<Vec<Object>> {
    T::generate(&Config::new(params, &T::describe().identity.parameters, None)?, tick)
}

/// Returns the cells of a row. An empty text becomes a missing value.
pub fn cells<const N: usize>(row: [&str; N]) -> [Option<&str>; N] {
    row.map(|cell| (!cell.is_empty()).then_some(cell))
}

/// Encodes rows of text as an IPC stream with these fields. An empty text and `None` are both missing values.
///
/// # Errors
/// Fails if a cell is no value of its field's type.
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
                DataType::Decimal128(decimal) => out.units(parse!(|cell| units(cell, decimal.scale))),
            };
        }
    }
    table.finish()
}

/// Decodes an IPC stream with these fields to rows of text. A missing value is empty.
///
/// # Errors
/// Fails if the stream has other columns.
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
                30 => column!(batch.decimals::<30>(name)?),
                _ => return Err(Fault::invalid_input("test rows have decimals of scale 0, 2, 4 or 30 only")),
            },
        });
    }
    Ok(batch.rows().map(|row| columns.iter().map(|column| column[row].clone()).collect()).collect())
}

/// Reads a decimal in units of its last place. A number that the places cannot hold is rounded.
fn units(text: &str, scale: u8) -> Option<i128> {
    match scale {
        0 => Number::parse(text)?.round::<0>().map(Decimal::units),
        2 => Number::parse(text)?.round::<2>().map(Decimal::units),
        4 => Number::parse(text)?.round::<4>().map(Decimal::units),
        scale => {
            let (whole, part) = text.split_once('.').unwrap_or((text, ""));
            let digits = format!("{whole}{part:0<width$}", width = usize::from(scale));
            digits.parse().ok().filter(|_| part.len() <= usize::from(scale))
        }
    }
}
