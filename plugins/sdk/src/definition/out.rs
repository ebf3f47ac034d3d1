//! The place where the closures of a definition write rows.

use std::marker::PhantomData;

use super::target::Target;
use crate::index::Index;
use crate::rows::Row;
use crate::{Date, Fault, Result, Table, Timestamp};

/// Takes the rows of kind `K` that a closure makes: those of the next stage, or of the table.
///
/// Rows of a stage that agree in their key are added up here already, as long as enough of them do: each row that
/// reaches the host costs it more than a look-up costs the component.
pub struct Out<K> {
    table: Table,
    /// The number of columns.
    columns: usize,
    /// Set if they are those of a stage, whose rows with equal keys may be added up.
    of_stage: bool,
    /// Set if they are, now.
    merges: bool,
    /// Set if each row has a count of itself after its own cells.
    counts: bool,
    index: Index,
    /// Rows since the last stream, and how many of these were added to others.
    added: usize,
    merged: usize,
    enough: bool,
    as_of: Option<Timestamp>,
    kind: PhantomData<fn(K)>,
}

/// After so many rows it is clear whether adding up is worth the look-ups: it is if one row of eight has a known key.
const SAMPLE: usize = 2048;

impl<K> Out<K> {
    pub(super) fn new(target: &Target) -> Self {
        Self {
            table: Table::new(&target.fields),
            columns: target.fields.len(),
            of_stage: target.of_stage,
            merges: target.of_stage,
            counts: target.counts,
            index: Index::default(),
            added: 0,
            merged: 0,
            enough: false,
            as_of: target.as_of,
            kind: PhantomData,
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// None of its own: it returns a result so that a closure may end with it.
    #[inline(always)]
    pub fn add<R: Row<Static = K>>(&mut self, row: R) -> Result<()> {
        if self.merges && self.merge(&row) {
            return Ok(());
        }
        let written = row.write(self.table.row());
        drop(if self.counts { written.integer(1) } else { written });
        Ok(())
    }

    /// Adds the row to an earlier one with the same key, if there is one and the sums fit. Returns whether it did.
    #[inline]
    fn merge<R: Row<Static = K>>(&mut self, row: &R) -> bool {
        self.added += 1;
        if self.added > SAMPLE && self.merged * 8 < self.added {
            self.merges = false;
            return false;
        }
        let Self { table, index, .. } = self;
        let Some(known) = index.find_or_insert(row.hash(), table.len(), |known| row.same_key(table, known)) else {
            return false;
        };
        let count = self.counts.then(|| self.columns - 1);
        let merged = row.add_to(&mut self.table, known, count);
        self.merged += usize::from(merged);
        merged
    }

    /// Says that the group that is being walked needs no more rows. They are not sent: a list of the first ten costs ten
    /// rows.
    pub fn enough(&mut self) {
        self.enough = true;
    }

    /// Returns the time that the host computes for.
    ///
    /// # Errors
    /// Fails unless the part says `as_of`.
    pub fn as_of(&self) -> Result<Timestamp> {
        self.as_of.ok_or_else(|| Fault::internal("no `as-of` was given: this part must say `.as_of()`"))
    }

    /// Returns the UTC date of [`as_of`](Self::as_of).
    ///
    /// # Errors
    /// Fails unless the part says `as_of`.
    pub fn day(&self) -> Result<Date> {
        self.as_of().map(Timestamp::date)
    }

    pub(super) fn has_enough(&self) -> bool {
        self.enough
    }

    /// Returns whether there was enough of a group that is now over.
    pub(super) fn take_enough(&mut self) -> bool {
        std::mem::take(&mut self.enough)
    }

    /// Returns the rows as a stream, and forgets them.
    pub(super) fn finish(&mut self) -> Result<Vec<u8>> {
        if self.added > 0 {
            self.index.clear();
            (self.added, self.merged, self.merges) = (0, 0, self.of_stage);
        }
        self.table.finish()
    }
}
