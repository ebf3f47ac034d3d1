//! JSON Lines: one object on each line. Blank lines between them are allowed, and so are the record separators of RFC
//! 7464.

use super::blanks::{Blanks, skip_separators, trim_end};
use super::fail::Fail;
use super::object::ObjectParser;
use crate::Comment;
use crate::batch::{BatchBuilder, Comments, NOT_UTF8, Passed, Skip, Stop, Unended, Utf8Check, Window, rule};

/// Finds the records of a JSON Lines object.
pub(crate) struct Lines {
    objects: ObjectParser,
    comments: Comments,
}

impl Lines {
    pub(crate) fn new(columns: &[String], depth: usize, comment: Option<Comment>) -> Self {
        Self { objects: ObjectParser::new(columns, depth, Blanks::WITHIN_LINE), comments: Comments::new(comment) }
    }

    /// Returns the declared columns that no record has had.
    pub(crate) fn missing(&self) -> Vec<usize> {
        self.objects.missing()
    }

    /// Takes records from the window until the window or the batch ends.
    pub(crate) fn run(&mut self, window: &mut Window<'_>, batch: &mut BatchBuilder) -> Stop {
        let bytes = window.bytes;
        let mut utf8 = Utf8Check::new();
        let has_comments = self.comments.are_any();
        loop {
            let start = skip_separators(bytes, window.at);
            window.at = start;
            if has_comments {
                match self.comments.pass(window, false) {
                    Passed::Nothing => {}
                    Passed::Line => continue,
                    Passed::Window => return Stop::More,
                }
            }
            if start == bytes.len() {
                return Stop::More;
            }
            if batch.is_full() {
                return Stop::Full;
            }
            // One byte more than the longest record, for its line end.
            let (view, all) = window.view(start, window.record_bytes + 1);
            let mut fail = None;
            match self.objects.parse(view, start) {
                Ok(end) => {
                    let after = Blanks::WITHIN_LINE.skip(view, end);
                    let whole = after < view.len() || (window.ended && view.len() == bytes.len());
                    if whole
                        && view.get(after).is_none_or(|&byte| byte == b'\n')
                        && after - start <= window.record_bytes
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
                        window.at = after;
                        continue;
                    }
                    if after < view.len() {
                        fail = Some(Fail::Trailing { at: after });
                    }
                }
                Err(error) => fail = Some(error),
            }
            // The line is not a record, or its end is beyond the window.
            let end = match memchr::memchr(b'\n', &view[start..]) {
                Some(line) => start + line,
                None if view.len() - start > window.record_bytes => {
                    let detail = format!("longer than {} bytes", window.record_bytes);
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
            window.at = end;
        }
    }
}
