//! The parts of a definition that closures make.

use std::marker::PhantomData;
use std::mem::take;
use std::ops::Range;

use super::out::Out;
use super::record::{Accumulate, Gather, Reduce};
use crate::rows::Row;
use crate::saved::{self, Saved};
use crate::{Batch, Fault, Field, Result, Table};

/// Makes rows of each row of an input.
pub(super) struct FromInput<R, K, F> {
    map: F,
    out: Out<K>,
    row: PhantomData<fn(R)>,
}

impl<R, K, F> FromInput<R, K, F> {
    pub(super) fn new(map: F, out: Out<K>) -> Self {
        Self { map, out, row: PhantomData }
    }
}

impl<R: Row, K, F: for<'a> Fn(R::Of<'a>, &mut Out<K>) -> Result<()>> Accumulate for FromInput<R, K, F> {
    fn update(&mut self, rows: &Batch<'_>) -> Result<()> {
        let reader = R::reader(rows)?;
        rows.rows().try_for_each(|row| (self.map)(R::read(&reader, row)?, &mut self.out))?;
        match self.out.has_enough() {
            true => Err(Fault::internal("only a walk can have enough")),
            false => Ok(()),
        }
    }

    fn state(&mut self) -> Result<Vec<u8>> {
        self.out.finish()
    }
}

/// Gathers rows of an input in a way of the component's own.
pub(super) struct Gathering<K> {
    gather: Box<dyn Gather<K>>,
    out: Out<K>,
}

impl<K> Gathering<K> {
    pub(super) fn new(gather: Box<dyn Gather<K>>, out: Out<K>) -> Self {
        Self { gather, out }
    }
}

impl<K> Accumulate for Gathering<K> {
    fn update(&mut self, rows: &Batch<'_>) -> Result<()> {
        self.gather.update(rows, &mut self.out)
    }

    fn state(&mut self) -> Result<Vec<u8>> {
        self.gather.state(&mut self.out)?;
        self.out.finish()
    }
}

/// Makes rows of each row of a stage.
pub(super) struct Each<S, N, F> {
    map: F,
    out: Out<N>,
    row: PhantomData<fn(S)>,
}

impl<S, N, F> Each<S, N, F> {
    pub(super) fn new(map: F, out: Out<N>) -> Self {
        Self { map, out, row: PhantomData }
    }
}

impl<S: Row, N, F: for<'a> Fn(S::Of<'a>, &mut Out<N>) -> Result<()>> Reduce for Each<S, N, F> {
    fn reduce(&mut self, rows: &Batch<'_>, _ends: &[u32]) -> Result<(Vec<u8>, bool)> {
        let reader = S::reader(rows)?;
        rows.rows().try_for_each(|row| (self.map)(S::read(&reader, row)?, &mut self.out))?;
        Ok((self.out.finish()?, false))
    }

    /// There is nothing to remember between rows.
    fn save(&self) -> Option<Vec<u8>> {
        Some(vec![])
    }

    fn resume(&mut self, saved: &[u8]) -> Result<()> {
        if saved.is_empty() { Ok(()) } else { Err(saved::malformed()) }
    }
}

/// Makes rows of each whole group.
pub(super) struct Grouping<S, N, F> {
    map: F,
    /// The rows so far of a group that goes on.
    begun: Table,
    out: Out<N>,
    row: PhantomData<fn(S)>,
}

impl<S: Row, N, F: for<'a> Fn(&[S::Of<'a>], &mut Out<N>) -> Result<()>> Grouping<S, N, F> {
    pub(super) fn new(map: F, columns: &[Field], out: Out<N>) -> Self {
        Self { map, begun: Table::new(columns), out, row: PhantomData }
    }

    /// Takes groups that are whole in these rows, one after the other.
    fn take(&mut self, rows: &Batch<'_>, groups: impl Iterator<Item = Range<usize>>) -> Result<()> {
        let (reader, mut group) = (S::reader(rows)?, Vec::new());
        for range in groups {
            group.clear();
            for row in range {
                group.push(S::read(&reader, row)?);
            }
            (self.map)(&group, &mut self.out)?;
        }
        Ok(())
    }
}

impl<S: Row, N, F: for<'a> Fn(&[S::Of<'a>], &mut Out<N>) -> Result<()>> Reduce for Grouping<S, N, F> {
    fn reduce(&mut self, rows: &Batch<'_>, ends: &[u32]) -> Result<(Vec<u8>, bool)> {
        let mut ends = ends.iter().map(|&end| end as usize).peekable();
        let mut start = 0;
        if !self.begun.is_empty()
            && let Some(end) = ends.next()
        {
            self.begun.copy_rows(rows, 0..end)?;
            let whole = self.begun.finish()?;
            let whole = Batch::read(&whole)?;
            self.take(&whole, std::iter::once(whole.rows()))?;
            start = end;
        }
        let groups = ends.map(|end| take_range(&mut start, end)).collect::<Vec<_>>();
        self.take(rows, groups.into_iter())?;
        self.begun.copy_rows(rows, start..rows.len())?;
        Ok((self.out.finish()?, false))
    }
}

/// Returns the range from `start` to `end`, where the next one starts.
fn take_range(start: &mut usize, end: usize) -> Range<usize> {
    std::mem::replace(start, end)..end
}

/// Walks through the rows of each group.
pub(super) struct Walking<S, W, N, F, E> {
    row: F,
    end: E,
    state: W,
    out: Out<N>,
    kind: PhantomData<fn(S)>,
}

impl<S: Row, W: Default + Saved, N, F, E> Walking<S, W, N, F, E>
where
    F: for<'a> Fn(&mut W, S::Of<'a>, &mut Out<N>) -> Result<()>,
    E: Fn(W, &mut Out<N>) -> Result<()>,
{
    pub(super) fn new(row: F, end: E, out: Out<N>) -> Self {
        Self { row, end, state: W::default(), out, kind: PhantomData }
    }

    #[inline]
    fn rows<'a>(&mut self, reader: &S::Reader<'a>, rows: Range<usize>) -> Result<()> {
        for row in rows {
            if self.out.has_enough() {
                break;
            }
            (self.row)(&mut self.state, S::read(reader, row)?, &mut self.out)?;
        }
        Ok(())
    }
}

impl<S: Row, W: Default + Saved, N, F, E> Reduce for Walking<S, W, N, F, E>
where
    F: for<'a> Fn(&mut W, S::Of<'a>, &mut Out<N>) -> Result<()>,
    E: Fn(W, &mut Out<N>) -> Result<()>,
{
    fn reduce(&mut self, rows: &Batch<'_>, ends: &[u32]) -> Result<(Vec<u8>, bool)> {
        let (reader, mut start) = (S::reader(rows)?, 0);
        for &end in ends {
            self.rows(&reader, take_range(&mut start, end as usize))?;
            let state = take(&mut self.state);
            if !self.out.has_enough() {
                (self.end)(state, &mut self.out)?;
            }
            self.out.take_enough();
        }
        self.rows(&reader, start..rows.len())?;
        let enough = self.out.take_enough();
        if enough {
            self.state = W::default();
        }
        Ok((self.out.finish()?, enough))
    }

    fn save(&self) -> Option<Vec<u8>> {
        Some(saved::save(&self.state))
    }

    fn resume(&mut self, saved: &[u8]) -> Result<()> {
        self.state = saved::resume(saved)?;
        Ok(())
    }
}
