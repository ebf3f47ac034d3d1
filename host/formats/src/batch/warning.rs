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
    /// The object is compressed, and cannot be inflated for this reason. As a whole it is one malformed record.
    Unreadable(String),
    /// The object is text of another format than the manifest says.
    OtherFormat(&'static str),
    /// CSV looks as if it had another delimiter than the one that is set.
    Delimiter {
        /// The delimiter, as messages name it.
        looks: &'static str,
        /// The one that is set.
        set: char,
    },
    /// The object has text that is not UTF-8, where UTF-8 is expected.
    NotUtf8,
    /// The object looks like UTF-8, where the encoding of this name is set.
    Utf8(&'static str),
    /// The records seem to be in an array under this key.
    Wrapped(String),
    /// A JSON document has no array where the records should be.
    NoArray(String),
    /// The object has records, but none of them is a row. All of them break this rule, if it is one.
    NoRow(Option<&'static str>),
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
                write!(
                    f,
                    "it looks like {what}; only text is read, plain or as gzip or zstd, so all of it was rejected"
                )
            }
            Self::Unreadable(why) => write!(f, "{why}, so all of it was rejected"),
            Self::OtherFormat(what) => {
                write!(f, "it looks like {what}, which is not the format that the manifest says")
            }
            Self::Delimiter { looks, set } => {
                write!(f, "it looks like {looks}-separated text; `delimiter` is `{}`", set.escape_debug())
            }
            Self::NotUtf8 => f.write_str("it is not UTF-8, perhaps windows-1252; `encoding` is `utf-8`"),
            Self::Utf8(set) => write!(f, "it looks like UTF-8; `encoding` is `{set}`"),
            Self::Wrapped(key) => write!(f, "its records seem to be in an array; `records = \"{key}\"` reads it"),
            Self::NoArray(place) => {
                write!(f, "it has no array at `{place}`, where `records` says that its records are")
            }
            Self::NoRow(None) => f.write_str("none of its records could be read"),
            Self::NoRow(Some(rule)) => write!(f, "none of its records could be read: all are `{rule}`"),
        }
    }
}
