//! The parser of an object, chosen by its format and its first byte.
//!
//! A parser works on one window, and needs nothing but bytes that begin at a record. So an object could be cut at
//! record boundaries and decoded in several places at once.

use crate::batch::{BatchBuilder, Stop, Warning, Window};
use crate::{DecodeLimits, Dialect, Format, csv, json, log};

/// The parser of one object.
pub(super) enum Parser {
    /// No byte has been seen that decides between the parsers of the format.
    Undecided,
    Lines(json::Lines),
    Documents(json::Documents),
    Array(json::Array),
    Within(Box<json::Within>),
    Csv(csv::Records),
    Log(log::LogLines),
}

impl Parser {
    /// Takes records from the window until the window or the batch ends. Chooses the parser first, if that is still
    /// open.
    pub(super) fn run(
        &mut self,
        window: &mut Window<'_>,
        batch: &mut BatchBuilder,
        dialect: &Dialect,
        columns: &[String],
        limits: &DecodeLimits,
    ) -> Stop {
        if let Self::Undecided = *self
            && let Some(parser) = Self::choose(dialect, window, columns, limits)
        {
            *self = parser;
        }
        match self {
            Self::Undecided => Stop::More,
            Self::Lines(lines) => lines.run(window, batch),
            Self::Documents(documents) => documents.run(window, batch),
            Self::Array(array) => array.run(window, batch),
            Self::Within(within) => within.run(window, batch),
            Self::Csv(records) => records.run(window, batch),
            Self::Log(lines) => lines.run(window, batch),
        }
    }

    /// Returns the parser of the object that begins in the window. For JSON moves to the first byte that it is to see.
    fn choose(dialect: &Dialect, window: &mut Window<'_>, columns: &[String], limits: &DecodeLimits) -> Option<Self> {
        let format = dialect.format;
        if let (Format::Json, Some(place)) = (format, &dialect.records) {
            return Some(Self::Within(Box::new(json::Within::new(columns, limits.depth, place))));
        }
        if format == Format::Json {
            window.at = json::skip_separators(window.bytes, window.at);
        }
        match (format, window.bytes.get(window.at)) {
            (Format::Csv, _) => Some(Self::Csv(csv::Records::new(columns, dialect))),
            (Format::Json, Some(b'[')) => {
                window.at += 1;
                Some(Self::Array(json::Array::new(columns, limits.depth)))
            }
            (Format::Json, None) => None,
            (Format::Log, _) => {
                let pattern = dialect.pattern.as_ref()?;
                Some(Self::Log(log::LogLines::new(columns, pattern, dialect.comment)))
            }
            (Format::Json, Some(_)) => Some(Self::Documents(json::Documents::new(columns, limits.depth))),
            (Format::Jsonl, _) => Some(Self::Lines(json::Lines::new(columns, limits.depth, dialect.comment))),
        }
    }

    /// Returns the declared columns that no record has had. For CSV the header has told them.
    pub(super) fn missing(&self) -> Vec<usize> {
        match self {
            Self::Lines(lines) => lines.missing(),
            Self::Documents(documents) => documents.missing(),
            Self::Array(array) => array.missing(),
            Self::Within(within) => within.missing(),
            Self::Csv(_) | Self::Log(_) | Self::Undecided => Vec::new(),
        }
    }

    /// Returns the names in the header, if there was one.
    pub(super) fn header(&self) -> Option<Vec<String>> {
        if let Self::Csv(records) = self { records.names() } else { None }
    }

    /// Returns what the records look like, if none of them is a row.
    pub(super) fn looks(&self) -> Option<&Warning> {
        if let Self::Csv(records) = self { records.looks() } else { None }
    }
}
