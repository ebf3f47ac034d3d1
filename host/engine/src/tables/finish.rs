//! From what is added to a KPI's first stage to its table.

use std::collections::HashSet;
use std::sync::Mutex;

use arrow_array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};

use super::aggregation::Aggregation;
use crate::pipeline::KpiStep;
use crate::plan::{inputs, is_whole};
use smelt_catalog::{Gold, ObjectRef, Relation, SUMS, State};
use smelt_common::error::Result;
use smelt_common::{Error, clock, digest, profile};
use smelt_formats::{Formulas, encode_table};
use smelt_runtime::Accumulator;
use smelt_runtime::sums::{Shards, Sign, Sorted, Sums};
use smelt_storage::layers::GOLD;
use smelt_storage::sorted_runs::{Reader, SortedRuns};
use smelt_storage::{Durability, Store, put_unless_other};

/// About how many rows are folded in one call.
const GROUP_ROWS: usize = 65_536;

/// A computed KPI.
pub(super) struct Finished {
    pub(super) gold: Gold,
    pub(super) table: RecordBatch,
    /// Objects that are no longer needed.
    pub(super) retired: Vec<String>,
    /// Objects that the commit names.
    pub(super) referenced: Vec<String>,
}

impl Aggregation<'_> {
    /// Adds `of_first` to the first stage, what follows from it to the others, and evaluates the last.
    pub(super) fn finish(&self, step: &KpiStep, incremental: bool, of_first: &Shards) -> Result<Finished> {
        let _span = profile::span("finish sums", &step.name);
        let specs = &step.plugin.spec().stages;
        let former = self.state.gold.get(&step.name);
        let mut retired = Vec::new();
        let mut stages = vec![SortedRuns::default(); specs.len()];
        match former {
            Some(gold) if incremental => stages.clone_from(&gold.stages),
            Some(gold) => retired.extend(gold.stages.iter().flat_map(SortedRuns::runs).map(|run| run.key.clone())),
            None => {}
        }
        if !incremental {
            stages[0] = SortedRuns::with_key_hash(of_first.key_hash());
        }
        let last = specs.len() - 1;
        let (mut folded, accumulators) = (Vec::new(), Mutex::default());
        for stage in 0..last {
            let next = Shards::new(&specs[stage + 1], stages[stage + 1].key_hash()?);
            let sums = folded.last().unwrap_or(of_first);
            self.advance(step, stage, &mut stages[stage], sums, &next, &accumulators, &mut retired)?;
            folded.push(next);
        }
        let mut sums = folded.last().unwrap_or(of_first).take(0);
        let changed: HashSet<Vec<u8>> = sums.sorted().groups().map(|group| group.key().to_vec()).collect();
        stages[last].scan(self.store, |key, rows| sums.load(key, rows, Sign::Plus))?;
        let sorted = sums.sorted();
        let mut accumulator = self.accumulator(step, &accumulators)?;
        let table = accumulator.evaluate(&sorted.batch()?)?;
        let mut cost = of_first.cost();
        let others = accumulators.into_inner().expect("no one panics while holding it");
        others.iter().chain([&accumulator]).for_each(|used| cost.merge(used.cost()));
        let pairs = sorted.groups().filter(|group| changed.contains(group.key())).map(|group| {
            let mut rows = Vec::new();
            group.write(&mut rows)?;
            Ok((group.key().to_vec(), Some(rows).filter(|rows| !rows.is_empty())))
        });
        stages[last].put(self.store, &self.stem(step, last), pairs.collect::<Result<_>>()?, &mut retired)?;

        let table_object = self.write_table(step, former, &table)?;
        let referenced = stages.iter().flat_map(SortedRuns::runs).map(|run| run.key.clone());
        let referenced = referenced.chain([table_object.key.clone()]).collect();
        let gold = Gold {
            relation: Relation::of_file(step.fingerprint.at(self.as_of), table_object),
            inputs: inputs(step, self.state),
            stages,
            commit: 0,
            cost,
            micros: cost.micros + former.filter(|_| incremental).map_or(0, |former| former.micros),
        };
        Ok(Finished { gold, table, retired, referenced })
    }

    /// Adds `sums` to what is kept of a stage that is folded, and to the next stage what their groups come to now, less
    /// what they came to before.
    #[expect(clippy::too_many_arguments, reason = "all of it changes from stage to stage")]
    fn advance<'s>(
        &self,
        step: &'s KpiStep,
        stage: usize,
        kept: &mut SortedRuns,
        sums: &Shards,
        next: &Shards,
        accumulators: &Mutex<Vec<Accumulator<'s>>>,
        retired: &mut Vec<String>,
    ) -> Result<()> {
        let (parts, bytes) = sums.gather();
        if bytes == 0 {
            return Ok(());
        }
        let key_hash = kept.key_hash()?;
        if key_hash != sums.key_hash() {
            return Err(Error::internal("sums were added up for another map"));
        }
        let before = kept.open(self.store)?;
        kept.write(self.store, &self.stem(step, stage), bytes, parts, retired, |number, part| {
            let _span = profile::span("finish sums", &step.name);
            let mut accumulator = self.accumulator(step, accumulators)?;
            let mut sums = sums.take(number);
            let stored = stored(&before, &sums)?;
            if !stored.is_empty() {
                fold(&mut accumulator, stage, &stored.sorted_by_hash(&key_hash), Sign::Minus, next)?;
                sums.add_all(&stored, Sign::Plus);
            }
            let groups_by_hash = sums.sorted_by_hash(&key_hash);
            fold(&mut accumulator, stage, &groups_by_hash, Sign::Plus, next)?;
            accumulators.lock().expect("no one panics while holding it").push(accumulator);
            let mut rows = Vec::new();
            groups_by_hash.groups().try_for_each(|group| {
                rows.clear();
                group.write(&mut rows)?;
                part.push(key_hash.of(group.key()), group.key(), (!rows.is_empty()).then_some(&rows))
            })
        })
        .map(|_| ())
    }

    /// One that was used before, or a new one: to open one takes longer than to fold a few groups.
    fn accumulator<'s>(&self, step: &'s KpiStep, free: &Mutex<Vec<Accumulator<'s>>>) -> Result<Accumulator<'s>> {
        let free = free.lock().expect("no one panics while holding it").pop();
        free.map_or_else(|| step.open(self.as_of), Ok)
    }

    /// What the keys of a stage's runs begin with.
    fn stem(&self, step: &KpiStep, stage: usize) -> String {
        format!("{SUMS}{}/{:020}-{stage}", step.name, self.state.sequence + 1)
    }

    fn write_table(&self, step: &KpiStep, former: Option<&Gold>, table: &RecordBatch) -> Result<ObjectRef> {
        let body = encode_table(table.schema_ref(), std::slice::from_ref(table), Formulas::Escape)?;
        let sha256 = digest::hex(&body);
        let same = former.filter(|gold| gold.table().sha256 == sha256 && is_whole(self.store, &gold.table()));
        if let Some(same) = same {
            // The same table under a new stamp would tell people nothing.
            return Ok(same.table().clone());
        }
        let after = former.map(|gold| gold.table().key.as_str());
        let key = put_stamped(self.store, self.state, self.now, &step.name, after, &body)?;
        Ok(ObjectRef { key, sha256, bytes: body.len() as u64, rows: table.num_rows() as u64 })
    }
}

/// Writes the table under a stamp that sorts after the former one's, whatever the clock says, and that no one is about to delete.
pub fn put_stamped(
    store: &dyn Store,
    state: &State,
    now: DateTime<Utc>,
    kpi: &str,
    former: Option<&str>,
    body: &[u8],
) -> Result<String> {
    let stem = format!("{GOLD}{kpi}/{kpi}_");
    let stamped = former.and_then(|former| former.strip_prefix(&stem)?.strip_suffix(".csv"));
    let after = stamped.and_then(clock::parse_stamp).map(|former| former + TimeDelta::seconds(1));
    let mut second = after.map_or(now, |after| after.max(now));
    loop {
        let key = format!("{stem}{}.csv", clock::stamp(second));
        if !state.retired.contains(&key) && put_unless_other(store, &key, body, Durability::Rebuildable)? {
            return Ok(key);
        }
        second += TimeDelta::seconds(1);
    }
}

/// The rows that are kept of the groups that `sums` has rows of.
pub(super) fn stored(kept: &Reader<'_>, sums: &Sums) -> Result<Sums> {
    let mut stored = sums.like();
    let groups_by_hash = sums.sorted_by_hash(kept.key_hash());
    let groups: Vec<_> = groups_by_hash.groups().map(|group| (kept.key_hash().of(group.key()), group.key())).collect();
    kept.look_up(groups.len(), |at| groups[at], |at, rows| stored.load(groups[at].1, rows, Sign::Plus))?;
    Ok(stored)
}

/// Adds what the groups of a stage come to in the next one.
pub(super) fn fold(
    accumulator: &mut Accumulator<'_>,
    stage: usize,
    groups: &Sorted<'_>,
    sign: Sign,
    next: &Shards,
) -> Result<()> {
    for batch in groups.batches(GROUP_ROWS) {
        next.add(&accumulator.fold(stage, &batch?)?, sign);
    }
    Ok(())
}
