//! The cleaner's role, the aggregator's, and both one after the other.

use super::host::Host;
use super::report::Report;
use crate::tables::partial::PartialAggregates;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

impl Host {
    /// The cleaner's role: cleans whatever bronze holds until nothing is left.
    pub fn clean(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| self.clean_into(false, &mut report))?;
        Ok(report)
    }

    /// The aggregator's role: brings every KPI up to date with silver. Silver that is gone or damaged is made anew first.
    pub fn aggregate(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| {
            let is_whole =
                self.damaged().is_empty() && self.aggregate_into(&PartialAggregates::default(), &mut report)?;
            if is_whole { Ok(()) } else { self.clean_and_aggregate(&mut report) }
        })?;
        Ok(report)
    }

    /// Cleans, then aggregates.
    pub fn run(&self) -> Result<Report> {
        let mut report = Report::default();
        self.writing(|| self.clean_and_aggregate(&mut report))?;
        Ok(report)
    }

    fn clean_and_aggregate(&self, report: &mut Report) -> Result<()> {
        for _ in 0..2 {
            let partials = self.clean_into(true, report)?;
            if self.aggregate_into(&partials, report)? {
                return Ok(());
            }
        }
        // Why it could not be made anew is among the failures, or it is damaged as fast as it is made.
        let damaged = self.damaged().clone();
        let failed = |why| Error::new(Kind::Damaged, format!("{why}; the dataset could not be made anew"));
        report.failures.extend(damaged.into_iter().map(|(dataset, why)| (dataset, failed(why))));
        Ok(())
    }
}
