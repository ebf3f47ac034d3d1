//! The terms that a condition consists of, once it is parsed.

use crate::number::Amount;

/// A part of a condition that is true, false or unknown.
#[derive(Debug, Clone)]
pub(super) enum Logic {
    Or(Box<Logic>, Box<Logic>),
    And(Box<Logic>, Box<Logic>),
    Not(Box<Logic>),
    Compare(Comparison, Operand, Operand),
    In(Operand, Vec<Operand>),
    Missing(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Comparison {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A part of a condition that has a value, or none.
#[derive(Debug, Clone)]
pub(super) enum Operand {
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
pub(super) enum Kind {
    Number,
    Text,
    Boolean,
    Instant,
    Duration,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
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
    pub(super) fn columns(&self, to: &mut Vec<usize>) {
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
    pub(super) fn columns(&self, to: &mut Vec<usize>) {
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
