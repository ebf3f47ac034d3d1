//! The aggregator's role: brings KPIs up to date with silver.

use std::collections::BTreeMap;

use super::host::Host;
use super::report::Report;
use crate::attempt::Attempts;
use crate::outcome::{Outcome, Subject};
use crate::plan::{KpiPlan, silver_version};
use crate::tables::Tables;
use crate::tables::partial::PartialAggregates;
use smelt_catalog::{Change, Failing, State};
use smelt_common::error::Result;

impl Host {
    /// Brings the KPIs up to date with silver. Returns whether silver was complete; if not, cleaning has to rebuild it.
    pub(super) fn aggregate_into(&self, partials: &PartialAggregates, report: &mut Report) -> Result<bool> {
        let outcome = Attempts::default().at(self, |attempt| {
            let state = attempt.state();
            let plan = self.planning(state, &BTreeMap::new()).kpis(&[]);
            report.parked.retain(|parked| plan.iter().all(|kpi| kpi.kpi != parked.name));
            report.parked.extend(plan.iter().filter_map(|kpi| kpi.parked.clone()));
            if plan.iter().all(|kpi| kpi.reason.is_none()) {
                self.delete_retired(state)?;
                return Ok(Outcome::new(Change::default(), Tables::new()));
            }
            let mut outcome = self.aggregation(state, partials).run(&plan)?;
            outcome.change.failing_kpis = self.failing_kpis(state, &plan, &outcome);
            Ok(outcome)
        })?;
        let Outcome { change: _, failures, warnings, damaged, orphans: _, made: tables } = outcome;
        report.tables.extend(tables);
        report.warnings.extend(warnings);
        if damaged.is_empty() {
            report.fail(failures);
            return Ok(true);
        }
        // The KPIs that failed because of it are computed again once silver is complete.
        self.damaged().extend(damaged);
        Ok(false)
    }

    /// Returns the KPIs that are known to fail, where that changed.
    fn failing_kpis(&self, state: &State, plans: &[KpiPlan], outcome: &Outcome<Tables>) -> BTreeMap<String, Failing> {
        let mut failing = BTreeMap::new();
        for step in &self.pipeline.kpis {
            let name = step.name.as_str();
            if !plans.iter().any(|plan| plan.kpi == name && plan.reason.is_some()) {
                continue;
            }
            let is_it = |subject: &Subject| matches!(subject, Subject::Kpi(kpi) if kpi == name);
            let error = outcome.failures.iter().find(|(subject, _)| is_it(subject)).map(|(_, error)| error);
            let (before, version) = (state.failing_kpis.get(name), silver_version(step, state));
            let tried = std::iter::once((name, version.as_str(), error));
            let after = Failing::after(before, step.fingerprint.at(self.as_of()), tried, self.pipeline.error_text);
            failing.extend(after.map(|after| (name.to_owned(), after)));
        }
        failing
    }
}
