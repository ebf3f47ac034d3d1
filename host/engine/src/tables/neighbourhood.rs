//! A change in a large group: its reducer begins at what was saved before the first row that changed, as the group was and as
//! it is, and stops where both remember the same again.

use std::ops::ControlFlow;

use arrow_array::RecordBatch;

use super::feed::{Feed, Reduce};
use super::saves::Point;
use smelt_common::cost::Cost;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, stored_row};
use smelt_runtime::StageSpec;
use smelt_runtime::sums::Sign;
use smelt_storage::sorted_runs::AdditiveReader;

/// The key and the numbers of a [stored row](stored_row).
pub(super) type Stored = (Vec<u8>, Vec<u8>);

/// A group of a stage that was saved at some points, and rows that are added to it.
pub(super) struct Large<'l> {
    pub(super) stage: &'l StageSpec,
    /// The stage as it is before the change.
    pub(super) before: &'l AdditiveReader<'l>,
    /// The beginning that all keys of the group share.
    pub(super) shared: &'l [u8],
    /// The rows that are added, in the order of their keys.
    pub(super) changes: &'l [Stored],
    /// The points at which the group was saved, in order.
    pub(super) points: Vec<Point>,
    /// The rows after which it is saved.
    pub(super) every: usize,
}

impl Large<'_> {
    /// Reduces what the changes bear upon. `open` returns a reducer that goes on from what was saved, or begins. `give` takes
    /// what the group gave before, to be subtracted, and what it gives now. Returns where the group is saved from now on.
    pub(super) fn reduce<R: Reduce>(
        self,
        open: &dyn Fn(Option<&[u8]>) -> Result<R>,
        give: &dyn Fn(RecordBatch, Sign) -> Result<()>,
        cost: &mut Cost,
    ) -> Result<Vec<Point>> {
        let Self { stage, before, shared, changes, points, every } = self;
        let (minus, plus) = (|rows| give(rows, Sign::Minus), |rows| give(rows, Sign::Plus));
        let (mut kept, mut decided, mut at) = (Vec::new(), 0, 0);
        while let Some((first, _)) = changes.get(at) {
            let start = points.partition_point(|point| point.key < *first);
            kept.extend_from_slice(&points[decided..start]);
            let from = start.checked_sub(1).map(|last| &points[last]);
            let saved = from.map(|point| point.saved.as_slice());
            let mut reducers = (open(saved)?, open(saved)?);
            let mut walk = Walk {
                was: Feed::new(&mut reducers.0, stage, None, &minus),
                is: Feed::new(&mut reducers.1, stage, Some(every), &plus),
                every,
                left: &points[start..],
                changes: &changes[at..],
                is_there: from.is_some() || stage.group == 0,
            };
            let mut ended = ControlFlow::Continue(());
            before.scan_group(shared, from.map(|point| point.key.as_slice()), |key, numbers| {
                ended = walk.to(Some(key))?;
                if ended.is_continue() {
                    walk.row(key, numbers)?;
                }
                Ok(ended)
            })?;
            if ended.is_continue() && walk.to(None)?.is_continue() {
                walk.end();
            }
            let Walk { mut was, mut is, left, changes: later, .. } = walk;
            was.flush()?;
            is.flush()?;
            kept.append(&mut is.take_points());
            (decided, at) = (points.len() - left.len(), changes.len() - later.len());
            cost.merge(reducers.0.cost());
            cost.merge(reducers.1.cost());
        }
        kept.extend_from_slice(&points[decided..]);
        Ok(kept)
    }
}

/// A walk through the rows of a group, as it was and as it is.
struct Walk<'w> {
    was: Feed<'w>,
    is: Feed<'w>,
    every: usize,
    /// The points and the changes that lie ahead.
    left: &'w [Point],
    changes: &'w [Stored],
    /// Set if the group has a row now, or is there without one.
    is_there: bool,
}

impl Walk<'_> {
    /// Takes the changes and the points before the key, or all of them. Breaks off where the rest of the group gives what it
    /// gave.
    fn to(&mut self, key: Option<&[u8]>) -> Result<ControlFlow<()>> {
        loop {
            let is_before = |other: &[u8]| key.is_none_or(|key| other < key);
            let change = self.changes.first().filter(|(change, _)| is_before(change));
            let until = change.map(|(change, _)| change.as_slice()).or(key);
            while let Some((point, later)) = self.left.split_first()
                && until.is_none_or(|until| point.key.as_slice() < until)
            {
                if self.pass(point)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                self.left = later;
            }
            if self.was.has_enough() && self.is.has_enough() {
                (self.left, self.changes) = (&[], &[]);
                return Ok(ControlFlow::Break(()));
            }
            let Some((change, numbers)) = change else { return Ok(ControlFlow::Continue(())) };
            self.changes = &self.changes[1..];
            self.is.push(change, numbers)?;
            self.is_there = true;
        }
    }

    /// Goes past a point. Breaks off if the reducer remembers there what it did, and keeps the point then.
    fn pass(&mut self, point: &Point) -> Result<ControlFlow<()>> {
        self.was.flush()?;
        let rows = self.is.since();
        let Some(saved) = self.is.save()? else { return Ok(ControlFlow::Continue(())) };
        // A point must have a row before it, so that the group is known to be there.
        if rows > 0 && saved == point.saved {
            return Ok(ControlFlow::Break(()));
        }
        // After rows have left, few may lie between two points. Then one of them is enough.
        self.is.keep((rows >= self.every.div_ceil(4)).then(|| Point { key: point.key.clone(), saved }));
        Ok(ControlFlow::Continue(()))
    }

    /// Takes a row that was there.
    fn row(&mut self, key: &[u8], numbers: &[u8]) -> Result<()> {
        self.was.push(key, numbers)?;
        let Some((_, added)) = self.changes.first().filter(|(change, _)| change == key) else {
            self.is_there = true;
            return self.is.push(key, numbers);
        };
        self.changes = &self.changes[1..];
        let mut sum = Vec::new();
        let exists = stored_row::add(numbers, added, &mut sum);
        if exists.ok_or_else(|| Error::new(Kind::Damaged, "stored sums are malformed"))? {
            self.is.push(key, &sum)?;
            self.is_there = true;
        }
        Ok(())
    }

    /// Ends the group, after all of its rows.
    fn end(&mut self) {
        self.was.end_group();
        if self.is_there {
            self.is.end_group();
        }
    }
}

#[cfg(test)]
mod tests;
