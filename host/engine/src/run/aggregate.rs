//! The aggregator's role: brings tables up to date with what they read.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::host::Host;
use super::report::Report;
use crate::attempt::Attempts;
use crate::outcome::{Outcome, Subject};
use crate::plan::{KpiPlan, Planning};
use crate::tables::Made;
use crate::tables::partial::PartialAggregates;
use smelt_catalog::holding::Holding;
use smelt_catalog::{Failing, State};
use smelt_common::error::Result;
use smelt_storage::sorted_runs::SortedRun;

/// What came of making tables.
struct MadeTables {
    /// Some were made.
    any: bool,
    /// All that they read was complete.
    is_complete: bool,
}

impl Host {
    /// Brings the tables up to date with silver. Returns whether all that they read was complete; if not, what is gone or
    /// damaged has to be rebuilt first.
    pub(super) fn aggregate_into(&self, partials: &PartialAggregates, report: &mut Report) -> Result<bool> {
        if self.reconcile {
            self.note_lost_runs(&self.state()?);
        }
        // What judges objects is made while they are cleaned, since silver follows from it.
        self.make_tables(partials, report, &|planning, level| {
            let of_objects = |plan: &KpiPlan| self.pipeline.table(&plan.kpi).is_some_and(|step| step.on.is_some());
            planning.kpis_at(level).into_iter().filter(|plan| !of_objects(plan)).collect()
        })
        .map(|made| made.is_complete)
    }

    /// Judges the objects of datasets by the checks that come first of those that are due. Returns whether any was made, so
    /// that other objects may count now.
    pub(super) fn judge_into(&self, report: &mut Report) -> Result<bool> {
        let due = |planning: &Planning<'_>| -> Vec<(usize, KpiPlan)> {
            let checks = self.pipeline.tables.iter().filter(|step| planning.is_to_judge(step));
            let plans = checks.map(|step| (step.level, planning.table(step)));
            plans.filter(|(_, plan)| plan.reason.is_some()).collect()
        };
        let damaged = self.damaged().clone();
        let judges = self.pipeline.tables.iter().any(|step| step.on.is_some());
        if !judges || due(&self.planning(&self.state()?, &damaged)).is_empty() {
            return Ok(false);
        }
        // Those of a level are made at once. What they let in is cleaned before those of the next level judge by it.
        let first = Cell::new(None);
        let chosen = |planning: &Planning<'_>, level| {
            let due = if level == 0 || first.get() == Some(level) { due(planning) } else { vec![] };
            if level == 0 {
                first.set(due.iter().map(|(level, _)| *level).min());
            }
            let of_level = due.into_iter().filter(|(of, _)| *of == level && first.get() == Some(level));
            of_level.map(|(_, plan)| plan).collect()
        };
        Ok(self.make_tables(&PartialAggregates::default(), report, &chosen)?.any)
    }

    /// Makes the tables that `plan` says are due, level by level, as [`Host::aggregate_into`] does.
    fn make_tables(
        &self,
        partials: &PartialAggregates,
        report: &mut Report,
        plan: &dyn Fn(&Planning<'_>, usize) -> Vec<KpiPlan>,
    ) -> Result<MadeTables> {
        let damaged_before = self.damaged().clone();
        let mut held = None;
        let outcome = Attempts::default().at(self, |attempt| {
            let state = attempt.state();
            self.expect_names(state)?;
            let plan = |state: &State, level| plan(&self.planning(state, &damaged_before), level);
            let mut outcome = self.aggregation(state, partials, &damaged_before).run(&plan)?;
            report.parked.retain(|parked| self.pipeline.table(&parked.name).is_none());
            report.parked.append(&mut outcome.made.parked);
            if outcome.made.tried.is_empty() {
                self.delete_retired(state)?;
                let warnings = std::mem::take(&mut outcome.warnings);
                outcome = Outcome { warnings, ..Outcome::new(outcome.change, Made::default()) };
            } else {
                outcome.change.failing_kpis = self.failing_kpis(state, &outcome);
            }
            let found = std::mem::take(&mut outcome.made.findings);
            let warnings = self.audit(state, &mut outcome.change, found)?;
            outcome.warnings.extend(warnings);
            held = match outcome.change.audit {
                Some(_) => Holding::of(&outcome.change.applied_to(state)),
                None => Holding::of(state),
            };
            Ok(outcome)
        })?;
        report.held = held;
        let Outcome { change: _, failures, warnings, damaged, orphans: _, made } = outcome;
        let any = !made.names.is_empty();
        for name in &made.names {
            self.damaged().remove(name);
        }
        report.made.extend(made.names);
        report.tables.extend(made.tables);
        report.warnings.extend(warnings);
        if damaged.is_empty() {
            report.fail(failures);
            return Ok(MadeTables { any, is_complete: true });
        }
        // The tables that failed because of it are made again once everything is complete.
        self.damaged().extend(damaged);
        Ok(MadeTables { any, is_complete: false })
    }

    /// Notes the tables of which a run is gone or cut off. There are many runs, so smelt looks for them only when it is told
    /// to compare everything; otherwise it finds out when it needs them.
    fn note_lost_runs(&self, state: &State) {
        let is_there = |run: &SortedRun| self.store().open(&run.key).is_ok_and(|(meta, _)| meta.bytes == run.bytes);
        for (name, gold) in &state.gold {
            let lost = gold.runs().find(|run| !is_there(run));
            self.damaged().extend(lost.map(|run| (name.clone(), format!("`{}` is gone or damaged", run.key))));
        }
    }

    /// Returns the tables that are known to fail, where that changed.
    fn failing_kpis(&self, state: &State, outcome: &Outcome<Made>) -> BTreeMap<String, Failing> {
        let mut failing = BTreeMap::new();
        for (name, version) in &outcome.made.tried {
            let Some(step) = self.pipeline.table(name) else { continue };
            let is_it = |subject: &Subject| matches!(subject, Subject::Kpi(kpi) if kpi == name);
            let error = outcome.failures.iter().find(|(subject, _)| is_it(subject)).map(|(_, error)| error);
            let before = state.failing_kpis.get(name);
            let tried = std::iter::once((name.as_str(), version.as_str(), error));
            let after = Failing::after(before, step.fingerprint_at(self.as_of()), tried, self.pipeline.error_text);
            failing.extend(after.map(|after| (name.clone(), after)));
        }
        failing
    }
}
