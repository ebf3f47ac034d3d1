//! Conditions: `status != 'cancelled' and abs(quantity * unit_price - total) <= 0.01`. They are parsed, checked for types,
//! and evaluated in the logic of Kleene, where what a missing cell would decide is unknown.

mod eval;
mod lex;
mod parse;

pub(crate) use eval::Row;
use smelt_sdk_schema::Column;

use crate::number::Amount;

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

/// A part of a condition that is true, false or unknown.
#[derive(Debug, Clone)]
enum Logic {
    Or(Box<Logic>, Box<Logic>),
    And(Box<Logic>, Box<Logic>),
    Not(Box<Logic>),
    Compare(Comparison, Operand, Operand),
    In(Operand, Vec<Operand>),
    Missing(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A part of a condition that has a value, or none.
#[derive(Debug, Clone)]
enum Operand {
    Column(usize),
    Number(Amount),
    Text(String),
    Boolean(bool),
    /// In microseconds since 1970.
    Instant(i128),
    /// In microseconds.
    Duration(i128),
    Stamp,
    Add(Box<Operand>, Box<Operand>),
    Subtract(Box<Operand>, Box<Operand>),
    Multiply(Box<Operand>, Box<Operand>),
    Negate(Box<Operand>),
    Absolute(Box<Operand>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Text,
    Boolean,
    Instant,
    Duration,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Boolean => "a boolean",
            Self::Instant => "an instant",
            Self::Duration => "a duration",
        }
    }
}

impl Logic {
    fn columns(&self, to: &mut Vec<usize>) {
        match self {
            Self::Or(one, two) | Self::And(one, two) => {
                one.columns(to);
                two.columns(to);
            }
            Self::Not(one) => one.columns(to),
            Self::Compare(_, one, two) => {
                one.columns(to);
                two.columns(to);
            }
            Self::In(one, list) => {
                one.columns(to);
                list.iter().for_each(|literal| literal.columns(to));
            }
            Self::Missing(column) => to.push(*column),
        }
    }
}

impl Operand {
    fn columns(&self, to: &mut Vec<usize>) {
        match self {
            Self::Column(column) => to.push(*column),
            Self::Add(one, two) | Self::Subtract(one, two) | Self::Multiply(one, two) => {
                one.columns(to);
                two.columns(to);
            }
            Self::Negate(one) | Self::Absolute(one) => one.columns(to),
            Self::Number(_) | Self::Text(_) | Self::Boolean(_) | Self::Instant(_) | Self::Duration(_) | Self::Stamp => {
            }
        }
    }
}

#[cfg(test)]
mod tests;
