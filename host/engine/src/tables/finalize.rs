//! Brings a table up to date: adds the new sums of each stage, carries the changes from stage to stage, and makes the rows
//! of the table from the last one.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};

use super::aggregation::Aggregation;
use super::row_stage::{BATCH_ROWS, Differences, RowStage};
use super::taker::Taker;
use crate::manifest::Layer;
use crate::pipeline::TableStep;
use crate::plan::{inputs, is_whole};
use crate::silver::{Encoded, Writer};
use smelt_catalog::{CHANGES, Content, Gold, ObjectRef, Relation, RowsChange, SUMS, State};
use smelt_common::cost::Cost;
use smelt_common::error::{Breach, Result};
use smelt_common::key_hash::KeyHash;
use smelt_common::{Error, clock, digest, profile};
use smelt_formats::{Formulas, encode_table};
use smelt_runtime::Reducer;
use smelt_runtime::sums::{Group, Groups, Shards, Sign, Sorted, Sums};
use smelt_storage::layers::GOLD;
use smelt_storage::sorted_runs::{Reader, SortedRuns};
use smelt_storage::{Durability, Store, put_unless_other};

/// A table that was brought up to date.
pub(super) struct Finalized {
    /// The table's record for the catalog.
    pub(super) gold: Gold,
    /// The difference of its rows from the ones before; `None` if the table takes the place of the one before.
    pub(super) rows: Option<RowsChange>,
    /// All rows, unless they were not needed.
    pub(super) table: Option<RecordBatch>,
    /// The keys of objects that are no longer needed.
    pub(super) retired: Vec<String>,
    /// The keys of objects that the commit will reference.
    pub(super) referenced: Vec<String>,
}

/// The rows of a table after a change.
struct Rows {
    /// The rows by key, where they are kept so.
    runs: Option<SortedRuns>,
    /// Their differences from the rows before.
    differences: Option<Differences>,
    count: u64,
    content: Content,
    /// All rows in the order of the table, unless they were not needed.
    table: Option<RecordBatch>,
}

/// The change of the rows of one part of a table.
#[derive(Default)]
struct Changed {
    differences: Differences,
    rows: i128,
    content: Content,
}

/// A table at work: what is kept of it, and what this pass makes of that.
struct Node<'n> {
    of: &'n Aggregation<'n>,
    step: &'n TableStep,
    /// The table before, if it is added to.
    before: Option<&'n Gold>,
    /// Reducers that were used before, by stage. Opening one takes longer than reducing a few groups.
    reducers: Mutex<HashMap<usize, Vec<Reducer<'n>>>>,
    retired: Vec<String>,
}

impl Aggregation<'_> {
    /// Adds `sums` to the stages of the table, one for each and one for its rows, and makes everything that follows.
    ///
    /// # Errors
    /// The plugin fails, two rows have the same key, or what is kept cannot be read or written;
    /// [`Kind::Damaged`](smelt_common::error::Kind::Damaged) if what is kept is gone or damaged.
    pub(super) fn finalize(&self, step: &TableStep, incremental: bool, sums: &[Arc<Shards>]) -> Result<Finalized> {
        let _span = profile::span("finalize sums", &step.name);
        let previous = self.state.gold.get(&step.name);
        let mut node = Node {
            of: self,
            step,
            before: previous.filter(|_| incremental),
            reducers: Mutex::default(),
            retired: vec![],
        };
        if let Some(previous) = previous.filter(|_| !incremental) {
            node.retired.extend(previous.sums().map(ToOwned::to_owned));
        }
        let specs = &step.plugin.spec().stages;
        let mut stages = node.kept(specs.len(), sums);
        for (stage, kept) in stages.iter_mut().enumerate() {
            let is_last = stage + 1 == specs.len();
            match specs[stage].group {
                0 if is_last => {}
                0 => node.advance_whole(stage, kept, &sums[stage], &sums[stage + 1])?,
                _ => node.advance(stage, kept, &sums[stage], &sums[stage + 1])?,
            }
        }
        let mut rows = match stages.last_mut().filter(|_| step.is_whole()) {
            Some(kept) => node.whole(kept, &sums[specs.len() - 1])?,
            None => node.grouped(&sums[specs.len()])?,
        };

        let mut referenced: Vec<String> = Vec::new();
        let file = match (step.layer, &rows.table) {
            (Layer::Gold, Some(table)) => Some(self.write_table(step, previous, table)?),
            _ => None,
        };
        referenced.extend(file.iter().map(|file| file.key.clone()));
        let change = match rows.differences.take().filter(|_| node.before.is_some()) {
            Some(differences) => Some(node.write_differences(&differences)?),
            None => None,
        };
        let changes = change.iter().flat_map(|change| change.added.iter().chain(&change.removed));
        referenced.extend(changes.map(|object| object.key.clone()));
        let fingerprint = step.fingerprint_at(self.as_of);
        let (relation, file) = match (rows.runs, file) {
            (Some(runs), file) => (Relation::of_rows(fingerprint, rows.count, rows.content, runs), file),
            (None, Some(file)) => (Relation::of_file(fingerprint, file), None),
            (None, None) => return Err(Error::internal("a table without rows and without a file")),
        };
        let mut cost = Cost::default();
        sums.iter().for_each(|sums| cost.merge(sums.cost()));
        let reducers = std::mem::take(&mut node.reducers).into_inner().expect("no one panics while holding it");
        reducers.values().flatten().for_each(|used| cost.merge(used.cost()));
        let gold = Gold {
            relation,
            file,
            inputs: inputs(step, self.state),
            stages,
            parts: step.parts(self.as_of),
            commit: 0,
            cost,
            micros: cost.micros + node.before.map_or(0, |before| before.micros),
        };
        referenced.extend(gold.sums().map(ToOwned::to_owned));
        Ok(Finalized { gold, rows: change, table: rows.table, retired: node.retired, referenced })
    }

    /// Returns the prefix of the keys under which this commit writes the sorted runs of a part of the table.
    fn stem(&self, step: &TableStep, part: &str) -> String {
        format!("{SUMS}{}/{:020}-{part}", step.name, self.state.sequence + 1)
    }

    /// Writes the table as CSV, unless the previous table has the same bytes.
    fn write_table(&self, step: &TableStep, previous: Option<&Gold>, table: &RecordBatch) -> Result<ObjectRef> {
        let body = encode_table(table.schema_ref(), std::slice::from_ref(table), Formulas::Escape)?;
        let sha256 = digest::hex(&body);
        let before = previous.and_then(Gold::table);
        if let Some(same) = before.filter(|before| before.sha256 == sha256 && is_whole(self.store, before)) {
            // A new stamp would suggest that the table changed.
            return Ok(same.clone());
        }
        let after = before.map(|before| before.key.as_str());
        let key = put_stamped(self.store, self.state, self.now, &step.name, after, &body)?;
        Ok(ObjectRef { key, sha256, bytes: body.len() as u64, rows: table.num_rows() as u64 })
    }
}

impl<'n> Node<'n> {
    /// Returns the kept sums of each stage. Where nothing is kept, they take the key hash of the new sums, so that these
    /// can be written.
    fn kept(&self, stages: usize, sums: &[Arc<Shards>]) -> Vec<SortedRuns> {
        let new = || sums.iter().take(stages).map(|sums| SortedRuns::with_key_hash(sums.key_hash())).collect();
        self.before.map_or_else(new, |before| before.stages.clone())
    }

    /// Returns the rows that are kept of the table before.
    fn kept_rows(&self) -> Option<SortedRuns> {
        self.before.and_then(Gold::rows).cloned()
    }

    /// Adds `sums` to the kept sums of a stage of groups. For the groups that change, subtracts from `next` what they
    /// gave before, and adds what they give now.
    fn advance(&mut self, stage: usize, kept: &mut SortedRuns, sums: &Shards, next: &Shards) -> Result<()> {
        let (parts, bytes) = sums.gather();
        if bytes == 0 {
            return Ok(());
        }
        let hash = kept.key_hash()?;
        if hash != sums.key_hash() {
            return Err(Error::internal("the new sums have another key hash than the kept sums"));
        }
        let (store, stem) = (self.of.store, self.of.stem(self.step, &stage.to_string()));
        let before = kept.open(store)?;
        let next = Taker::of_stage(self.step, stage, next);
        let mut retired = std::mem::take(&mut self.retired);
        let written = kept.write(store, &stem, bytes, parts, &mut retired, |number, part| {
            let _span = profile::span("finalize sums", &self.step.name);
            let mut sums = sums.take(number)?;
            let groups_before = kept_groups(&before, &sums)?;
            sums.add_all(&groups_before, Sign::Plus);
            let groups = sums.sorted_by_hash(&hash);
            self.with_reducer(stage, |reducer| {
                if !groups_before.is_empty() {
                    reduce(reducer, &groups_before.sorted_by_hash(&hash), Sign::Minus, &next)?;
                }
                reduce(reducer, &groups, Sign::Plus, &next)
            })?;
            let mut rows = Vec::new();
            groups.groups().try_for_each(|group| {
                rows.clear();
                group.write(&mut rows)?;
                part.push(hash.of(group.key()), group.key(), (!rows.is_empty()).then_some(&rows))
            })
        });
        self.retired = retired;
        written.map(drop)
    }

    /// Does what [`Node::advance`] does, for a stage whose rows are all one group.
    fn advance_whole(&mut self, stage: usize, kept: &mut SortedRuns, sums: &Shards, next: &Shards) -> Result<()> {
        let next = Taker::of_stage(self.step, stage, next);
        let changed = sums.take(0)?;
        if self.before.is_some() && changed.is_empty() {
            return Ok(());
        }
        let mut before = changed.like();
        kept.scan(self.of.store, |key, rows| before.load(key, rows, Sign::Plus))?;
        self.with_reducer(stage, |reducer| {
            if self.before.is_some() {
                next.add(&whole(reducer, &before.sorted())?, Sign::Minus)?;
            }
            before.add_all(&changed, Sign::Plus);
            next.add(&whole(reducer, &before.sorted())?, Sign::Plus)
        })?;
        self.put(kept, &stage.to_string(), &before.sorted(), &changed)
    }

    /// Makes the table from all rows of the last stage, which are one group.
    fn whole(&mut self, kept: &mut SortedRuns, sums: &Shards) -> Result<Rows> {
        let spec = self.step.plugin.spec();
        let stage = spec.stages.len() - 1;
        let changed = sums.take(0)?;
        let mut all = changed.like();
        all.add_all(&changed, Sign::Plus);
        kept.scan(self.of.store, |key, rows| all.load(key, rows, Sign::Plus))?;
        let all = all.sorted();
        let table = self.with_reducer(stage, |reducer| whole(reducer, &all))?;
        self.put(kept, &stage.to_string(), &all, &changed)?;
        self.step.plugin.check_table(&table)?;
        let count = table.num_rows() as u64;
        if !self.step.keeps_rows() {
            return Ok(Rows { runs: None, differences: None, count, content: Content::default(), table: Some(table) });
        }

        let rows = RowStage::of(spec);
        let new = Shards::new(&rows.spec, KeyHash::default());
        new.add(&rows.counted(&table)?, Sign::Plus);
        let new = new.all()?;
        let sorted = new.sorted();
        let mut content = Content::default();
        for row in sorted.rows() {
            add_rows(&mut content, row?);
        }
        let mut kept = self.kept_rows().unwrap_or_default();
        let mut changed = new.like();
        changed.add_all(&new, Sign::Plus);
        kept.scan(self.of.store, |key, rows| changed.load(key, rows, Sign::Minus))?;
        let differences = self.step.is_read.then(|| rows.differences(&changed.sorted())).transpose()?;
        self.put(&mut kept, "rows", &sorted, &changed)?;
        Ok(Rows { runs: Some(kept), differences, count, content, table: Some(table) })
    }

    /// Makes the kept map hold, of the groups in `changed`, the rows that are in `all`.
    fn put(&mut self, kept: &mut SortedRuns, part: &str, all: &Sorted<'_>, changed: &Sums) -> Result<()> {
        let changed = changed.sorted();
        let changed = changed.groups().filter(|group| !group.is_empty());
        let mut wanted: HashSet<Vec<u8>> = changed.map(|group| group.key().to_vec()).collect();
        let mut pairs = Vec::with_capacity(wanted.len());
        for group in all.groups() {
            if let Some(key) = wanted.take(group.key()) {
                let mut rows = Vec::new();
                group.write(&mut rows)?;
                pairs.push((key, Some(rows).filter(|rows| !rows.is_empty())));
            }
        }
        pairs.extend(wanted.into_iter().map(|key| (key, None)));
        let stem = self.of.stem(self.step, part);
        kept.put(self.of.store, &stem, pairs, &mut self.retired)
    }

    /// Adds `sums`, which are rows of the table, to those that are kept.
    fn grouped(&mut self, sums: &Shards) -> Result<Rows> {
        let rows = RowStage::of(self.step.plugin.spec());
        let mut kept = self.kept_rows().unwrap_or_else(|| SortedRuns::with_key_hash(sums.key_hash()));
        let before = self.before.map(|before| &before.relation);
        let mut content = before.map_or_else(Content::default, |before| before.content);
        let mut count = before.map_or(0, |before| i128::from(before.rows));
        let (parts, bytes) = sums.gather();
        let mut differences = Differences::default();
        if bytes > 0 {
            let hash = kept.key_hash()?;
            let (store, stem) = (self.of.store, self.of.stem(self.step, "rows"));
            let reader = kept.open(store)?;
            let wants_differences = self.before.is_some() && self.step.is_read;
            let mut retired = std::mem::take(&mut self.retired);
            let changed = kept.write(store, &stem, bytes, parts, &mut retired, |number, part| {
                let mut changed = Changed::default();
                let mut sums = sums.take(number)?;
                let sorted = sums.sorted_by_hash(&hash);
                for row in sorted.rows() {
                    let row = row?;
                    changed.rows += row.1;
                    add_rows(&mut changed.content, row);
                }
                if wants_differences {
                    changed.differences = rows.differences(&sorted)?;
                }
                let groups_before = kept_groups(&reader, &sums)?;
                sums.add_all(&groups_before, Sign::Plus);
                let mut bytes = Vec::new();
                for group in sums.sorted_by_hash(&hash).groups() {
                    bytes.clear();
                    group.write(&mut bytes)?;
                    self.expect_one(&group)?;
                    part.push(hash.of(group.key()), group.key(), (!bytes.is_empty()).then_some(&bytes))?;
                }
                Ok(changed)
            });
            self.retired = retired;
            for part in changed? {
                content.merge(part.content);
                count += part.rows;
                differences.added.extend(part.differences.added);
                differences.removed.extend(part.differences.removed);
            }
        }
        let table = match self.step.layer {
            Layer::Gold => Some(rows.all(self.of.store, &kept)?),
            Layer::Silver => None,
        };
        let count = u64::try_from(count).map_err(|_| Error::internal("a table has less than no rows"))?;
        let differences = Some(differences).filter(|_| self.step.is_read);
        Ok(Rows { runs: Some(kept), differences, count, content, table })
    }

    /// Fails if a group of rows that share a key is more than one row. The error names the columns, not their content.
    fn expect_one(&self, group: &Group<'_>) -> Result<()> {
        if group.total()? <= 1 {
            return Ok(());
        }
        let (plugin, key) = (&self.step.plugin.identity().name, self.step.plugin.spec().key_names());
        let key: Vec<_> = key.into_iter().flatten().map(|name| format!("`{name}`")).collect();
        Err(Error::breach(
            Breach::Form,
            format!("plugin `{plugin}` broke the contract: two rows of its table agree in the key {}", key.join(", ")),
        ))
    }

    fn write_differences(&self, differences: &Differences) -> Result<RowsChange> {
        let write = |kind: &str, batches: &[RecordBatch]| -> Result<Option<ObjectRef>> {
            let Some(first) = batches.first() else { return Ok(None) };
            let stem = format!("{CHANGES}{}/{:020}-{kind}", self.step.name, self.of.state.sequence + 1);
            let mut writer = Writer::begin(self.of.store, &stem, first.schema_ref())?;
            let mut encoded = Encoded::default();
            for batch in batches {
                encoded.fill(batch, None)?;
                writer.append(&encoded)?;
            }
            writer.finish(&stem).map(Some)
        };
        Ok(RowsChange { added: write("added", &differences.added)?, removed: write("removed", &differences.removed)? })
    }

    fn with_reducer<R>(&self, stage: usize, work: impl FnOnce(&mut Reducer<'n>) -> Result<R>) -> Result<R> {
        let free = self.reducers.lock().expect("no one panics while holding it").get_mut(&stage).and_then(Vec::pop);
        let mut reducer = free.map_or_else(|| self.step.reducer(stage, self.of.as_of), Ok)?;
        let result = work(&mut reducer)?;
        let mut reducers = self.reducers.lock().expect("no one panics while holding it");
        reducers.entry(stage).or_default().push(reducer);
        Ok(result)
    }
}

/// Adds the row, as often as it is counted.
fn add_rows(content: &mut Content, (row, count): (&[u8], i128)) {
    for _ in 0..count.unsigned_abs() {
        match count > 0 {
            true => content.add_row(row),
            false => content.subtract_row(row),
        }
    }
}

/// Returns the rows of a table: in the order of its key, or as its reducer gives them if it is made at once.
///
/// # Errors
/// The kept sums or rows of the table are gone or damaged, the plugin fails, or the pipeline has another component or other
/// parameters by now.
pub fn rows_of(store: &dyn Store, step: &TableStep, gold: &Gold) -> Result<RecordBatch> {
    match (gold.rows(), gold.stages.last()) {
        (_, Some(kept)) if step.is_whole() => {
            // The reducer must be the one that made the table.
            let made = &gold.relation.fingerprint;
            let told = made.as_of.unwrap_or_default();
            if let Some(why) = made.difference(&step.fingerprint_at(told)) {
                return Err(Error::config(format!(
                    "`{}` in the lake is not what the pipeline makes now: {why}; `smelt run` brings it up to date",
                    step.name
                )));
            }
            let stage = gold.stages.len() - 1;
            let mut all = Sums::new(&step.plugin.spec().stages[stage]);
            kept.scan(store, |key, rows| all.load(key, rows, Sign::Plus))?;
            whole(&mut step.reducer(stage, told)?, &all.sorted())
        }
        (Some(kept), _) => RowStage::of(step.plugin.spec()).all(store, kept),
        _ => Err(Error::internal(format!("the rows of `{}` are not kept by key", step.name))),
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

/// Reduces the groups of a stage, and adds what they give or subtracts it.
pub(super) fn reduce(reducer: &mut Reducer<'_>, groups: &Sorted<'_>, sign: Sign, to: &Taker<'_>) -> Result<()> {
    for batch in groups.batches(BATCH_ROWS) {
        let Groups { rows, ends } = batch?;
        to.add(&reducer.reduce(&rows, &ends)?.rows, sign)?;
    }
    Ok(())
}

/// Returns what all rows of a stage give, which are one group. It is there without a row too.
pub(super) fn whole(reducer: &mut Reducer<'_>, rows: &Sorted<'_>) -> Result<RecordBatch> {
    let rows = rows.batch()?;
    Ok(reducer.reduce(&rows, &[rows.num_rows() as u32])?.rows)
}
