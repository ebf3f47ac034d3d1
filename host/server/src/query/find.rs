//! Finds rows.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef};
use arrow_schema::DataType;
use smelt_common::error::Result;

use super::filter::Filter;
use super::order::{Sort, order};
use super::search::Needle;
use crate::frame::{BLOCK_ROWS, Frame};

/// The most rows of an answer that is remembered: more would fill the memory.
const REMEMBERED: usize = 10_000;

/// A question for rows of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// The conditions that all hold, each with the index of its column.
    pub filters: Vec<(usize, Filter)>,
    /// A text that some column of text has, whatever its case.
    pub search: Option<String>,
    /// The order of the rows; that of the table if it is empty.
    pub sort: Vec<Sort>,
}

/// The rows that were found.
#[derive(Debug, Default)]
pub struct Found {
    /// The number of all rows that meet the conditions.
    pub total: usize,
    /// The first ones of them, in the order that was asked for.
    pub rows: Vec<u32>,
}

/// Finds the rows that meet the conditions, and the first `most` of them in order.
pub fn find(frame: &Frame, query: &Query, most: usize) -> Result<Arc<Found>> {
    if most > REMEMBERED {
        return answer(frame, query, most).map(Arc::new);
    }
    frame.remembered(&format!("rows {query:?} {most}"), || answer(frame, query, most))
}

fn answer(frame: &Frame, query: &Query, most: usize) -> Result<Found> {
    if query.is_all() && query.sort.is_empty() {
        return Ok(Found { total: frame.rows(), rows: (0..frame.rows().min(most) as u32).collect() });
    }
    let rows = matching(frame, query)?;
    Ok(Found { total: rows.len(), rows: order(frame, rows, &query.sort, most)? })
}

impl Query {
    /// Returns whether every row meets it.
    fn is_all(&self) -> bool {
        self.filters.is_empty() && self.search.as_deref().is_none_or(|text| text.trim().is_empty())
    }
}

/// Returns the last `most` of the rows that meet the conditions, in the order of the table.
pub(crate) fn last(frame: &Frame, query: &Query, most: usize) -> Result<Arc<Vec<u32>>> {
    let Query { filters, search, .. } = query;
    frame.remembered(&format!("last {filters:?} {search:?} {most}"), || {
        let rows = matching(frame, query)?;
        Ok(rows[rows.len().saturating_sub(most)..].to_vec())
    })
}

/// Returns the rows that meet the conditions, in the order of the table.
pub(super) fn matching(frame: &Frame, query: &Query) -> Result<Vec<u32>> {
    let Query { filters, search, .. } = query;
    let needle = search.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(Needle::new);
    if query.is_all() {
        return Ok((0..frame.rows() as u32).collect());
    }
    let is_text = |column: &usize| *frame.schema().field(*column).data_type() == DataType::Utf8;
    let texts: Vec<usize> = (0..frame.schema().fields().len()).filter(is_text).collect();
    let mut rows = Vec::new();
    let mut marks = Vec::new();
    for block in 0..frame.blocks() {
        let first = block * BLOCK_ROWS;
        marks.clear();
        marks.resize(BLOCK_ROWS.min(frame.rows() - first), true);
        for (column, filter) in filters {
            filter.apply(&frame.chunk(block, *column)?, &mut marks);
        }
        if let Some(needle) = &needle
            && marks.contains(&true)
        {
            let columns = texts.iter().map(|&column| frame.chunk(block, column)).collect::<Result<Vec<_>>>()?;
            let has = |column: &ArrayRef, row: usize| {
                column.is_valid(row) && needle.is_in(column.as_string::<i32>().value(row))
            };
            for (row, mark) in marks.iter_mut().enumerate().filter(|(_, mark)| **mark) {
                *mark = columns.iter().any(|column| has(column, row));
            }
        }
        rows.extend(marks.iter().enumerate().filter(|(_, mark)| **mark).map(|(row, _)| (first + row) as u32));
    }
    Ok(rows)
}
