//! The cleaner's role: cleans bronze, one commit after another.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::host::Host;
use super::report::Report;
use crate::attempt::{Attempt, Attempts};
use crate::host_relation::is_of_bronze;
use crate::outcome::{Outcome, Subject};
use crate::plan::{DatasetPlan, Parked};
use crate::tables::partial::PartialAggregates;
use smelt_catalog::{Change, Failing, Gold, Parts, State};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::{BRONZE, QUARANTINE};

/// About how many bytes of bronze are cleaned before a commit: the most work that a crash can lose. Memory hardly
/// depends on it.
const WAVE_BYTES: u64 = 16 << 30;

/// The history of one call of the role.
#[derive(Default)]
struct Call {
    /// Objects that failed, by dataset and name.
    failed: HashSet<(String, String)>,
    /// Datasets that were rebuilt.
    rebuilt: HashSet<String>,
    /// Datasets that cannot be rebuilt.
    blocked: HashSet<String>,
    /// Datasets that could not be planned or finished. The rest of the call skips them, and the others go on.
    stopped: HashSet<String>,
    /// When this call compared bronze with the catalog in full, if that was due; and when the catalog says that it was
    /// done before.
    reconciled: Option<(i64, Option<i64>)>,
}

impl Call {
    /// Notes the failures, and returns those that are new.
    fn note(&mut self, mut failures: Vec<(Subject, Error)>) -> Vec<(Subject, Error)> {
        failures.retain(|(subject, _)| match subject {
            Subject::Object { dataset, name } => {
                self.failed.insert((dataset.clone(), name.clone()));
                true
            }
            Subject::Dataset(dataset) => self.stopped.insert(dataset.clone()),
            Subject::Kpi(_) => true,
        });
        failures
    }
}

/// A part of a call's work: as much as fits in one commit.
struct Wave {
    plans: Vec<DatasetPlan>,
    /// Set if nothing is left to do after it.
    last: bool,
    /// The number of objects that it cleaned.
    cleaned: u64,
    /// The datasets that it changed.
    changed: HashSet<String>,
    /// The partial aggregates of the KPIs over the rows that it cleaned.
    partials: PartialAggregates,
    /// The datasets and KPIs that the lake has and the pipeline does not.
    unlisted: Parts,
    /// Bronze objects that no dataset's pattern matches.
    unmatched: Vec<String>,
}

impl Wave {
    /// Reports what stays as it is.
    fn report(&self, report: &mut Report) {
        let missing = self.plans.iter().filter(|plan| plan.rebuild.is_none()).flat_map(|plan| &plan.missing);
        report.warnings.extend(missing.map(|name| {
            format!("{BRONZE}{name}: is gone; its rows stay in silver, unless `--forget-missing` gives them up")
        }));
        report.warnings.extend(self.unlisted.called().map(|(what, name)| {
            format!(
                "{what}: the lake has it and the manifest does not, so it stays as it is; `smelt drop {name}` shows what \
                 would leave the lake"
            )
        }));
        let unsettled = self.plans.iter().flat_map(|plan| &plan.unsettled);
        report
            .warnings
            .extend(unsettled.map(|name| format!("{BRONZE}{name}: is being written; the next run looks at it again")));
        let waiting = self.plans.iter().filter_map(|plan| Some((&plan.dataset, plan.gate.as_ref()?.waiting.as_ref()?)));
        report.warnings.extend(waiting.map(|(dataset, why)| format!("dataset `{dataset}`: objects wait: {why}")));
        report.unmatched.clone_from(&self.unmatched);
        let parked = self.plans.iter().flat_map(|plan| &plan.parked);
        report.parked.extend(parked.map(|it| Parked { name: format!("{BRONZE}{}", it.name), ..it.clone() }));
    }
}

impl Host {
    /// Cleans what bronze holds. If the KPIs are to be computed next, returns their partial aggregates over the last
    /// wave.
    pub(super) fn clean_into(&self, aggregate_next: bool, report: &mut Report) -> Result<PartialAggregates> {
        let (mut call, mut attempts) = (Call::default(), Attempts::default());
        let mut partials = PartialAggregates::default();
        loop {
            let outcome = attempts.at(self, |attempt| self.clean_wave(attempt, aggregate_next, &mut call, report))?;
            let Outcome { change: _, failures, warnings, damaged, orphans: _, made: wave } = outcome;
            for plan in wave.plans.iter().filter(|plan| plan.rebuild.is_some() && wave.changed.contains(&plan.dataset))
            {
                self.damaged().remove(&plan.dataset);
                call.rebuilt.insert(plan.dataset.clone());
            }
            let again = !damaged.is_empty();
            self.damaged().extend(damaged);
            report.cleaned += wave.cleaned as usize;
            report.warnings.extend(warnings);
            report.fail(call.note(failures));
            let idle = wave.plans.iter().all(DatasetPlan::is_empty);
            if idle || wave.last && !again {
                if self.judge_into(report)? {
                    // A verdict may take rows out of a dataset that was rebuilt for another reason.
                    call.rebuilt
                        .retain(|name| self.pipeline.dataset(name).is_none_or(|step| step.judged_by.is_empty()));
                    partials = PartialAggregates::default();
                    continue;
                }
                wave.report(report);
                self.purge_after(&call, report)?;
                return Ok(if idle { partials } else { wave.partials });
            }
            partials = wave.partials;
        }
    }

    /// Deletes rejected rows that were kept long enough. Does so once in a while, when everything else in the call is
    /// done.
    fn purge_after(&self, call: &Call, report: &mut Report) -> Result<()> {
        let Some((_, Some(last))) = call.reconciled else { return Ok(()) };
        match self.purge_old(last) {
            Err(error) if error.kind() == Kind::Stale => return Err(error),
            Err(error) => report.failures.push((QUARANTINE.trim_end_matches('/').to_owned(), error)),
            Ok(()) => {}
        }
        Ok(())
    }

    /// Plans the next wave and cleans it.
    fn clean_wave(
        &self,
        attempt: &Attempt<'_, '_>,
        aggregate_next: bool,
        call: &mut Call,
        report: &mut Report,
    ) -> Result<Outcome<Wave>> {
        let state = attempt.state();
        self.expect_key(state)?;
        self.expect_names(state)?;
        if call.reconciled.is_none() && self.reconcile_is_due(state) {
            attempt.catalog.check_gaps()?;
            call.reconciled = Some((self.now(), state.reconciled));
        }
        let reconciled = call.reconciled.map(|(now, _)| now);
        let damaged = self.damaged().clone();
        let mut plan = self.planning(state, &damaged).bronze()?;
        let lost = plan.failures.iter().position(|(_, error)| error.kind() == Kind::Damaged);
        if let Some(lost) = lost
            && attempt.is_outdated()?
        {
            return Err(plan.failures.swap_remove(lost).1);
        }
        let failures = plan.failures.drain(..).map(|(dataset, error)| (Subject::Dataset(dataset), error)).collect();
        report.fail(call.note(failures));
        let (plans, last) = self.wave(plan.datasets, call, report);
        let (unlisted, unmatched) = (plan.unlisted, plan.unmatched);
        let (cleaned, changed, partials) = (0, HashSet::new(), PartialAggregates::default());
        let mut wave = Wave { plans, last, cleaned, changed, partials, unlisted, unmatched };
        if wave.plans.iter().all(DatasetPlan::is_empty) {
            // The last time may seem later, if a clock was ahead then.
            let is_noted = state.sequence == 0 || reconciled.is_none() || state.reconciled == reconciled;
            let change = if is_noted { Change::default() } else { Change { reconciled, ..Change::new("reconcile") } };
            return Ok(Outcome::new(change, wave));
        }
        let cleaning = self.cleaning(state, aggregate_next.then_some(&wave.partials));
        let Outcome { mut change, failures, warnings, damaged, mut orphans, made: () } = cleaning.run(&wave.plans)?;
        orphans |= !self.discard_given_up(state, &wave.plans, &mut change)?;
        change.failing = self.failing(state, &wave.plans, &failures);
        let cleaned = change.datasets.iter().filter(|(name, _)| !is_of_bronze(name));
        wave.cleaned = cleaned.map(|(_, (change, _))| change.cleaned).sum();
        wave.changed = change.datasets.keys().cloned().collect();
        if !change.is_empty() {
            change.reconciled = reconciled;
        }
        Ok(Outcome { change, failures, warnings, damaged, orphans, made: wave })
    }

    /// Makes the change discard the rollback points that hold rows which are given up, because these could not be
    /// brought back.
    fn discard_given_up(&self, state: &State, plans: &[DatasetPlan], change: &mut Change) -> Result<bool> {
        let is_given_up = |dataset: &String| {
            change.datasets.contains_key(dataset)
                && plans
                    .iter()
                    .any(|plan| plan.dataset == *dataset && plan.rebuild.is_some() && !plan.missing.is_empty())
        };
        let reads = |gold: &Gold| gold.inputs.values().any(|input| is_given_up(&input.relation));
        let discarded = state
            .rollback_points
            .iter()
            .filter(|(_, point)| point.datasets.keys().any(is_given_up) || point.gold.values().any(reads));
        let plugins: BTreeSet<String> = discarded.map(|(plugin, _)| plugin.clone()).collect();
        if plugins.is_empty() { Ok(true) } else { change.discard(self.store(), state, plugins) }
    }

    /// Returns what is known to fail, by dataset, where that changed.
    fn failing<'e>(
        &self,
        state: &State,
        plans: &[DatasetPlan],
        failures: &'e [(Subject, Error)],
    ) -> BTreeMap<String, Failing> {
        let of_object = |(subject, error): &'e (Subject, Error)| match subject {
            Subject::Object { dataset, name } if error.kind() != Kind::Unsettled => {
                Some(((dataset.as_str(), name.as_str()), error))
            }
            _ => None,
        };
        let errors: HashMap<_, _> = failures.iter().filter_map(of_object).collect();
        let mut failing = BTreeMap::new();
        for plan in plans {
            let Some(step) = self.pipeline.dataset(&plan.dataset) else { continue };
            let tried = plan.objects.iter().map(|object| {
                let error = errors.get(&(plan.dataset.as_str(), object.name.as_str())).copied();
                (object.name.as_str(), object.etag.as_str(), error)
            });
            let before = state.failing.get(&plan.dataset);
            let after = Failing::after(before, step.fingerprint_at(self.as_of()), tried, self.pipeline.error_text);
            failing.extend(after.map(|after| (plan.dataset.clone(), after)));
        }
        failing
    }

    /// Returns as much of the plan as fits in one commit, and whether that is all of it. A dataset that must be rebuilt
    /// is rebuilt as a whole, so that readers see the old or the new. It is rebuilt once in a call: otherwise an object
    /// that is being written to all the time would keep the host busy for ever.
    fn wave(&self, plans: Vec<DatasetPlan>, call: &mut Call, report: &mut Report) -> (Vec<DatasetPlan>, bool) {
        let mut left = WAVE_BYTES;
        let mut take = |bytes: u64| {
            let fits = left > 0;
            left = left.saturating_sub(bytes);
            fits
        };
        let (mut chosen, mut all) = (Vec::new(), true);
        for mut plan in plans {
            if call.stopped.contains(&plan.dataset) {
                continue;
            }
            let failed = |name: &String| call.failed.contains(&(plan.dataset.clone(), name.clone()));
            if plan.rebuild.is_some() {
                if let Some(error) = plan.blocked().filter(|_| !self.forget_missing) {
                    if call.blocked.insert(plan.dataset.clone()) {
                        report.failures.push((plan.dataset.clone(), error));
                    }
                    continue;
                }
                if let Some(stuck) = plan.stuck() {
                    if let Some(missing) = plan.missing.first().filter(|_| self.forget_missing)
                        && call.blocked.insert(plan.dataset.clone())
                    {
                        let why = format!(
                            "the rows of `{missing}` cannot be given up: that takes a rebuild of the dataset, and its cleaner fails \
                             at `{}`; correct or remove that object",
                            stuck.name
                        );
                        report.failures.push((plan.dataset.clone(), Error::new(Kind::InvalidInput, why)));
                    }
                    let (objects, touched, settled) = (vec![], vec![], vec![]);
                    chosen.push(DatasetPlan { rebuild: None, objects, touched, settled, settles: false, ..plan });
                    continue;
                }
                let stays = plan.objects.iter().any(|object| object.known && failed(&object.name));
                if stays || call.rebuilt.contains(&plan.dataset) {
                    continue;
                }
            }
            let whole = plan.rebuild.is_some();
            let failed: HashSet<String> =
                plan.objects.iter().map(|object| object.name.clone()).filter(|name| failed(name)).collect();
            plan.objects.retain(|object| !failed.contains(&object.name));
            let planned = plan.objects.len();
            plan.objects.retain(|object| whole || take(object.bytes));
            all &= plan.objects.len() == planned;
            if let Some(gate) = plan.gate.as_mut().filter(|_| plan.objects.len() < planned || !failed.is_empty()) {
                // What is left out comes again.
                gate.judged = None;
            }
            chosen.push(plan);
        }
        (chosen, all)
    }
}
