//! The record loop: takes the lines of a window one after the other, and matches each with the pattern.

use regex::{CaptureLocations, Regex};

use crate::batch::{BatchBuilder, Cell, CellKind, Comments, NOT_UTF8, Passed, Skip, Stop, Unended, Window, rule};
use crate::{Comment, LinePattern};

/// Finds the records of a log.
pub(crate) struct LogLines {
    regex: Regex,
    /// For each column the number of its group; `None` if the pattern has no such group.
    groups: Vec<Option<usize>>,
    found: CaptureLocations,
    cells: Vec<Cell>,
    comments: Comments,
}

impl LogLines {
    pub(crate) fn new(columns: &[String], pattern: &LinePattern, comment: Option<Comment>) -> Self {
        let regex = pattern.regex().clone();
        let group = |column: &String| regex.capture_names().position(|name| name == Some(column));
        let groups = columns.iter().map(group).collect();
        let found = regex.capture_locations();
        Self { regex, groups, found, cells: vec![Cell::NULL; columns.len()], comments: Comments::new(comment) }
    }

    /// Takes records from the window until the window or the batch ends.
    pub(crate) fn run(&mut self, window: &mut Window<'_>, batch: &mut BatchBuilder) -> Stop {
        let bytes = window.bytes;
        loop {
            while matches!(bytes.get(window.at), Some(b'\n' | b'\r')) {
                window.at += 1;
            }
            match self.comments.pass(window, false) {
                Passed::Nothing => {}
                Passed::Line => continue,
                Passed::Window => return Stop::More,
            }
            let start = window.at;
            if start == bytes.len() {
                return Stop::More;
            }
            if batch.is_full() {
                return Stop::Full;
            }
            // Two bytes more than the longest record, for its line end.
            let (view, all) = window.view(start, window.record_bytes + 2);
            let newline = memchr::memchr(b'\n', &view[start..]).map(|line| start + line);
            let end = match newline {
                Some(end) => end,
                None if view.len() - start <= window.record_bytes + 1 && !all => return Stop::More,
                None => view.len(),
            };
            let line = &bytes[start..end];
            // Only a line that ends has a CR that belongs to its end.
            let line = line.strip_suffix(b"\r").filter(|_| newline.is_some() || window.ended).unwrap_or(line);
            if line.len() > window.record_bytes {
                let (skip, rule) = (Skip::line(false), rule::LINE_TOO_LONG);
                let detail = format!("longer than {} bytes", window.record_bytes);
                return Stop::Unended(Unended { start, skip, rule, detail });
            }
            if !line.trim_ascii().is_empty() {
                match std::str::from_utf8(line) {
                    Ok(text) => self.line(text, start, window, batch),
                    Err(_) => {
                        batch.reject(start, line.len() as u64, line.len(), rule::INVALID_UTF8, NOT_UTF8.to_owned());
                    }
                }
            }
            window.at = end;
        }
    }

    /// Takes the line that begins at `start` in the window.
    fn line(&mut self, line: &str, start: usize, window: &Window<'_>, batch: &mut BatchBuilder) {
        if self.regex.captures_read(&mut self.found, line).is_none() {
            let detail = "the line does not match the pattern".to_owned();
            batch.reject(start, line.len() as u64, line.len(), rule::MALFORMED_LINE, detail);
            return;
        }
        for (cell, group) in self.cells.iter_mut().zip(&self.groups) {
            let range = group.and_then(|group| self.found.get(group));
            *cell = range.map_or(Cell::NULL, |(from, to)| Cell::new(start + from, start + to, CellKind::Plain));
        }
        batch.push(window.bytes, start..start + line.len(), &self.cells);
    }
}
