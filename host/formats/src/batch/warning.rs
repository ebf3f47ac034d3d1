//! Oddities of an object that make none of its records malformed.

use std::fmt;

/// Something odd about an object, which the host may want to report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Warning {
    /// A CSV header names this declared column more than once; the first one counts.
    DuplicateColumn(String),
    /// A CSV header lacks this declared column, which is null in every row.
    MissingColumn(String),
    /// A JSON array ends without its closing bracket.
    UnclosedArray,
    /// A JSON array has a comma too many, or lacks one.
    ArrayCommas,
    /// No record has this declared JSON key, which is null in every row.
    MissingKey(String),
    /// The object is not text, or is text in another encoding. As a whole it is one malformed record.
    NotText(&'static str),
    /// The object is text of another format than the manifest says.
    OtherFormat(&'static str),
    /// The columns of a CSV header are separated by something else than commas.
    Delimiter(&'static str),
    /// The object has records, but none of them is a row.
    NoRow,
}

impl Warning {
    /// Adds the warning to the list, unless it is there already.
    pub(crate) fn note(self, warnings: &mut Vec<Self>) {
        if !warnings.contains(&self) {
            warnings.push(self);
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateColumn(name) => write!(f, "column {name} is in the header twice; the first one counts"),
            Self::MissingColumn(name) => write!(f, "column {name} is not in the header"),
            Self::UnclosedArray => f.write_str("the array ends without a closing bracket"),
            Self::ArrayCommas => f.write_str("the array has commas that are missing or too many"),
            Self::MissingKey(name) => write!(f, "key {name} is in no record"),
            Self::NotText(what) => {
                write!(f, "it looks like {what}; only text in UTF-8 is read, so all of it was rejected")
            }
            Self::OtherFormat(what) => {
                write!(f, "it looks like {what}, which is not the format that the manifest says")
            }
            Self::Delimiter(what) => write!(f, "its columns look separated {what}; commas are expected"),
            Self::NoRow => f.write_str("none of its records could be read"),
        }
    }
}
