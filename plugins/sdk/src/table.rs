//! Writing: rows cell by cell into columns.

use crate::bindings::types::{DataType, Field};
use crate::column::{Column, Values};
use crate::ipc::write;
use crate::{Date, Decimal, Fault, Result, Timestamp};

/// Rows of a declared schema.
pub struct Table {
    fields: Vec<Field>,
    columns: Vec<Column>,
    rows: usize,
    error: Option<Fault>,
}

/// A row being written: one call a cell, in the order of the schema. A missing value is `None`.
///
/// A cell of the wrong type, and a row with too few or too many cells, make the table a fault.
pub struct Row<'t> {
    table: &'t mut Table,
    next: usize,
}

impl Table {
    pub(crate) fn new(fields: &[Field]) -> Self {
        let columns = fields.iter().map(|field| Column::new(&field.data_type)).collect();
        Self { fields: fields.to_vec(), columns, rows: 0, error: None }
    }

    /// Returns the columns that the table was declared with.
    pub(crate) fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Makes room for so many rows more.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.columns.iter_mut().for_each(|column| column.reserve(rows));
    }

    /// Begins the next row.
    #[inline]
    pub fn row(&mut self) -> Row<'_> {
        self.rows += 1;
        Row { table: self, next: 0 }
    }

    /// The rows as a stream. The table is empty afterwards and keeps its room.
    pub(crate) fn finish(&mut self) -> Result<Vec<u8>> {
        let Self { fields, columns, rows, error } = self;
        let stream = match error.take() {
            Some(error) => Err(error),
            None => Ok(write(fields, *rows, &columns.iter_mut().map(|all| all.buffers(*rows)).collect::<Vec<_>>())),
        };
        columns.iter_mut().for_each(Column::clear);
        *rows = 0;
        stream
    }

    #[cold]
    fn fail(&mut self, message: String) {
        self.error.get_or_insert_with(|| Fault::internal(message));
    }
}

/// A method that adds a cell to a column whose values are of one kind.
macro_rules! cell {
    ($(#[$doc:meta])* $name:ident, $value:ty, $kind:ident, $given:literal, $bytes:expr) => {
        $(#[$doc])*
        #[inline(always)]
        pub fn $name(self, value: impl Into<Option<$value>>) -> Self {
            let value = value.into();
            let bytes: fn($value) -> _ = $bytes;
            self.cell($given, value.is_none(), |values, _| match values {
                Values::$kind(all) => {
                    all.push(bytes(value.unwrap_or_default()));
                    true
                }
                _ => false,
            })
        }
    };
}

impl Row<'_> {
    /// A boolean.
    pub fn boolean(self, value: impl Into<Option<bool>>) -> Self {
        let value = value.into();
        self.cell("boolean", value.is_none(), |values, row| match values {
            Values::Boolean(bits) => {
                bits.resize(row / 8 + 1, 0);
                bits[row / 8] |= u8::from(value.unwrap_or_default()) << (row % 8);
                true
            }
            _ => false,
        })
    }

    cell!(
        /// A 64-bit integer.
        integer, i64, Integer, "int64", i64::to_le_bytes
    );
    cell!(
        /// A 64-bit float; NaN is written with one bit pattern.
        float, f64, Float, "float64",
        |value| if value.is_nan() { f64::NAN.to_le_bytes() } else { value.to_le_bytes() }
    );
    cell!(
        /// A calendar date.
        date, Date, Date, "date32", |value| value.0.to_le_bytes()
    );
    cell!(
        /// An instant.
        timestamp, Timestamp, Timestamp, "timestamp", |value| value.0.to_le_bytes()
    );

    /// A text.
    #[inline(always)]
    pub fn text<'v>(self, value: impl Into<Option<&'v str>>) -> Self {
        let value = value.into();
        self.cell("utf8", value.is_none(), |values, _| match values {
            Values::Text { ends, bytes } => {
                bytes.extend_from_slice(value.unwrap_or_default().as_bytes());
                ends.push((bytes.len() as u32).to_le_bytes());
                true
            }
            _ => false,
        })
    }

    /// An exact decimal; the column must have the same number of places.
    #[inline(always)]
    pub fn decimal<const SCALE: u8>(self, value: impl Into<Option<Decimal<SCALE>>>) -> Self {
        let value = value.into();
        self.cell("a decimal128 of that scale", value.is_none(), |values, _| match values {
            Values::Decimal { scale, units } if *scale == SCALE => {
                units.push(value.unwrap_or_default().units().to_le_bytes());
                true
            }
            _ => false,
        })
    }

    /// A number in units of the last place, for an integer or decimal column whatever its scale.
    pub(crate) fn units(self, value: Option<i128>) -> Self {
        if let Some(DataType::Int64) = self.table.fields.get(self.next).map(|field| &field.data_type) {
            return match value.map(i64::try_from).transpose() {
                Ok(value) => self.integer(value),
                Err(_) => self.mismatch("a sum beyond 64 bits"),
            };
        }
        self.cell("a number", value.is_none(), |values, _| match values {
            Values::Decimal { scale: _, units } => {
                units.push(value.unwrap_or_default().to_le_bytes());
                true
            }
            _ => false,
        })
    }

    /// Adds a cell by `push`, which is told the row and returns whether the column has values of its kind.
    #[inline(always)]
    fn cell(mut self, given: &str, null: bool, push: impl FnOnce(&mut Values, usize) -> bool) -> Self {
        let row = self.table.rows - 1;
        let Some(column) = self.table.columns.get_mut(self.next) else { return self.mismatch(given) };
        if !push(&mut column.values, row) {
            return self.mismatch(given);
        }
        if null {
            column.mark_null(row);
        }
        self.next += 1;
        self
    }

    #[cold]
    #[inline(never)]
    fn mismatch(mut self, given: &str) -> Self {
        let message = match self.table.fields.get(self.next) {
            Some(field) => format!("column `{}` is {:?}, but was given {given}", field.name, field.data_type),
            None => format!("a row was given more than the {} cells of its schema", self.table.fields.len()),
        };
        self.table.fail(message);
        self.next = self.table.columns.len();
        self
    }
}

impl Drop for Row<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.next < self.table.columns.len() {
            self.too_short();
        }
    }
}

impl Row<'_> {
    #[cold]
    #[inline(never)]
    fn too_short(&mut self) {
        let message = format!("a row was given {} cells of {}", self.next, self.table.columns.len());
        self.table.fail(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipc::read;
    use crate::{Money, decimal, nullable, text};

    #[test]
    fn every_buffer_begins_where_a_decimal_may() {
        let mut table = Table::new(&[nullable(text("name")), nullable(decimal("price", 2))]);
        for name in ["a", "bc", "def"] {
            table.row().text(name).decimal(Money::from_units(1));
        }
        table.row().text(None).decimal::<2>(None);
        let stream = table.finish().expect("the rows fit");
        let (_, columns) = read(&stream).expect("a stream");
        for column in &columns {
            let parts = [column.validity.expect("a missing value"), column.offsets, column.values];
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                let at = part.as_ptr().addr() - stream.as_ptr().addr();
                assert!(at.is_multiple_of(16), "{} at {at}", column.name);
            }
        }
    }
}
