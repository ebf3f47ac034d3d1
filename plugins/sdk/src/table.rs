//! Writing: rows cell by cell into columns.

use std::borrow::Cow;

use crate::bindings::types::{DataType, Field};
use crate::ipc::{Buffers, write};
use crate::{Date, Decimal, Fault, Result, Timestamp};

/// Rows of a declared schema.
pub struct Table {
    fields: Vec<Field>,
    columns: Vec<Builder>,
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

struct Builder {
    nulls: usize,
    /// Made when the first null comes.
    validity: Vec<u8>,
    values: Values,
}

enum Values {
    Boolean(Vec<u8>),
    Bits32(Vec<u8>),
    Bits64(Vec<u8>),
    Bits128(Vec<u8>),
    Text { offsets: Vec<u8>, bytes: Vec<u8> },
}

impl Table {
    pub(crate) fn new(fields: &[Field]) -> Self {
        Self::with_capacity(fields, 0)
    }

    pub(crate) fn with_capacity(fields: &[Field], rows: usize) -> Self {
        let columns = fields.iter().map(|field| Builder::new(&field.data_type, rows)).collect();
        Self { fields: fields.to_vec(), columns, rows: 0, error: None }
    }

    /// Begins the next row.
    #[inline]
    pub fn row(&mut self) -> Row<'_> {
        self.rows += 1;
        Row { table: self, next: 0 }
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        let Self { fields, columns, rows, error } = self;
        match error {
            Some(error) => Err(error),
            None => Ok(write(&fields, rows, &columns.iter().map(|column| column.buffers(rows)).collect::<Vec<_>>())),
        }
    }

    #[cold]
    fn fail(&mut self, message: String) {
        self.error.get_or_insert_with(|| Fault::internal(message));
    }
}

impl Row<'_> {
    /// A boolean.
    pub fn boolean(self, value: impl Into<Option<bool>>) -> Self {
        self.cell(value.into(), "boolean", |values, row, value| match values {
            Values::Boolean(bits) => {
                bits.resize(row / 8 + 1, 0);
                bits[row / 8] |= u8::from(value) << (row % 8);
                true
            }
            _ => false,
        })
    }

    /// A 64-bit integer.
    #[inline]
    pub fn integer(self, value: impl Into<Option<i64>>) -> Self {
        self.fixed(value.into(), DataType::Int64, |value| value.to_le_bytes())
    }

    /// A 64-bit float; NaN is written with one bit pattern.
    #[inline]
    pub fn float(self, value: impl Into<Option<f64>>) -> Self {
        let value = value.into().map(|value| if value.is_nan() { f64::NAN } else { value });
        self.fixed(value, DataType::Float64, |value| value.to_le_bytes())
    }

    /// A text.
    #[inline]
    pub fn text<'v>(self, value: impl Into<Option<&'v str>>) -> Self {
        self.cell(value.into(), "utf8", |values, _, value| match values {
            Values::Text { offsets, bytes } => {
                bytes.extend_from_slice(value.as_bytes());
                offsets.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
                true
            }
            _ => false,
        })
    }

    /// A calendar date.
    #[inline]
    pub fn date(self, value: impl Into<Option<Date>>) -> Self {
        self.fixed(value.into(), DataType::Date32, |value| value.0.to_le_bytes())
    }

    /// An instant.
    #[inline]
    pub fn timestamp(self, value: impl Into<Option<Timestamp>>) -> Self {
        self.fixed(value.into(), DataType::Timestamp, |value| value.0.to_le_bytes())
    }

    /// An exact decimal; the column must have the same number of places.
    #[inline]
    pub fn decimal<const SCALE: u8>(self, value: impl Into<Option<Decimal<SCALE>>>) -> Self {
        let data_type = self.table.fields.get(self.next).map(|field| &field.data_type);
        let Some(DataType::Decimal128(decimal)) = data_type else { return self.mismatch("decimal128") };
        if decimal.scale != SCALE {
            return self.mismatch("decimal128 of another scale");
        }
        let data_type = DataType::Decimal128(*decimal);
        self.fixed(value.into(), data_type, |value| value.units().to_le_bytes())
    }

    /// A number in units of the last place, for an integer or decimal column whatever its scale.
    pub(crate) fn units(self, value: Option<i128>) -> Self {
        match self.table.fields.get(self.next).map(|field| &field.data_type) {
            Some(DataType::Int64) => match value.map(i64::try_from).transpose() {
                Ok(value) => self.integer(value),
                Err(_) => self.mismatch("a sum beyond 64 bits"),
            },
            Some(&DataType::Decimal128(decimal)) => self.fixed(value, DataType::Decimal128(decimal), i128::to_le_bytes),
            _ => self.mismatch("a number"),
        }
    }

    #[inline]
    fn fixed<T, const N: usize>(self, value: Option<T>, wanted: DataType, bytes: fn(T) -> [u8; N]) -> Self {
        match self.table.fields.get(self.next) {
            Some(field) if std::mem::discriminant(&field.data_type) == std::mem::discriminant(&wanted) => {}
            _ => return self.mismatch(&format!("{wanted:?}")),
        }
        self.cell(value, "", |values, _, value| match values {
            Values::Bits32(all) | Values::Bits64(all) | Values::Bits128(all) => {
                all.extend_from_slice(&bytes(value));
                true
            }
            _ => false,
        })
    }

    #[inline]
    fn cell<T>(mut self, value: Option<T>, wanted: &str, push: impl FnOnce(&mut Values, usize, T) -> bool) -> Self {
        let row = self.table.rows - 1;
        let Some(column) = self.table.columns.get_mut(self.next) else { return self.mismatch(wanted) };
        match value {
            None => column.push_null(row),
            Some(value) => {
                if !push(&mut column.values, row, value) {
                    return self.mismatch(wanted);
                }
                if column.nulls > 0 {
                    column.validity.resize(row / 8 + 1, 0);
                    column.validity[row / 8] |= 1 << (row % 8);
                }
            }
        }
        self.next += 1;
        self
    }

    #[cold]
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
    #[inline]
    fn drop(&mut self) {
        if self.next < self.table.columns.len() {
            let message = format!("a row was given {} cells of {}", self.next, self.table.columns.len());
            self.table.fail(message);
        }
    }
}

impl Builder {
    fn new(data_type: &DataType, rows: usize) -> Self {
        let values = match data_type {
            DataType::Boolean => Values::Boolean(Vec::with_capacity(rows.div_ceil(8))),
            DataType::Date32 => Values::Bits32(Vec::with_capacity(rows * 4)),
            DataType::Int64 | DataType::Float64 | DataType::Timestamp => Values::Bits64(Vec::with_capacity(rows * 8)),
            DataType::Decimal128(_) => Values::Bits128(Vec::with_capacity(rows * 16)),
            DataType::Utf8 => {
                let mut offsets = Vec::with_capacity((rows + 1) * 4);
                offsets.extend_from_slice(&[0; 4]);
                Values::Text { offsets, bytes: Vec::with_capacity(rows * 8) }
            }
        };
        Self { nulls: 0, validity: Vec::new(), values }
    }

    fn push_null(&mut self, row: usize) {
        if self.nulls == 0 {
            self.validity = vec![0xff; row / 8];
            self.validity.push(!(0xff << (row % 8)));
        }
        self.nulls += 1;
        self.validity.resize(row / 8 + 1, 0);
        match &mut self.values {
            Values::Boolean(bits) => bits.resize(row / 8 + 1, 0),
            Values::Bits32(all) => all.extend_from_slice(&[0; 4]),
            Values::Bits64(all) => all.extend_from_slice(&[0; 8]),
            Values::Bits128(all) => all.extend_from_slice(&[0; 16]),
            Values::Text { offsets, bytes } => offsets.extend_from_slice(&(bytes.len() as u32).to_le_bytes()),
        }
    }

    fn buffers(&self, rows: usize) -> Buffers<'_> {
        let mut validity = Cow::Borrowed(self.validity.as_slice());
        if self.nulls > 0 {
            validity.to_mut().resize(rows.div_ceil(8), 0);
        }
        let parts = match &self.values {
            Values::Boolean(all) | Values::Bits32(all) | Values::Bits64(all) | Values::Bits128(all) => {
                vec![validity, Cow::Borrowed(all.as_slice())]
            }
            Values::Text { offsets, bytes } => vec![validity, Cow::Borrowed(offsets), Cow::Borrowed(bytes)],
        };
        Buffers { nulls: self.nulls, parts }
    }
}
