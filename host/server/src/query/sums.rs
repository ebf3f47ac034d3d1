//! Adds up values.

use smelt_common::error::Result;
use smelt_common::wide::Wide;

use super::find::{Query, matching};
use crate::frame::{BLOCK_ROWS, Cell, Frame, cell};

/// Returns the sum of a column over the rows that meet the conditions. It is exact for integers and decimals, unless it has more
/// than 38 digits, and counts what is true. It is missing where no row has a number.
pub fn sum(frame: &Frame, query: &Query, column: usize) -> Result<Cell> {
    let Query { filters, search, .. } = query;
    let sum = frame.remembered(&format!("sum {column} {filters:?} {search:?}"), || sum_now(frame, query, column))?;
    Ok(Cell::clone(&sum))
}

fn sum_now(frame: &Frame, query: &Query, column: usize) -> Result<Cell> {
    let rows = matching(frame, &Query { sort: vec![], ..query.clone() })?;
    let mut sum = Sum::Nothing;
    for block in rows.chunk_by(|one, other| *one as usize / BLOCK_ROWS == *other as usize / BLOCK_ROWS) {
        let chunk = frame.chunk(block[0] as usize / BLOCK_ROWS, column)?;
        for &row in block {
            sum = sum.and(&cell(&chunk, row as usize % BLOCK_ROWS));
        }
    }
    Ok(sum.cell())
}

/// A sum of values of one column.
#[derive(Clone, Copy)]
enum Sum {
    Nothing,
    /// An exact number, and its places.
    Exact(Wide, u8),
    Float(f64),
}

impl Sum {
    fn and(self, value: &Cell) -> Self {
        let (value, scale) = match *value {
            Cell::Boolean(value) => (i128::from(value), 0),
            Cell::Int(value) => (i128::from(value), 0),
            Cell::Decimal(value, scale) => (value, scale),
            Cell::Float(value) => {
                return Self::Float(if let Self::Float(sum) = self { sum + value } else { value });
            }
            Cell::Missing | Cell::Text(_) | Cell::Date(_) | Cell::Timestamp(_) => return self,
        };
        let sum = if let Self::Exact(sum, _) = self { sum } else { Wide::default() };
        // A frame has fewer than 2^32 rows, so 256 bits hold the sum.
        Self::Exact(sum.checked_add(value.into()).unwrap_or(sum), scale)
    }

    fn cell(self) -> Cell {
        match self {
            Self::Nothing => Cell::Missing,
            Self::Float(sum) => Cell::Float(sum),
            Self::Exact(sum, scale) => match sum.parts() {
                Some((sum, 0)) => Cell::Decimal(sum, scale),
                Some((sum, carry)) => {
                    let sum = sum as f64 + carry as f64 * 2_f64.powi(128);
                    Cell::Float(sum / 10_f64.powi(scale.into()))
                }
                None => Cell::Missing,
            },
        }
    }
}
