//! The part of a plan that concerns datasets whose objects checks judge as a whole: which objects count.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, RecordBatch};

use super::planning::Planning;
use super::records::{DatasetPlan, GatePlan, PlannedObject};
use crate::pipeline::{DatasetStep, TableStep, bronze_name};
use crate::tables::visit_rows;
use smelt_catalog::{Dataset, Decision, Entries, Entry, Status, Verb, file_and_revision};
use smelt_common::Error;
use smelt_common::error::{Kind, Result};

/// What checks say of an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// An expectation failed.
    pub(crate) failed: bool,
    /// An expectation warned.
    pub(crate) warned: bool,
}

/// What the statuses of a file's revisions follow from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged<'j> {
    /// What checks say.
    pub(super) verdict: Verdict,
    /// The object could be read.
    pub(super) is_readable: bool,
    /// What a person decided.
    pub(super) decision: Option<&'j Decision>,
}

/// Returns the status of each object: a function of the set of objects, and of nothing else. Of one file's revisions the
/// greatest that counts counts alone.
pub(super) fn statuses<'j>(objects: impl IntoIterator<Item = (&'j str, Judged<'j>)>) -> BTreeMap<&'j str, Status> {
    let alone = |Judged { verdict, is_readable, decision }: Judged<'_>| match decision.map(|decision| decision.verb) {
        Some(Verb::Withhold) => Status::Withheld,
        Some(Verb::Release) if verdict.failed && is_readable => Status::Released,
        _ if verdict.failed => Status::Refused,
        _ if verdict.warned => Status::Warned,
        _ => Status::Admitted,
    };
    let mut statuses: BTreeMap<&str, Status> =
        objects.into_iter().map(|(name, judged)| (name, alone(judged))).collect();
    let mut greatest: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, _) in statuses.iter().filter(|(_, status)| status.counts()) {
        let (file, revision) = file_and_revision(name);
        let greatest = greatest.entry(file).or_default();
        *greatest = revision.max(*greatest);
    }
    for (name, status) in &mut statuses {
        let (file, revision) = file_and_revision(name);
        if greatest.get(file).is_some_and(|&greatest| revision < greatest) {
            *status = Status::Replaced;
        }
    }
    statuses
}

/// Adds what the rows of a check's table say of objects. A verdict that does not say that it passed has failed.
fn add_verdicts(table: &RecordBatch, verdicts: &mut BTreeMap<String, Verdict>) -> Result<()> {
    let column = |name: &str| {
        table.column_by_name(name).ok_or_else(|| Error::internal(format!("a check's table lacks `{name}`")))
    };
    let [object, expectation, severity] = [column("object")?, column("expectation")?, column("severity")?];
    let (object, expectation) = (object.as_string::<i32>(), expectation.as_string::<i32>());
    let (severity, passed) = (severity.as_string::<i32>(), column("passed")?.as_boolean());
    for row in 0..table.num_rows() {
        if object.is_null(row) || expectation.is_null(row) {
            continue;
        }
        let verdict = match verdicts.get_mut(object.value(row)) {
            Some(verdict) => verdict,
            None => verdicts.entry(object.value(row).to_owned()).or_default(),
        };
        if passed.is_null(row) || !passed.value(row) {
            match severity.is_valid(row) && severity.value(row) == "warn" {
                true => verdict.warned = true,
                false => verdict.failed = true,
            }
        }
    }
    Ok(())
}

impl Planning<'_> {
    /// Returns the plan of a dataset whose objects checks judge. It follows the records of bronze rather than bronze itself,
    /// and waits for the checks.
    pub(super) fn judged(&self, step: &DatasetStep) -> Result<DatasetPlan> {
        let held = self.state.datasets.get(&step.name);
        let reason = self.reason(step, held);
        let mut plan = self.dataset_plan(step, None);
        let waits = |waiting: String| {
            let gate = Some(GatePlan { waiting: Some(waiting), ..GatePlan::default() });
            Ok(DatasetPlan { gate, ..self.dataset_plan(step, None) })
        };
        let Some(bronze) = self.state.datasets.get(&bronze_name(&step.name)) else { return Ok(plan) };
        let mut judged = BTreeMap::from([(bronze_name(&step.name), bronze.relation.revision)]);
        let mut checks: Vec<&TableStep> = Vec::new();
        for name in &step.judged_by {
            let check = self.pipeline.table(name).ok_or_else(|| Error::internal(format!("no check `{name}`")))?;
            let current = self.state.gold.get(name).filter(|_| self.table(check).is_current());
            let Some(gold) = current else { return waits(format!("`{name}` has not judged what came last")) };
            judged.insert(name.clone(), gold.relation.revision);
            checks.push(check);
        }
        if reason.is_none()
            && held.is_some_and(|held| held.bronze.judged == judged)
            && !self.state.failing.contains_key(&step.name)
        {
            return Ok(plan);
        }
        let mut said = Vec::new();
        for check in checks {
            let mut verdicts = BTreeMap::new();
            let gold = &self.state.gold[&check.name];
            visit_rows(self.store, check, gold, &mut |rows| add_verdicts(rows, &mut verdicts))?;
            said.push(verdicts);
        }
        let objects = Entries::of(self.store, bronze).all()?;
        let judged_objects = objects.iter().filter_map(|(name, entry)| {
            // All checks must have said something of it.
            let verdicts = said.iter().map(|verdicts| verdicts.get(name).copied()).collect::<Option<Vec<Verdict>>>()?;
            let any = |of: fn(&Verdict) -> bool| verdicts.iter().any(of);
            let verdict = Verdict { failed: any(|it| it.failed), warned: any(|it| it.warned) };
            let staged = entry.staged.as_ref();
            let is_readable = staged.is_none_or(|staged| staged.unreadable.is_none());
            let decision = staged.and_then(|staged| staged.decision.as_ref());
            Some((name.as_str(), Judged { verdict, is_readable, decision }))
        });
        let statuses = statuses(judged_objects);
        let known = match held.map(|held| self.known(held)).transpose() {
            Err(error) if error.kind() == Kind::Damaged => {
                plan.rebuild = Some(error.to_string());
                BTreeMap::new()
            }
            known => known?.unwrap_or_default(),
        };
        plan.rebuild = plan.rebuild.or(reason).or_else(|| left(&objects, &statuses, &known));
        self.place(&objects, &statuses, &known, &mut plan);
        if let Some(gate) = &mut plan.gate {
            gate.judged = Some(judged);
        }
        Ok(plan)
    }

    /// Returns what the catalog knows of the dataset's objects.
    fn known(&self, held: &Dataset) -> Result<BTreeMap<String, Entry>> {
        Ok(Entries::of(self.store, held).all()?.into_iter().collect())
    }

    /// Puts each object into the plan: cleaned, held, or given another status.
    fn place(
        &self,
        objects: &[(String, Entry)],
        statuses: &BTreeMap<&str, Status>,
        known: &BTreeMap<String, Entry>,
        plan: &mut DatasetPlan,
    ) {
        let mut gate = GatePlan::default();
        let versions: BTreeMap<&str, &str> =
            objects.iter().map(|(name, it)| (name.as_str(), it.etag.as_str())).collect();
        let failing = self.state.failing.get(&plan.dataset);
        // Another version of a parked object is tried again.
        plan.parked.retain(|parked| {
            let failure = failing.and_then(|failing| failing.items.get(&parked.name));
            failure.is_some_and(|failure| versions.get(parked.name.as_str()) == Some(&failure.version.as_str()))
        });
        let parked: BTreeSet<&str> = plan.parked.iter().map(|parked| parked.name.as_str()).collect();
        for (name, entry) in objects {
            let Some(&status) = statuses.get(name.as_str()) else {
                gate.waiting.get_or_insert_with(|| format!("no verdict says anything of `{name}`"));
                continue;
            };
            let before = known.get(name);
            let is_new = plan.rebuild.is_some() || before.is_none();
            let was_held = before.is_some_and(Entry::is_held);
            if status.counts() && (is_new || was_held) {
                if parked.contains(name.as_str()) && before.is_none() {
                    continue;
                }
                plan.objects.push(PlannedObject {
                    name: name.clone(),
                    bytes: entry.bytes,
                    etag: entry.etag.clone(),
                    known: before.is_some() && !was_held,
                    status: Some(status),
                    was_held: !is_new && was_held,
                });
            } else if is_new {
                gate.held.push((name.clone(), status));
            } else if before.is_some_and(|before| before.status != Some(status)) {
                gate.restated.push((name.clone(), status));
            }
        }
        plan.gate = Some(gate);
    }
}

/// Returns why rows of an object leave the dataset, if any do: it no longer counts, or bronze has other bytes.
fn left(
    objects: &[(String, Entry)],
    statuses: &BTreeMap<&str, Status>,
    known: &BTreeMap<String, Entry>,
) -> Option<String> {
    let now: BTreeMap<&str, &Entry> = objects.iter().map(|(name, entry)| (name.as_str(), entry)).collect();
    known.iter().find_map(|(name, before)| match now.get(name.as_str()) {
        None => Some(format!("bronze object `{name}` is gone, and its rows are given up")),
        Some(entry) if entry.sha256 != before.sha256 => {
            Some(format!("bronze object `{name}` was replaced after it was read"))
        }
        Some(_) => match statuses.get(name.as_str()) {
            Some(status) if before.is_held() || status.counts() => None,
            Some(status) => Some(format!("bronze object `{name}` no longer counts: it is {}", status.name())),
            None => Some(format!("no verdict says anything of bronze object `{name}` any more")),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(verb: Verb) -> Decision {
        Decision { verb, why: String::new(), who: String::new(), at: 0 }
    }

    fn said(failed: bool, warned: bool) -> Judged<'static> {
        Judged { verdict: Verdict { failed, warned }, is_readable: true, decision: None }
    }

    #[test]
    fn people_let_in_what_failed_and_keep_out_anything() {
        let (release, withhold) = (decision(Verb::Release), decision(Verb::Withhold));
        let by = |decision, judged: Judged<'static>| Judged { decision: Some(decision), ..judged };
        let objects = [
            ("a", said(false, false), Status::Admitted),
            ("b", said(false, true), Status::Warned),
            ("c", said(true, true), Status::Refused),
            ("d", by(&release, said(true, false)), Status::Released),
            ("e", by(&release, said(false, true)), Status::Warned),
            ("f", by(&withhold, said(false, false)), Status::Withheld),
            ("g", by(&withhold, said(true, false)), Status::Withheld),
            ("h", Judged { is_readable: false, ..by(&release, said(true, false)) }, Status::Refused),
        ];
        let expected: BTreeMap<_, _> = objects.iter().map(|(name, _, status)| (*name, *status)).collect();
        assert_eq!(statuses(objects.iter().map(|(name, judged, _)| (*name, *judged))), expected);
    }

    #[test]
    fn of_revisions_the_greatest_that_counts_counts_alone() {
        let withhold = decision(Verb::Withhold);
        let objects = [
            ("a.csv", said(false, false), Status::Replaced),
            ("a.csv.r02", said(true, false), Status::Replaced),
            ("a.csv.r03", said(false, true), Status::Warned),
            ("a.csv.r04", said(true, false), Status::Refused),
            ("a.csv.r10", Judged { decision: Some(&withhold), ..said(false, false) }, Status::Withheld),
            ("b.csv", said(true, false), Status::Refused),
            ("b.csv.r02", said(true, false), Status::Refused),
        ];
        let expected: BTreeMap<_, _> = objects.iter().map(|(name, _, status)| (*name, *status)).collect();
        assert_eq!(statuses(objects.iter().rev().map(|(name, judged, _)| (*name, *judged))), expected);
    }
}
