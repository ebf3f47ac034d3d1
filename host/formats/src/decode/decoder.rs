//! Decodes one object: reads it, runs its parser over each window, and accounts for the records.

use std::io::{self, Read};

use arrow_schema::SchemaRef;

use super::parser::Parser;
use super::read_ahead::{LONGEST, ReadAhead};
use super::renamed::Renamed;
use crate::batch::{BatchBuilder, DecodedBatch, Skip, Stop, Unended, Warning, Window, rule};
use crate::{DecodeLimits, Format, sniff};

/// The raw bytes that are kept of a malformed record longer than `record_bytes`.
pub(crate) const KEPT_BYTES: usize = 4096;

/// Decodes one object, read from `R`, into batches of text columns.
///
/// It holds in memory two windows, one batch of columns, and the bytes of the batches that the caller keeps. A window
/// has `batch_bytes` or twice `record_bytes`, whichever is more. After an error `next_batch` must not be called again.
pub struct Decoder<R> {
    source: ReadAhead<R>,
    parser: Parser,
    batch: BatchBuilder,
    columns: Vec<String>,
    renamed: Option<Renamed>,
    limits: DecodeLimits,
    warnings: Vec<Warning>,
    /// The parser needs more bytes.
    starved: bool,
    finished: bool,
    /// The rows so far.
    rows: u64,
    /// The malformed records so far.
    malformed: u64,
}

impl<R: Read> Decoder<R> {
    /// Returns a decoder of `columns`, in that order. It checks the other columns of the object and leaves them out.
    pub fn new(reader: R, format: Format, columns: &[String], limits: DecodeLimits) -> Self {
        let limits = DecodeLimits { record_bytes: limits.record_bytes.clamp(1, LONGEST), ..limits };
        Self {
            source: ReadAhead::new(reader, limits.batch_bytes),
            parser: Parser::Undecided(format),
            batch: BatchBuilder::new(columns, limits.batch_rows),
            columns: columns.to_vec(),
            renamed: None,
            limits,
            warnings: Vec::new(),
            starved: true,
            finished: false,
            rows: 0,
            malformed: 0,
        }
    }

    /// Returns a decoder of columns that the object has under other names. Warnings name the object's.
    pub fn renaming(reader: R, format: Format, columns: &Renamed, limits: DecodeLimits) -> Self {
        Self { renamed: Some(columns.clone()), ..Self::new(reader, format, columns.theirs(), limits) }
    }

    /// Returns the schema of every batch: the declared columns, nullable `Utf8`.
    pub fn schema(&self) -> &SchemaRef {
        self.renamed.as_ref().map_or_else(|| self.batch.schema(), Renamed::schema)
    }

    /// Returns the oddities of the object, as far as it has been read. They hold names of columns, never content of
    /// cells.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// Returns the reader. The rest of the object is still to be read.
    pub fn into_reader(self) -> R {
        self.source.into_reader()
    }

    /// Returns the next records, or `None` at the end of the object.
    ///
    /// # Errors
    /// Returns the reader's errors only. Malformed bytes are not an error.
    pub fn next_batch(&mut self) -> io::Result<Option<DecodedBatch>> {
        let mut batch = self.decode_batch()?;
        if let (Some(renamed), Some(batch)) = (&self.renamed, &mut batch) {
            batch.columns = renamed.columns(&batch.columns);
        }
        match &batch {
            Some(batch) => {
                self.rows += batch.records.len() as u64;
                self.malformed += batch.malformed.len() as u64;
            }
            None => self.look_back(),
        }
        Ok(batch)
    }

    /// Adds the warnings that can be given only at the end of the object.
    fn look_back(&mut self) {
        if self.rows == 0 {
            let told = self.warnings.iter().any(|warning| matches!(warning, Warning::NotText(_)));
            if self.malformed > 0 && !told {
                Warning::NoRow.note(&mut self.warnings);
            }
            return;
        }
        for column in self.parser.missing() {
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

    /// Looks at the first bytes. Skips a byte order mark of UTF-8, and rejects an object that is not text or not UTF-8.
    fn begin(&mut self) -> io::Result<Option<DecodedBatch>> {
        let bytes = self.source.bytes();
        let Some(what) = sniff::binary(bytes).or_else(|| sniff::encoding(bytes)) else {
            let at = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
            // Every window has as many bytes as this, so the warning does not depend on where windows end.
            let text = &bytes[at..bytes.len().min(sniff::FIRST)];
            let other = match self.parser {
                Parser::Undecided(format @ (Format::Json | Format::Jsonl)) => {
                    sniff::not_json(text, format, &self.columns)
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

    /// Runs the parser over the window.
    fn run(&mut self) -> Stop {
        let Self { source, parser, batch, columns, limits, warnings, .. } = self;
        let mut window = Window {
            bytes: source.bytes(),
            at: source.at,
            ended: source.ended(),
            record_bytes: limits.record_bytes,
            warnings,
        };
        let stop = parser.run(&mut window, batch, columns, limits);
        source.at = window.at;
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
