//! One column that is being written, in the buffers of the format.

use crate::bindings::types::DataType;
use crate::ipc::Buffers;
use crate::totals::same;

/// The cells of one column that have been written so far.
pub(crate) struct Column {
    pub(crate) values: Values,
    nulls: usize,
    /// One bit a row, cleared where the value is missing. It ends at the last byte with such a row, so a column without
    /// missing values costs nothing.
    validity: Vec<u8>,
}

/// Values as in the format, little-endian. The value of a missing cell is arbitrary.
pub(crate) enum Values {
    Boolean(Vec<u8>),
    Integer(Vec<[u8; 8]>),
    Float(Vec<[u8; 8]>),
    /// `ends` holds the offset in `bytes` at which each text ends, after a 0.
    Text {
        ends: Vec<[u8; 4]>,
        bytes: Vec<u8>,
    },
    Date(Vec<[u8; 4]>),
    Timestamp(Vec<[u8; 8]>),
    Decimal {
        scale: u8,
        units: Vec<[u8; 16]>,
    },
}

impl Column {
    pub(crate) fn new(data_type: &DataType) -> Self {
        let values = match data_type {
            DataType::Boolean => Values::Boolean(vec![]),
            DataType::Int64 => Values::Integer(vec![]),
            DataType::Float64 => Values::Float(vec![]),
            DataType::Utf8 => Values::Text { ends: vec![[0; 4]], bytes: vec![] },
            DataType::Date32 => Values::Date(vec![]),
            DataType::Timestamp => Values::Timestamp(vec![]),
            DataType::Decimal128(decimal) => Values::Decimal { scale: decimal.scale, units: vec![] },
        };
        Self { values, nulls: 0, validity: vec![] }
    }

    /// Reserves room for `rows` more rows.
    pub(crate) fn reserve(&mut self, rows: usize) {
        match &mut self.values {
            Values::Boolean(bits) => bits.reserve(rows.div_ceil(8)),
            Values::Integer(all) | Values::Float(all) | Values::Timestamp(all) => all.reserve(rows),
            Values::Text { ends, bytes: _ } => ends.reserve(rows),
            Values::Date(all) => all.reserve(rows),
            Values::Decimal { scale: _, units } => units.reserve(rows),
        }
    }

    /// Adds the value of that row, in the bytes that a column of a batch has for it.
    pub(crate) fn push(&mut self, row: usize, value: Option<&[u8]>) {
        fn fixed<const N: usize>(bytes: &[u8]) -> [u8; N] {
            bytes.first_chunk().copied().unwrap_or([0; N])
        }
        let given = value.unwrap_or_default();
        match &mut self.values {
            Values::Boolean(bits) => {
                bits.resize(row / 8 + 1, 0);
                bits[row / 8] |= u8::from(given == [1]) << (row % 8);
            }
            Values::Integer(all) | Values::Float(all) | Values::Timestamp(all) => all.push(fixed(given)),
            Values::Text { ends, bytes } => {
                bytes.extend_from_slice(given);
                ends.push((bytes.len() as u32).to_le_bytes());
            }
            Values::Date(all) => all.push(fixed(given)),
            Values::Decimal { scale: _, units } => units.push(fixed(given)),
        }
        if value.is_none() {
            self.mark_null(row);
        }
    }

    /// Marks the row's value as missing.
    pub(crate) fn mark_null(&mut self, row: usize) {
        self.nulls += 1;
        self.validity.resize(row / 8 + 1, 0xff);
        self.validity[row / 8] &= !(1 << (row % 8));
    }

    /// Returns whether the row lacks a value.
    #[inline]
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls > 0 && self.validity.get(row / 8).is_some_and(|bits| bits >> (row % 8) & 1 == 0)
    }

    /// Returns the buffers of a column with `rows` rows.
    pub(crate) fn buffers(&mut self, rows: usize) -> Buffers<'_> {
        let Self { values, nulls, validity } = self;
        if *nulls > 0 {
            validity.resize(rows.div_ceil(8), 0xff);
        }
        let (offsets, values) = match values {
            Values::Boolean(bits) => (None, bits.as_slice()),
            Values::Integer(all) | Values::Float(all) | Values::Timestamp(all) => (None, all.as_flattened()),
            Values::Text { ends, bytes } => (Some(ends.as_flattened()), bytes.as_slice()),
            Values::Date(all) => (None, all.as_flattened()),
            Values::Decimal { scale: _, units } => (None, units.as_flattened()),
        };
        Buffers { nulls: *nulls, validity, offsets, values }
    }

    /// Removes all rows and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.nulls = 0;
        self.validity.clear();
        match &mut self.values {
            Values::Boolean(bits) => bits.clear(),
            Values::Integer(all) | Values::Float(all) | Values::Timestamp(all) => all.clear(),
            Values::Text { ends, bytes } => {
                ends.truncate(1);
                bytes.clear();
            }
            Values::Date(all) => all.clear(),
            Values::Decimal { scale: _, units } => units.clear(),
        }
    }
}

impl Values {
    /// Returns whether the row's text is this one.
    #[inline]
    pub(crate) fn is_text(&self, row: usize, text: &str) -> bool {
        let Self::Text { ends, bytes } = self else { return false };
        let Some([start, end]) = ends.get(row..).and_then(<[_]>::first_chunk) else { return false };
        let (start, end) = (u32::from_le_bytes(*start) as usize, u32::from_le_bytes(*end) as usize);
        end - start == text.len() && same(&bytes[start..end], text.as_bytes())
    }

    /// Adds a value that is 0, false or empty.
    #[inline]
    pub(crate) fn push_default(&mut self, row: usize) {
        match self {
            Self::Boolean(bits) => bits.resize(row / 8 + 1, 0),
            Self::Integer(all) | Self::Float(all) | Self::Timestamp(all) => all.push([0; 8]),
            Self::Text { ends, bytes } => ends.push((bytes.len() as u32).to_le_bytes()),
            Self::Date(all) => all.push([0; 4]),
            Self::Decimal { scale: _, units } => units.push([0; 16]),
        }
    }
}
