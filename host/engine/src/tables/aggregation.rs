//! The inputs of an aggregation pass, and a table that it makes.

use crate::pipeline::{Findings, Pipeline, TableStep};
use crate::plan::Parked;
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
    /// The pipeline that says how each table is made.
    pub pipeline: &'a Pipeline,
    /// The state of the lake that the pass starts from.
    pub state: &'a State,
    /// The time of this run. The keys of gold objects contain it.
    pub now: DateTime<Utc>,
    /// The time that plugins are told, in microseconds since the epoch.
    pub as_of: i64,
    /// The relations of which an object was found gone or damaged, each with the reason. Such a table is rebuilt.
    pub damaged: &'a BTreeMap<String, String>,
    /// The partial aggregates that were computed while silver was written.
    pub partials: &'a PartialAggregates,
    /// Receives the number of bytes of each silver object that was read.
    pub progress: &'a dyn Progress,
}

/// The results of an aggregation.
#[derive(Default)]
pub struct Made {
    /// The names of the tables that were made.
    pub names: Vec<String>,
    /// The rows of these tables, by name, as far as they are at hand.
    pub tables: BTreeMap<String, RecordBatch>,
    /// The findings of the checks among these tables, by name.
    pub findings: BTreeMap<String, Findings>,
    /// The tables that were due, in the order in which they were made, each with the version of what it read.
    pub tried: Vec<(String, String)>,
    /// The tables that are left alone because they failed as often as they may.
    pub parked: Vec<Parked>,
}

/// A table that is being made.
pub(super) struct Work<'w> {
    pub(super) step: &'w TableStep,
    pub(super) holds: Holds,
    /// The sums that are added: for each stage, and for the rows of the table.
    pub(super) sums: Vec<Arc<Shards>>,
    /// The first error, if the table failed.
    pub(super) failure: Mutex<Option<Error>>,
}

/// The part of a table that is kept, so that it need not be rebuilt. By default there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Holds {
    /// The number of stages that are added to, from the first one on. The rows of the table count as one more.
    pub(super) levels: usize,
    /// True if the rows before can be compared with those that come out.
    pub(super) rows: bool,
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
