//! Calls of a KPI as the host makes them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::take::take_record_batch;

use super::contract::Sentences;
pub(super) use super::differ::differ;
use super::fed::Fed;
pub(super) use super::opened::Calls;
use super::worker::Worker;
use crate::rows::{InputRows, cut};
use smelt_common::error::{Breach, Error, Result};
use smelt_common::key_hash::KeyHash;
use smelt_common::ordered::Column;
use smelt_common::stored_row;
use smelt_formats::check_range;
use smelt_runtime::sums::{Groups, Shards, Sign, Sums};
use smelt_runtime::{KpiInputSpec, KpiSpec, Setting, StageSpec};

/// The number of rows that are reduced in one call.
pub(super) const GROUP_ROWS: usize = 65_536;

/// Returns the tables of sums of a KPI. One without stages gets a table that counts equal rows of its table, so that
/// they can be added and subtracted like sums.
pub(super) fn stages(spec: &KpiSpec) -> Vec<StageSpec> {
    if !spec.stages.is_empty() {
        return spec.stages.clone();
    }
    let count: Arc<Field> = Field::new("(rows)", DataType::Int64, false).into();
    let fields: Vec<_> = spec.output.fields().iter().cloned().chain([count]).collect();
    let reducer = Setting { params: String::new(), uses_as_of: false };
    vec![StageSpec { schema: Schema::new(fields).into(), keys: spec.output.fields().len(), group: 0, reducer }]
}

impl<'k> Calls<'k> {
    pub(super) fn open(&self) -> Result<Worker<'k>> {
        Worker::open(*self)
    }

    /// Returns whether accumulators still do all of the work, as before contract 0.3.0.
    pub(super) fn is_earlier(&self) -> bool {
        !self.plugin.identity().contract.describes_parameters()
    }

    /// Returns the sentences of its contract.
    pub(super) fn contract(&self) -> &'static Sentences {
        if self.is_earlier() { &Sentences::EARLIER } else { &Sentences::CURRENT }
    }

    /// Returns whether a reducer takes all rows of the stage as one group.
    pub(super) fn is_one_group(&self, stage: usize) -> bool {
        self.stages[stage].group == 0
    }

    /// Returns whether the KPI has no stage at all.
    pub(super) fn is_map(&self) -> bool {
        self.plugin.spec().stages.is_empty()
    }

    /// Returns a worker that has taken in these rows.
    pub(super) fn taken<'p>(&self, parts: impl IntoIterator<Item = &'p InputRows>) -> Result<Worker<'k>> {
        let mut worker = self.open()?;
        for InputRows { input, rows } in parts {
            worker.update(*input, rows)?;
        }
        Ok(worker)
    }

    /// Returns the sums that the batches add to a stage. Adds as the host does.
    pub(super) fn added(&self, stage: usize, batches: impl IntoIterator<Item = Result<RecordBatch>>) -> Result<Sums> {
        let shards = Shards::new(&self.stages[stage], KeyHash::default());
        for batch in batches {
            shards.add(&batch?, Sign::Plus);
        }
        shards.all()
    }

    /// Returns the sums of no rows.
    pub(super) fn none(&self) -> Fed {
        Fed(self.stages.iter().map(Sums::new).collect())
    }

    /// Returns the sums that states add to the stages.
    pub(super) fn fed(&self, states: impl IntoIterator<Item = Result<Vec<(usize, RecordBatch)>>>) -> Result<Fed> {
        let mut of_stages: Vec<Vec<RecordBatch>> = vec![vec![]; self.stages.len()];
        for state in states {
            for (stage, rows) in state? {
                of_stages[stage].push(if self.is_map() { counted(rows, &self.stages[0])? } else { rows });
            }
        }
        let stages = of_stages.into_iter().enumerate();
        stages.map(|(stage, batches)| self.added(stage, batches.into_iter().map(Ok))).collect::<Result<_>>().map(Fed)
    }

    /// Returns the sums of the rows, all taken in by one worker.
    pub(super) fn sums(&self, parts: &[InputRows]) -> Result<Fed> {
        self.fed([self.taken(parts)?.states()])
    }

    /// Returns the sums of the rows, with a worker for each `most` rows.
    pub(super) fn split(&self, parts: &[InputRows], most: usize) -> Result<Fed> {
        let mut states = Vec::new();
        for InputRows { input, rows } in parts {
            for rows in cut(rows, most) {
                states.push(self.taken([&InputRows { input: *input, rows }])?.states());
            }
        }
        self.fed(states)
    }

    /// Returns the sums that a stage, which is not the last, is reduced to, in calls of about `about` rows.
    pub(super) fn folded(&self, by: &mut Worker<'_>, stage: usize, sums: &Sums, about: usize) -> Result<Sums> {
        self.added(stage + 1, [self.reduced(by, stage, sums, about, usize::MAX)])
    }

    /// Returns what all groups of a stage are reduced to, in calls of about `about` rows, each cut into pieces of at most
    /// `most`.
    pub(super) fn reduced(
        &self,
        by: &mut Worker<'_>,
        stage: usize,
        sums: &Sums,
        about: usize,
        most: usize,
    ) -> Result<RecordBatch> {
        let schema = self.plugin.spec().reduced_schema(stage);
        let mut parts = Vec::new();
        if self.is_one_group(stage) {
            // The one group is there even without a row.
            let rows = sums.batch()?;
            let ends = vec![rows.num_rows() as u32];
            parts.push(by.reduce(stage, &Groups { rows, ends }, most)?);
        } else {
            let batches: Vec<_> = sums.sorted().batches(about).collect::<Result<_>>()?;
            for groups in &batches {
                parts.push(by.reduce(stage, groups, most)?);
            }
        }
        Ok(concat_batches(schema, &parts).expect("a checked stream has the declared schema"))
    }

    /// Returns the sums of every stage, of which inputs feed `fed`.
    pub(super) fn stages(&self, by: &mut Worker<'_>, fed: &Fed) -> Result<Vec<Sums>> {
        let mut all: Vec<Sums> = vec![fed.of(0)];
        for stage in 0..self.stages.len() - 1 {
            let mut next = self.folded(by, stage, &all[stage], GROUP_ROWS)?;
            next.add_all(&fed.0[stage + 1], Sign::Plus);
            all.push(next);
        }
        Ok(all)
    }

    /// Returns the table that the rows of the last stage make.
    pub(super) fn evaluated(&self, by: &mut Worker<'_>, last: &Sums) -> Result<RecordBatch> {
        let stage = self.stages.len() - 1;
        let table = match self.is_map() {
            true => repeated(&last.batch()?),
            false => self.reduced(by, stage, last, GROUP_ROWS, usize::MAX)?,
        };
        let table = self.in_order(&table);
        if self.checks_key {
            self.plugin.check_table(&table)?;
        }
        Ok(table)
    }

    /// Returns the input that has all columns of the table's key, and their indices there. The key may be that of its
    /// relation. Before 0.3.0, a KPI read no table, and a key held for any rows.
    pub(super) fn inherited_key(&self) -> Option<(usize, Vec<usize>)> {
        let names = self.plugin.spec().key_names().filter(|names| !names.is_empty() && !self.is_earlier())?;
        let columns = |input: &KpiInputSpec| {
            names.iter().map(|name| input.columns.index_of(name).ok()).collect::<Option<Vec<usize>>>()
        };
        let inputs = self.plugin.spec().inputs.iter().enumerate();
        inputs.filter_map(|(at, input)| columns(input).map(|columns| (at, columns))).next()
    }

    /// Returns the rows of the table in their order: as its reducer gave them if it had one group, or else by their key.
    pub(super) fn in_order(&self, table: &RecordBatch) -> RecordBatch {
        let has_order = !self.is_map() && self.is_one_group(self.stages.len() - 1);
        match self.plugin.spec().key.as_ref().filter(|_| !has_order) {
            None => table.clone(),
            Some(key) => sorted(table, key),
        }
    }

    /// Returns the table that the sums of the stages lead to.
    pub(super) fn table(&self, fed: &Fed) -> Result<RecordBatch> {
        let mut by = self.open()?;
        let stages = self.stages(&mut by, fed)?;
        let table = self.evaluated(&mut by, &stages[stages.len() - 1])?;
        check_range(&table).map_err(|error| {
            let plugin = &self.plugin.identity().name;
            let call = self.contract().table_call;
            Error::breach(Breach::Form, format!("plugin `{plugin}` broke the contract in `{call}`: {error}"))
        })?;
        Ok(table)
    }

    /// Returns the table of the rows, all taken in by one worker.
    pub(super) fn whole(&self, parts: &[InputRows]) -> Result<RecordBatch> {
        self.table(&self.sums(parts)?)
    }
}

/// Returns rows of a table, each counted once.
fn counted(rows: RecordBatch, stage: &StageSpec) -> Result<RecordBatch> {
    let ones: ArrayRef = Arc::new(Int64Array::from(vec![1; rows.num_rows()]));
    let columns = rows.columns().iter().cloned().chain([ones]).collect();
    RecordBatch::try_new(Arc::clone(&stage.schema), columns).map_err(|error| Error::internal(error.to_string()))
}

/// Returns each row as often as its last column counts it, without that column.
fn repeated(rows: &RecordBatch) -> RecordBatch {
    use arrow_array::cast::AsArray as _;
    use arrow_array::types::Int64Type;
    let last = rows.num_columns() - 1;
    let counts = rows.column(last).as_primitive::<Int64Type>().values();
    let numbers = (0..).zip(counts).flat_map(|(row, &count)| std::iter::repeat_n(row, count.max(0) as usize));
    let columns: Vec<_> = (0..last).collect();
    taken(&rows.project(&columns).expect("it has these columns"), numbers.collect())
}

/// Returns a function that gives the cells of a row in these columns as bytes that compare as they do.
fn keys<'r>(rows: &'r RecordBatch, of: &[usize]) -> impl Fn(u32) -> Vec<u8> + 'r {
    let columns: Vec<_> = of.iter().map(|&at| Column::of(rows.column(at))).collect();
    move |row| {
        let mut bytes = Vec::new();
        columns.iter().for_each(|column| column.encode(row as usize, &mut bytes));
        bytes
    }
}

/// Returns the first row of those that agree in these columns.
pub(super) fn distinct(rows: &RecordBatch, by: &[usize]) -> RecordBatch {
    let key = keys(rows, by);
    let mut seen = HashSet::new();
    taken(rows, (0..rows.num_rows() as u32).filter(|&row| seen.insert(key(row))).collect())
}

/// Returns the rows in the order of these columns. Rows that agree in them are in the order of all columns.
fn sorted(rows: &RecordBatch, by: &[usize]) -> RecordBatch {
    let all: Vec<_> = by.iter().copied().chain(0..rows.num_columns()).collect();
    let key = keys(rows, &all);
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    order.sort_by_cached_key(|&row| key(row));
    taken(rows, order)
}

fn taken(rows: &RecordBatch, numbers: Vec<u32>) -> RecordBatch {
    take_record_batch(rows, &UInt32Array::from(numbers)).expect("the rows are there")
}

/// Rows of one group as they are stored, each with its key and its numbers. Of a stage of one group, a single row.
pub(super) type Part = Vec<(Vec<u8>, Vec<u8>)>;

/// Returns the first groups as the catalog keeps them. Groups with sums that rightly cannot be kept, because they are too
/// large, are left out.
pub(super) fn kept(sums: &Sums, most: usize) -> Result<Vec<Part>> {
    let mut rows = Part::new();
    sums.sorted().stored(&KeyHash::default(), |_, key, numbers| {
        rows.push((key.to_vec(), numbers.to_vec()));
        Ok(())
    })?;
    let group = |row: &(Vec<u8>, Vec<u8>)| stored_row::split_key(&row.0).map(|(group, _)| group.to_vec());
    let mut parts = Vec::new();
    for part in rows.chunk_by(|a, b| group(a).is_some_and(|of_a| !of_a.is_empty() && Some(of_a) == group(b))) {
        let mut alone = sums.like();
        load(&mut alone, part)?;
        if alone.batch().is_ok() && parts.len() < most {
            parts.push(part.to_vec());
        }
    }
    Ok(parts)
}

/// Adds stored rows.
pub(super) fn load(sums: &mut Sums, part: &[(Vec<u8>, Vec<u8>)]) -> Result<()> {
    let mut loader = sums.loader(Sign::Plus);
    part.iter().try_for_each(|(key, numbers)| loader.push(key, numbers))?;
    loader.finish();
    Ok(())
}
