//! Makes tables. Each is brought up to date with the rows that came and left since it last ran in what it reads.

use super::aggregation::{Aggregation, Holds, Made, Work};
use super::delta::Delta;
use super::empty_stages::empty_stages;
use super::finalize::Finalized;
use super::read::rows_of;
use super::rows::{Place, Task, WorkInput, bundles};
use crate::host_relation::HostRelation;
use crate::outcome::{Outcome, Subject};
use crate::pipeline::{Findings, TableInput, TableStep, findings};
use crate::plan::{KpiPlan, inputs, of_input, silver_version};
use smelt_catalog::{Change, Commit, Inputs, State};
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, workers};
use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

/// Tasks by object and row ranges. Tables that last ran at different commits must subtract different rows of the same
/// object.
type Tasks<'t> = BTreeMap<((&'t str, u64), Option<&'t [(usize, usize)]>), Task<'t>>;

/// The changes of relations, by the relation's name and by the revisions that were read, if any were.
type Deltas<'s> = HashMap<(&'s str, Option<Vec<u64>>), Delta>;

/// Plans the tables of a level for a state.
type Planner<'p> = dyn Fn(&State, usize) -> Vec<KpiPlan> + 'p;

impl Aggregation<'_> {
    /// Brings the tables up to date that `plan` says are due, level by level: a table after all that it reads. `plan` is
    /// asked for each level, since a table may come out as it was. A table is left alone if one that it reads failed, so
    /// that no table mixes rows of different moments. The lake changes only when the returned change is committed.
    ///
    /// # Errors
    /// An error that stops every table. If one table fails, the outcome says so.
    pub fn run(&self, plan: &Planner<'_>) -> Result<Outcome<Made>> {
        let mut outcome = Outcome::new(Change::new("aggregate"), Made::default());
        // The tables that are not brought up to date, and whether that is news.
        let mut stopped: BTreeMap<&str, bool> = BTreeMap::new();
        let levels = self.pipeline.tables.iter().map(|step| step.level).max().map_or(0, |last| last + 1);
        for level in 0..levels {
            let commit = outcome.change.to_follow(self.state);
            // Keys of new objects have the number of the commit, which is one more than the state's.
            let state = State { sequence: self.state.sequence, ..commit.state.clone() };
            let at_level = Aggregation { state: &state, ..*self };
            let plans = plan(&state, level);
            let of = |step: &TableStep| plans.iter().find(|plan| plan.kpi == step.name);
            let mut due: Vec<&TableStep> = Vec::new();
            for step in self.pipeline.tables.iter().filter(|step| step.level == level) {
                let plan = of(step);
                let reads = step.inputs.iter().flat_map(TableInput::made_from);
                let read = reads.into_iter().find_map(|read| stopped.get_key_value(read.as_str()));
                if let Some(parked) = plan.and_then(|plan| plan.parked.clone()) {
                    stopped.insert(&step.name, false);
                    outcome.made.parked.push(parked);
                } else if let Some((&read, &is_news)) = read {
                    stopped.insert(&step.name, is_news);
                    if is_news {
                        let table = &step.name;
                        outcome.warnings.push(format!(
                            "`{table}` is not brought up to date, because `{read}`, which it reads, is not"
                        ));
                    }
                } else if plan.is_some_and(|plan| plan.reason.is_some()) {
                    due.push(step);
                } else if state.gold.get(&step.name).is_some_and(|gold| !step.has_rows_as(gold)) {
                    // It is not selected, and what lies there is for people: it has no rows for the tables that read it by now.
                    stopped.insert(&step.name, true);
                }
            }
            if due.is_empty() {
                continue;
            }
            outcome.made.tried.extend(due.iter().map(|step| (step.name.clone(), silver_version(step, &state))));
            let broken = at_level.pass(&due, true, &commit, &mut outcome)?;
            if !broken.is_empty() {
                at_level.pass(&broken, false, &commit, &mut outcome)?;
            }
            let failed = due.iter().filter(|step| !outcome.change.gold.contains_key(&step.name));
            stopped.extend(failed.map(|step| (step.name.as_str(), true)));
        }
        Ok(outcome)
    }

    /// Makes the tables, incrementally if that is possible and `incremental` is true. `pending` is the commit that is to
    /// follow, with the tables of lower levels. Returns the tables whose sums, or a log that they need, are gone or
    /// damaged. These must be rebuilt.
    fn pass<'s>(
        &self,
        due: &[&'s TableStep],
        incremental: bool,
        pending: &Commit,
        outcome: &mut Outcome<Made>,
    ) -> Result<Vec<&'s TableStep>> {
        let mut works = Vec::new();
        let mut deltas = Deltas::new();
        let mut broken = Vec::new();
        for &step in due {
            let holds = if incremental { self.holds(step) } else { Holds::default() };
            match self.collect(step, holds, pending, &mut deltas) {
                Ok(holds) => match empty_stages(step, self.state, due.len()) {
                    Ok(sums) => works.push(Work { step, holds, sums, failure: Mutex::default() }),
                    Err(error) => outcome.failures.push((Subject::Kpi(step.name.clone()), error)),
                },
                Err((_, error)) if error.kind() == Kind::Damaged && holds.levels > 0 => broken.push(step),
                Err((relation, error)) if error.kind() == Kind::Damaged => {
                    outcome.damaged.insert(relation, error.to_string());
                }
                Err((_, error)) => outcome.failures.push((Subject::Kpi(step.name.clone()), error)),
            }
        }
        let mut tasks = Tasks::new();
        for (number, work) in works.iter_mut().enumerate() {
            self.assign(work, number, &deltas, &mut tasks);
        }
        let bundles = bundles(tasks.into_values().collect());
        self.progress.begin("aggregating", bundles.iter().flatten().map(|task| task.place.bytes()).sum());
        let damaged = workers::map(bundles, |bundle| self.run_bundle(&bundle, &works));
        self.progress.end();
        outcome.damaged.extend(damaged.into_iter().flatten());

        let finalized = workers::map(works, |work| {
            let Work { step, holds, sums, failure } = work;
            let result = match failure.into_inner().expect("no one panics while holding it") {
                Some(error) => Err(error),
                None => self.finalize(step, holds, &sums).and_then(|finalized| {
                    let findings = step.is_check().then(|| self.findings(step, &finalized)).transpose()?;
                    Ok((finalized, findings))
                }),
            };
            (step, holds, result)
        });
        for (step, holds, result) in finalized {
            match result {
                Ok((finalized, findings)) => {
                    outcome.made.findings.extend(findings.map(|findings| (step.name.clone(), findings)));
                    outcome.change.retired.extend(finalized.retired);
                    outcome.change.referenced.extend(finalized.referenced);
                    outcome.change.gold.insert(step.name.clone(), finalized.gold);
                    outcome.made.names.push(step.name.clone());
                    outcome.change.rows.extend(finalized.rows.map(|rows| (step.name.clone(), rows)));
                    outcome.made.tables.extend(finalized.table.map(|table| (step.name.clone(), table)));
                }
                Err(error) if error.kind() == Kind::Damaged && holds != Holds::default() => {
                    tracing::warn!("the sums of table `{}` are rebuilt: {error}", step.name);
                    broken.push(step);
                }
                Err(error) => {
                    // Some of what belongs to it may have been written before it failed.
                    outcome.orphans = true;
                    outcome.failures.push((Subject::Kpi(step.name.clone()), error));
                }
            }
        }
        Ok(broken)
    }

    /// Returns what the rows of a check that was brought up to date say.
    fn findings(&self, step: &TableStep, finalized: &Finalized) -> Result<Findings> {
        let plugin = &step.plugin.identity().name;
        match &finalized.table {
            Some(table) => findings(plugin, table),
            None => findings(plugin, &rows_of(self.store, step, &finalized.gold)?),
        }
    }

    /// Returns what is kept of the table and can be added to, as far as its inputs can be followed from what it has read.
    fn holds(&self, step: &TableStep) -> Holds {
        let Some(gold) = self.state.gold.get(&step.name).filter(|_| !self.damaged.contains_key(&step.name)) else {
            return Holds::default();
        };
        let now = inputs(step, self.state);
        let of = |inputs: &Inputs, input: &str| -> Vec<_> {
            let versions = of_input(inputs, input).into_iter();
            versions.map(|(_, read)| (read.relation.clone(), read.schema.clone(), read.since)).collect()
        };
        let goes_on = |input: &str| of(&gold.inputs, input) == of(&now, input);
        let others = (0..step.inputs.len()).filter(|&input| !goes_on(&step.inputs[input].name));
        let levels = others.map(|input| step.target(input)).chain([step.levels_that_hold(gold, self.as_of)]).min();
        Holds { levels: levels.unwrap_or_default(), rows: step.has_form_of(gold, self.as_of) }
    }

    /// Returns the revision from which an input is read on: that which the table last read, if what it gave is kept. For a
    /// relation of the host, returns that of each dataset.
    fn read_from(&self, step: &TableStep, input: usize, holds: Holds) -> Option<Vec<u64>> {
        let (of, gold) = (&step.inputs[input], self.state.gold.get(&step.name)?);
        let read: Vec<_> = of_input(&gold.inputs, &of.name).into_iter().map(|(_, read)| read.revision).collect();
        let is_begun = !read.is_empty() || HostRelation::named(&of.relation).is_some();
        Some(read).filter(|_| is_begun && step.target(input) < holds.levels)
    }

    /// Returns the rows that changed in a relation since these revisions, or all rows. Returns `None` if the changes cannot
    /// be followed. A relation that does not exist yet has no rows.
    ///
    /// # Errors
    /// The rows cannot be read; with the name of the relation that has them.
    fn delta(&self, relation: &str, since: Option<&[u64]>, pending: &Commit) -> Result<Option<Delta>, (String, Error)> {
        let of_host = HostRelation::named(relation);
        if of_host == Some(HostRelation::Checks) {
            let rows = self.check_rows(pending, since)?;
            return Ok(rows.map(|rows| Delta::of_given(HostRelation::Checks, since, rows)));
        }
        let delta = match (of_host, self.state.relation(relation), since) {
            (Some(of_host), ..) => Delta::of_host(self.store, pending, self.state, of_host, since),
            (None, None, _) => Ok(Some(Delta::default())),
            (None, Some(found), Some(&[revision])) => Delta::since(self.store, pending, relation, found, revision),
            (None, Some(found), _) => Delta::all(self.store, found).map(Some),
        };
        delta.map_err(|error| (relation.to_owned(), error))
    }

    /// Finds the rows that were added and removed in each relation that the table reads. Returns what can be added to.
    ///
    /// # Errors
    /// The catalog cannot be read; with the name of the relation.
    fn collect<'s>(
        &self,
        step: &'s TableStep,
        mut holds: Holds,
        pending: &Commit,
        deltas: &mut Deltas<'s>,
    ) -> Result<Holds, (String, Error)> {
        for (number, input) in step.inputs.iter().enumerate() {
            let Some(since) = self.read_from(step, number, holds) else { continue };
            if deltas.contains_key(&(input.relation.as_str(), Some(since.clone()))) {
                continue;
            }
            match self.delta(&input.relation, Some(&since), pending)? {
                Some(delta) => drop(deltas.insert((input.relation.as_str(), Some(since)), delta)),
                None => holds.levels = holds.levels.min(step.target(number)),
            }
        }
        for (number, input) in step.inputs.iter().enumerate() {
            let key = (input.relation.as_str(), None);
            if self.read_from(step, number, holds).is_none() && !deltas.contains_key(&key) {
                let all = self.delta(&input.relation, None, pending)?;
                deltas.extend(all.map(|all| (key, all)));
            }
        }
        Ok(holds)
    }

    /// Adds tasks for the rows that the table must add or subtract, except those that its partial aggregate contains.
    fn assign<'t, 's: 't>(&self, work: &mut Work<'s>, number: usize, deltas: &'t Deltas<'_>, tasks: &mut Tasks<'t>) {
        let (step, holds) = (work.step, work.holds);
        let of_input =
            |input: usize| deltas.get(&(step.inputs[input].relation.as_str(), self.read_from(step, input, holds)));
        let mut add = |place: Place<'t>, relation: &'t str, ranges: Option<&'t [(usize, usize)]>, reader| {
            let task = || Task { place, relation, ranges, readers: vec![] };
            tasks.entry((place.key(), ranges)).or_insert_with(task).readers.push(reader);
        };
        let added = (0..step.inputs.len()).flat_map(|input| {
            let added = of_input(input).into_iter().flat_map(|delta| &delta.added);
            added.map(move |object| (input, object.key.as_str()))
        });
        let partial = self.partials.take(&step.name, added);
        // Only sums with the same key hash can be added to the kept sums.
        let partial = partial.filter(|(_, sums)| {
            let mut both = sums.iter().zip(&work.sums);
            holds.levels == 0 || both.all(|(partial, kept)| partial.key_hash() == kept.key_hash())
        });
        for (input, of) in step.inputs.iter().enumerate() {
            let Some(delta) = of_input(input) else { continue };
            let reader = WorkInput { work: number, input };
            for object in &delta.added {
                if partial.as_ref().is_none_or(|(included, _)| !included.contains(&(input, object.key.clone()))) {
                    add(Place::Object(object), &of.relation, None, reader);
                }
            }
            if let Some(rows) = delta.whole.as_ref().filter(|rows| !rows.runs().is_empty()) {
                Place::of_rows(rows).for_each(|place| add(place, &of.relation, None, reader));
            }
            for given in &delta.given {
                add(Place::Given(given), &of.relation, None, reader);
            }
            for removed in &delta.removed {
                add(Place::Object(&removed.rows), &of.relation, Some(removed.ranges.as_slice()), reader);
            }
        }
        if let Some((_, sums)) = partial {
            work.sums = sums;
        }
    }
}
