//! The aggregator's role.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use super::{ATTEMPTS, Host, Report};
use crate::plan::{KpiPlan, silver_version};
use crate::tables::partial::PartialAggregates;
use crate::tables::{Aggregation, Outcome};
use smelt_catalog::{Failing, State};
use smelt_common::error::{Kind, Result};

impl Host {
    /// Returns whether silver was whole; if not, cleaning makes it anew.
    pub(super) fn aggregate_into(&self, fresh: &PartialAggregates, report: &mut Report) -> Result<bool> {
        for attempt in 1.. {
            let mut catalog = self.catalog()?;
            let plan = self.planning(catalog.state(), &BTreeMap::new()).kpis(&[]);
            report.parked.retain(|parked| plan.iter().all(|kpi| kpi.kpi != parked.name));
            report.parked.extend(plan.iter().filter_map(|kpi| kpi.parked.clone()));
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
                progress: &*self.progress,
            };
            let sequence = catalog.state().sequence;
            let mut outcome = match aggregation.run(&plan) {
                Err(error) if attempt < ATTEMPTS => {
                    self.anew_after(&mut catalog, error)?;
                    continue;
                }
                outcome => outcome?,
            };
            outcome.change.failing_kpis = self.failing_kpis(catalog.state(), &plan, &outcome);
            if !outcome.damaged.is_empty() {
                // Another host may have replaced what was about to be read: then the newer catalog names other objects.
                catalog.refresh()?;
                if catalog.state().sequence != sequence && attempt < ATTEMPTS {
                    self.orphaned.store(true, Ordering::Relaxed);
                    self.insist()?;
                    continue;
                }
            }
            match self.commit(&mut catalog, outcome.change) {
                Err(error) if error.kind() == Kind::Conflict && attempt < ATTEMPTS => {
                    self.insist()?;
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

    /// What is known to fail, by KPI, where that changed.
    fn failing_kpis(&self, state: &State, plans: &[KpiPlan], outcome: &Outcome) -> BTreeMap<String, Failing> {
        let mut failing = BTreeMap::new();
        for step in &self.pipeline.kpis {
            let name = step.name.as_str();
            if !plans.iter().any(|plan| plan.kpi == name && plan.reason.is_some()) {
                continue;
            }
            let error = outcome.failures.iter().find(|(kpi, _)| kpi == name).map(|(_, error)| error);
            let (before, version) = (state.failing_kpis.get(name), silver_version(step, state));
            let tried = std::iter::once((name, version.as_str(), error));
            let after = Failing::after(before, step.fingerprint.at(self.as_of()), tried, self.pipeline.error_text);
            failing.extend(after.map(|after| (name.to_owned(), after)));
        }
        failing
    }
}
