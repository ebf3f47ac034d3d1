//! The inputs of a cleaning pass.

use crate::pipeline::Pipeline;
use crate::tables::partial::PartialAggregates;
use smelt_catalog::State;
use smelt_common::progress::Progress;
use smelt_storage::Store;

/// The inputs of a cleaning pass.
pub struct Cleaning<'c> {
    /// The lake.
    pub store: &'c dyn Store,
    /// The pipeline that says how each dataset is cleaned.
    pub pipeline: &'c Pipeline,
    /// The state of the lake that the pass starts from.
    pub state: &'c State,
    /// The time that plugins are told, in microseconds since the epoch.
    pub as_of: i64,
    /// The time now, in microseconds since the epoch.
    pub now: i64,
    /// The KPIs' partial aggregates. Rows are added to them while silver is written, if the same run aggregates next.
    pub partials: Option<&'c PartialAggregates>,
    /// Receives the number of bytes of each object that was cleaned.
    pub progress: &'c dyn Progress,
}
