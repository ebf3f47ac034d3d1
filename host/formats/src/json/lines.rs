//! JSON Lines: one object a line, blank lines between them allowed.

use super::super::decode::{BatchBuilder, Input, Skip, Stop, Unended, Utf8Check, rule};
use super::object::{Blanks, ObjectParser};
use super::{Fail, NOT_UTF8, skip_blanks, trim_end};

/// Finds the records of a JSON Lines object.
pub(in super::super) struct Lines {
    objects: ObjectParser,
}

impl Lines {
    pub(in super::super) fn new(columns: &[String], depth: usize) -> Self {
        Self { objects: ObjectParser::new(columns, depth, Blanks::WITHIN_LINE) }
    }

    /// The declared columns that no record has had.
    pub(in super::super) fn missing(&self) -> Vec<usize> {
        self.objects.missing()
    }

    /// Takes records from the window until it or the batch ends.
    pub(in super::super) fn run(&mut self, input: &mut Input<'_>, batch: &mut BatchBuilder) -> Stop {
        let bytes = input.bytes;
        let mut utf8 = Utf8Check::new();
        loop {
            let start = skip_blanks(bytes, input.at);
            input.at = start;
            if start == bytes.len() {
                return Stop::More;
            }
            if batch.is_full() {
                return Stop::Full;
            }
            // One more than a record's most, for its line end.
            let (view, all) = input.view(start, input.record_bytes + 1);
            let mut fail = None;
            match self.objects.parse(view, start) {
                Ok(end) => {
                    let after = Blanks::WITHIN_LINE.skip(view, end);
                    let whole = after < view.len() || (input.ended && view.len() == bytes.len());
                    if whole && view.get(after).is_none_or(|&byte| byte == b'\n') && after - start <= input.record_bytes
                    {
                        if utf8.is_good(bytes, start, end) {
                            batch.push(bytes, start..end, self.objects.cells());
                        } else {
                            batch.reject(
                                start,
                                (end - start) as u64,
                                end - start,
                                rule::INVALID_UTF8,
                                NOT_UTF8.to_owned(),
                            );
                        }
                        input.at = after;
                        continue;
                    }
                    if after < view.len() {
                        fail = Some(Fail::Syntax { at: after, expected: "the end of the line" });
                    }
                }
                Err(error) => fail = Some(error),
            }
            // The line is not a record, or its end is out of sight.
            let end = match memchr::memchr(b'\n', &view[start..]) {
                Some(line) => start + line,
                None if view.len() - start > input.record_bytes => {
                    let detail = format!("longer than {} bytes", input.record_bytes);
                    return Stop::Unended(Unended {
                        start,
                        skip: Skip::line(false),
                        rule: rule::LINE_TOO_LONG,
                        detail,
                    });
                }
                None if all => view.len(),
                None => return Stop::More,
            };
            let line = trim_end(&bytes[start..end]);
            let (mut rule, mut detail) = fail.unwrap_or(Fail::End).explain(start, rule::MALFORMED_LINE);
            if !utf8.is_good(bytes, start, start + line.len()) {
                (rule, detail) = (rule::INVALID_UTF8, NOT_UTF8.to_owned());
            }
            batch.reject(start, line.len() as u64, line.len(), rule, detail);
            input.at = end;
        }
    }
}
