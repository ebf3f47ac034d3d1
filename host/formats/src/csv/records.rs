//! The record loop: takes the records of a window one after the other and decides each one's fate.

use super::super::decode::{BatchBuilder, Cell, Input, Skip, Stop, Unended, Utf8Check, rule};
use super::super::scan::Specials;
use super::header;
use super::walk::{Found, record};

/// Finds the records of a CSV object.
pub(in super::super) struct Records {
    columns: Vec<String>,
    /// For each field of the header its column (`header::fields`); `None` before the header.
    fields: Option<Vec<u32>>,
    cells: Vec<Cell>,
}

impl Records {
    pub(in super::super) fn new(columns: &[String]) -> Self {
        Self { columns: columns.to_vec(), fields: None, cells: vec![Cell::NULL; columns.len()] }
    }

    /// Takes records from the window until it or the batch ends.
    pub(in super::super) fn run(&mut self, input: &mut Input<'_>, batch: &mut BatchBuilder) -> Stop {
        let bytes = input.bytes;
        let mut specials = Specials::new(bytes, input.at);
        let mut utf8 = Utf8Check::new();
        loop {
            let mut start = input.at;
            if matches!(bytes.get(start), Some(b'\n' | b'\r')) {
                while matches!(bytes.get(start), Some(b'\n' | b'\r')) {
                    start += 1;
                }
                specials.seek(start);
                input.at = start;
            }
            if start == bytes.len() {
                return Stop::More;
            }
            let Some(fields) = &self.fields else {
                match self.header(input, &mut specials, &mut utf8) {
                    Some(stop) => return stop,
                    None => continue,
                }
            };
            if batch.is_full() {
                return Stop::Full;
            }
            let cells = &mut self.cells;
            let stage = |field: usize, cell: Cell| {
                if let Some(place) = fields.get(field).and_then(|&column| cells.get_mut(column as usize)) {
                    *place = cell;
                }
            };
            let most = fields.len();
            match record(&mut specials, input, start, most, stage) {
                Found::Record { fields, end } if fields == most && utf8.is_good(bytes, start, end) => {
                    batch.push(bytes, start..end, cells);
                    input.at = end;
                    // Anything but one line end is left to the top of the loop.
                    match bytes.get(end) {
                        Some(b'\n') => input.at += 1,
                        Some(b'\r') if bytes.get(end + 1) == Some(&b'\n') => {
                            specials.next();
                            input.at += 2;
                        }
                        _ => {}
                    }
                }
                Found::More => return Stop::More,
                Found::Record { fields, end } => {
                    let (rule, detail) = if utf8.is_good(bytes, start, end) {
                        (rule::MALFORMED_LINE, format!("expected {most} fields, found {fields}"))
                    } else {
                        (rule::INVALID_UTF8, "not valid UTF-8".to_owned())
                    };
                    batch.reject(start, (end - start) as u64, end - start, rule, detail);
                    input.at = end;
                }
                Found::Quoting(expected) => {
                    let (view, all) = input.view(start, input.record_bytes + 1);
                    let end = match memchr::memchr2(b'\n', b'\r', &view[start..]) {
                        Some(line) => start + line,
                        None if view.len() - start > input.record_bytes => {
                            let (skip, rule) = (Skip::line(true), rule::LINE_TOO_LONG);
                            let detail = format!("longer than {} bytes", input.record_bytes);
                            return Stop::Unended(Unended { start, skip, rule, detail });
                        }
                        None if all => view.len(),
                        None => return Stop::More,
                    };
                    let (rule, detail) = if utf8.is_good(bytes, start, end) {
                        (rule::MALFORMED_LINE, format!("expected {expected}"))
                    } else {
                        (rule::INVALID_UTF8, "not valid UTF-8".to_owned())
                    };
                    batch.reject(start, (end - start) as u64, end - start, rule, detail);
                    input.at = end;
                    specials.seek(end);
                }
            }
        }
    }

    /// Reads the header. Without one, no record can be told from another: the whole object is one malformed record.
    #[cold]
    fn header(&mut self, input: &mut Input<'_>, specials: &mut Specials<'_>, utf8: &mut Utf8Check) -> Option<Stop> {
        let start = input.at;
        let mut names = Vec::new();
        let name = |_, cell: Cell| {
            let mut name = Vec::new();
            cell.write(input.bytes, &mut name);
            names.push(name);
        };
        let detail = match record(specials, input, start, usize::MAX, name) {
            Found::Record { end, .. } if utf8.is_good(input.bytes, start, end) => {
                self.fields = Some(header::fields(&input.bytes[start..end], &names, &self.columns, input.warnings));
                input.at = end;
                return None;
            }
            Found::Record { .. } => "the header is not valid UTF-8".to_owned(),
            Found::More => return Some(Stop::More),
            Found::Quoting(expected) => format!("unreadable header: expected {expected}"),
        };
        let (view, all) = input.view(start, input.record_bytes);
        if !all {
            return Some(Stop::More);
        }
        header::told(&view[start..], &self.columns, 0, input.warnings);
        Some(Stop::Unended(Unended { start, skip: Skip::rest(), rule: rule::MALFORMED_LINE, detail }))
    }
}
