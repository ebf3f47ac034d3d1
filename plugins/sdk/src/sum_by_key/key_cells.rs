//! Keys as cells: how a key of `Totals` fills the key columns of a table of sums.

use crate::{Date, Decimal, Key, Row, Timestamp};

/// A key that can be written to the key columns of a table of sums.
///
/// Text and values fill one column each. `None` is a missing value, for which the column must be
/// [`nullable`](crate::nullable). A tuple fills a column for each of its members, and `()` fills none.
pub trait KeyCells: Key {
    /// Writes the cells of the key, and returns the row for the cells that follow.
    fn write<'t>(&self, row: Row<'t>) -> Row<'t>;
}

impl KeyCells for str {
    #[inline]
    fn write<'t>(&self, row: Row<'t>) -> Row<'t> {
        row.text(self)
    }
}

/// Implements [`KeyCells`] for a type by a method of [`Row`].
macro_rules! value {
    ($value:ty, $cell:ident $(, const $scale:ident)?) => {
        impl $(<const $scale: u8>)? KeyCells for $value {
            #[inline]
            fn write<'t>(&self, row: Row<'t>) -> Row<'t> {
                row.$cell(*self)
            }
        }

        impl $(<const $scale: u8>)? KeyCells for Option<$value> {
            #[inline]
            fn write<'t>(&self, row: Row<'t>) -> Row<'t> {
                row.$cell(*self)
            }
        }
    };
}

value!(bool, boolean);
value!(i64, integer);
value!(Date, date);
value!(Timestamp, timestamp);
value!(Decimal<SCALE>, decimal, const SCALE);

impl KeyCells for String {
    #[inline]
    fn write<'t>(&self, row: Row<'t>) -> Row<'t> {
        row.text(self.as_str())
    }
}

impl KeyCells for Option<String> {
    #[inline]
    fn write<'t>(&self, row: Row<'t>) -> Row<'t> {
        row.text(self.as_deref())
    }
}

/// Implements [`KeyCells`] for a tuple of keys.
macro_rules! tuple {
    ($($member:ident $index:tt),*) => {
        impl<$($member: KeyCells + Key + Clone + Eq + std::hash::Hash),*> KeyCells for ($($member,)*) {
            #[inline]
            fn write<'t>(&self, row: Row<'t>) -> Row<'t> {
                $(let row = self.$index.write(row);)*
                row
            }
        }
    };
}

tuple!();
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
