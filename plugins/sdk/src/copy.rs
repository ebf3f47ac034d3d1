//! Copies rows of a batch into a table, whatever the types of their columns.

use crate::batch::{Booleans, Dates, Decimals, Floats, Integers, Text, Timestamps};
use crate::bindings::types::{DataType, Field};
use crate::table::{Row, Table};
use crate::{Batch, Decimal, Result};

impl Table {
    /// Copies rows of a batch, in the order in which `rows` gives them. Each cell comes from the batch's column of the same
    /// name; the batch may have other columns as well.
    ///
    /// # Errors
    /// Fails if the batch lacks a column of the table, or has it with another type.
    pub fn copy_rows(&mut self, from: &Batch<'_>, rows: impl IntoIterator<Item = usize>) -> Result<()> {
        let columns = self.fields().iter().map(|field| Column::of(from, field)).collect::<Result<Vec<_>>>()?;
        for row in rows {
            columns.iter().fold(self.row(), |out, column| column.copy(row, out));
        }
        Ok(())
    }
}

/// A column of a batch.
enum Column<'a> {
    Boolean(Booleans<'a>),
    Integer(Integers<'a>),
    Float(Floats<'a>),
    Text(Text<'a>),
    Date(Dates<'a>),
    Timestamp(Timestamps<'a>),
    /// In units of the last place.
    Decimal(Decimals<'a, 0>),
}

impl<'a> Column<'a> {
    /// Finds the column of the batch that has the name and the type of the field.
    fn of(batch: &Batch<'a>, Field { name, data_type, .. }: &Field) -> Result<Self> {
        Ok(match data_type {
            DataType::Boolean => Self::Boolean(batch.booleans(name)?),
            DataType::Int64 => Self::Integer(batch.integers(name)?),
            DataType::Float64 => Self::Float(batch.floats(name)?),
            DataType::Utf8 => Self::Text(batch.text(name)?),
            DataType::Date32 => Self::Date(batch.dates(name)?),
            DataType::Timestamp => Self::Timestamp(batch.timestamps(name)?),
            DataType::Decimal128(decimal) => Self::Decimal(batch.decimal_units(name, decimal.scale)?),
        })
    }

    fn copy<'t>(&self, row: usize, out: Row<'t>) -> Row<'t> {
        match self {
            Self::Boolean(column) => out.boolean(column.get(row)),
            Self::Integer(column) => out.integer(column.get(row)),
            Self::Float(column) => out.float(column.get(row)),
            Self::Text(column) => out.text(column.get(row)),
            Self::Date(column) => out.date(column.get(row)),
            Self::Timestamp(column) => out.timestamp(column.get(row)),
            Self::Decimal(column) => out.units(column.get(row).map(Decimal::units)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{cells, decode, encode};
    use crate::{boolean, date, decimal, float64, int64, money, nullable, text, timestamp};

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
