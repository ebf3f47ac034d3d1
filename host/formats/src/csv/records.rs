//! The record loop: takes the records of a window one after the other, and decides for each whether it becomes a row.

use super::header;
use super::walk::{Found, Marks, record};
use crate::batch::{
    BatchBuilder, Cell, Comments, NOT_UTF8, Passed, Skip, Stop, Unended, Utf8Check, Warning, Window, rule,
};
use crate::scan::Specials;
use crate::{Dialect, Quote};

/// Finds the records of a CSV object.
pub(crate) struct Records {
    columns: Vec<String>,
    /// The column of each field of the header (see `header::fields`); `None` before the header was read.
    fields: Option<Vec<u32>>,
    /// The names in the header, once it was read.
    names: Option<Vec<String>>,
    cells: Vec<Cell>,
    marks: Marks,
    comments: Comments,
    /// What the first record with one cell looks like, if there should be more.
    looks: Option<Warning>,
}

impl Records {
    pub(crate) fn new(columns: &[String], dialect: &Dialect) -> Self {
        Self {
            columns: columns.to_vec(),
            fields: dialect.header.as_ref().map(|names| header::named(names, columns)),
            names: None,
            cells: vec![Cell::NULL; columns.len()],
            marks: Marks { delimiter: dialect.delimiter.0, quotes: dialect.quote == Quote::Double },
            comments: Comments::new(dialect.comment),
            looks: None,
        }
    }

    /// Returns the names in the header, if it was read, trimmed.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        self.names.clone()
    }

    /// Returns what the records look like, if none of them is a row.
    pub(crate) fn looks(&self) -> Option<&Warning> {
        self.looks.as_ref()
    }

    /// Takes records from the window until the window or the batch ends.
    pub(crate) fn run(&mut self, window: &mut Window<'_>, batch: &mut BatchBuilder) -> Stop {
        let bytes = window.bytes;
        let marks = self.marks;
        let mut specials = Specials::new(bytes, window.at, marks.delimiter);
        let mut utf8 = Utf8Check::new();
        let has_comments = self.comments.are_any();
        loop {
            let mut start = window.at;
            if matches!(bytes.get(start), Some(b'\n' | b'\r')) {
                while matches!(bytes.get(start), Some(b'\n' | b'\r')) {
                    start += 1;
                }
                specials.seek(start);
                window.at = start;
            }
            if has_comments {
                match self.comments.pass(window, true) {
                    Passed::Nothing => {}
                    Passed::Line => {
                        specials.seek(window.at);
                        continue;
                    }
                    Passed::Window => return Stop::More,
                }
            }
            if start == bytes.len() {
                return Stop::More;
            }
            let Some(fields) = &self.fields else {
                match self.header(window, &mut specials, &mut utf8) {
                    Some(stop) => return stop,
                    None => continue,
                }
            };
            if batch.is_full() {
                return Stop::Full;
            }
            let cells = &mut self.cells;
            let stage = |field: usize, cell: Cell| {
                if let Some(staged) = fields.get(field).and_then(|&column| cells.get_mut(column as usize)) {
                    *staged = cell;
                }
            };
            let most = fields.len();
            match record(&mut specials, window, start, marks, most, stage) {
                Found::Record { fields, end } if fields == most && utf8.is_good(bytes, start, end) => {
                    batch.push(bytes, start..end, cells);
                    window.at = end;
                    // Further line ends are skipped at the top of the loop.
                    match bytes.get(end) {
                        Some(b'\n') => window.at += 1,
                        Some(b'\r') if bytes.get(end + 1) == Some(&b'\n') => {
                            specials.next();
                            window.at += 2;
                        }
                        _ => {}
                    }
                }
                Found::More => return Stop::More,
                Found::Record { fields, end } => {
                    if fields == 1 && self.looks.is_none() {
                        self.looks = header::separated(&bytes[start..end], marks.delimiter, most);
                    }
                    let (rule, detail) = if utf8.is_good(bytes, start, end) {
                        (rule::MALFORMED_LINE, format!("expected {most} fields, found {fields}"))
                    } else {
                        (rule::INVALID_UTF8, NOT_UTF8.to_owned())
                    };
                    batch.reject(start, (end - start) as u64, end - start, rule, detail);
                    window.at = end;
                }
                Found::Quoting(expected) => {
                    let (view, all) = window.view(start, window.record_bytes + 1);
                    let end = match memchr::memchr2(b'\n', b'\r', &view[start..]) {
                        Some(line) => start + line,
                        None if view.len() - start > window.record_bytes => {
                            let (skip, rule) = (Skip::line(true), rule::LINE_TOO_LONG);
                            let detail = format!("longer than {} bytes", window.record_bytes);
                            return Stop::Unended(Unended { start, skip, rule, detail });
                        }
                        None if all => view.len(),
                        None => return Stop::More,
                    };
                    let (rule, detail) = if utf8.is_good(bytes, start, end) {
                        (rule::MALFORMED_LINE, format!("expected {expected}"))
                    } else {
                        (rule::INVALID_UTF8, NOT_UTF8.to_owned())
                    };
                    batch.reject(start, (end - start) as u64, end - start, rule, detail);
                    window.at = end;
                    specials.seek(end);
                }
            }
        }
    }

    /// Reads the header. Without a header no record can be told from another, so the object is unreadable.
    #[cold]
    fn header(&mut self, window: &mut Window<'_>, specials: &mut Specials<'_>, utf8: &mut Utf8Check) -> Option<Stop> {
        let start = window.at;
        let mut names = Vec::new();
        let name = |_, cell: Cell| {
            let mut name = Vec::new();
            cell.write(window.bytes, &mut name);
            names.push(name);
        };
        let detail = match record(specials, window, start, self.marks, usize::MAX, name) {
            Found::Record { end, .. } if utf8.is_good(window.bytes, start, end) => {
                let line = &window.bytes[start..end];
                let text = |name: &Vec<u8>| String::from_utf8_lossy(name.trim_ascii()).into_owned();
                self.names = Some(names.iter().map(text).collect());
                self.fields = Some(header::fields(line, &names, &self.columns, self.marks.delimiter, window.warnings));
                window.at = end;
                return None;
            }
            Found::Record { .. } => {
                Warning::NotUtf8.note(window.warnings);
                format!("the header is {NOT_UTF8}")
            }
            Found::More => return Some(Stop::More),
            Found::Quoting(expected) => format!("unreadable header: expected {expected}"),
        };
        let (view, all) = window.view(start, window.record_bytes);
        if !all {
            return Some(Stop::More);
        }
        header::warn_of_format(&view[start..], &self.columns, self.marks.delimiter, 0, window.warnings);
        Some(Stop::Unended(Unended { start, skip: Skip::rest(), rule: rule::NO_HEADER, detail }))
    }
}
