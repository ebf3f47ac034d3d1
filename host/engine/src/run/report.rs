//! What a tick did.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;

use crate::plan::Parked;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

use crate::outcome::Subject;

/// What a tick did, and what it could not do.
#[derive(Default)]
pub struct Report {
    /// Bronze objects that were cleaned.
    pub cleaned: usize,
    /// The tables that were computed, by KPI.
    pub tables: BTreeMap<String, RecordBatch>,
    /// Objects, KPIs and sources that failed, and why. They are tried again in the next tick; everything else went on.
    pub failures: Vec<(String, Error)>,
    /// Things people should look at.
    pub warnings: Vec<String>,
    /// Bronze objects that no dataset's pattern matches.
    pub unmatched: Vec<String>,
    /// What was left alone, because its plugin failed at it as often as it may.
    pub parked: Vec<Parked>,
}

impl Report {
    /// Notes what could not be done. An object that is being written is no failure, but a warning.
    pub(super) fn fail(&mut self, failures: Vec<(Subject, Error)>) {
        for (subject, error) in failures {
            match error.kind() {
                Kind::Unsettled => self.warnings.push(error.to_string()),
                _ => self.failures.push((subject.to_string(), error)),
            }
        }
    }

    /// Returns the report if everything was done.
    ///
    /// # Errors
    /// The first thing that was not.
    pub fn complete(mut self) -> Result<Self> {
        if self.failures.is_empty() {
            return Ok(self);
        }
        let (what, error) = self.failures.swap_remove(0);
        Err(error.context(what))
    }
}
