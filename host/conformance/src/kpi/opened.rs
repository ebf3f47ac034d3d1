//! The KPI that is tested, and how it is opened.

use smelt_runtime::{Kpi, StageSpec};

/// A KPI, and the time with which it is opened.
#[derive(Clone, Copy)]
pub(super) struct Calls<'k> {
    pub(super) plugin: &'k Kpi,
    pub(super) as_of: i64,
    /// The tables of sums; see [`stages`](super::calls::stages).
    pub(super) stages: &'k [StageSpec],
    /// Set if the key of each table is checked. The rows that the kit makes may be alike where those of a relation never
    /// are, so that a table has no key if it has that of the relation.
    pub(super) checks_key: bool,
}
