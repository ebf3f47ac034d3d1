//! Decodes one object: reads it, runs its parser over each window, and accounts for the records.

use std::io::{self, Read};

use arrow_schema::SchemaRef;

use super::parser::Parser;
use super::read_ahead::{LONGEST, ReadAhead};
use super::renamed::Renamed;
use super::unreadable::Unreadable;
use crate::batch::{BatchBuilder, DecodedBatch, Skip, Stop, Unended, Warning, Window, rule};
use crate::input::{Failure, Input};
use crate::{DecodeLimits, Dialect, Format, TextEncoding, sniff};

/// The raw bytes that are kept of a malformed record longer than `record_bytes`.
pub(crate) const KEPT_BYTES: usize = 4096;

/// The bytes by which another encoding is told from UTF-8.
const LOOKED_AT: usize = 4096;

/// Decodes one object, read from `R`, into batches of text columns.
///
/// It holds in memory two windows, one batch of columns, and the bytes of the batches that the caller keeps. A window
/// has `batch_bytes` or twice `record_bytes`, whichever is more. After an error `next_batch` must not be called again.
pub struct Decoder<R: Read> {
    source: ReadAhead<R>,
    parser: Parser,
    batch: BatchBuilder,
    dialect: Dialect,
    columns: Vec<String>,
    renamed: Option<Renamed>,
    limits: DecodeLimits,
    warnings: Vec<Warning>,
    unreadable: Option<Unreadable>,
    /// The first bytes have been looked at.
    begun: bool,
    /// The parser needs more bytes.
    starved: bool,
    finished: bool,
    /// The rows so far.
    rows: u64,
    /// The malformed records so far.
    malformed: u64,
    /// The rules that they break.
    rule: Rule,
}

/// The rules that malformed records break.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    None,
    One(&'static str),
    Several,
}

impl<R: Read> Decoder<R> {
    /// Returns a decoder of `columns`, in that order. It checks the other columns of the object and leaves them out.
    pub fn new(reader: R, dialect: impl Into<Dialect>, columns: &[String], limits: DecodeLimits) -> Self {
        Self::sized(reader, None, dialect.into(), columns, limits)
    }

    /// Returns a decoder of columns that the object has under other names. Warnings name the object's. `size` is the
    /// object's length, by which the decoder judges how much a compressed one inflates. If it is not known, the decoder
    /// goes by what it has read so far.
    pub fn renaming(reader: R, size: Option<u64>, dialect: Dialect, columns: &Renamed, limits: DecodeLimits) -> Self {
        Self { renamed: Some(columns.clone()), ..Self::sized(reader, size, dialect, columns.theirs(), limits) }
    }

    /// As [`Self::new`], for an object whose length is known, as [`Self::renaming`] has it.
    pub fn sized(reader: R, size: Option<u64>, dialect: Dialect, columns: &[String], limits: DecodeLimits) -> Self {
        let limits = DecodeLimits { record_bytes: limits.record_bytes.clamp(1, LONGEST), ..limits };
        Self {
            source: ReadAhead::new(Input::new(reader, size), limits.batch_bytes),
            parser: Parser::Undecided,
            batch: BatchBuilder::new(columns, limits.batch_rows),
            dialect,
            columns: columns.to_vec(),
            renamed: None,
            limits,
            warnings: Vec::new(),
            unreadable: None,
            begun: false,
            starved: true,
            finished: false,
            rows: 0,
            malformed: 0,
            rule: Rule::None,
        }
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

    /// Returns the reason why nothing of the object counts, as far as it has been read. An object without bytes is
    /// unreadable too.
    pub fn unreadable(&self) -> Option<&Unreadable> {
        self.unreadable.as_ref()
    }

    /// Makes the decoder count and hash what the object inflates to.
    #[must_use]
    pub fn hashing_content(mut self) -> Self {
        self.source.input().hash_content();
        self
    }

    /// Reads to the end of the object, and returns the number and the sha256 of the bytes that it inflates to. `None` if it
    /// is not compressed, cannot be inflated, or they are not hashed.
    pub fn content(&mut self) -> Option<(u64, String)> {
        self.source.input().content()
    }

    /// Returns the columns of the object by its own names, once its header was read: those of the header or of the dialect,
    /// or the groups of a pattern. `None` for JSON, whose records say it each for itself.
    pub fn header(&self) -> Option<Vec<String>> {
        match self.dialect.format {
            Format::Csv => self.parser.header().or_else(|| self.dialect.header.clone()),
            Format::Log => {
                self.dialect.pattern.as_ref().map(|pattern| pattern.groups().map(ToOwned::to_owned).collect())
            }
            Format::Json | Format::Jsonl => None,
        }
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
        let mut batch = match self.decode_batch() {
            Ok(batch) => batch,
            Err(Failure::Reader(error)) => return Err(error),
            Err(Failure::Unreadable { rule, detail }) => {
                self.unreadable = Unreadable::of(rule, &detail);
                self.finished = true;
                // How much was decoded before depends on where windows end, so nothing of it is told.
                self.rows = 0;
                self.warnings = vec![Warning::Unreadable(detail.clone())];
                Some(self.batch.unreadable(rule, detail))
            }
        };
        if let (Some(renamed), Some(batch)) = (&self.renamed, &mut batch) {
            batch.columns = renamed.columns(&batch.columns);
        }
        match &batch {
            Some(batch) => {
                self.rows += batch.records.len() as u64;
                self.malformed += batch.malformed.len() as u64;
                for malformed in &batch.malformed {
                    self.rule = match self.rule {
                        Rule::None => Rule::One(malformed.rule),
                        Rule::One(rule) if rule == malformed.rule => self.rule,
                        _ => Rule::Several,
                    };
                }
            }
            None => self.look_back(),
        }
        Ok(batch)
    }

    /// Adds the warnings that can be given only at the end of the object.
    fn look_back(&mut self) {
        if self.rows == 0 {
            let told = self.warnings.iter().any(|warning| matches!(warning, Warning::NotText(_)));
            if self.malformed > 0 && !told && !self.unreadable.as_ref().is_some_and(Unreadable::is_damage) {
                self.parser.looks().cloned().into_iter().for_each(|looks| looks.note(&mut self.warnings));
                if self.rule == Rule::One(rule::INVALID_UTF8) {
                    Warning::NotUtf8.note(&mut self.warnings);
                }
                let rule = if let Rule::One(rule) = self.rule { Some(rule) } else { None };
                Warning::NoRow(rule).note(&mut self.warnings);
            }
            return;
        }
        for column in self.parser.missing() {
            Warning::MissingKey(self.columns[column].clone()).note(&mut self.warnings);
        }
    }

    fn decode_batch(&mut self) -> Result<Option<DecodedBatch>, Failure> {
        if !std::mem::replace(&mut self.begun, true) {
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

    /// Reads the first bytes, and goes to where the records begin. Rejects an object that is no text.
    fn begin(&mut self) -> Result<Option<DecodedBatch>, Failure> {
        self.source.fill()?;
        if !self.source.bytes().is_empty() {
            self.source.inflate(self.dialect.compression)?;
        }
        let bytes = self.source.bytes();
        if bytes.is_empty() {
            self.unreadable = Some(Unreadable::empty());
        }
        if let Some(what) = sniff::binary(bytes).or_else(|| sniff::encoding(bytes)) {
            self.source.have(self.limits.record_bytes)?;
            Warning::NotText(what).note(&mut self.warnings);
            let detail = format!("looks like {what}, expected text in {}", self.dialect.encoding.name());
            self.batch.begin(0, 0);
            let whole = Unended { start: 0, skip: Skip::Rest, rule: rule::INVALID_ENCODING, detail };
            return self.skip(0, whole).map(Some);
        }
        if self.dialect.encoding != TextEncoding::Utf8 {
            self.source.have(LOOKED_AT)?;
            let bytes = self.source.bytes();
            if sniff::is_utf8(&bytes[..bytes.len().min(LOOKED_AT)]) {
                Warning::Utf8(self.dialect.encoding.name()).note(&mut self.warnings);
            }
            self.source.transcode(self.dialect.encoding)?;
        }
        if self.source.bytes().starts_with(b"\xef\xbb\xbf") {
            self.source.at = 3;
        }
        self.skip_lines()?;
        // There are always as many bytes to look at, so the warning does not depend on where windows end.
        self.source.have(sniff::FIRST)?;
        let text = &self.source.bytes()[self.source.at..];
        if let Format::Json | Format::Jsonl = self.dialect.format {
            let text = &text[..text.len().min(sniff::FIRST)];
            if let (Format::Json, None) = (self.dialect.format, &self.dialect.records) {
                let wrapped = sniff::wrapped(text, &self.columns);
                wrapped.into_iter().for_each(|place| Warning::Wrapped(place).note(&mut self.warnings));
            }
            let other = sniff::not_json(text, self.dialect.format, &self.columns);
            other.into_iter().for_each(|what| Warning::OtherFormat(what).note(&mut self.warnings));
        }
        Ok(None)
    }

    /// Goes to the first line that counts. In CSV it also passes over a line with which Excel names the delimiter.
    fn skip_lines(&mut self) -> Result<(), Failure> {
        let csv = self.dialect.format == Format::Csv;
        for _ in 0..self.dialect.skip_lines {
            self.skip_line(csv)?;
        }
        if csv {
            self.source.have(sniff::FIRST)?;
            let rest = &self.source.bytes()[self.source.at..];
            let line = &rest[..memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())];
            if sniff::named_by_excel(line) == Some(self.dialect.delimiter.0) {
                self.source.at += line.len();
            }
        }
        Ok(())
    }

    /// Goes to the next line. With `cr` a line may end with CR alone.
    fn skip_line(&mut self, cr: bool) -> Result<(), Failure> {
        loop {
            let rest = &self.source.bytes()[self.source.at..];
            let end = if cr { memchr::memchr2(b'\n', b'\r', rest) } else { memchr::memchr(b'\n', rest) };
            let Some(end) = end else {
                self.source.at += rest.len();
                if self.source.ended() {
                    return Ok(());
                }
                self.source.fill()?;
                continue;
            };
            let is_cr = rest[end] == b'\r';
            self.source.at += end + 1;
            if is_cr {
                self.source.have(1)?;
                self.source.at += usize::from(self.source.bytes().get(self.source.at) == Some(&b'\n'));
            }
            return Ok(());
        }
    }

    /// Runs the parser over the window.
    fn run(&mut self) -> Stop {
        let Self { source, parser, batch, dialect, columns, limits, warnings, .. } = self;
        let mut window = Window {
            bytes: source.bytes(),
            at: source.at,
            ended: source.ended(),
            record_bytes: limits.record_bytes,
            warnings,
        };
        let stop = parser.run(&mut window, batch, dialect, columns, limits);
        source.at = window.at;
        stop
    }

    /// Reads on to the end of a record, and ends the batch with it.
    fn skip(&mut self, origin: usize, record: Unended) -> Result<DecodedBatch, Failure> {
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
        self.unreadable = Unreadable::of(rule, &detail);
        self.batch.reject(start, len, kept, rule, detail);
        let raw = raw.slice_with_length(0, start - origin + kept);
        Ok(DecodedBatch { unreadable: self.unreadable.is_some(), ..self.batch.finish(raw) })
    }
}
