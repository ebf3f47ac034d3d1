//! Finalizes a KPI: adds new sums to its first stage, carries the changes through the other stages, and makes the table.

use std::collections::HashSet;
use std::sync::Mutex;

use arrow_array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};

use super::aggregation::Aggregation;
use crate::pipeline::KpiStep;
use crate::plan::{inputs, is_whole};
use smelt_catalog::{Gold, ObjectRef, Relation, SUMS, State};
use smelt_common::cost::Cost;
use smelt_common::error::Result;
use smelt_common::{Error, clock, digest, profile};
use smelt_formats::{Formulas, encode_table};
use smelt_runtime::Reducer;
use smelt_runtime::sums::{Groups, Shards, Sign, Sorted, Sums};
use smelt_storage::layers::GOLD;
use smelt_storage::sorted_runs::{Reader, SortedRuns};
use smelt_storage::{Durability, Store, put_unless_other};

/// About how many rows are reduced in one call.
const GROUP_ROWS: usize = 65_536;

/// A KPI that was computed.
pub(super) struct Finalized {
    /// The KPI's record for the catalog.
    pub(super) gold: Gold,
    /// The KPI's table.
    pub(super) table: RecordBatch,
    /// The keys of objects that are no longer needed.
    pub(super) retired: Vec<String>,
    /// The keys of objects that the commit will reference.
    pub(super) referenced: Vec<String>,
}

impl Aggregation<'_> {
    /// Adds `first` to the first stage and the changes that follow from it to the other stages. Then makes the
    /// table of the last stage.
    ///
    /// # Errors
    /// The plugin fails, or kept sums cannot be read or written; [`Kind::Damaged`](smelt_common::error::Kind::Damaged)
    /// if kept sums are gone or damaged.
    pub(super) fn finalize(&self, step: &KpiStep, incremental: bool, first: &Shards) -> Result<Finalized> {
        let _span = profile::span("finalize sums", &step.name);
        let specs = &step.plugin.spec().stages;
        let previous = self.state.gold.get(&step.name);
        let mut retired = Vec::new();
        let mut stages = vec![SortedRuns::default(); specs.len()];
        match previous {
            Some(gold) if incremental => stages.clone_from(&gold.stages),
            Some(gold) => retired.extend(gold.stages.iter().flat_map(SortedRuns::runs).map(|run| run.key.clone())),
            None => {}
        }
        if !incremental {
            stages[0] = SortedRuns::with_key_hash(first.key_hash());
        }
        let last = specs.len() - 1;
        let (mut folded, mut cost) = (Vec::new(), first.cost());
        for stage in 0..last {
            let next = Shards::new(&specs[stage + 1], stages[stage + 1].key_hash()?);
            let sums = folded.last().unwrap_or(first);
            cost.merge(self.advance(step, stage, &mut stages[stage], sums, &next, &mut retired)?);
            folded.push(next);
        }
        let mut sums = folded.last().unwrap_or(first).take(0);
        let changed: HashSet<Vec<u8>> = sums.sorted().groups().map(|group| group.key().to_vec()).collect();
        stages[last].scan(self.store, |key, rows| sums.load(key, rows, Sign::Plus))?;
        let sorted = sums.sorted();
        let mut reducer = step.plugin.reducer(last, self.as_of)?;
        let table = table(step, &mut reducer, &sorted.batch()?)?;
        cost.merge(reducer.cost());
        let pairs = sorted.groups().filter(|group| changed.contains(group.key())).map(|group| {
            let mut rows = Vec::new();
            group.write(&mut rows)?;
            Ok((group.key().to_vec(), Some(rows).filter(|rows| !rows.is_empty())))
        });
        stages[last].put(self.store, &self.stem(step, last), pairs.collect::<Result<_>>()?, &mut retired)?;

        let table_object = self.write_table(step, previous, &table)?;
        let referenced = stages.iter().flat_map(SortedRuns::runs).map(|run| run.key.clone());
        let referenced = referenced.chain([table_object.key.clone()]).collect();
        let gold = Gold {
            relation: Relation::of_file(step.fingerprint.at(self.as_of), table_object),
            inputs: inputs(step, self.state),
            stages,
            commit: 0,
            cost,
            micros: cost.micros + previous.filter(|_| incremental).map_or(0, |previous| previous.micros),
        };
        Ok(Finalized { gold, table, retired, referenced })
    }

    /// Adds `sums` to the kept sums of a stage before the last. For the groups that change, subtracts from `next` the
    /// rows that they were reduced to before, and adds those that they are reduced to now. Returns what the plugin used.
    fn advance(
        &self,
        step: &KpiStep,
        stage: usize,
        kept: &mut SortedRuns,
        sums: &Shards,
        next: &Shards,
        retired: &mut Vec<String>,
    ) -> Result<Cost> {
        let (parts, bytes) = sums.gather();
        let mut cost = Cost::default();
        if bytes == 0 {
            return Ok(cost);
        }
        let hash = kept.key_hash()?;
        if hash != sums.key_hash() {
            return Err(Error::internal("the new sums have another key hash than the kept sums"));
        }
        let before = kept.open(self.store)?;
        // Opening a reducer takes longer than reducing a few groups, so the parts share them.
        let free: Mutex<Vec<Reducer<'_>>> = Mutex::default();
        kept.write(self.store, &self.stem(step, stage), bytes, parts, retired, |number, part| {
            let _span = profile::span("finalize sums", &step.name);
            let used = free.lock().expect("no one panics while holding it").pop();
            let mut reducer = used.map_or_else(|| step.plugin.reducer(stage, self.as_of), Ok)?;
            let mut sums = sums.take(number);
            let groups_before = kept_groups(&before, &sums)?;
            if !groups_before.is_empty() {
                reduce(&mut reducer, &groups_before.sorted_by_hash(&hash), Sign::Minus, next)?;
                sums.add_all(&groups_before, Sign::Plus);
            }
            let groups = sums.sorted_by_hash(&hash);
            reduce(&mut reducer, &groups, Sign::Plus, next)?;
            free.lock().expect("no one panics while holding it").push(reducer);
            let mut rows = Vec::new();
            groups.groups().try_for_each(|group| {
                rows.clear();
                group.write(&mut rows)?;
                part.push(hash.of(group.key()), group.key(), (!rows.is_empty()).then_some(&rows))
            })
        })?;
        let free = free.into_inner().expect("no one panics while holding it");
        free.iter().for_each(|reducer| cost.merge(reducer.cost()));
        Ok(cost)
    }

    /// Returns the prefix of the keys under which this commit writes the stage's sorted runs.
    fn stem(&self, step: &KpiStep, stage: usize) -> String {
        format!("{SUMS}{}/{:020}-{stage}", step.name, self.state.sequence + 1)
    }

    /// Writes the table as CSV, unless the previous table has the same bytes.
    fn write_table(&self, step: &KpiStep, previous: Option<&Gold>, table: &RecordBatch) -> Result<ObjectRef> {
        let body = encode_table(table.schema_ref(), std::slice::from_ref(table), Formulas::Escape)?;
        let sha256 = digest::hex(&body);
        let same = previous.filter(|gold| gold.table().sha256 == sha256 && is_whole(self.store, gold.table()));
        if let Some(same) = same {
            // A new stamp would suggest that the table changed.
            return Ok(same.table().clone());
        }
        let after = previous.map(|gold| gold.table().key.as_str());
        let key = put_stamped(self.store, self.state, self.now, &step.name, after, &body)?;
        Ok(ObjectRef { key, sha256, bytes: body.len() as u64, rows: table.num_rows() as u64 })
    }
}

/// Writes the table `body` under a key with a stamp, and returns the key. The stamp sorts after that of the key
/// `previous`, even if the clock went back. No host is about to delete an object under that key.
pub fn put_stamped(
    store: &dyn Store,
    state: &State,
    now: DateTime<Utc>,
    kpi: &str,
    previous: Option<&str>,
    body: &[u8],
) -> Result<String> {
    let stem = format!("{GOLD}{kpi}/{kpi}_");
    let stamped = previous.and_then(|previous| previous.strip_prefix(&stem)?.strip_suffix(".csv"));
    let after = stamped.and_then(clock::parse_stamp).map(|previous| previous + TimeDelta::seconds(1));
    let mut second = after.map_or(now, |after| after.max(now));
    loop {
        let key = format!("{stem}{}.csv", clock::stamp(second));
        if !state.retired.contains(&key) && put_unless_other(store, &key, body, Durability::Rebuildable)? {
            return Ok(key);
        }
        second += TimeDelta::seconds(1);
    }
}

/// Returns the kept sums of the groups that `sums` has.
pub(super) fn kept_groups(kept: &Reader<'_>, sums: &Sums) -> Result<Sums> {
    let mut found = sums.like();
    let wanted = sums.sorted_by_hash(kept.key_hash());
    let groups: Vec<_> = wanted.groups().map(|group| (kept.key_hash().of(group.key()), group.key())).collect();
    kept.look_up(groups.len(), |at| groups[at], |at, rows| found.load(groups[at].1, rows, Sign::Plus))?;
    Ok(found)
}

/// Reduces the groups of a stage, and adds the resulting rows to the next stage or subtracts them.
pub(super) fn reduce(reducer: &mut Reducer<'_>, groups: &Sorted<'_>, sign: Sign, next: &Shards) -> Result<()> {
    for groups in groups.batches(GROUP_ROWS) {
        let Groups { rows, ends } = groups?;
        next.add(&reducer.reduce(&rows, &ends)?.rows, sign);
    }
    Ok(())
}

/// Returns the KPI's table. `sums` are all rows of the last stage, which are one group.
pub(super) fn table(step: &KpiStep, reducer: &mut Reducer<'_>, sums: &RecordBatch) -> Result<RecordBatch> {
    let table = reducer.reduce(sums, &[sums.num_rows() as u32])?.rows;
    step.plugin.check_table(&table)?;
    Ok(table)
}
