//! The parser of an object, chosen by its format and its first byte.
//!
//! A parser works on one window, and needs nothing but bytes that begin at a record. So an object could be cut at
//! record boundaries and decoded in several places at once.

use crate::batch::{BatchBuilder, Stop, Window};
use crate::{DecodeLimits, Format, csv, json};

/// The parser of one object.
pub(super) enum Parser {
    /// No byte has been seen that decides between the parsers of this format.
    Undecided(Format),
    Lines(json::Lines),
    Array(json::Array),
    Csv(csv::Records),
}

impl Parser {
    /// Takes records from the window until the window or the batch ends. Chooses the parser first, if that is still
    /// open.
    pub(super) fn run(
        &mut self,
        window: &mut Window<'_>,
        batch: &mut BatchBuilder,
        columns: &[String],
        limits: &DecodeLimits,
    ) -> Stop {
        if let Self::Undecided(format) = *self
            && let Some(parser) = Self::choose(format, window, columns, limits)
        {
            *self = parser;
        }
        match self {
            Self::Undecided(_) => Stop::More,
            Self::Lines(lines) => lines.run(window, batch),
            Self::Array(array) => array.run(window, batch),
            Self::Csv(records) => records.run(window, batch),
        }
    }

    /// Returns the parser of the object that begins in the window. For JSON moves to the first byte that it is to see.
    fn choose(format: Format, window: &mut Window<'_>, columns: &[String], limits: &DecodeLimits) -> Option<Self> {
        if format == Format::Json {
            window.at = json::skip_blanks(window.bytes, window.at);
        }
        match (format, window.bytes.get(window.at)) {
            (Format::Csv, _) => Some(Self::Csv(csv::Records::new(columns))),
            (Format::Json, Some(b'[')) => {
                window.at += 1;
                Some(Self::Array(json::Array::new(columns, limits.depth)))
            }
            (Format::Json, None) => None,
            (Format::Json, Some(_)) | (Format::Jsonl, _) => Some(Self::Lines(json::Lines::new(columns, limits.depth))),
        }
    }

    /// Returns the declared columns that no record has had. For CSV the header has told them.
    pub(super) fn missing(&self) -> Vec<usize> {
        match self {
            Self::Lines(lines) => lines.missing(),
            Self::Array(array) => array.missing(),
            Self::Csv(_) | Self::Undecided(_) => Vec::new(),
        }
    }
}
