//! Decodes an object in several ways, and checks what a decoder promises whatever the bytes: it accounts for every
//! record once, and neither the size of windows nor the reads of the reader change anything. Tests of the decoder and
//! of the parsers use it.

use std::io::Read;

use arrow_array::Array;
use arrow_array::cast::AsArray;

use crate::batch::rule;
use crate::decode::KEPT_BYTES;
use crate::{DecodeLimits, Decoder, Dialect, Format, ObjectCompression, Unreadable, Warning};

/// A record as text: its cells, or the rule it breaks.
pub(crate) type Outcome = Result<Vec<Option<String>>, &'static str>;

/// One record of an object.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Record {
    pub(crate) number: u64,
    pub(crate) offset: u64,
    pub(crate) len: u64,
    pub(crate) raw: Vec<u8>,
    pub(crate) outcome: Outcome,
    pub(crate) detail: String,
}

/// All that was decoded from an object.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Decoded {
    pub(crate) records: Vec<Record>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) unreadable: Option<Unreadable>,
}

impl Decoded {
    pub(crate) fn outcomes(&self) -> Vec<Outcome> {
        self.records.iter().map(|record| record.outcome.clone()).collect()
    }

    /// Returns the number of rows, and the rules that the other records break.
    pub(crate) fn summary(&self) -> (usize, Vec<&'static str>) {
        let broken = self.records.iter().filter_map(|record| record.outcome.clone().err()).collect::<Vec<_>>();
        (self.records.len() - broken.len(), broken)
    }
}

/// Reads at most `step` bytes at a time.
struct Drip<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let len = self.step.min(buf.len()).min(self.bytes.len());
        buf[..len].copy_from_slice(&self.bytes[..len]);
        self.bytes = &self.bytes[len..];
        Ok(len)
    }
}

pub(crate) fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|&name| name.to_owned()).collect()
}

/// Decodes the object once.
pub(crate) fn collect(
    reader: impl Read,
    dialect: impl Into<Dialect>,
    columns: &[&str],
    limits: DecodeLimits,
) -> Decoded {
    collect_sized(reader, None, dialect.into(), columns, limits)
}

/// As [`collect`], for an object whose length is known.
pub(crate) fn collect_sized(
    reader: impl Read,
    size: Option<u64>,
    dialect: Dialect,
    columns: &[&str],
    limits: DecodeLimits,
) -> Decoded {
    let mut decoder = Decoder::sized(reader, size, dialect, &names(columns), limits);
    let mut records = Vec::new();
    while let Some(batch) = decoder.next_batch().expect("the reader does not fail") {
        assert_eq!(batch.records.len(), batch.columns.num_rows());
        assert!(!batch.records.is_empty() || !batch.malformed.is_empty());
        assert!(batch.records.len() + batch.malformed.len() <= limits.batch_rows);
        assert_eq!(&batch.columns.schema(), decoder.schema());
        if batch.unreadable {
            assert_eq!((batch.records.len(), batch.malformed.len()), (0, 1));
            assert_eq!(decoder.unreadable().map(|unreadable| unreadable.rule), Some(batch.malformed[0].rule));
            records.clear();
        }
        for (row, span) in batch.records.iter().enumerate() {
            let cells = batch.columns.columns().iter().map(|column| {
                let texts = column.as_string::<i32>();
                texts.is_valid(row).then(|| texts.value(row).to_owned())
            });
            records.push(Record {
                number: span.number,
                offset: batch.offset + u64::from(span.start),
                len: u64::from(span.len),
                raw: batch.raw.as_slice()[span.range()].to_vec(),
                outcome: Ok(cells.collect()),
                detail: String::new(),
            });
        }
        for bad in batch.malformed {
            assert_eq!(bad.offset, batch.offset + bad.raw.start as u64);
            records.push(Record {
                number: bad.number,
                offset: bad.offset,
                len: bad.len,
                raw: batch.raw.as_slice()[bad.raw].to_vec(),
                outcome: Err(bad.rule),
                detail: bad.detail,
            });
        }
    }
    assert!(decoder.next_batch().expect("the end stays the end").is_none());
    records.sort_by_key(|record| record.number);
    Decoded { records, warnings: decoder.warnings().to_vec(), unreadable: decoder.unreadable().cloned() }
}

/// Decodes the object in one window and in many, which must make no difference. Checks that nothing of the object
/// vanishes.
pub(crate) fn decode_with(
    bytes: &[u8],
    dialect: impl Into<Dialect>,
    columns: &[&str],
    limits: DecodeLimits,
) -> Decoded {
    let dialect = dialect.into();
    let size = Some(bytes.len() as u64);
    let whole = collect_sized(bytes, size, dialect.clone(), columns, limits);
    for (window, rows, step) in [(16, 3, usize::MAX), (64, 1, 1), (17, 65_536, 7), (333, 5, 100), (8192, 65_536, 1)] {
        let limits = DecodeLimits { batch_bytes: window, batch_rows: rows, ..limits };
        let cut = collect_sized(Drip { bytes, step }, size, dialect.clone(), columns, limits);
        assert_eq!(cut, whole, "windows of {window} bytes, batches of {rows} rows, reads of {step} bytes");
    }
    // Offsets are those in the text, and comments and skipped lines are no part of a record.
    let is_packed = ObjectCompression::Auto.of(bytes) != ObjectCompression::None;
    if is_packed
        || dialect != dialect.format.into()
        || whole.unreadable.as_ref().is_some_and(|it| it.rule != rule::INVALID_ENCODING)
    {
        return whole;
    }
    let format = dialect.format;
    let mut end = 0;
    for (number, record) in whole.records.iter().enumerate() {
        assert_eq!(record.number, number as u64);
        let (start, len) = (record.offset as usize, record.len as usize);
        let gap = &bytes[end..start];
        let header = format == Format::Csv && number == 0;
        let bom = gap.strip_prefix(b"\xef\xbb\xbf").filter(|_| number == 0).unwrap_or(gap);
        assert!(header || bom.iter().all(|byte| b" \t\r\n,[]\x1e".contains(byte)), "{gap:?} vanished");
        let kept = if len <= limits.record_bytes { len } else { limits.record_bytes.min(KEPT_BYTES) };
        assert_eq!(record.raw, bytes[start..start + kept]);
        end = start + len;
    }
    if format != Format::Csv || !whole.records.is_empty() {
        let gap = &bytes[end..];
        let gap = if end == 0 { gap.strip_prefix(b"\xef\xbb\xbf").unwrap_or(gap) } else { gap };
        assert!(gap.iter().all(|byte| b" \t\r\n,[]\x1e".contains(byte)), "{gap:?} vanished at the end");
    }
    whole
}

/// As [`decode_with`], with the default limits.
pub(crate) fn decode(bytes: &[u8], dialect: impl Into<Dialect>, columns: &[&str]) -> Decoded {
    decode_with(bytes, dialect, columns, DecodeLimits::default())
}

/// Returns a row of text cells, where `-` is a null.
pub(crate) fn row(cells: &[&str]) -> Outcome {
    Ok(cells.iter().map(|&cell| (cell != "-").then(|| cell.to_owned())).collect())
}
