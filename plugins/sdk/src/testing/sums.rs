//! A table of sums, as the host keeps it, but simpler: in memory, and with every sum exact.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::bindings::types::{DataType, Field, Stage};
use crate::table::Row;
use crate::totals::Wide;
use crate::{Batch, Date, Fault, Result, Table, Timestamp};

/// The rows of a stage, in the order of their keys.
#[derive(Clone)]
pub(super) struct Sums {
    stage: Stage,
    pub(super) rows: BTreeMap<Vec<Option<Cell>>, Vec<Wide>>,
}

/// A value of a key. Values of one column are ordered as the contract says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Boolean(bool),
    Integer(i64),
    /// The bits of a float, as a number with the same order.
    Float(i64),
    Text(String),
    Date(Date),
    Timestamp(Timestamp),
    Decimal(i128),
}

impl Sums {
    pub(super) fn new(stage: &Stage) -> Self {
        Self { stage: stage.clone(), rows: BTreeMap::new() }
    }

    /// Adds the rows of a stream, and removes rows whose sums are then all zero.
    pub(super) fn add(&mut self, stream: &[u8]) -> Result<()> {
        let batch = Batch::read(stream)?;
        let keys = self.stage.key.iter().map(|field| cells(&batch, &field.name, &field.data_type));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        let sums = self.stage.sums.iter().map(|field| batch.units(&field.name)).collect::<Result<Vec<_>>>()?;
        for row in batch.rows() {
            let key: Vec<_> = keys.iter().map(|column| column[row].clone()).collect();
            let held = self.rows.entry(key.clone()).or_insert_with(|| vec![Wide::default(); sums.len()]);
            held.iter_mut().zip(&sums).for_each(|(sum, column)| sum.add(column[row].unwrap_or_default()));
            if held.iter().all(|sum| sum.is_zero()) {
                self.rows.remove(&key);
            }
        }
        Ok(())
    }

    /// Counts the rows of a stream whose columns are the key of this stage.
    pub(super) fn count(&mut self, stream: &[u8]) -> Result<()> {
        let batch = Batch::read(stream)?;
        let keys = self.stage.key.iter().map(|field| cells(&batch, &field.name, &field.data_type));
        let keys = keys.collect::<Result<Vec<_>>>()?;
        for row in batch.rows() {
            let key = keys.iter().map(|column| column[row].clone()).collect();
            self.rows.entry(key).or_insert_with(|| vec![Wide::default()])[0].add(1);
        }
        Ok(())
    }

    /// Returns the number of rows up to the end of each group.
    pub(super) fn ends(&self) -> Vec<usize> {
        let group = self.stage.group as usize;
        let keys: Vec<_> = self.rows.keys().map(|key| &key[..group]).collect();
        match group {
            0 => vec![keys.len()],
            _ => (1..=keys.len()).filter(|&end| keys.get(end) != Some(&keys[end - 1])).collect(),
        }
    }

    /// Encodes a range of the rows as a stream.
    pub(super) fn batch(&self, range: Range<usize>) -> Result<Vec<u8>> {
        let Stage { key, sums: columns, .. } = &self.stage;
        let mut table = Table::new(&[&key[..], columns].concat());
        for (cells, sums) in self.rows.iter().skip(range.start).take(range.len()) {
            let too_large =
                |column: &Field| Fault::internal(format!("a sum is too large for column `{}`", column.name));
            let sums = sums.iter().zip(columns).map(|(sum, column)| sum.fits().ok_or_else(|| too_large(column)));
            let sums = sums.collect::<Result<Vec<_>>>()?;
            let mut row = table.row();
            for (cell, field) in cells.iter().zip(key) {
                row = write(row, cell.as_ref(), &field.data_type);
            }
            sums.into_iter().fold(row, |row, sum| row.units(Some(sum)));
        }
        table.finish()
    }
}

impl Cell {
    /// Returns the value as text, for a column of that type.
    pub(super) fn show(&self, field: &Field) -> String {
        match (self, &field.data_type) {
            (Self::Boolean(value), _) => value.to_string(),
            (Self::Integer(value), _) => value.to_string(),
            (Self::Float(value), _) => f64::from_bits(ordered(*value) as u64).to_string(),
            (Self::Text(value), _) => value.clone(),
            (Self::Date(value), _) => value.to_string(),
            (Self::Timestamp(value), _) => value.to_string(),
            (Self::Decimal(units), DataType::Decimal128(decimal)) if decimal.scale > 0 => {
                let (sign, scale) = (if *units < 0 { "-" } else { "" }, usize::from(decimal.scale));
                let digits = format!("{:0>1$}", units.unsigned_abs(), scale + 1);
                let (whole, places) = digits.split_at(digits.len() - scale);
                format!("{sign}{whole}.{places}")
            }
            (Self::Decimal(units), _) => units.to_string(),
        }
    }
}

/// Returns the values of the column of that name and type.
pub(super) fn cells(batch: &Batch<'_>, name: &str, data_type: &DataType) -> Result<Vec<Option<Cell>>> {
    macro_rules! column {
        ($view:expr, $cell:expr) => {{
            let view = $view;
            batch.rows().map(|row| view.get(row).map($cell)).collect()
        }};
    }
    Ok(match data_type {
        DataType::Boolean => column!(batch.booleans(name)?, Cell::Boolean),
        DataType::Int64 => column!(batch.integers(name)?, Cell::Integer),
        DataType::Float64 => column!(batch.floats(name)?, |value| Cell::Float(ordered((value + 0.0).to_bits() as i64))),
        DataType::Utf8 => column!(batch.text(name)?, |value: &str| Cell::Text(value.to_owned())),
        DataType::Date32 => column!(batch.dates(name)?, Cell::Date),
        DataType::Timestamp => column!(batch.timestamps(name)?, Cell::Timestamp),
        DataType::Decimal128(_) => batch.units(name)?.into_iter().map(|value| value.map(Cell::Decimal)).collect(),
    })
}

fn write<'t>(row: Row<'t>, cell: Option<&Cell>, data_type: &DataType) -> Row<'t> {
    match (cell, data_type) {
        (Some(Cell::Boolean(value)), _) => row.boolean(*value),
        (Some(Cell::Integer(value)), _) => row.integer(*value),
        (Some(Cell::Float(value)), _) => row.float(f64::from_bits(ordered(*value) as u64)),
        (Some(Cell::Text(value)), _) => row.text(value.as_str()),
        (Some(Cell::Date(value)), _) => row.date(*value),
        (Some(Cell::Timestamp(value)), _) => row.timestamp(*value),
        (Some(Cell::Decimal(value)), _) => row.units(Some(*value)),
        (None, DataType::Boolean) => row.boolean(None),
        (None, DataType::Int64) => row.integer(None),
        (None, DataType::Float64) => row.float(None),
        (None, DataType::Utf8) => row.text(None),
        (None, DataType::Date32) => row.date(None),
        (None, DataType::Timestamp) => row.timestamp(None),
        (None, DataType::Decimal128(_)) => row.units(None),
    }
}

/// Turns the bits of a float into a number with the same order, and back.
fn ordered(bits: i64) -> i64 {
    bits ^ (bits >> 63) & i64::MAX
}
