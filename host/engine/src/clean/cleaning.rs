//! What cleaning works on.

use crate::pipeline::Pipeline;
use crate::tables::partial::PartialAggregates;
use smelt_catalog::State;
use smelt_common::progress::Progress;
use smelt_storage::Store;

/// What cleaning needs.
pub struct Cleaning<'c> {
    /// The lake.
    pub store: &'c dyn Store,
    /// What to do.
    pub pipeline: &'c Pipeline,
    /// What the lake holds.
    pub state: &'c State,
    /// The time that plugins are told, in microseconds since the epoch.
    pub as_of: i64,
    /// The time now, in microseconds since the epoch.
    pub now: i64,
    /// Where KPIs take silver in that is about to be aggregated, if it is.
    pub partials: Option<&'c PartialAggregates>,
    /// Told of every object read.
    pub progress: &'c dyn Progress,
}
