//! One column that is being written, in the buffers of the format.

use crate::Key as _;
use crate::bindings::types::DataType;
use crate::decimal::MAX;
use crate::ipc::Buffers;

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

    /// Returns a hash of the row's value and of a hash before.
    #[inline]
    pub(crate) fn hash(&self, row: usize, before: u64) -> u64 {
        fn mix(hash: u64, word: u64) -> u64 {
            let product = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            product ^ product >> 32
        }
        let word = match &self.values {
            Values::Boolean(bits) => u64::from(bits[row / 8] >> (row % 8) & 1),
            Values::Integer(all) | Values::Float(all) | Values::Timestamp(all) => u64::from_le_bytes(all[row]),
            Values::Text { ends, bytes } => str_hash(text(ends, bytes, row)),
            Values::Date(all) => u32::from_le_bytes(all[row]).into(),
            Values::Decimal { scale: _, units } => {
                let units = u128::from_le_bytes(units[row]);
                units as u64 ^ (units >> 64) as u64
            }
        };
        // A missing value has the bytes of 0 or of an empty text: what tells them apart is compared, not hashed.
        mix(before, word)
    }

    /// Returns whether two rows have the same value, or both lack one.
    #[inline]
    pub(crate) fn same(&self, one: usize, other: usize) -> bool {
        let same = match &self.values {
            Values::Boolean(bits) => (bits[one / 8] >> (one % 8) ^ bits[other / 8] >> (other % 8)) & 1 == 0,
            Values::Integer(all) | Values::Float(all) | Values::Timestamp(all) => all[one] == all[other],
            Values::Text { ends, bytes } => text(ends, bytes, one) == text(ends, bytes, other),
            Values::Date(all) => all[one] == all[other],
            Values::Decimal { scale: _, units } => units[one] == units[other],
        };
        same && (self.nulls == 0 || self.is_null(one) == self.is_null(other))
    }

    fn is_null(&self, row: usize) -> bool {
        self.validity.get(row / 8).is_some_and(|bits| bits >> (row % 8) & 1 == 0)
    }

    /// Returns whether the sum of two rows' numbers fits.
    #[inline]
    pub(crate) fn sum_fits(&self, to: usize, from: usize) -> bool {
        match &self.values {
            Values::Integer(all) => i64::from_le_bytes(all[to]).checked_add(i64::from_le_bytes(all[from])).is_some(),
            Values::Decimal { scale: _, units } => {
                let sum = i128::from_le_bytes(units[to]).checked_add(i128::from_le_bytes(units[from]));
                sum.is_some_and(|sum| sum.unsigned_abs() <= MAX as u128)
            }
            _ => false,
        }
    }

    /// Adds the number of one row to that of another. `sum_fits` has said that it can.
    #[inline]
    pub(crate) fn add_to(&mut self, to: usize, from: usize) {
        match &mut self.values {
            Values::Integer(all) => {
                all[to] = i64::from_le_bytes(all[to]).wrapping_add(i64::from_le_bytes(all[from])).to_le_bytes();
            }
            Values::Decimal { scale: _, units } => {
                units[to] = i128::from_le_bytes(units[to]).wrapping_add(i128::from_le_bytes(units[from])).to_le_bytes();
            }
            _ => {}
        }
    }

    /// Removes the value of the last row.
    #[inline]
    pub(crate) fn pop(&mut self, row: usize) {
        if self.nulls > 0 && self.is_null(row) {
            self.nulls -= 1;
            self.validity[row / 8] |= 1 << (row % 8);
        }
        match &mut self.values {
            Values::Boolean(bits) => {
                bits[row / 8] &= !(1 << (row % 8));
                bits.truncate(row.div_ceil(8));
            }
            Values::Integer(all) | Values::Float(all) | Values::Timestamp(all) => all.truncate(row),
            Values::Text { ends, bytes } => {
                ends.truncate(row + 1);
                bytes.truncate(ends.last().map_or(0, |end| u32::from_le_bytes(*end) as usize));
            }
            Values::Date(all) => all.truncate(row),
            Values::Decimal { scale: _, units } => units.truncate(row),
        }
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

#[inline]
fn text<'a>(ends: &[[u8; 4]], bytes: &'a [u8], row: usize) -> &'a [u8] {
    &bytes[u32::from_le_bytes(ends[row]) as usize..u32::from_le_bytes(ends[row + 1]) as usize]
}

#[inline]
fn str_hash(text: &[u8]) -> u64 {
    // SAFETY: the column was written from texts.
    unsafe { std::str::from_utf8_unchecked(text) }.hash32().into()
}
