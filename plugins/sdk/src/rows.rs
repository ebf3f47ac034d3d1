//! Rows as types. `#[derive(Row)]` makes columns of a struct's fields: `Option` is nullable, `#[sum]` is added up.
//! `#[row(group(a, b))]` names the leading fields by which a stage's rows are grouped, none for one group.
//!
//! An enum is rows of several kinds in one stage. It has the columns of the group, which every variant has, then `kind`,
//! then those of all variants, which are missing in the rows of other variants. Kinds sort as they are written, so what
//! a group must know first is written first. A column that several variants have is one column. With
//! `#[row(group(a), then(b))]` the column `b`, which every variant has, sorts before the kind: an instant, say.
//!
//! A row of a stage exists while one of its sums is not 0. So each stage has one more sum, `rows`, which
//! [`Out::add`](crate::Out::add) sets to 1: no row vanishes because its money is 0.00. A row that needs the number, or
//! counts with it, declares it: `#[sum] rows: i64`.
//!
//! ```
//! use smelt_sdk::prelude::*;
//!
//! #[derive(Row)]
//! #[row(group(client_id))]
//! enum OfClient<'a> {
//!     Client { client_id: &'a str, country: &'a str },
//!     Day { client_id: &'a str, day: Date, #[sum] spent: Money },
//! }
//! ```

pub use smelt_sdk_macros::Row;

use crate::column::Values;
use crate::table::Row as Cells;
use crate::{
    Batch, Booleans, Date, Dates, Decimal, Decimals, Fault, Field, Floats, Integers, Key, Result, Short, Table, Text,
    Timestamp, Timestamps,
};

/// A row of an input, of a stage or of a table. It is derived.
pub trait Row: Sized {
    /// The same row, where texts live as long as `'a`.
    type Of<'a>: Row<Static = Self::Static>;
    /// The same row for whatever lifetime, by which rows are told apart.
    type Static: Row<Static = Self::Static> + 'static;
    /// Views of the columns.
    #[doc(hidden)]
    type Reader<'a>;
    #[doc(hidden)]
    fn columns() -> Columns;
    #[doc(hidden)]
    fn reader<'a>(rows: &Batch<'a>) -> Result<Self::Reader<'a>>;
    #[doc(hidden)]
    fn read<'a>(reader: &Self::Reader<'a>, row: usize) -> Result<Self::Of<'a>>;
    #[doc(hidden)]
    fn write(self, out: Cells<'_>) -> Cells<'_>;
    /// Returns a hash of the key.
    #[doc(hidden)]
    fn hash(&self) -> u64;
    /// Returns whether that row of the table has the same key.
    #[doc(hidden)]
    fn same_key(&self, table: &Table, row: usize) -> bool;
    /// Adds the sums to those of that row, and 1 to the column that counts, unless a sum does not fit. Returns whether it
    /// did.
    #[doc(hidden)]
    fn add_to(&self, table: &mut Table, row: usize, count: Option<usize>) -> bool;
}

/// The columns of a [`Row`].
#[doc(hidden)]
pub struct Columns {
    pub keys: Vec<Field>,
    pub sums: Vec<Field>,
    /// The number of leading keys that make a group, where the row says it.
    pub group: Option<usize>,
    /// Set if `rows` is among the sums, so that the SDK need not add it.
    pub counted: bool,
}

/// A value that a column may have.
#[doc(hidden)]
pub trait Cell<'a>: Sized {
    type View: Copy;
    fn field(name: &str) -> Field;
    fn view(rows: &Batch<'a>, name: &str) -> Result<Self::View>;
    fn get(view: &Self::View, row: usize) -> Self;
    fn put(self, out: Cells<'_>) -> Cells<'_>;
    /// Returns a hash of the value and of a hash before.
    fn mix(&self, hash: u64) -> u64;
    /// Returns whether that row of the table has the same value.
    fn is_at(&self, table: &Table, column: usize, row: usize) -> bool;
}

/// A [`Cell`] that may be missing.
#[doc(hidden)]
pub trait Optional<'a>: Cell<'a> {
    fn find(view: &Self::View, row: usize) -> Option<Self>;
}

/// Returns a hash of a word and of a hash before.
#[doc(hidden)]
#[inline(always)]
pub fn mix(hash: u64, word: u64) -> u64 {
    let product = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ product >> 32
}

macro_rules! cell {
    (
        $value:ty, $view:ty, $accessor:ident, $field:ident $(($places:ident))?, $put:ident,
        $word:expr, $same:expr $(; const $scale:ident)?
    ) => {
        impl<'a $(, const $scale: u8)?> Cell<'a> for $value {
            type View = $view;
            fn field(name: &str) -> Field {
                crate::$field(name $(, $places)?)
            }
            fn view(rows: &Batch<'a>, name: &str) -> Result<Self::View> {
                rows.$accessor(name)
            }
            #[inline(always)]
            fn get(view: &Self::View, row: usize) -> Self {
                view.value(row)
            }
            #[inline(always)]
            fn put(self, out: Cells<'_>) -> Cells<'_> {
                out.$put(self)
            }
            #[inline(always)]
            fn mix(&self, hash: u64) -> u64 {
                let word: fn(&Self) -> u64 = $word;
                mix(hash, word(self))
            }
            #[inline(always)]
            fn is_at(&self, table: &Table, column: usize, row: usize) -> bool {
                let same: fn(&Self, &Values, usize) -> bool = $same;
                table.column(column).is_some_and(|column| same(self, &column.values, row))
            }
        }

        impl<'a $(, const $scale: u8)?> Optional<'a> for $value {
            #[inline(always)]
            fn find(view: &Self::View, row: usize) -> Option<Self> {
                view.get(row)
            }
        }
    };
}

/// Compares a value with that of a row, for values of one kind.
macro_rules! same {
    ($kind:ident, $bytes:expr) => {
        |value, values, row| {
            let bytes: fn(&Self) -> _ = $bytes;
            matches!(values, Values::$kind(all) if all.get(row).is_some_and(|held| *held == bytes(value)))
        }
    };
}

cell!(&'a str, Text<'a>, text, text, text, |text| <str as Key>::hash32(text).into(), |text, values, row| values
    .is_text(row, text));
cell!(bool, Booleans<'a>, booleans, boolean, boolean, |&value| value.into(), |&value, values, row| {
    matches!(values, Values::Boolean(bits) if bits.get(row / 8).is_some_and(|bits| (bits >> (row % 8) & 1 == 1) == value))
});
cell!(i64, Integers<'a>, integers, int64, integer, |&value| value as u64, same!(Integer, |value| value.to_le_bytes()));
cell!(f64, Floats<'a>, floats, float64, float, |value| value.to_bits(), same!(Float, |value| value.to_le_bytes()));
cell!(Date, Dates<'a>, dates, date, date, |date| date.0 as u64, same!(Date, |date| date.0.to_le_bytes()));
cell!(
    Timestamp,
    Timestamps<'a>,
    timestamps,
    timestamp,
    timestamp,
    |instant| instant.0 as u64,
    same!(Timestamp, |instant| instant.0.to_le_bytes())
);
cell!(
    Decimal<SCALE>, Decimals<'a, SCALE>, decimals, decimal(SCALE), decimal,
    |value| value.units() as u64 ^ (value.units() >> 64) as u64,
    |value, values, row| {
        matches!(values, Values::Decimal { units, .. } if units.get(row) == Some(&value.units().to_le_bytes()))
    }; const SCALE
);

/// A text that a row owns, where it is the state of a walk too.
impl<'a> Cell<'a> for String {
    type View = Text<'a>;
    fn field(name: &str) -> Field {
        crate::text(name)
    }
    fn view(rows: &Batch<'a>, name: &str) -> Result<Self::View> {
        rows.text(name)
    }
    fn get(view: &Self::View, row: usize) -> Self {
        view.value(row).to_owned()
    }
    fn put(self, out: Cells<'_>) -> Cells<'_> {
        out.text(self.as_str())
    }
    fn mix(&self, hash: u64) -> u64 {
        Cell::mix(&self.as_str(), hash)
    }
    fn is_at(&self, table: &Table, column: usize, row: usize) -> bool {
        Cell::is_at(&self.as_str(), table, column, row)
    }
}

impl<'a> Optional<'a> for String {
    fn find(view: &Self::View, row: usize) -> Option<Self> {
        view.get(row).map(str::to_owned)
    }
}

impl<'a, T: Optional<'a>> Cell<'a> for Option<T> {
    type View = T::View;
    fn field(name: &str) -> Field {
        crate::nullable(T::field(name))
    }
    fn view(rows: &Batch<'a>, name: &str) -> Result<Self::View> {
        T::view(rows, name)
    }
    #[inline(always)]
    fn get(view: &Self::View, row: usize) -> Self {
        T::find(view, row)
    }
    #[inline(always)]
    fn put(self, out: Cells<'_>) -> Cells<'_> {
        match self {
            Some(value) => value.put(out),
            None => out.missing(),
        }
    }
    #[inline(always)]
    fn mix(&self, hash: u64) -> u64 {
        match self {
            Some(value) => value.mix(hash),
            None => mix(hash, 1 << 63),
        }
    }
    #[inline(always)]
    fn is_at(&self, table: &Table, column: usize, row: usize) -> bool {
        let missing = table.column(column).is_some_and(|column| column.is_null(row));
        match self {
            Some(value) => !missing && value.is_at(table, column, row),
            None => missing,
        }
    }
}

/// A number in a key by which greater ones sort first. It is written negated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Desc<T>(pub T);

impl<'a> Cell<'a> for Desc<i64> {
    type View = Integers<'a>;
    fn field(name: &str) -> Field {
        crate::int64(name)
    }
    fn view(rows: &Batch<'a>, name: &str) -> Result<Self::View> {
        rows.integers(name)
    }
    #[inline(always)]
    fn get(view: &Self::View, row: usize) -> Self {
        // The complement is the negated number less one: unlike the negated number it always fits.
        Self(!view.value(row))
    }
    #[inline(always)]
    fn put(self, out: Cells<'_>) -> Cells<'_> {
        out.integer(!self.0)
    }
    #[inline(always)]
    fn mix(&self, hash: u64) -> u64 {
        self.0.mix(hash)
    }
    #[inline(always)]
    fn is_at(&self, table: &Table, column: usize, row: usize) -> bool {
        (!self.0).is_at(table, column, row)
    }
}

impl<'a, const SCALE: u8> Cell<'a> for Desc<Decimal<SCALE>> {
    type View = Decimals<'a, SCALE>;
    fn field(name: &str) -> Field {
        crate::decimal(name, SCALE)
    }
    fn view(rows: &Batch<'a>, name: &str) -> Result<Self::View> {
        rows.decimals(name)
    }
    #[inline(always)]
    fn get(view: &Self::View, row: usize) -> Self {
        Self(-view.value(row))
    }
    #[inline(always)]
    fn put(self, out: Cells<'_>) -> Cells<'_> {
        out.decimal(-self.0)
    }
    #[inline(always)]
    fn mix(&self, hash: u64) -> u64 {
        self.0.mix(hash)
    }
    #[inline(always)]
    fn is_at(&self, table: &Table, column: usize, row: usize) -> bool {
        (-self.0).is_at(table, column, row)
    }
}

impl<'a> Cell<'a> for Short {
    type View = Text<'a>;
    fn field(name: &str) -> Field {
        crate::text(name)
    }
    fn view(rows: &Batch<'a>, name: &str) -> Result<Self::View> {
        rows.text(name)
    }
    fn get(view: &Self::View, row: usize) -> Self {
        Self::of(view.value(row))
    }
    #[inline]
    fn put(self, out: Cells<'_>) -> Cells<'_> {
        out.text(&*self)
    }
    fn mix(&self, hash: u64) -> u64 {
        (&**self).mix(hash)
    }
    fn is_at(&self, table: &Table, column: usize, row: usize) -> bool {
        (&**self).is_at(table, column, row)
    }
}

impl<'a> Optional<'a> for Short {
    fn find(view: &Self::View, row: usize) -> Option<Self> {
        view.get(row).map(Self::of)
    }
}

/// A number that can be added up, with an error where the sum does not fit.
pub trait Sum: Sized + Copy {
    /// Adds a number to this one.
    ///
    /// # Errors
    /// Fails if the sum does not fit its type; this one is then as before.
    fn increase(&mut self, by: Self) -> Result<()>;

    /// Returns whether this number can be added to that of a row.
    #[doc(hidden)]
    fn fits_at(self, table: &Table, column: usize, row: usize) -> bool;
    /// Adds this number, which fits, to that of a row.
    #[doc(hidden)]
    fn add_at(self, table: &mut Table, column: usize, row: usize);
}

impl Sum for i64 {
    #[inline]
    fn increase(&mut self, by: Self) -> Result<()> {
        *self = self.checked_add(by).ok_or_else(|| Fault::invalid_input("a sum exceeds 64 bits"))?;
        Ok(())
    }
    #[inline(always)]
    fn fits_at(self, table: &Table, column: usize, row: usize) -> bool {
        let held = match table.column(column).map(|column| &column.values) {
            Some(Values::Integer(all)) => all.get(row),
            _ => None,
        };
        held.is_some_and(|held| i64::from_le_bytes(*held).checked_add(self).is_some())
    }
    #[inline(always)]
    fn add_at(self, table: &mut Table, column: usize, row: usize) {
        if let Some(Values::Integer(all)) = table.column_mut(column).map(|column| &mut column.values)
            && let Some(held) = all.get_mut(row)
        {
            *held = i64::from_le_bytes(*held).wrapping_add(self).to_le_bytes();
        }
    }
}

impl<const SCALE: u8> Sum for Decimal<SCALE> {
    #[inline]
    fn increase(&mut self, by: Self) -> Result<()> {
        *self = self.checked_add(by).ok_or_else(|| Fault::invalid_input("a sum exceeds 38 digits"))?;
        Ok(())
    }
    #[inline(always)]
    fn fits_at(self, table: &Table, column: usize, row: usize) -> bool {
        let held = match table.column(column).map(|column| &column.values) {
            Some(Values::Decimal { units, .. }) => units.get(row),
            _ => None,
        };
        held.is_some_and(|held| Self::from_units(i128::from_le_bytes(*held)).checked_add(self).is_some())
    }
    #[inline(always)]
    fn add_at(self, table: &mut Table, column: usize, row: usize) {
        if let Some(Values::Decimal { units, .. }) = table.column_mut(column).map(|column| &mut column.values)
            && let Some(held) = units.get_mut(row)
        {
            *held = i128::from_le_bytes(*held).wrapping_add(self.units()).to_le_bytes();
        }
    }
}

#[doc(hidden)]
pub fn sum_field<'a, T: Sum + Cell<'a>>(name: &str) -> Field {
    T::field(name)
}

#[doc(hidden)]
#[cold]
pub fn unknown_kind(kind: i64) -> Fault {
    Fault::invalid_input(format!("there is no row of kind {kind}"))
}
