//! The lines of an object: CSV (RFC 4180) with a header, in the usual order of columns or another one.

use rand::RngExt as _;
use rand::seq::SliceRandom as _;

use crate::flaws::Flaw::*;
use crate::shop::{Dice, Shop, pick};

/// A column that no cleaner knows.
const UNKNOWN: &str = "exported_by";

/// The most bytes that are reserved for an object. By default the host takes fewer.
const MOST_RESERVED: u64 = 96 << 20;

/// An object to which lines are written.
pub(crate) struct Lines<'a> {
    shop: &'a Shop,
    out: Vec<u8>,
    /// The start of the last line.
    last: usize,
    /// The index of the column in each place. The number of columns stands for [`UNKNOWN`].
    order: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Begins an object with its header. It has room for `rows` rows of `row` bytes.
    pub(crate) fn begin(shop: &'a Shop, columns: &[&str], rows: u64, row: u64, dice: &mut Dice) -> Self {
        let mut order: Vec<_> = (0..columns.len()).collect();
        if shop.flaws.strike(ShuffledColumns, dice) {
            order.shuffle(dice);
            if order.is_sorted() {
                order.rotate_left(1);
            }
            order.insert(dice.random_range(0..=columns.len()), columns.len());
        }
        let out = Vec::with_capacity((rows * row).min(MOST_RESERVED) as usize);
        let mut lines = Self { shop, out, last: 0, order };
        let names: Vec<_> = lines.order.iter().map(|&column| *columns.get(column).unwrap_or(&UNKNOWN)).collect();
        lines.write(&names);
        lines
    }

    /// Writes a row, whose cells are in the usual order.
    pub(crate) fn put<const N: usize>(&mut self, cells: &[String; N], dice: &mut Dice) {
        let mut line: Vec<&str> = Vec::with_capacity(N + 2);
        for &column in &self.order {
            line.push(match cells.get(column) {
                Some(cell) => cell,
                None => pick(&["", "till", "web shop"], dice),
            });
        }
        if self.shop.flaws.strike(MalformedLine, dice) {
            // A line that is cut keeps some commas: without any it could be blank, and blank lines are no records.
            match dice.random_range(0..3) {
                0 => line.truncate(line.len() - 1),
                1 => line.truncate(line.len() - 2),
                _ => line.push(pick(&["", "?"], dice)),
            }
        }
        self.write(&line);
    }

    /// Writes the last line again.
    pub(crate) fn repeat(&mut self) {
        let last = self.last;
        self.last = self.out.len();
        self.out.extend_from_within(last..);
    }

    /// Returns the object.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Writes a line, with quotes where a cell needs them.
    fn write(&mut self, cells: &[&str]) {
        self.last = self.out.len();
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            match cell.contains([',', '"', '\r', '\n']) {
                true => self.out.extend_from_slice(format!("\"{}\"", cell.replace('"', "\"\"")).as_bytes()),
                false => self.out.extend_from_slice(cell.as_bytes()),
            }
        }
        self.out.push(b'\n');
    }
}
