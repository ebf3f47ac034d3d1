//! Adds up values.

use smelt_common::error::Result;

use super::find::{Query, matching};
use crate::frame::{BLOCK_ROWS, Cell, Frame, cell};

/// Returns the sum of a column over the rows that meet the conditions: exact for integers and decimals. It is missing where no
/// row has a value.
pub fn sum(frame: &Frame, query: &Query, column: usize) -> Result<Cell> {
    let Query { filters, search, .. } = query;
    let sum = frame.remembered(&format!("sum {column} {filters:?} {search:?}"), || sum_now(frame, query, column))?;
    Ok(Cell::clone(&sum))
}

fn sum_now(frame: &Frame, query: &Query, column: usize) -> Result<Cell> {
    let rows = matching(frame, &Query { sort: vec![], ..query.clone() })?;
    let mut sum = Cell::Missing;
    for block in rows.chunk_by(|one, other| *one as usize / BLOCK_ROWS == *other as usize / BLOCK_ROWS) {
        let chunk = frame.chunk(block[0] as usize / BLOCK_ROWS, column)?;
        for &row in block {
            sum = add(sum, &cell(&chunk, row as usize % BLOCK_ROWS));
        }
    }
    Ok(sum)
}

fn add(sum: Cell, value: &Cell) -> Cell {
    match (sum, value) {
        (sum, Cell::Missing) => sum,
        // An integer is a decimal without places, so that no sum is too large.
        (Cell::Missing, Cell::Int(value)) => Cell::Decimal(i128::from(*value), 0),
        (Cell::Missing, value) => value.clone(),
        (Cell::Decimal(sum, scale), Cell::Int(value)) => Cell::Decimal(sum.saturating_add(i128::from(*value)), scale),
        (Cell::Decimal(sum, scale), Cell::Decimal(value, _)) => Cell::Decimal(sum.saturating_add(*value), scale),
        (Cell::Float(sum), Cell::Float(value)) => Cell::Float(sum + value),
        (sum, _) => sum,
    }
}
