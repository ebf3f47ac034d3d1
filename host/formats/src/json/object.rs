//! Reads a JSON object in one flat pass. It stages the members of declared columns as cells, and only checks the
//! others.

use super::blanks::Blanks;
use super::fail::Fail;
use super::keys::Keys;
use super::nested::Nested;
use super::value::{container, key, literal, number, string};
use crate::batch::{Cell, CellKind, unescape};
use crate::scan::json_string_stop;

/// The longest gap worth learning, in bytes.
const LONGEST_GAP: usize = 256;

/// Reads objects and stages their members.
pub(super) struct ObjectParser {
    keys: Keys,
    /// The members that are staged: the columns, or those that have them.
    cells: Vec<Cell>,
    /// The columns, if some lie within members.
    nested: Option<Nested>,
    open: Vec<u8>,
    depth: usize,
    blanks: Blanks,
}

impl ObjectParser {
    pub(super) fn new(columns: &[String], depth: usize, blanks: Blanks) -> Self {
        let (nested, names) = Nested::new(columns).unzip();
        let names = names.as_deref().unwrap_or(columns);
        let cells = vec![Cell::NULL; names.len()];
        Self { keys: Keys::new(names), cells, nested, open: Vec::new(), depth, blanks }
    }

    /// Returns the declared columns that no object has had.
    pub(super) fn missing(&self) -> Vec<usize> {
        self.nested.as_ref().map_or_else(|| self.keys.missing(), Nested::missing)
    }

    /// Returns the cells of the object that was read last.
    #[inline(always)]
    pub(super) fn cells(&self) -> &[Cell] {
        self.nested.as_ref().map_or(&self.cells, Nested::cells)
    }

    /// Reads the value at `start`, which must be an object, and stages its columns. Returns the position after it.
    #[inline(always)]
    pub(super) fn parse(&mut self, bytes: &[u8], start: usize) -> Result<usize, Fail> {
        let end = self.members(bytes, start)?;
        if let Some(nested) = &mut self.nested {
            nested.stage(bytes, &self.cells, self.keys.seen());
        }
        Ok(end)
    }

    /// Reads the value at `start`, which must be an object, and stages its members. Returns the position after it.
    #[inline]
    fn members(&mut self, bytes: &[u8], start: usize) -> Result<usize, Fail> {
        self.cells.fill(Cell::NULL);
        let mut step = 0;
        let (mut column, mut at) = match self.keys.predict_first(bytes, start) {
            Some(found) => found,
            None => match self.first_key(bytes, start)? {
                Ok(found) => found,
                Err(end) => return Ok(end),
            },
        };
        if self.depth == 0 {
            return Err(Fail::Deep);
        }
        loop {
            let (end, cell) = self.value(bytes, at)?;
            if let Some(staged) = self.cells.get_mut(column) {
                *staged = cell;
            }
            if bytes.get(end) == Some(&b'}') {
                return Ok(end + 1);
            }
            (column, at) = match self.keys.predict(step, bytes, end) {
                Some(found) => {
                    step += 1;
                    found
                }
                None => match self.next_key(bytes, end, &mut step)? {
                    Ok(found) => found,
                    Err(end) => return Ok(end),
                },
            };
        }
    }

    #[inline(always)]
    fn value(&mut self, bytes: &[u8], at: usize) -> Result<(usize, Cell), Fail> {
        match bytes.get(at) {
            Some(b'"') => {
                let stop = json_string_stop(bytes, at + 1);
                if bytes.get(stop) == Some(&b'"') {
                    return Ok((stop + 1, Cell::new(at + 1, stop, CellKind::Plain)));
                }
                let end = string(bytes, at)?;
                Ok((end, Cell::new(at + 1, end - 1, CellKind::JsonEscaped)))
            }
            Some(b'-' | b'0'..=b'9') => {
                let end = number(bytes, at)?;
                Ok((end, Cell::new(at, end, CellKind::Plain)))
            }
            Some(b'{' | b'[') => {
                let end = container(bytes, at, self.depth - 1, self.blanks, &mut self.open)?;
                Ok((end, Cell::new(at, end, CellKind::Plain)))
            }
            Some(b't' | b'f') => {
                let end = literal(bytes, at)?;
                Ok((end, Cell::new(at, end, CellKind::Plain)))
            }
            _ => match self.blanks.skip(bytes, at) {
                next if next > at => self.value_after_blanks(bytes, next),
                _ => literal(bytes, at).map(|end| (end, Cell::NULL)),
            },
        }
    }

    /// Reads a value after more blanks than its learned gap has.
    #[cold]
    #[inline(never)]
    fn value_after_blanks(&mut self, bytes: &[u8], at: usize) -> Result<(usize, Cell), Fail> {
        self.value(bytes, at)
    }

    /// Finds the first key the slow way. Returns its column and the beginning of its value; the inner `Err` holds the
    /// end of an empty object.
    #[cold]
    #[inline(never)]
    fn first_key(&mut self, bytes: &[u8], start: usize) -> Result<Result<(usize, usize), usize>, Fail> {
        match bytes.get(start) {
            Some(b'{') => {}
            Some(_) => return Fail::syntax(start, "an object"),
            None => return Err(Fail::End),
        }
        let at = self.blanks.skip(bytes, start + 1);
        if bytes.get(at) == Some(&b'}') {
            return if self.depth == 0 { Err(Fail::Deep) } else { Ok(Err(at + 1)) };
        }
        let (column, value) = self.key(bytes, at)?;
        if value - start <= LONGEST_GAP {
            self.keys.learn_first(&bytes[start..value], column);
        }
        Ok(Ok((column, value)))
    }

    /// Finds the key after the value that ends at `end`. Returns its column and the beginning of its value; the inner
    /// `Err` holds the end of the object.
    #[cold]
    #[inline(never)]
    fn next_key(&mut self, bytes: &[u8], end: usize, step: &mut usize) -> Result<Result<(usize, usize), usize>, Fail> {
        let at = self.blanks.skip(bytes, end);
        match bytes.get(at) {
            Some(b',') => {}
            Some(b'}') => return Ok(Err(at + 1)),
            Some(_) => return Fail::syntax(at, "`,` or `}`"),
            None => return Err(Fail::End),
        }
        let at = self.blanks.skip(bytes, at + 1);
        let (column, value) = self.key(bytes, at)?;
        if value - end <= LONGEST_GAP {
            *step = self.keys.learn(*step, &bytes[end..value], column);
        }
        Ok(Ok((column, value)))
    }

    /// Reads a key and its colon. Returns its column, and the beginning of its value.
    fn key(&mut self, bytes: &[u8], at: usize) -> Result<(usize, usize), Fail> {
        let (end, value) = key(bytes, at, self.blanks)?;
        let raw = &bytes[at + 1..end - 1];
        let column = if raw.contains(&b'\\') {
            let mut name = Vec::with_capacity(raw.len());
            unescape(raw, &mut name);
            self.keys.column(&name)
        } else {
            self.keys.column(raw)
        };
        Ok((column, value))
    }
}
