//! Brings a table up to date: adds the new sums of each stage, carries the changes from stage to stage, and makes the rows
//! of the table from the last one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};

use super::aggregation::{Aggregation, Holds};
use super::feed::{EVERY, Feed};
use super::kept::{self, append, groups, groups_of, reduce, reduce_all, reduce_large, reduce_whole, whole};
use super::neighbourhood::{Large, Stored};
use super::read::table_of;
use super::row_stage::{Differences, RowStage};
use super::saves::Saves;
use super::taker::Taker;
use crate::manifest::{Layer, OutputFormat};
use crate::pipeline::TableStep;
use crate::plan::{inputs, is_whole};
use crate::silver::{Encoded, Writer};
use smelt_catalog::{CHANGES, Content, Gold, HELD, ObjectRef, Relation, RowsChange, SUMS, State};
use smelt_common::cost::Cost;
use smelt_common::error::{Breach, Result};
use smelt_common::key_hash::KeyHash;
use smelt_common::{Error, clock, digest, profile, stored_row};
use smelt_formats::{TableOptions, table_bytes};
use smelt_runtime::Reducer;
use smelt_runtime::sums::{Shards, Sign, Sorted, Sums};
use smelt_storage::layers::GOLD;
use smelt_storage::sorted_runs::{AdditiveReader, AdditiveRuns, SortedRuns};
use smelt_storage::{Durability, Store, put_new, put_unless_other};

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
    runs: Option<AdditiveRuns>,
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

/// The kept parts of the stages of a table.
struct Stages {
    /// The sums of each stage.
    kept: Vec<AdditiveRuns>,
    /// The points at which the reducer of each stage was saved in large groups.
    saved: Vec<SortedRuns>,
}

/// A table at work: what is kept of it, and what this pass makes of that.
struct Node<'n> {
    of: &'n Aggregation<'n>,
    step: &'n TableStep,
    /// The table before, and what is kept of it.
    before: Option<&'n Gold>,
    holds: Holds,
    /// Reducers that were used before, by stage. Opening one takes longer than reducing a few groups.
    reducers: Mutex<HashMap<usize, Vec<Reducer<'n>>>>,
    /// The cost of reducers that were used up.
    spent: Mutex<Cost>,
    retired: Vec<String>,
}

/// A stage from which changes go on to the next one.
struct Forward<'f> {
    stage: usize,
    /// The stage as it is before the changes.
    before: &'f AdditiveReader<'f>,
    saves: &'f Saves<'f>,
    hash: KeyHash,
    next: Taker<'f>,
}

impl Aggregation<'_> {
    /// Adds `sums` to the stages of the table, one for each and one for its rows, and makes everything that follows. A stage
    /// that does not hold is made of them alone.
    ///
    /// # Errors
    /// The plugin fails, two rows have the same key, or what is kept cannot be read or written;
    /// [`Kind::Damaged`](smelt_common::error::Kind::Damaged) if what is kept is gone or damaged.
    pub(super) fn finalize(&self, step: &TableStep, holds: Holds, sums: &[Arc<Shards>]) -> Result<Finalized> {
        let _span = profile::span("finalize sums", &step.name);
        let previous = self.state.gold.get(&step.name);
        let (reducers, spent) = (Mutex::default(), Mutex::default());
        let mut node = Node { of: self, step, before: previous, holds, reducers, spent, retired: vec![] };
        let specs = &step.plugin.spec().stages;
        let mut stages = node.kept(specs.len(), sums);
        for stage in 0..specs.len() {
            match specs[stage].group {
                0 if stage + 1 == specs.len() => {}
                0 => node.advance_whole(stage, &mut stages, &sums[stage], &sums[stage + 1])?,
                _ => node.advance(stage, &mut stages, &sums[stage], &sums[stage + 1])?,
            }
        }
        let mut rows = match stages.kept.last_mut().filter(|_| step.is_whole()) {
            Some(kept) => node.whole(kept, &sums[specs.len() - 1])?,
            None => node.grouped(&sums[specs.len()])?,
        };
        node.retire_others();

        let mut referenced: Vec<String> = Vec::new();
        let file = match (step.layer, &rows.table) {
            (Layer::Gold, Some(table)) => Some(self.write_table(step, previous, table)?),
            _ => None,
        };
        referenced.extend(file.iter().map(|file| file.key.clone()));
        let change = match rows.differences.take().filter(|_| node.rows_before().is_some()) {
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
        let relation = relation.of_shape(step.shape());
        let mut cost = Cost::default();
        sums.iter().for_each(|sums| cost.merge(sums.cost()));
        let reducers = std::mem::take(&mut node.reducers).into_inner().expect("no one panics while holding it");
        reducers.values().flatten().for_each(|used| cost.merge(used.cost()));
        cost.merge(*node.spent.lock().expect("no one panics while holding it"));
        let gold = Gold {
            relation,
            file,
            inputs: inputs(step, self.state),
            stages: stages.kept,
            saved: stages.saved,
            parts: step.parts(self.as_of),
            commit: 0,
            cost,
            micros: cost.micros + previous.filter(|_| holds.levels > 0).map_or(0, |before| before.micros),
        };
        referenced.extend(gold.sums().map(ToOwned::to_owned));
        Ok(Finalized { gold, rows: change, table: rows.table, retired: node.retired, referenced })
    }

    /// Returns the prefix of the keys under which this commit writes the sorted runs of a part of the table.
    fn stem(&self, step: &TableStep, part: &str) -> String {
        format!("{SUMS}{}/{:020}-{part}", step.name, self.state.sequence + 1)
    }

    /// Writes the table, unless the previous table has the same bytes.
    fn write_table(&self, step: &TableStep, previous: Option<&Gold>, table: &RecordBatch) -> Result<ObjectRef> {
        let sorted_by = step.plugin.spec().key.clone().filter(|_| !step.is_whole()).unwrap_or_default();
        let options = TableOptions { sorted_by, ..TableOptions::default() };
        let body = table_bytes(step.output.of_table(), table.schema_ref(), std::slice::from_ref(table), &options)?;
        let sha256 = digest::hex(&body);
        let before = previous.and_then(Gold::table);
        if let Some(same) = before.filter(|before| before.sha256 == sha256 && is_whole(self.store, before)) {
            // A new stamp would suggest that the table changed.
            return Ok(same.clone());
        }
        let after = before.map(|before| before.key.as_str());
        let key = match self.pipeline.is_audited(self.state) {
            true => put_held(self.store, self.state, &step.name, (step.output, &body))?,
            false => put_stamped(self.store, self.state, self.now, &step.name, after, (step.output, &body))?,
        };
        Ok(ObjectRef { key, sha256, bytes: body.len() as u64, rows: table.num_rows() as u64 })
    }
}

impl<'n> Node<'n> {
    /// Returns the kept sums of each stage. Where nothing is kept, they take the key hash of the new sums, so that these
    /// can be written.
    fn kept(&self, stages: usize, sums: &[Arc<Shards>]) -> Stages {
        let of = |stage: usize| {
            let held = self.before.filter(|_| stage < self.holds.levels).map(|before| before.stages[stage].clone());
            held.unwrap_or_else(|| AdditiveRuns::with_key_hash(sums[stage].key_hash()))
        };
        // The points of a stage hold if its sums and its reducer do.
        let saved = |stage: usize| {
            let held = self.before.filter(|_| stage + 1 < self.holds.levels);
            held.and_then(|before| before.saved.get(stage).cloned()).unwrap_or_default()
        };
        Stages { kept: (0..stages).map(of).collect(), saved: (0..stages).map(saved).collect() }
    }

    /// Returns the table before, if its rows are kept and can be compared.
    fn rows_before(&self) -> Option<&'n Gold> {
        self.before.filter(|before| self.holds.rows && before.rows().is_some())
    }

    /// Returns the rows that are kept of the table before.
    fn kept_rows(&self) -> Option<AdditiveRuns> {
        self.rows_before().and_then(Gold::rows).cloned()
    }

    /// Retires the runs of what does not hold.
    fn retire_others(&mut self) {
        let Some(before) = self.before else { return };
        let stages = before.stages.iter().skip(self.holds.levels).flat_map(AdditiveRuns::runs);
        let rows = before.rows().filter(|_| !self.holds.rows).into_iter().flat_map(AdditiveRuns::runs);
        let saved = before.saved.iter().skip(self.holds.levels.saturating_sub(1)).flat_map(SortedRuns::runs);
        self.retired.extend(stages.chain(rows).chain(saved).map(|run| run.key.clone()));
    }

    /// Adds `sums` to the kept sums of a stage of groups. For the groups that change, subtracts from `next` what they
    /// gave before, and adds what they give now. If `next` does not hold, adds what all groups give.
    fn advance(&mut self, stage: usize, stages: &mut Stages, sums: &Shards, next: &Shards) -> Result<()> {
        let (parts, bytes) = sums.gather();
        let (kept, saved) = (&mut stages.kept[stage], &mut stages.saved[stage]);
        let hash = kept.key_hash()?;
        if hash != sums.key_hash() {
            return Err(Error::internal("the new sums have another key hash than the kept sums"));
        }
        let (store, stem) = (self.of.store, self.of.stem(self.step, &stage.to_string()));
        let (before, saves) = (kept.open(store)?, Saves::open(store, saved)?);
        let next_holds = stage + 1 < self.holds.levels || before.is_empty();
        let forward =
            Forward { stage, before: &before, saves: &saves, hash, next: Taker::of_stage(self.step, stage, next) };
        let mut retired = std::mem::take(&mut self.retired);
        let mut append = || {
            kept.append(store, &stem, (bytes, parts), &mut retired, |number, part| {
                let _span = profile::span("finalize sums", &self.step.name);
                let changed = sums.take(number)?;
                let sorted = changed.sorted_by_hash(&hash);
                if next_holds {
                    match self.reduce_neighbourhoods(&forward, &changed, &sorted)? {
                        None => self.reduce_groups(&forward, &changed, &sorted)?,
                        Some(others) => self.reduce_groups(&forward, &others, &others.sorted_by_hash(&hash))?,
                    }
                }
                sorted.stored(&hash, |hash, key, numbers| part.push(hash, key, Some(numbers)))
            })
        };
        let written = if bytes > 0 { append().map(drop) } else { Ok(()) };
        self.retired = retired;
        written?;
        if !next_holds {
            let all = kept.open(store)?;
            self.with_feed(&forward, Sign::Plus, |feed| reduce_all(feed, &all, &saves))?;
        }
        saves.write(store, saved, &self.of.stem(self.step, &format!("{stage}-saved")), &mut self.retired)
    }

    /// Does what [`Node::advance`] does, for a stage whose rows are all one group.
    fn advance_whole(&mut self, stage: usize, stages: &mut Stages, sums: &Shards, next: &Shards) -> Result<()> {
        let (changed, next_holds) = (sums.take(0)?, stage + 1 < self.holds.levels);
        if next_holds && changed.is_empty() {
            return Ok(());
        }
        let (store, kept, saved) = (self.of.store, &mut stages.kept[stage], &mut stages.saved[stage]);
        let before = kept.open(store)?;
        self.append(kept, &stage.to_string(), &changed)?;
        let (after, saves, hash) = (kept.open(store)?, Saves::open(store, saved)?, kept.key_hash()?);
        let next = Taker::of_stage(self.step, stage, next);
        let forward = Forward { stage, before: &before, saves: &saves, hash, next };
        let is_done =
            next_holds && self.reduce_neighbourhoods(&forward, &changed, &changed.sorted_by_hash(&hash))?.is_some();
        if !is_done {
            if next_holds {
                self.with_feed(&forward, Sign::Minus, |feed| reduce_whole(feed, &before))?;
            }
            self.with_feed(&forward, Sign::Plus, |feed| {
                reduce_whole(feed, &after)?;
                saves.set(&[], &feed.take_points());
                Ok(())
            })?;
        }
        saves.write(store, saved, &self.of.stem(self.step, &format!("{stage}-saved")), &mut self.retired)
    }

    /// Subtracts from the next stage what the groups that change gave before, and adds what they give now. `sorted` has the
    /// changes by hash.
    fn reduce_groups(&self, forward: &Forward<'_>, changed: &Sums, sorted: &Sorted<'_>) -> Result<()> {
        let Forward { stage, before, saves, ref hash, ref next } = *forward;
        let mut groups = groups_of(before, changed, sorted)?;
        let of_groups;
        let now = match groups.is_empty() {
            true => sorted,
            false => {
                self.with_reducer(stage, |reducer| {
                    reduce(reducer, &groups.sorted_by_hash(hash), |rows| next.add(&rows, Sign::Minus))
                })?;
                groups.add_all(changed, Sign::Plus);
                of_groups = groups.sorted_by_hash(hash);
                &of_groups
            }
        };
        let split = now.split_large(EVERY);
        let (small, large) = split.as_ref().map_or((now, &[][..]), |(small, large)| (small, large));
        self.with_reducer(stage, |reducer| reduce(reducer, small, |rows| next.add(&rows, Sign::Plus)))?;
        if large.is_empty() {
            return Ok(());
        }
        self.with_feed(forward, Sign::Plus, |feed| {
            large.iter().try_for_each(|group| reduce_large(feed, group, hash, saves))
        })
    }

    /// Reduces the neighbourhood of what changes in the groups that were saved. Returns the changes of all other groups, or
    /// `None` if no group was saved.
    fn reduce_neighbourhoods(
        &self,
        forward: &Forward<'_>,
        changed: &Sums,
        sorted: &Sorted<'_>,
    ) -> Result<Option<Sums>> {
        let Forward { stage, before, saves, ref hash, ref next } = *forward;
        if saves.is_empty() {
            return Ok(None);
        }
        let points = saves.of(sorted.groups().map(|group| group.key()))?;
        if points.is_empty() {
            return Ok(None);
        }
        let mut others = changed.like();
        let mut loader = others.loader(Sign::Plus);
        let mut of_large: BTreeMap<Vec<u8>, Vec<Stored>> = BTreeMap::new();
        sorted.stored(hash, |_, key, numbers| {
            let (group, _) = stored_row::split_key(key).ok_or_else(|| Error::internal("a row without a group"))?;
            match points.contains_key(group) {
                true => of_large.entry(group.to_vec()).or_default().push((key.to_vec(), numbers.to_vec())),
                false => loader.push(key, numbers)?,
            }
            Ok(())
        })?;
        loader.finish();
        let open = |saved: Option<&[u8]>| match saved {
            Some(saved) => self.step.reducer_from(stage, self.of.as_of, saved),
            None => self.step.reducer(stage, self.of.as_of),
        };
        let (spec, mut cost) = (&self.step.plugin.spec().stages[stage], Cost::default());
        for (group, points) in points {
            let Some(changes) = of_large.get(group) else { continue };
            let mut shared = Vec::new();
            stored_row::write_key(group, &[], &mut shared);
            let large = Large { stage: spec, before, shared: &shared, changes, points, every: EVERY };
            let points = large.reduce(&open, &|rows, sign| next.add(&rows, sign), &mut cost)?;
            saves.set(group, &points);
        }
        self.spent.lock().expect("no one panics while holding it").merge(cost);
        Ok(Some(others))
    }

    /// Makes the table from all rows of the last stage, which are one group.
    fn whole(&mut self, kept: &mut AdditiveRuns, sums: &Shards) -> Result<Rows> {
        let spec = self.step.plugin.spec();
        let stage = spec.stages.len() - 1;
        let (changed, is_new) = (sums.take(0)?, kept.runs().is_empty());
        self.append(kept, &stage.to_string(), &changed)?;
        let table = self.with_reducer(stage, |reducer| match is_new {
            true => whole(reducer, &changed.sorted()),
            false => table_of(self.of.store, reducer, spec, kept),
        })?;
        self.step.plugin.check_table(&table)?;
        let count = table.num_rows() as u64;
        if !self.step.keeps_rows() {
            return Ok(Rows { runs: None, differences: None, count, content: Content::default(), table: Some(table) });
        }

        let rows = RowStage::of(spec);
        let mut kept = self.kept_rows().unwrap_or_default();
        let mut changed = Sums::of(&rows.spec, &rows.counted(&table)?);
        kept::add(self.of.store, &kept, &mut changed, Sign::Minus)?;
        let sorted = changed.sorted();
        let mut content = self.content_before();
        for row in sorted.rows() {
            add_rows(&mut content, row?);
        }
        let differences = self.step.is_read.then(|| rows.differences(&sorted)).transpose()?;
        self.append(&mut kept, "rows", &changed)?;
        Ok(Rows { runs: Some(kept), differences, count, content, table: Some(table) })
    }

    fn append(&mut self, kept: &mut AdditiveRuns, part: &str, changed: &Sums) -> Result<()> {
        append(self.of.store, kept, &self.of.stem(self.step, part), changed, &mut self.retired)
    }

    /// Returns the checksum of the rows that are kept.
    fn content_before(&self) -> Content {
        self.rows_before().map_or_else(Content::default, |before| before.relation.content)
    }

    /// Adds `sums`, which are rows of the table, to those that are kept. If the latter do not hold, `sums` are all rows.
    fn grouped(&mut self, sums: &Shards) -> Result<Rows> {
        let spec = self.step.plugin.spec();
        let rows = RowStage::of(spec);
        let mut kept = self.kept_rows().unwrap_or_else(|| AdditiveRuns::with_key_hash(sums.key_hash()));
        let mut content = self.content_before();
        let mut count = self.rows_before().map_or(0, |before| i128::from(before.relation.rows));
        if self.holds.levels <= spec.stages.len() {
            kept::for_each(&kept.open(self.of.store)?, &rows.spec, kept::ALL, |counted| {
                sums.add(counted, Sign::Minus);
                Ok(())
            })?;
        }
        let (parts, bytes) = sums.gather();
        let mut differences = Differences::default();
        if bytes > 0 {
            let hash = kept.key_hash()?;
            let (store, stem) = (self.of.store, self.of.stem(self.step, "rows"));
            let before = kept.open(store)?;
            let wants_differences = self.rows_before().is_some() && self.step.is_read;
            let mut retired = std::mem::take(&mut self.retired);
            let changed = kept.append(store, &stem, (bytes, parts), &mut retired, |number, part| {
                let mut changed = Changed::default();
                let sums = sums.take(number)?;
                let sorted = sums.sorted_by_hash(&hash);
                for row in sorted.rows() {
                    let row = row?;
                    changed.rows += row.1;
                    add_rows(&mut changed.content, row);
                }
                if wants_differences {
                    changed.differences = rows.differences(&sorted)?;
                }
                self.expect_one_row_a_key(&before, &sums)?;
                sorted.stored(&hash, |hash, key, numbers| part.push(hash, key, Some(numbers)))?;
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

    /// Fails if two rows of the table agree in its key after this change. Only a key of which more rows come than leave can
    /// have a second one, so no other key is looked up. The error names the columns, not their content.
    fn expect_one_row_a_key(&self, before: &AdditiveReader<'_>, changed: &Sums) -> Result<()> {
        let (mut new, mut are_alike) = (Vec::new(), false);
        let sorted = changed.sorted_by_hash(before.key_hash());
        for group in sorted.groups() {
            match group.total()? {
                ..1 => {}
                1 => new.push(group.key()),
                _ => are_alike = true,
            }
        }
        if !are_alike && groups(before, changed, new.into_iter())?.is_empty() {
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
            let mut writer = Writer::begin(self.of.store, &stem, OutputFormat::Csv, first.schema_ref())?;
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

    /// Feeds a reducer of the stage. If what it gives is added, it saves as it goes.
    fn with_feed(
        &self,
        forward: &Forward<'_>,
        sign: Sign,
        work: impl FnOnce(&mut Feed<'_>) -> Result<()>,
    ) -> Result<()> {
        let spec = &self.step.plugin.spec().stages[forward.stage];
        let (saves, give) = ((sign == Sign::Plus).then_some(EVERY), |rows: RecordBatch| forward.next.add(&rows, sign));
        self.with_reducer(forward.stage, |reducer| work(&mut Feed::new(reducer, spec, saves, &give)))
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

/// Writes the table `body`, which has that format, where people do not see it, and returns the key.
pub fn put_held(store: &dyn Store, state: &State, kpi: &str, (format, body): (OutputFormat, &[u8])) -> Result<String> {
    let stem = format!("{HELD}{kpi}/{:020}", state.sequence + 1);
    put_new(store, &stem, '.', format.extension(), body, Durability::Rebuildable)
}

/// Writes the table `body`, which has that format, under a key with a stamp, and returns the key. The stamp sorts after that of the key
/// `previous`, even if the clock went back. No host is about to delete an object under that key.
pub fn put_stamped(
    store: &dyn Store,
    state: &State,
    now: DateTime<Utc>,
    kpi: &str,
    previous: Option<&str>,
    (format, body): (OutputFormat, &[u8]),
) -> Result<String> {
    let stem = format!("{GOLD}{kpi}/{kpi}_");
    let stamped = previous
        .and_then(|previous| previous.strip_prefix(&stem)?.strip_suffix(OutputFormat::of_key(previous).extension()));
    let after = stamped.and_then(clock::parse_stamp).map(|previous| previous + TimeDelta::seconds(1));
    let mut second = after.map_or(now, |after| after.max(now));
    loop {
        let key = format!("{stem}{}{}", clock::stamp(second), format.extension());
        if !state.retired.contains(&key) && put_unless_other(store, &key, body, Durability::Rebuildable)? {
            return Ok(key);
        }
        second += TimeDelta::seconds(1);
    }
}
