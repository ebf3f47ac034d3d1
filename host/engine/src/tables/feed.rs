//! Feeds a reducer with rows one by one, in the order in which they are stored, and has it save what it remembers.

use arrow_array::RecordBatch;

use super::saves::Point;
use smelt_common::cost::Cost;
use smelt_common::error::Result;
use smelt_runtime::sums::OrderedRows;
use smelt_runtime::{Reduced, Reducer, StageSpec};

/// The most rows of a batch.
pub(super) const BATCH_ROWS: usize = 65_536;
/// The rows of the first batch. A reducer may have enough after few of them, so each batch has twice as many as the one before.
const FIRST_ROWS: usize = 1024;
/// A reducer saves each time it was fed so many rows of one group.
pub(super) const EVERY: usize = 4096;
/// For each row there are at most about so many saved bytes: a reducer that remembers more saves less often.
const BYTES_A_ROW: usize = 16;

/// A reducer, or what stands for one in tests.
pub(super) trait Reduce {
    /// Takes rows of a stage, as [`Reducer::reduce`] does.
    fn reduce(&mut self, rows: &RecordBatch, ends: &[u32]) -> Result<Reduced>;
    /// Returns what it remembers, as [`Reducer::save`] does.
    fn save(&mut self) -> Result<Option<Vec<u8>>>;
    /// Returns what it has used.
    fn cost(&self) -> Cost;
}

impl Reduce for Reducer<'_> {
    fn reduce(&mut self, rows: &RecordBatch, ends: &[u32]) -> Result<Reduced> {
        self.reduce(rows, ends)
    }

    fn save(&mut self) -> Result<Option<Vec<u8>>> {
        self.save()
    }

    fn cost(&self) -> Cost {
        self.cost()
    }
}

/// A reducer that is fed rows.
pub(super) struct Feed<'f> {
    reducer: &'f mut dyn Reduce,
    give: &'f dyn Fn(RecordBatch) -> Result<()>,
    rows: OrderedRows<'f>,
    ends: Vec<u32>,
    /// The most rows of the next batch.
    most: usize,
    /// Set if the reducer has enough of the group.
    over: bool,
    /// The rows of a group after which it is asked to save, if it is.
    saves: Option<usize>,
    /// Set unless it has refused to in this group.
    offers: bool,
    /// The last row of the group, how many rows came since the group began or was saved last, and how many have to.
    last: Vec<u8>,
    since: usize,
    every: usize,
    points: Vec<Point>,
}

impl<'f> Feed<'f> {
    /// Returns a feed that gives on what comes of the rows. It saves each time that `saves` rows of a group came, if at all.
    pub(super) fn new(
        reducer: &'f mut dyn Reduce,
        stage: &'f StageSpec,
        saves: Option<usize>,
        give: &'f dyn Fn(RecordBatch) -> Result<()>,
    ) -> Self {
        let rows = OrderedRows::new(stage);
        let (ends, most, over, last, since) = (vec![], FIRST_ROWS, false, vec![], 0);
        let (offers, every, points) = (true, saves.unwrap_or(usize::MAX), vec![]);
        Self { reducer, give, rows, ends, most, over, saves, offers, last, since, every, points }
    }

    /// Feeds a [stored row](smelt_common::stored_row) of the group.
    pub(super) fn push(&mut self, key: &[u8], numbers: &[u8]) -> Result<()> {
        if self.is_due() {
            let last = std::mem::take(&mut self.last);
            let saved = self.save()?;
            self.keep(saved.map(|saved| Point { key: last, saved }));
        }
        if self.rows.len() >= self.most {
            self.flush()?;
        }
        if self.over {
            return Ok(());
        }
        self.rows.push(key, numbers)?;
        self.since += 1;
        if self.is_due() {
            self.last = key.to_vec();
        }
        Ok(())
    }

    /// Returns whether the reducer is to be saved behind the last row, if another one follows.
    fn is_due(&self) -> bool {
        self.offers && self.since >= self.every
    }

    /// Ends the group.
    pub(super) fn end_group(&mut self) {
        if !std::mem::take(&mut self.over) {
            self.ends.push(self.rows.len() as u32);
        }
        (self.since, self.every, self.offers) = (0, self.saves.unwrap_or(usize::MAX), true);
    }

    /// Gives the reducer all rows that it was not given yet.
    pub(super) fn flush(&mut self) -> Result<()> {
        if !self.rows.is_empty() || !self.ends.is_empty() {
            self.most = BATCH_ROWS.min(2 * self.most);
            let reduced = self.reducer.reduce(&self.rows.take()?, &std::mem::take(&mut self.ends))?;
            self.over = reduced.enough;
            (self.give)(reduced.rows)?;
        }
        Ok(())
    }

    /// Returns what the reducer remembers of the group; `None` if it has enough of it, or does not offer that.
    pub(super) fn save(&mut self) -> Result<Option<Vec<u8>>> {
        self.flush()?;
        if self.over || !self.offers {
            return Ok(None);
        }
        let saved = self.reducer.save()?;
        self.offers = saved.is_some();
        Ok(saved)
    }

    /// Keeps what was saved behind the last row.
    pub(super) fn keep(&mut self, point: Option<Point>) {
        if let Some(point) = point {
            let every = self.saves.unwrap_or(usize::MAX);
            (self.since, self.every) = (0, every.max(point.saved.len() / BYTES_A_ROW));
            self.points.push(point);
        }
    }

    /// Returns whether the reducer has enough of the group, as far as is known.
    pub(super) fn has_enough(&self) -> bool {
        self.over
    }

    /// Returns how many rows of the group came since it was saved last.
    pub(super) fn since(&self) -> usize {
        self.since
    }

    /// Takes the places at which the group was saved.
    pub(super) fn take_points(&mut self) -> Vec<Point> {
        std::mem::take(&mut self.points)
    }
}
