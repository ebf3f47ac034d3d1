//! What is odd about an object without making any of its records malformed.

use std::fmt;

/// Something the host may want to tell about an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Warning {
    /// A CSV header names this declared column more than once; the first one counts.
    DuplicateColumn(String),
    /// A CSV header lacks this declared column, which is null in every row.
    MissingColumn(String),
    /// A JSON array ends without its closing bracket.
    UnclosedArray,
    /// A JSON array has a comma too many, or one is missing.
    ArrayCommas,
}

impl Warning {
    /// Remembers the warning once.
    pub(in super::super) fn note(self, warnings: &mut Vec<Self>) {
        if !warnings.contains(&self) {
            warnings.push(self);
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateColumn(name) => write!(f, "column {name} is in the header twice, the first one counts"),
            Self::MissingColumn(name) => write!(f, "column {name} is not in the header"),
            Self::UnclosedArray => f.write_str("the array ends without a closing bracket"),
            Self::ArrayCommas => f.write_str("the array has commas that are missing or too many"),
        }
    }
}
