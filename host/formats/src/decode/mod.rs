//! Streams an object through a bounded window and gives out batches. Every record ends up as a row or as `malformed`,
//! whatever the bytes; how the window happens to be cut changes neither rows, numbers nor offsets.
//!
//! The work on one window is a parser's `run(&mut Input, &mut BatchBuilder) -> Stop`: it needs nothing but bytes that
//! begin at a record, so that an object can be cut at record boundaries and decoded in several places at once.

mod batch;
mod columns;
mod looks;
mod skip;
mod source;
mod utf8;
mod warning;

#[cfg(test)]
pub(super) mod tests;

use std::io::{self, Read};

use arrow_schema::SchemaRef;

use self::source::Source;
use super::{DecodeLimits, Format, csv, json};

pub(super) use self::batch::{BatchBuilder, KEPT_BYTES};
pub use self::batch::{DecodedBatch, Malformed, RecordSpan, rule};
pub(super) use self::columns::{Cell, Column, Kind};
pub(super) use self::looks::{delimiter, not_csv};
pub(super) use self::skip::{Skip, Unended};
pub(super) use self::utf8::Utf8Check;
pub use self::warning::Warning;

/// A window of an object as a parser sees it.
pub(super) struct Input<'a> {
    pub(super) bytes: &'a [u8],
    /// The parser has consumed everything before.
    pub(super) at: usize,
    /// Nothing follows the window.
    pub(super) ended: bool,
    /// Longest record.
    pub(super) record_bytes: usize,
    pub(super) warnings: &'a mut Vec<Warning>,
}

impl<'a> Input<'a> {
    /// As many bytes of the window as a record that begins at `start` may look at, which makes its fate independent of
    /// where the window ends; and whether more of the object cannot change that fate.
    pub(super) fn view(&self, start: usize, most: usize) -> (&'a [u8], bool) {
        match self.bytes.get(..start.saturating_add(most)) {
            Some(view) => (view, true),
            None => (self.bytes, self.ended),
        }
    }
}

/// Why a parser gave control back.
pub(super) enum Stop {
    /// The window holds no further whole record.
    More,
    /// The batch is full.
    Full,
    /// A record may go on beyond the window and is not worth holding in memory. The window holds its first
    /// `record_bytes`, or all there is.
    Unended(Unended),
}

enum Parser {
    Undecided(Format),
    Lines(json::Lines),
    Array(json::Array),
    Csv(csv::Records),
}

/// Decodes one object, read from `R`, into batches of text columns.
///
/// Memory: two windows of `batch_bytes` (or of twice `record_bytes`, if that is more), one batch of columns, and
/// whatever batches the caller keeps. After an error `next_batch` must not be called again.
pub struct Decoder<R> {
    source: Source<R>,
    parser: Parser,
    batch: BatchBuilder,
    columns: Vec<String>,
    limits: DecodeLimits,
    warnings: Vec<Warning>,
    starved: bool,
    finished: bool,
    /// Rows and malformed records so far.
    rows: u64,
    malformed: u64,
}

impl<R: Read> Decoder<R> {
    /// Decodes `columns`, in that order; other columns of the object are checked and left out.
    pub fn new(reader: R, format: Format, columns: &[String], limits: DecodeLimits) -> Self {
        let limits = DecodeLimits { record_bytes: limits.record_bytes.clamp(1, source::LONGEST), ..limits };
        Self {
            source: Source::new(reader, limits.batch_bytes),
            parser: Parser::Undecided(format),
            batch: BatchBuilder::new(columns, limits.batch_rows),
            columns: columns.to_vec(),
            limits,
            warnings: Vec::new(),
            starved: true,
            finished: false,
            rows: 0,
            malformed: 0,
        }
    }

    /// The schema of every batch: the declared columns, nullable `Utf8`.
    pub fn schema(&self) -> &SchemaRef {
        self.batch.schema()
    }

    /// What is odd about the object as a whole, as far as it has been read. Holds column names, never cell content.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What it read from; the rest of the object is still to be read.
    pub fn into_reader(self) -> R {
        self.source.into_reader()
    }

    /// The next records; `None` at the end of the object.
    ///
    /// # Errors
    /// Only those of the reader. Malformed bytes are no error.
    pub fn next_batch(&mut self) -> io::Result<Option<DecodedBatch>> {
        let batch = self.decode_batch()?;
        match &batch {
            Some(batch) => {
                self.rows += batch.records.len() as u64;
                self.malformed += batch.malformed.len() as u64;
            }
            None => self.look_back(),
        }
        Ok(batch)
    }

    /// Adds the warnings that only the end of the object allows.
    fn look_back(&mut self) {
        if self.rows == 0 {
            let told = self.warnings.iter().any(|warning| matches!(warning, Warning::NotText(_)));
            if self.malformed > 0 && !told {
                Warning::NoRow.note(&mut self.warnings);
            }
            return;
        }
        let missing = match &self.parser {
            Parser::Lines(lines) => lines.missing(),
            Parser::Array(array) => array.missing(),
            Parser::Csv(_) | Parser::Undecided(_) => return,
        };
        for column in missing {
            Warning::MissingKey(self.columns[column].clone()).note(&mut self.warnings);
        }
    }

    fn decode_batch(&mut self) -> io::Result<Option<DecodedBatch>> {
        if matches!(self.parser, Parser::Undecided(_)) && self.source.offset() == 0 && self.source.at == 0 {
            self.source.fill()?;
            self.starved = false;
            if let Some(batch) = self.begin()? {
                return Ok(Some(batch));
            }
        }
        while !self.finished {
            if self.starved {
                if self.source.ended() {
                    break;
                }
                self.source.fill()?;
            }
            let origin = self.source.at;
            self.batch.begin(self.source.offset(), origin);
            let stop = self.run();
            self.starved = matches!(stop, Stop::More);
            match stop {
                Stop::Unended(record) => return self.skip(origin, record).map(Some),
                Stop::More if self.batch.is_empty() => {}
                Stop::More | Stop::Full => {
                    let raw = self.source.share(origin, self.source.at - origin);
                    return Ok(Some(self.batch.finish(raw)));
                }
            }
        }
        Ok(None)
    }

    /// Looks at the first bytes: skips a UTF-8 byte order mark, and gives up on other encodings and on what is no text.
    fn begin(&mut self) -> io::Result<Option<DecodedBatch>> {
        let bytes = self.source.bytes();
        let Some(what) = looks::binary(bytes).or_else(|| looks::encoding(bytes)) else {
            let at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            // As many bytes as every window has: what is told must not depend on how it is cut.
            let text = &bytes[at..bytes.len().min(looks::FIRST)];
            let other = match self.parser {
                Parser::Undecided(format @ (Format::Json | Format::Jsonl)) => {
                    looks::not_json(text, format, &self.columns)
                }
                _ => None,
            };
            other.into_iter().for_each(|what| Warning::OtherFormat(what).note(&mut self.warnings));
            self.source.at = at;
            return Ok(None);
        };
        while self.source.bytes().len() < self.limits.record_bytes && !self.source.ended() {
            self.source.fill()?;
        }
        Warning::NotText(what).note(&mut self.warnings);
        let detail = format!("looks like {what}, expected text in UTF-8");
        self.batch.begin(0, 0);
        self.skip(0, Unended { start: 0, skip: Skip::Rest, rule: rule::INVALID_ENCODING, detail }).map(Some)
    }

    /// Runs the parser over the window, choosing it first if need be.
    fn run(&mut self) -> Stop {
        let Self { source, parser, batch, columns, limits, warnings, starved: _, finished: _, rows: _, malformed: _ } =
            self;
        let mut input = Input {
            bytes: source.bytes(),
            at: source.at,
            ended: source.ended(),
            record_bytes: limits.record_bytes,
            warnings,
        };
        if let Parser::Undecided(format) = *parser {
            if format == Format::Json {
                input.at = json::skip_blanks(input.bytes, input.at);
            }
            match (format, input.bytes.get(input.at)) {
                (Format::Csv, _) => *parser = Parser::Csv(csv::Records::new(columns)),
                (Format::Json, Some(b'[')) => {
                    input.at += 1;
                    *parser = Parser::Array(json::Array::new(columns, limits.depth));
                }
                (Format::Json, None) => {}
                (Format::Json, Some(_)) | (Format::Jsonl, _) => {
                    *parser = Parser::Lines(json::Lines::new(columns, limits.depth));
                }
            }
        }
        let stop = match parser {
            Parser::Undecided(_) => Stop::More,
            Parser::Lines(lines) => lines.run(&mut input, batch),
            Parser::Array(array) => array.run(&mut input, batch),
            Parser::Csv(records) => records.run(&mut input, batch),
        };
        source.at = input.at;
        stop
    }

    /// Reads on to the end of a record, and ends the batch with it.
    fn skip(&mut self, origin: usize, record: Unended) -> io::Result<DecodedBatch> {
        let Unended { start, mut skip, rule, detail } = record;
        let rest = self.source.bytes().len() - start;
        let raw = self.source.share(origin, start - origin + rest.min(self.limits.record_bytes));
        let mut len = 0;
        self.source.at = start;
        loop {
            let bytes = &self.source.bytes()[self.source.at..];
            if let Some(end) = skip.end_in(bytes) {
                len += end as u64;
                self.source.at += end;
                break;
            }
            len += bytes.len() as u64;
            self.source.at = self.source.bytes().len();
            if self.source.ended() {
                self.finished = true;
                break;
            }
            self.source.fill()?;
        }
        let kept = if len <= self.limits.record_bytes as u64 {
            len as usize
        } else {
            KEPT_BYTES.min(self.limits.record_bytes)
        };
        self.batch.reject(start, len, kept, rule, detail);
        let raw = raw.slice_with_length(0, start - origin + kept);
        Ok(self.batch.finish(raw))
    }
}
