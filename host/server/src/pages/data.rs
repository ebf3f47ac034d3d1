//! The rows of a chart.

use std::sync::Arc;

use arrow_array::RecordBatch;
use smelt_common::error::Result;

use super::check::MOST_ROWS;
use super::section::{ChartKind, ChartSection};
use super::view::{Chosen, column_index, narrow, table_of, top_of};
use crate::frame::{Cell, Frame, cell};
use crate::lake::Seen;
use crate::query::{Filter, Found, Query, Sort, find};

/// The rows of a table that a chart shows, in its order.
pub(super) struct Data {
    pub(super) table: String,
    pub(super) frame: Arc<Frame>,
    pub(super) query: Query,
    pub(super) found: Arc<Found>,
    /// The number of rows that the page means to show.
    pub(super) meant: usize,
}

impl Data {
    /// Finds the rows of the chart.
    pub(super) fn of(chart: &ChartSection, seen: &Seen, chosen: &[Chosen<'_>]) -> Result<Self> {
        let table = table_of(chart.table.as_deref().unwrap_or_default(), chosen).to_owned();
        let frame = seen.table(&table)?;
        let mut query = Query::default();
        for (column, value) in &chart.only {
            query
                .filters
                .push((column_index(&frame, &table, column)?, Filter::Is(value.texts().into_iter().collect())));
        }
        narrow(&mut query, &frame, chosen, false);
        for name in &chart.sort.0 {
            let (column, descending) = name.strip_prefix('-').map_or((name.as_str(), false), |name| (name, true));
            query.sort.push(Sort { column: column_index(&frame, &table, column)?, descending });
        }
        let top = if chart.top { top_of(chosen) } else { usize::MAX };
        let shown = if chart.kind == ChartKind::Table { TABLE_ROWS } else { MOST_ROWS };
        let meant = chart.limit.unwrap_or(usize::MAX).min(top);
        let found = find(&frame, &query, meant.min(shown))?;
        let meant = meant.min(found.total);
        Ok(Self { table, frame, query, found, meant })
    }

    /// Returns the index of a column.
    pub(super) fn column(&self, name: &str) -> Result<usize> {
        column_index(&self.frame, &self.table, name)
    }

    /// Returns the columns of these names.
    pub(super) fn columns(&self, names: &[&str]) -> Result<RecordBatch> {
        let columns = names.iter().map(|name| self.column(name)).collect::<Result<Vec<_>>>()?;
        self.frame.fetch(&self.found.rows, &columns)
    }

    /// Returns the values of a column.
    pub(super) fn cells(&self, name: &str) -> Result<Vec<Cell>> {
        let rows = self.columns(&[name])?;
        Ok((0..rows.num_rows()).map(|row| cell(rows.column(0), row)).collect())
    }

    /// Returns a value of the first row; missing if there is no row.
    pub(super) fn first(&self, name: &str) -> Result<Cell> {
        let column = self.column(name)?;
        match self.found.rows.first() {
            Some(&row) => Ok(cell(self.frame.fetch(&[row], &[column])?.column(0), 0)),
            None => Ok(Cell::Missing),
        }
    }

    /// Returns how many rows are shown, and how many the page means to show, if that is more.
    pub(super) fn left_out(&self) -> Option<(usize, usize)> {
        (self.meant > self.found.rows.len()).then_some((self.found.rows.len(), self.meant))
    }
}

/// The most rows of a chart of kind table.
const TABLE_ROWS: usize = 200;
