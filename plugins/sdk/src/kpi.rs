//! KPIs: what rows add to a table of sums, and the table that is made from the sums.

use crate::{Batch, Config, Fault, KpiDescription, Result, Table};

/// An aggregate over silver datasets.
///
/// The host makes as many as it likes, over any split of the rows, adds up what they give as their state, and subtracts
/// it for rows that leave silver. So the states of rows split over several must add up to the state of all in one; with
/// sums and counts of rows that is so of itself. A row whose sums are all zero does not exist.
pub trait Kpi: Sized {
    /// What this KPI is.
    fn describe() -> KpiDescription;

    /// One that has seen no row.
    fn open(config: &Config) -> Result<Self>;

    /// Takes in rows of the named input; they have the columns declared for it.
    fn update(&mut self, input: &str, rows: &Batch) -> Result<()>;

    /// Writes what the rows taken in add to the first stage: key columns, then sums, in any order. Keys may repeat.
    fn state(&self, out: &mut Table) -> Result<()>;

    /// Writes what groups of a stage add to the next one. They are whole and sorted by key ([`Batch::groups`] tells them
    /// apart), and each must add the same whichever others come with it. Needed where there are several stages.
    fn fold(&self, stage: usize, groups: &Batch, out: &mut Table) -> Result<()> {
        let _ = (groups, out);
        Err(Fault::internal(format!("`fold` is not written, but the description has a stage after stage {stage}")))
    }

    /// Writes the KPI's table, rows in their final order, from all rows of the last stage, which are sorted by key.
    fn evaluate(&self, sums: &Batch, out: &mut Table) -> Result<()>;
}
