//! The inputs of an aggregation pass, and a KPI that it computes.

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

/// The inputs of an aggregation pass.
pub struct Aggregation<'a> {
    /// The lake.
    pub store: &'a dyn Store,
    /// The pipeline that says how each KPI is computed.
    pub pipeline: &'a Pipeline,
    /// The state of the lake that the pass starts from.
    pub state: &'a State,
    /// The time of this run. The keys of gold objects contain it.
    pub now: DateTime<Utc>,
    /// The time that plugins are told, in microseconds since the epoch.
    pub as_of: i64,
    /// The partial aggregates that were computed while silver was written.
    pub partials: &'a PartialAggregates,
    /// Receives the number of bytes of each silver object that was read.
    pub progress: &'a dyn Progress,
}

/// The computed tables, by KPI.
pub type Tables = BTreeMap<String, RecordBatch>;

/// A KPI that is being computed.
pub(super) struct Work<'w> {
    pub(super) step: &'w KpiStep,
    /// True if the pass adds to the KPI's kept sums; false if it rebuilds them.
    pub(super) incremental: bool,
    /// The sums that are added to the KPI's first stage.
    pub(super) sums: Arc<Shards>,
    /// The first error, if the KPI failed.
    pub(super) failure: Mutex<Option<Error>>,
}

impl Work<'_> {
    /// Notes an error. Only the first one is kept.
    pub(super) fn fail(&self, error: Error) {
        self.failure.lock().expect("no one panics while holding it").get_or_insert(error);
    }

    /// Returns whether an error was noted.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.lock().expect("no one panics while holding it").is_some()
    }
}
