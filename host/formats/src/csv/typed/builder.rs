//! Builds one typed column from the cells of a file.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use arrow_array::{ArrayRef, BooleanArray, PrimitiveArray};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};

use super::parse;
use crate::batch::{Cell, Column};
use crate::values::{Kind, TypedError};

enum Values {
    Bool(BooleanBufferBuilder),
    Int(Vec<i64>),
    Float(Vec<f64>),
    Text(Column),
    Date(Vec<i32>),
    Timestamp(Vec<i64>),
    Decimal(Vec<i128>),
}

/// One column under construction.
pub(super) struct Builder {
    kind: Kind,
    data_type: DataType,
    nullable: bool,
    /// The column is the table's only one.
    alone: bool,
    values: Values,
    rows: usize,
    nulls: Vec<u32>,
}

impl Builder {
    pub(super) fn new(field: &Field, alone: bool) -> Result<Self, TypedError> {
        let kind = Kind::of(field)?;
        let values = match kind {
            Kind::Bool => Values::Bool(BooleanBufferBuilder::new(0)),
            Kind::Int => Values::Int(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Text => Values::Text(Column::with_capacity(0, 0, 0)),
            Kind::Date => Values::Date(Vec::new()),
            Kind::Timestamp => Values::Timestamp(Vec::new()),
            Kind::Decimal { .. } => Values::Decimal(Vec::new()),
        };
        let (data_type, nullable) = (field.data_type().clone(), field.is_nullable());
        Ok(Self { kind, data_type, nullable, alone, values, rows: 0, nulls: Vec::new() })
    }

    /// Adds a cell. The error describes the cell that was expected.
    #[inline(always)]
    pub(super) fn push(&mut self, window: &[u8], cell: Cell, quoted: bool) -> Result<(), &'static str> {
        let text = cell.raw(window);
        if text.is_empty() || quoted {
            return self.push_special(window, cell, quoted);
        }
        let expected = self.kind.expected();
        match &mut self.values {
            Values::Bool(values) => values.append(match text {
                b"true" => true,
                b"false" => false,
                _ => return Err(expected),
            }),
            Values::Int(values) => values.push(parse::int(text).ok_or(expected)?),
            Values::Float(values) => values.push(parse::float(text).ok_or(expected)?),
            Values::Text(values) => values.push(window, cell),
            Values::Date(values) => values.push(parse::date(text).ok_or(expected)?),
            Values::Timestamp(values) => values.push(parse::timestamp(text).ok_or(expected)?),
            Values::Decimal(values) => {
                let Kind::Decimal { precision, scale } = self.kind else { return Err(expected) };
                values.push(parse::decimal(text, precision, scale).ok_or(expected)?);
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Adds a cell that is empty or in quotes. The error describes the cell that was expected.
    #[inline(never)]
    fn push_special(&mut self, window: &[u8], cell: Cell, quoted: bool) -> Result<(), &'static str> {
        let Self { kind, nullable, alone, values, rows, nulls, data_type: _ } = self;
        let empty = cell.raw(window).is_empty();
        match values {
            Values::Text(values) if quoted => values.push(window, cell),
            // If the column is alone, a blank line is a null only if it is nullable text. For any other type `""` is
            // the null.
            Values::Text(values) if *nullable => values.push(window, Cell::NULL),
            Values::Text(values) if !*alone => values.push(window, cell),
            Values::Text(_) => return Err("no blank line"),
            _ if !empty => return Err(kind.expected()),
            _ if !*nullable || quoted != *alone => return Err(kind.expected()),
            _ => {
                nulls.push(*rows as u32);
                match values {
                    Values::Bool(values) => values.append(false),
                    Values::Int(values) | Values::Timestamp(values) => values.push(0),
                    Values::Float(values) => values.push(0.0),
                    Values::Date(values) => values.push(0),
                    Values::Decimal(values) => values.push(0),
                    Values::Text(_) => {}
                }
            }
        }
        *rows += 1;
        Ok(())
    }

    /// Returns the column. The builder is empty afterwards.
    pub(super) fn finish(&mut self) -> ArrayRef {
        let rows = std::mem::take(&mut self.rows);
        let nulls = std::mem::take(&mut self.nulls);
        let nulls = (!nulls.is_empty()).then(|| {
            let mut valid = BooleanBufferBuilder::new(rows);
            valid.append_n(rows, true);
            nulls.iter().for_each(|&row| valid.set_bit(row as usize, false));
            NullBuffer::new(valid.finish())
        });
        match &mut self.values {
            Values::Bool(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Int(values) => primitive::<Int64Type>(values, nulls, &self.data_type),
            Values::Float(values) => primitive::<Float64Type>(values, nulls, &self.data_type),
            Values::Text(values) => values.finish(),
            Values::Date(values) => primitive::<Date32Type>(values, nulls, &self.data_type),
            Values::Timestamp(values) => primitive::<TimestampMicrosecondType>(values, nulls, &self.data_type),
            Values::Decimal(values) => primitive::<Decimal128Type>(values, nulls, &self.data_type),
        }
    }
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
    data_type: &DataType,
) -> ArrayRef {
    let next = Vec::with_capacity(values.len());
    let values = ScalarBuffer::from(std::mem::replace(values, next));
    Arc::new(PrimitiveArray::<T>::new(values, nulls).with_data_type(data_type.clone()))
}
