//! KPIs: what rows add to a table of sums, and the table that the KPI makes from the sums.

use crate::{Batch, Config, Fault, KpiDescription, Result, Table};

/// An aggregate over silver datasets.
///
/// The host opens as many accumulators as it likes, each for one input, and splits the rows among them. It adds up the
/// states that they return. When rows leave silver, the host subtracts the state of these rows. So the states of
/// several accumulators must add up to the state of one accumulator that took in all their rows. Sums and counts of
/// rows have this property. A row of sums that are all zero does not exist.
///
/// A KPI that counts rows and sums money by one key is shorter as a [`SumByKey`](crate::SumByKey).
pub trait Kpi: Sized + 'static {
    /// Describes the KPI: its inputs, its sums and the columns of its table.
    fn describe() -> KpiDescription;

    /// Opens an accumulator that has taken in no rows.
    fn open(config: &Config) -> Result<Self>;

    /// Takes in rows of the input called `input`. The rows have the columns that the description declares for that
    /// input.
    fn update(&mut self, input: &str, rows: &Batch) -> Result<()>;

    /// Writes what all rows taken in add to the first stage: key columns, then sums. The order of these rows does not
    /// matter, and keys may repeat.
    fn state(&self, out: &mut Table) -> Result<()>;

    /// Forgets all rows taken in, since the host has their state. By default the KPI is opened again; one that can keep
    /// its memory for the next rows does so here.
    fn forget(&mut self, config: &Config) -> Result<()> {
        *self = Self::open(config)?;
        Ok(())
    }

    /// Writes what groups of the stage with index `stage` add to the next stage. A KPI with one stage has no `fold`.
    ///
    /// The groups are complete and sorted by key; [`Batch::groups`] tells them apart. A group must add the same sums,
    /// whichever other groups come with it.
    fn fold(&self, stage: usize, groups: &Batch, out: &mut Table) -> Result<()> {
        let _ = (groups, out);
        Err(Fault::internal(format!("`fold` is not written, but the description has a stage after stage {stage}")))
    }

    /// Writes the KPI's table, rows in their final order, from all rows of the last stage, which are sorted by key. The
    /// value that evaluates them has taken in no rows.
    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()>;
}
