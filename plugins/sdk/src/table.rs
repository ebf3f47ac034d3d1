//! Writes rows, cell by cell, into columns.

use crate::bindings::types::{DataType, Field};
use crate::column::{Column, Values};
use crate::ipc::write;
use crate::{Batch, Date, Decimal, Fault, Result, Timestamp};

/// Rows that the plugin writes, in the columns that it declared: `out.row().text("web").integer(3);`.
pub struct Table {
    fields: Vec<Field>,
    columns: Vec<Column>,
    rows: usize,
    error: Option<Fault>,
}

/// A row that is being written, with one call for each cell, in the order of the columns. A missing value is `None`.
///
/// If a cell has the wrong type, or a row has too few or too many cells, the plugin's call fails. The message names the
/// column.
pub struct Row<'t> {
    table: &'t mut Table,
    next: usize,
}

impl Table {
    pub(crate) fn new(fields: &[Field]) -> Self {
        let columns = fields.iter().map(|field| Column::new(&field.data_type)).collect();
        Self { fields: fields.to_vec(), columns, rows: 0, error: None }
    }

    /// Returns whether no row has been written.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Reserves room for `rows` more rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.columns.iter_mut().for_each(|column| column.reserve(rows));
    }

    /// Begins the next row. The caller writes its cells to the returned [`Row`].
    #[inline]
    pub fn row(&mut self) -> Row<'_> {
        self.rows += 1;
        Row { table: self, next: 0 }
    }

    /// Copies rows of a batch, in the order of the indices in `rows`. Each cell comes from the batch's column of the
    /// same name. The batch may have other columns as well.
    ///
    /// # Errors
    /// Fails if the batch lacks a column of the table, or has it with another type.
    pub fn copy_rows(&mut self, from: &Batch<'_>, rows: impl IntoIterator<Item = usize>) -> Result<()> {
        let columns = self.fields.iter().map(|field| from.column(&field.name, &field.data_type));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        for row in rows {
            for (to, column) in self.columns.iter_mut().zip(&columns) {
                to.push(self.rows, column.bytes(row));
            }
            self.rows += 1;
        }
        Ok(())
    }

    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Returns the column with that index, if there is one.
    #[inline]
    pub(crate) fn column(&self, index: usize) -> Option<&Column> {
        self.columns.get(index)
    }

    #[inline]
    pub(crate) fn column_mut(&mut self, index: usize) -> Option<&mut Column> {
        self.columns.get_mut(index)
    }

    /// Returns the rows as a stream, and empties the table for more rows, which use the same memory.
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

    /// Keeps the first error, which [`finish`](Self::finish) returns.
    #[cold]
    fn fail(&mut self, message: String) {
        self.error.get_or_insert_with(|| Fault::internal(message));
    }
}

/// Defines a method that writes a cell to a column whose values are of one kind.
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
    /// Writes a boolean.
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
        /// Writes a 64-bit integer.
        integer, i64, Integer, "int64", i64::to_le_bytes
    );
    cell!(
        /// Writes a 64-bit float. All NaNs get one bit pattern, so that equal tables have equal bytes.
        float, f64, Float, "float64",
        |value| if value.is_nan() { f64::NAN.to_le_bytes() } else { value.to_le_bytes() }
    );
    cell!(
        /// Writes a calendar date.
        date, Date, Date, "date32", |value| value.0.to_le_bytes()
    );
    cell!(
        /// Writes an instant.
        timestamp, Timestamp, Timestamp, "timestamp", |value| value.0.to_le_bytes()
    );

    /// Writes a text.
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

    /// Writes an exact decimal. The column must have the same number of places.
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

    /// Writes that the value is missing.
    #[inline(always)]
    #[doc(hidden)]
    pub fn missing(self) -> Self {
        self.cell("a missing value", true, |values, row| {
            values.push_default(row);
            true
        })
    }

    /// Writes 0 to a column of numbers.
    #[inline(always)]
    #[doc(hidden)]
    pub fn zero(self) -> Self {
        self.cell("0", false, |values, row| {
            values.push_default(row);
            true
        })
    }

    /// Writes a number in units of the last place, to an integer column or a decimal column of any scale.
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

    /// Writes a cell by `push`, which gets the column's values and the row. It returns false if they are of another
    /// kind.
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

    /// Fails the table because of a cell, and ignores the rest of the row.
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
    use crate::testing::{cells, decode, encode};
    use crate::{Money, boolean, date, decimal, float64, int64, money, nullable, text, timestamp};

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

    /// Copies the rows of a batch of prices, last row first, into a table with these columns.
    fn prices(columns: &[Field]) -> Result<Vec<Vec<String>>> {
        let batch = encode(&[text("product"), money("price")], &[&cells(["ink", "0.10"]), &cells(["tea", "1.50"])])?;
        let (batch, mut out) = (Batch::read(&batch)?, Table::new(columns));
        out.copy_rows(&batch, batch.rows().rev())?;
        decode(columns, &out.finish()?)
    }

    #[test]
    fn rows_come_in_the_order_given_and_cells_by_the_name_of_their_column() {
        let copied = prices(&[money("price"), text("product")]).expect("the batch has both");
        assert_eq!(copied, [["1.50", "tea"], ["0.10", "ink"]]);
        assert_eq!(prices(&[text("product")]).expect("the batch has it"), [["tea"], ["ink"]]);
    }

    #[test]
    fn a_column_that_the_batch_lacks_or_has_with_another_type_is_a_fault() {
        let fault = |column| prices(&[column]).expect_err("the batch has no such column").message;
        assert_eq!(fault(text("name")), "no column `name`; the batch has product, price");
        assert!(fault(int64("price")).starts_with("column `price` is "));
        assert!(fault(decimal("price", 3)).starts_with("column `price` is "), "a scale is part of the type");
    }

    #[test]
    fn cells_of_every_type_are_copied_to_the_byte() {
        let fields = [
            boolean("boolean"),
            int64("integer"),
            float64("float"),
            text("text"),
            date("date"),
            timestamp("timestamp"),
            decimal("decimal", 4),
        ]
        .map(nullable);
        let full = cells(["true", "-7", "0.5", "naïve", "2024-02-29", "2025-11-13T10:35:00.25Z", "-12.3456"]);
        let empty = cells([""; 7]);
        let stream = encode(&fields, &[&full, &empty, &full]).expect("valid rows");
        let (batch, mut out) = (Batch::read(&stream).expect("a stream"), Table::new(&fields));
        out.copy_rows(&batch, batch.rows()).expect("the same columns");
        assert_eq!(out.finish().expect("the cells fit"), stream);
    }
}
