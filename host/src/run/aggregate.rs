//! The aggregator's role.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::{ATTEMPTS, Host, Report};
use crate::aggregate::Aggregation;
use crate::catalog::Catalog;
use crate::error::{Kind, Result};
use crate::fresh::Fresh;

impl Host {
    /// Returns whether silver was whole; if not, cleaning makes it anew.
    pub(super) fn aggregate_into(&self, fresh: &Fresh, report: &mut Report) -> Result<bool> {
        for attempt in 1.. {
            let mut catalog = Catalog::load(self.store())?;
            let plan = self.planning(catalog.state(), &BTreeMap::new()).kpis(&[]);
            if plan.iter().all(|kpi| kpi.reason.is_none()) {
                return self.sweep(catalog.state()).map(|()| true);
            }
            let aggregation = Aggregation {
                store: self.store(),
                pipeline: &self.pipeline,
                state: catalog.state(),
                now: self.clock.now(),
                as_of: self.as_of(),
                fresh,
                progress: &self.progress,
            };
            let sequence = catalog.state().sequence;
            let outcome = aggregation.run(&plan)?;
            if !outcome.damaged.is_empty() {
                // Another host may have replaced what was about to be read: then the newer catalog names other objects.
                catalog.refresh()?;
                if catalog.state().sequence != sequence && attempt < ATTEMPTS {
                    continue;
                }
            }
            match self.commit(&mut catalog, outcome.change) {
                Err(error) if error.kind() == Kind::Conflict && attempt < ATTEMPTS => {
                    self.untidy.store(true, Ordering::Relaxed);
                    continue;
                }
                committed => committed?,
            }
            report.tables.extend(outcome.tables);
            if outcome.damaged.is_empty() {
                report.failures.extend(outcome.failures);
                return Ok(true);
            }
            // What failed for it is computed again once silver is whole.
            self.damaged().extend(outcome.damaged);
            return Ok(false);
        }
        unreachable!("the loop ends only by returning")
    }
}
