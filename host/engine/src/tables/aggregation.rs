//! What aggregating works on: the lake as it is, and each KPI that is computed.

use crate::pipeline::{KpiStep, Pipeline};
use crate::tables::partial::PartialAggregates;
use smelt_catalog::State;
use smelt_common::Error;
use smelt_common::progress::Progress;
use smelt_runtime::sums::Shards;
use smelt_storage::Store;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use chrono::{DateTime, Utc};

/// What aggregating needs.
pub struct Aggregation<'a> {
    /// The lake.
    pub store: &'a dyn Store,
    /// What to do.
    pub pipeline: &'a Pipeline,
    /// What the lake holds.
    pub state: &'a State,
    /// The time of this run: gold is stamped with it.
    pub now: DateTime<Utc>,
    /// The time that plugins are told, in microseconds since the epoch.
    pub as_of: i64,
    /// What was taken in while silver was written.
    pub partials: &'a PartialAggregates,
    /// Told of every silver object read.
    pub progress: &'a dyn Progress,
}

/// The tables that were computed, by KPI.
pub type Tables = BTreeMap<String, RecordBatch>;

/// A KPI being computed.
pub(super) struct Work<'w> {
    pub(super) step: &'w KpiStep,
    /// Whether the sums that it had are added to, rather than made anew.
    pub(super) incremental: bool,
    /// What is added to its first stage.
    pub(super) sums: Arc<Shards>,
    pub(super) failure: Mutex<Option<Error>>,
}

impl Work<'_> {
    pub(super) fn fail(&self, error: Error) {
        self.failure.lock().expect("no one panics while holding it").get_or_insert(error);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.lock().expect("no one panics while holding it").is_some()
    }
}
