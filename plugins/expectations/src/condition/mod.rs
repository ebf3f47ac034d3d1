//! Conditions: `status != 'cancelled' and abs(quantity * unit_price - total) <= 0.01`. They are parsed, checked for types,
//! and evaluated in the logic of Kleene, where what a missing cell would decide is unknown.

mod eval;
mod lex;
mod parse;
mod term;

pub(crate) use eval::Row;
use smelt_sdk_schema::Column;
use term::Logic;

/// A condition over the columns of a schema.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    root: Logic,
}

impl Condition {
    /// Reads a condition, and checks that only like is compared with like. An error says where, and what would be right.
    pub(crate) fn parse(text: &str, columns: &[Column]) -> Result<Self, String> {
        parse::parse(text, columns).map(|root| Self { root })
    }

    /// Returns whether it is true of a row; `None` where that is unknown.
    pub(crate) fn holds(&self, row: &Row<'_, '_>) -> Option<bool> {
        self.root.holds(row)
    }

    /// Adds the indices of the columns that it reads.
    pub(crate) fn columns(&self, to: &mut Vec<usize>) {
        self.root.columns(to);
    }
}

#[cfg(test)]
mod tests;
