//! The report of a tick: what it did, and what it could not do.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::RecordBatch;

use crate::plan::Parked;
use smelt_catalog::holding::Holding;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use crate::outcome::Subject;

/// The work that a tick did, and the work that it could not do.
#[derive(Default)]
pub struct Report {
    /// The bronze objects that files of sources became.
    pub arrived: Vec<String>,
    /// The files in the places of sources that no dataset recognises, each with its source.
    pub unrecognised: Vec<(String, String)>,
    /// The files that left the places of sources, each with its source and its new place; empty if it was deleted.
    pub put_away: Vec<(String, String)>,
    /// Bronze objects that were cleaned.
    pub cleaned: usize,
    /// The names of the tables that were made.
    pub made: BTreeSet<String>,
    /// The rows of these tables, by name, as far as they are at hand.
    pub tables: BTreeMap<String, RecordBatch>,
    /// The objects, KPIs and sources that failed, each with the error. The next tick tries them again; everything else
    /// went on.
    pub failures: Vec<(String, Error)>,
    /// The files and the like that sinks have written.
    pub written: Vec<String>,
    /// Things that people should look at.
    pub warnings: Vec<String>,
    /// Bronze objects that no dataset's pattern matches.
    pub unmatched: Vec<String>,
    /// The tables that are held, if any are.
    pub held: Option<Holding>,
    /// The objects and KPIs that smelt left alone, because their plugin failed at them as often as it may.
    pub parked: Vec<Parked>,
}

impl Report {
    /// Notes what could not be done. An object that is being written is a warning and not a failure.
    pub(super) fn fail(&mut self, failures: Vec<(Subject, Error)>) {
        for (subject, error) in failures {
            match error.kind() {
                Kind::Unsettled => self.warnings.push(error.to_string()),
                _ => self.failures.push((subject.to_string(), error)),
            }
        }
    }

    /// Adds what an earlier step of the same tick did.
    pub fn after(&mut self, earlier: Self) {
        self.arrived.splice(0..0, earlier.arrived);
        self.unrecognised.splice(0..0, earlier.unrecognised);
        self.failures.splice(0..0, earlier.failures);
    }

    /// Adds what a later step of the same tick did.
    pub fn then(&mut self, later: Self) {
        self.put_away.extend(later.put_away);
        self.failures.extend(later.failures);
    }

    /// Returns the report if everything was done.
    ///
    /// # Errors
    /// Returns the first failure.
    pub fn complete(mut self) -> Result<Self> {
        if self.failures.is_empty() {
            return Ok(self);
        }
        let (what, error) = self.failures.swap_remove(0);
        Err(error.context(what))
    }
}
