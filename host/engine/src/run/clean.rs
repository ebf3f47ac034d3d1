//! The cleaner's role, commit by commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::Ordering;

use super::{ATTEMPTS, Host, Report};
use crate::clean::Cleaning;
use crate::plan::{DatasetPlan, Parked};
use crate::tables::partial::PartialAggregates;
use smelt_catalog::{Change, Failing, Gold, State};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::layers::{BRONZE, QUARANTINE};

/// About how many bytes of bronze are cleaned before a commit: what a crash can cost at most. Memory hardly depends on it.
const WAVE_BYTES: u64 = 16 << 30;

/// What one call of a role has been through.
#[derive(Default)]
struct Done {
    /// Objects that failed, by dataset and name.
    failed: HashSet<(String, String)>,
    /// Datasets that were made anew.
    rebuilt: HashSet<String>,
    /// Datasets that cannot be made anew.
    blocked: HashSet<String>,
    /// Datasets that could not be planned or finished.
    stopped: HashSet<String>,
}

impl Done {
    /// These are left alone for the rest of the call: whatever ails them, the others go on.
    fn stop(&mut self, datasets: Vec<(String, Error)>, report: &mut Report) {
        let new = datasets.into_iter().filter(|(dataset, _)| self.stopped.insert(dataset.clone()));
        report.failures.extend(new);
    }
}

impl Host {
    /// Returns what the KPIs took in of the last wave, if they are to be computed next.
    pub(super) fn clean_into(&self, aggregate_next: bool, report: &mut Report) -> Result<PartialAggregates> {
        let mut done = Done::default();
        let mut fresh = PartialAggregates::default();
        let mut conflicts = 0;
        let (mut reconciled, mut last) = (None, None);
        loop {
            let mut catalog = self.catalog()?;
            self.expect_key(catalog.state())?;
            if reconciled.is_none() && self.reconcile_is_due(catalog.state()) {
                catalog.check_gaps()?;
                reconciled = Some(self.clock.now().timestamp_micros());
                last = catalog.state().reconciled;
            }
            let damaged = self.damaged().clone();
            let mut plan = match self.planning(catalog.state(), &damaged).bronze() {
                Err(error) if conflicts < ATTEMPTS => {
                    conflicts += 1;
                    self.anew_after(&mut catalog, error)?;
                    continue;
                }
                plan => plan?,
            };
            let lost = plan.failures.iter().position(|(_, error)| error.kind() == Kind::Damaged);
            if let Some(lost) = lost.filter(|_| conflicts < ATTEMPTS) {
                let (dataset, error) = plan.failures.swap_remove(lost);
                match self.anew_after(&mut catalog, error) {
                    Err(error) => plan.failures.push((dataset, error)),
                    Ok(()) => {
                        conflicts += 1;
                        continue;
                    }
                }
            }
            done.stop(std::mem::take(&mut plan.failures), report);
            let (plans, all) = self.wave(plan.datasets, &mut done, report);
            let finish = |report: &mut Report| {
                let missing = plans.iter().filter(|plan| plan.rebuild.is_none()).flat_map(|plan| &plan.missing);
                report.warnings.extend(
                    missing.map(|name| format!("{BRONZE}{name}: is gone; what was read of it stays in silver, unless `--forget-missing` gives it up")),
                );
                report.warnings.extend(plan.unlisted.called().map(|(what, name)| {
                    format!(
                        "{what}: the lake has it and the pipeline does not, so it stays as it is; `smelt drop {name}` shows what \
                         would leave the lake"
                    )
                }));
                let unsettled = plans.iter().flat_map(|plan| &plan.unsettled);
                report.warnings.extend(
                    unsettled.map(|name| format!("{BRONZE}{name}: is being written; the next run looks at it again")),
                );
                report.unmatched.clone_from(&plan.unmatched);
                let parked = plans.iter().flat_map(|plan| &plan.parked);
                report.parked.extend(parked.map(|it| Parked { name: format!("{BRONZE}{}", it.name), ..it.clone() }));
            };
            // Once in a while, when everything else is done.
            let purge = |state: &State| {
                last.filter(|_| reconciled.is_some()).map_or(Ok(()), |last| self.purge_old(state, last))
            };
            let failed = |error: Error| (QUARANTINE.trim_end_matches('/').to_owned(), error);
            if plans.iter().all(DatasetPlan::is_empty) {
                if let Err(error) = purge(catalog.state()) {
                    match self.anew_after(&mut catalog, error) {
                        Ok(()) if conflicts < ATTEMPTS => {
                            conflicts += 1;
                            continue;
                        }
                        purged => report.failures.extend(purged.err().map(failed)),
                    }
                }
                // The last time may seem later: the clock was ahead.
                if catalog.state().sequence > 0 && reconciled.is_some() && catalog.state().reconciled != reconciled {
                    self.commit(&mut catalog, Change { reconciled, ..Change::new("reconcile") })?;
                }
                finish(report);
                return Ok(fresh);
            }
            fresh = PartialAggregates::default();
            let cleaning = Cleaning {
                store: self.store(),
                pipeline: &self.pipeline,
                state: catalog.state(),
                as_of: self.as_of(),
                now: self.now(),
                fresh: aggregate_next.then_some(&fresh),
                progress: &*self.progress,
            };
            let sequence = catalog.state().sequence;
            let mut outcome = match cleaning.run(&plans) {
                Err(error) if conflicts < ATTEMPTS => {
                    conflicts += 1;
                    self.anew_after(&mut catalog, error)?;
                    continue;
                }
                outcome => outcome?,
            };
            self.orphaned.fetch_or(outcome.orphaned, Ordering::Relaxed);
            if !outcome.damaged.is_empty() && conflicts < ATTEMPTS {
                // Another host may have replaced what was about to be read: then the newer catalog names other objects.
                catalog.refresh()?;
                if catalog.state().sequence != sequence {
                    conflicts += 1;
                    self.insist()?;
                    continue;
                }
            }
            self.let_go_of_given_up(catalog.state(), &plans, &mut outcome.change)?;
            outcome.change.failing = self.failing(catalog.state(), &plans, &outcome.failures);
            let changes = &outcome.change.datasets;
            let cleaned: u64 = changes.values().map(|(change, _)| change.cleaned).sum();
            let changed: HashSet<String> = changes.keys().cloned().collect();
            if !outcome.change.is_empty() {
                outcome.change.reconciled = reconciled;
            }
            match self.commit(&mut catalog, outcome.change) {
                Err(error) if error.kind() == Kind::Conflict && conflicts < ATTEMPTS => {
                    conflicts += 1;
                    self.insist()?;
                    continue;
                }
                committed => committed?,
            }
            for plan in plans.iter().filter(|plan| plan.rebuild.is_some() && changed.contains(&plan.dataset)) {
                self.damaged().remove(&plan.dataset);
                done.rebuilt.insert(plan.dataset.clone());
            }
            let again = !outcome.damaged.is_empty();
            self.damaged().extend(outcome.damaged);
            report.cleaned += cleaned as usize;
            report.warnings.extend(outcome.warnings);
            for (object, error) in outcome.unsettled {
                report.warnings.push(error.to_string());
                done.failed.insert(object);
            }
            for (object, error) in outcome.failures {
                report.failures.push((format!("{BRONZE}{}", object.1), error));
                done.failed.insert(object);
            }
            done.stop(outcome.stopped, report);
            if all && !again {
                finish(report);
                let purged = purge(catalog.state()).or_else(|error| self.anew_after(&mut catalog, error));
                report.failures.extend(purged.err().map(failed));
                return Ok(fresh);
            }
        }
    }

    /// Has the change let go of what is kept for rollbacks with rows that are given up: it could not be brought back.
    fn let_go_of_given_up(&self, state: &State, plans: &[DatasetPlan], change: &mut Change) -> Result<()> {
        let is_given_up = |dataset: &String| {
            change.datasets.contains_key(dataset)
                && plans
                    .iter()
                    .any(|plan| plan.dataset == *dataset && plan.rebuild.is_some() && !plan.missing.is_empty())
        };
        let reads = |gold: &Gold| gold.inputs.values().any(|input| is_given_up(&input.dataset));
        let former = state
            .rollback_points
            .iter()
            .filter(|(_, former)| former.datasets.keys().any(is_given_up) || former.gold.values().any(reads));
        let plugins: BTreeSet<String> = former.map(|(plugin, _)| plugin.clone()).collect();
        if !plugins.is_empty() {
            let all = change.discard(self.store(), state, plugins)?;
            self.orphaned.fetch_or(!all, Ordering::Relaxed);
        }
        Ok(())
    }

    /// What is known to fail, by dataset, where that changed.
    fn failing(
        &self,
        state: &State,
        plans: &[DatasetPlan],
        failures: &[((String, String), Error)],
    ) -> BTreeMap<String, Failing> {
        let errors: HashMap<_, _> =
            failures.iter().map(|((dataset, name), error)| ((dataset.as_str(), name.as_str()), error)).collect();
        let mut failing = BTreeMap::new();
        for plan in plans {
            let Some(step) = self.pipeline.dataset(&plan.dataset) else { continue };
            let tried = plan.objects.iter().map(|object| {
                let error = errors.get(&(plan.dataset.as_str(), object.name.as_str())).copied();
                (object.name.as_str(), object.etag.as_str(), error)
            });
            let before = state.failing.get(&plan.dataset);
            let after = Failing::after(before, step.fingerprint.at(self.as_of()), tried, self.pipeline.error_text);
            failing.extend(after.map(|after| (plan.dataset.clone(), after)));
        }
        failing
    }

    /// As much of the plan as fits in one commit, and whether that is all of it. What makes a dataset anew is done whole, so that readers see the old or
    /// the new, and once in a call: an object that is being written to all the time would keep us busy for ever.
    fn wave(&self, plans: Vec<DatasetPlan>, done: &mut Done, report: &mut Report) -> (Vec<DatasetPlan>, bool) {
        let mut left = WAVE_BYTES;
        let mut take = |bytes: u64| {
            let fits = left > 0;
            left = left.saturating_sub(bytes);
            fits
        };
        let (mut chosen, mut all) = (Vec::new(), true);
        for mut plan in plans {
            if done.stopped.contains(&plan.dataset) {
                continue;
            }
            let failed = |name: &String| done.failed.contains(&(plan.dataset.clone(), name.clone()));
            if plan.rebuild.is_some() {
                if let Some(error) = plan.blocked().filter(|_| !self.forget_missing) {
                    if done.blocked.insert(plan.dataset.clone()) {
                        report.failures.push((plan.dataset.clone(), error));
                    }
                    continue;
                }
                if let Some(stuck) = plan.stuck() {
                    if let Some(missing) = plan.missing.first().filter(|_| self.forget_missing)
                        && done.blocked.insert(plan.dataset.clone())
                    {
                        let why = format!(
                            "the rows of `{missing}` cannot be given up: the dataset must be made anew for it, and its cleaner \
                             fails at `{}`; put right or remove that",
                            stuck.name
                        );
                        report.failures.push((plan.dataset.clone(), Error::new(Kind::InvalidInput, why)));
                    }
                    let (objects, touched, settled) = (vec![], vec![], vec![]);
                    chosen.push(DatasetPlan { rebuild: None, objects, touched, settled, settles: false, ..plan });
                    continue;
                }
                let stays = plan.objects.iter().any(|object| object.known && failed(&object.name));
                if stays || done.rebuilt.contains(&plan.dataset) {
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
            chosen.push(plan);
        }
        (chosen, all)
    }
}
