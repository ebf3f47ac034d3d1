//! The entry points of the cleaner's role, the aggregator's role, and both one after the other.

use std::collections::BTreeSet;

use super::host::Host;
use super::report::Report;
use crate::tables::partial::PartialAggregates;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

impl Host {
    /// Runs the cleaner's role: cleans what bronze holds until nothing is left to do.
    pub fn clean(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| self.clean_into(false, &mut report))?;
        Ok(report)
    }

    /// Runs the aggregator's role: brings every table up to date with silver, then tells the sinks. If silver is gone or damaged,
    /// rebuilds it first.
    pub fn aggregate(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| {
            let is_complete =
                self.damaged().is_empty() && self.aggregate_into(&PartialAggregates::default(), &mut report)?;
            if !is_complete {
                self.clean_and_aggregate(&mut report)?;
            }
            self.tell_sinks_into(&mut report)
        })?;
        Ok(report)
    }

    /// Runs both roles: cleans, then aggregates and tells the sinks.
    pub fn run(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| {
            self.clean_and_aggregate(&mut report)?;
            self.tell_sinks_into(&mut report)
        })?;
        Ok(report)
    }

    fn clean_and_aggregate(&self, report: &mut Report) -> Result<()> {
        // The host finds that a table lacks rows when it reads them, so each turn may find a table further up. One that is
        // found twice cannot be rebuilt.
        let mut found: BTreeSet<String> = BTreeSet::new();
        let mut is_new = true;
        while is_new {
            let partials = self.clean_into(true, report)?;
            if self.aggregate_into(&partials, report)? {
                return Ok(());
            }
            let before = found.len();
            found.extend(self.damaged().keys().cloned());
            is_new = found.len() > before;
        }
        // The failures say why a dataset could not be rebuilt, or it gets damaged as fast as it is rebuilt.
        let damaged = self.damaged().clone();
        let failed = |why| Error::new(Kind::Damaged, format!("{why}; the dataset could not be rebuilt"));
        report.failures.extend(damaged.into_iter().map(|(dataset, why)| (dataset, failed(why))));
        Ok(())
    }
}
