//! JSON documents one after the other: JSON Lines, objects over several lines, and sequences of RFC 7464.

use super::blanks::{Blanks, skip_separators, trim_end};
use super::fail::Fail;
use super::object::ObjectParser;
use crate::batch::{BatchBuilder, NOT_UTF8, Skip, Stop, Unended, Utf8Check, Window, rule};

/// Finds the records of an object that has any number of documents.
pub(crate) struct Documents {
    objects: ObjectParser,
}

impl Documents {
    pub(crate) fn new(columns: &[String], depth: usize) -> Self {
        Self { objects: ObjectParser::new(columns, depth, Blanks::ACROSS_LINES) }
    }

    /// Returns the declared columns that no record has had.
    pub(crate) fn missing(&self) -> Vec<usize> {
        self.objects.missing()
    }

    /// Takes records from the window until the window or the batch ends.
    pub(crate) fn run(&mut self, window: &mut Window<'_>, batch: &mut BatchBuilder) -> Stop {
        let bytes = window.bytes;
        let mut utf8 = Utf8Check::new();
        loop {
            let start = skip_separators(bytes, window.at);
            window.at = start;
            if start == bytes.len() {
                return Stop::More;
            }
            if batch.is_full() {
                return Stop::Full;
            }
            // One byte more than the longest record, for what follows it.
            let (view, all) = window.view(start, window.record_bytes + 1);
            let fail = match self.objects.parse(view, start) {
                Ok(end) => {
                    let after = Blanks::WITHIN_LINE.skip(view, end);
                    let is_short = end - start <= window.record_bytes;
                    match view.get(after) {
                        Some(b'\n' | b'{' | b'\x1e') if is_short => None,
                        None if is_short && all => None,
                        _ if !all => return Stop::More,
                        Some(_) if is_short => Some(Fail::Trailing { at: after }),
                        _ => Some(Fail::End),
                    }
                    .map_or(Ok(end), Err)
                }
                Err(_) if !all => return Stop::More,
                Err(fail) => Err(fail),
            };
            match fail {
                Ok(end) => {
                    if utf8.is_good(bytes, start, end) {
                        batch.push(bytes, start..end, self.objects.cells());
                    } else {
                        let len = end - start;
                        batch.reject(start, len as u64, len, rule::INVALID_UTF8, NOT_UTF8.to_owned());
                    }
                    window.at = end;
                }
                Err(fail) => match malformed(window, view, start, &fail) {
                    Err(stop) => return stop,
                    Ok(end) => {
                        let record = trim_end(&bytes[start..end]);
                        let several = memchr::memchr(b'\n', record).is_some();
                        let otherwise = if several { rule::MALFORMED_RECORD } else { rule::MALFORMED_LINE };
                        let (mut rule, mut detail) = fail.explain(start, otherwise);
                        if !utf8.is_good(bytes, start, start + record.len()) {
                            (rule, detail) = (rule::INVALID_UTF8, NOT_UTF8.to_owned());
                        }
                        batch.reject(start, record.len() as u64, record.len(), rule, detail);
                        window.at = end;
                    }
                },
            }
        }
    }
}

/// Returns the end of the malformed record at `start`: that of its line or, if it begins as an object that may go on after
/// it, the next line that begins as one. `view` holds all there is of it, or as much as a record may have and a byte.
#[cold]
#[inline(never)]
fn malformed(window: &Window<'_>, view: &[u8], start: usize, fail: &Fail) -> Result<usize, Stop> {
    let is_object = view[start] == b'{' && !fail.ends_with_line(view, start);
    let mut skip = if is_object { Skip::document() } else { Skip::line(false) };
    if let Some(end) = skip.end_in(&view[start..]).filter(|end| *end <= window.record_bytes) {
        return Ok(start + end);
    }
    if view.len() - start <= window.record_bytes {
        return Ok(view.len());
    }
    let skip = if is_object { Skip::document() } else { Skip::line(false) };
    let long = || (rule::LINE_TOO_LONG, format!("longer than {} bytes", window.record_bytes));
    let (rule, detail) = match fail {
        // The bytes so far are valid JSON, or a line that is none goes on.
        Fail::End => long(),
        _ if !is_object => long(),
        _ => fail.explain(start, rule::MALFORMED_RECORD),
    };
    Err(Stop::Unended(Unended { start, skip, rule, detail }))
}
