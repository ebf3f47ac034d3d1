//! Rows as types. `#[derive(Row)]` makes columns of a struct's fields: `Option` is nullable, `#[sum]` is added up, and
//! `#[row(group(a, b))]` names the leading fields by which a stage's rows are grouped, none for one group.
//!
//! An enum is rows of several kinds in one stage. It has the columns of the group, which every variant has, then `kind`,
//! then those of all variants, which are missing in the rows of other variants. Kinds sort as they are written, so what
//! a group must know first is written first. A column that several variants have is one column.
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

use std::fmt;
use std::ops::Deref;

use crate::table::Row as Cells;
use crate::{
    Batch, Booleans, Date, Dates, Decimal, Decimals, Fault, Field, Floats, Integers, Result, Text, Timestamp,
    Timestamps,
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
}

/// The columns of a [`Row`].
#[doc(hidden)]
pub struct Columns {
    pub keys: Vec<Field>,
    pub sums: Vec<Field>,
    /// How many leading keys make a group, where the row says it.
    pub group: Option<usize>,
    /// Whether `rows` is among the sums, so that the SDK need not add it.
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
}

/// A [`Cell`] that may be missing.
#[doc(hidden)]
pub trait Optional<'a>: Cell<'a> {
    fn find(view: &Self::View, row: usize) -> Option<Self>;
}

macro_rules! cell {
    ($value:ty, $view:ty, $accessor:ident, $field:ident $(($places:ident))?, $put:ident $(, const $scale:ident)?) => {
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
        }

        impl<'a $(, const $scale: u8)?> Optional<'a> for $value {
            #[inline(always)]
            fn find(view: &Self::View, row: usize) -> Option<Self> {
                view.get(row)
            }
        }
    };
}

cell!(&'a str, Text<'a>, text, text, text);
cell!(bool, Booleans<'a>, booleans, boolean, boolean);
cell!(i64, Integers<'a>, integers, int64, integer);
cell!(f64, Floats<'a>, floats, float64, float);
cell!(Date, Dates<'a>, dates, date, date);
cell!(Timestamp, Timestamps<'a>, timestamps, timestamp, timestamp);
cell!(Decimal<SCALE>, Decimals<'a, SCALE>, decimals, decimal(SCALE), decimal, const SCALE);

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
}

/// A text of at most 15 bytes that needs no memory of its own, such as a month. What is longer is cut.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Short {
    length: u8,
    bytes: [u8; 15],
}

impl Short {
    /// Returns what is displayed.
    pub fn of(value: impl fmt::Display) -> Self {
        let mut short = Self::default();
        // It fails where the text is cut, which is said above.
        let _ = fmt::Write::write_fmt(&mut short, format_args!("{value}"));
        short
    }
}

impl fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = self.bytes.len() - usize::from(self.length);
        let end = text.floor_char_boundary(free);
        self.bytes[usize::from(self.length)..][..end].copy_from_slice(&text.as_bytes()[..end]);
        self.length += end as u8;
        if end < text.len() { Err(fmt::Error) } else { Ok(()) }
    }
}

impl Deref for Short {
    type Target = str;
    fn deref(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for Short {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
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
}

impl Sum for i64 {
    #[inline]
    fn increase(&mut self, by: Self) -> Result<()> {
        *self = self.checked_add(by).ok_or_else(|| Fault::invalid_input("a sum exceeds 64 bits"))?;
        Ok(())
    }
}

impl<const SCALE: u8> Sum for Decimal<SCALE> {
    #[inline]
    fn increase(&mut self, by: Self) -> Result<()> {
        *self = self.checked_add(by).ok_or_else(|| Fault::invalid_input("a sum exceeds 38 digits"))?;
        Ok(())
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
