//! KPIs: a partial aggregate over any part of the rows, and how two of them become one.

use crate::{Batch, Config, KpiDescription, Result, Table};

/// An aggregate over silver datasets.
///
/// The host makes one for each silver object, merges their states in any order and grouping, and evaluates the result.
/// So merging must be associative and commutative, a newly opened one must change nothing when merged, and rows split
/// over several must merge to the same state as all in one.
pub trait Kpi: Sized {
    /// What this KPI is.
    fn describe() -> KpiDescription;

    /// One that has seen no row.
    fn open(config: &Config) -> Result<Self>;

    /// Takes in rows of the named input; they have the columns declared for it.
    fn update(&mut self, input: &str, rows: &Batch) -> Result<()>;

    /// Writes the state; rows of the declared state schema. In a fixed order: equal states must be equal bytes.
    fn state(&self, out: &mut Table) -> Result<()>;

    /// Takes in what another one wrote as its state.
    fn merge(&mut self, state: &Batch) -> Result<()>;

    /// Writes the KPI's table, rows in their final order.
    fn evaluate(&self, out: &mut Table) -> Result<()>;
}
