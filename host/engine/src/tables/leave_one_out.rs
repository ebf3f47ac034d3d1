//! Makes a table as it would be without one silver object, through all tables that lie in between.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use arrow_array::RecordBatch;

use super::check_rows::verdicts;
use super::kept::{self, groups_of, reduce, whole};
use super::row_stage::RowStage;
use super::taker::Taker;
use crate::host_relation::HostRelation;
use crate::pipeline::{Pipeline, TableStep};
use crate::silver;
use smelt_catalog::{Entry, ObjectRef, State};
use smelt_common::error::Result;
use smelt_common::{Error, workers};
use smelt_runtime::Reducer;
use smelt_runtime::sums::{Shards, Sign, Sums};
use smelt_storage::Store;
use smelt_storage::sorted_runs::AdditiveReader;

/// A table and all tables that it was made from, as they are kept. From these the table can be made without one of the
/// silver objects.
pub struct LeaveOneOut<'w> {
    store: &'w dyn Store,
    pipeline: &'w Pipeline,
    /// The tables, each after all that it reads. The last one is the table in question.
    nodes: Vec<Node<'w>>,
}

/// An object without which a table is made.
#[derive(Clone, Copy)]
pub struct Without<'o> {
    /// Its dataset.
    pub dataset: &'o str,
    /// The bronze object's name.
    pub object: &'o str,
    /// Its entry in the catalog.
    pub entry: &'o Entry,
}

/// Stands for the time of a pass, where each step knows the time that its plugin is told.
const NO_TIME: i64 = 0;

/// A table as it is kept.
struct Node<'w> {
    step: &'w TableStep,
    /// The kept sums of each stage.
    stages: Vec<AdditiveReader<'w>>,
    /// All sums of the last stage, if these are one group.
    last: Option<Sums>,
    /// All rows of the table, if it is made as a whole or is the table in question.
    rows: Sums,
    row_stage: RowStage,
}

/// The rows that leave a relation, and those that come.
type Change = Vec<(RecordBatch, Sign)>;

/// The sums of single silver objects for one input of a table, by table, input, key and sha256.
#[derive(Default)]
pub struct States(Mutex<HashMap<(String, usize, String, String), RecordBatch>>);

impl States {
    /// Returns the object's sums. Calls `make` if they are not known yet.
    fn of(
        &self,
        table: &str,
        input: usize,
        object: &ObjectRef,
        make: impl FnOnce() -> Result<RecordBatch>,
    ) -> Result<RecordBatch> {
        let key = (table.to_owned(), input, object.key.clone(), object.sha256.clone());
        let known = self.0.lock().expect("no one panics while holding it").get(&key).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let state = make()?;
        self.0.lock().expect("no one panics while holding it").insert(key, state.clone());
        Ok(state)
    }
}

impl<'w> LeaveOneOut<'w> {
    /// Opens what is kept of the table of that name, and of all that it was made from. The pipeline must have exactly
    /// these tables, with the components and parameters that they were made with. Each plugin is told the time that it was told then.
    pub fn open(store: &'w dyn Store, pipeline: &'w Pipeline, state: &'w State, table: &str) -> Result<Self> {
        let mut nodes: Vec<Node<'w>> = Vec::new();
        for step in &pipeline.tables {
            let spec = step.plugin.spec();
            let gold = state.gold.get(&step.name).filter(|gold| gold.stages.len() == spec.stages.len());
            let gold = gold.ok_or_else(|| {
                Error::internal(format!("what is kept of table `{}` is not what its plugin declares", step.name))
            })?;
            let last = match (step.is_whole(), gold.stages.last(), spec.stages.last()) {
                (true, Some(kept), Some(stage)) => Some(kept::load(store, stage, kept)?),
                _ => None,
            };
            let row_stage = RowStage::of(spec);
            let mut rows = Sums::new(&row_stage.spec);
            if let Some(kept) = gold.rows()
                && (last.is_some() || step.name == table)
            {
                kept::add(store, kept, &mut rows, Sign::Plus)?;
            }
            let stages = gold.stages.iter().map(|stage| stage.open(store)).collect::<Result<_>>()?;
            nodes.push(Node { step, stages, last, rows, row_stage });
        }
        if nodes.last().is_none_or(|node| node.step.name != table) {
            return Err(Error::internal(format!("table `{table}` is not the last one of its own pipeline")));
        }
        Ok(Self { store, pipeline, nodes })
    }

    fn target(&self) -> &Node<'w> {
        &self.nodes[self.nodes.len() - 1]
    }

    /// Returns the table in question.
    pub fn step(&self) -> &'w TableStep {
        self.target().step
    }

    /// Returns the table with all silver objects.
    pub fn table(&self) -> Result<RecordBatch> {
        let node = self.target();
        match &node.last {
            Some(last) => whole(&mut self.reducer(node, node.stages.len() - 1)?, &last.sorted()),
            None => node.row_stage.rows(&node.rows.batch()?),
        }
    }

    /// Returns one table for each object: the table without that object alone.
    pub fn without(&self, objects: &[Without<'_>], states: &States) -> Result<Vec<RecordBatch>> {
        let failed = Mutex::new(None);
        let tables = workers::map(objects.iter().collect(), |object| {
            self.without_one(object, states).map_err(|error| {
                failed.lock().expect("no one panics while holding it").get_or_insert(error);
            })
        });
        match failed.into_inner().expect("no one panics while holding it") {
            Some(error) => Err(error),
            None => Ok(tables.into_iter().flatten().collect()),
        }
    }

    fn without_one(&self, without: &Without<'_>, states: &States) -> Result<RecordBatch> {
        let Without { dataset, object, entry } = *without;
        let mut changes: BTreeMap<&str, Change> = BTreeMap::new();
        let is_read = |relation: &HostRelation| {
            self.nodes.iter().flat_map(|node| &node.step.inputs).any(|input| input.relation == relation.name())
        };
        for relation in HostRelation::all().filter(is_read) {
            let rows = relation.of_object(dataset, object, entry)?;
            changes.insert(relation.name(), rows.into_iter().map(|(rows, _)| (rows, Sign::Minus)).collect());
        }
        for node in &self.nodes {
            let step = node.step;
            let sums = node.empty();
            for (input, of) in step.inputs.iter().enumerate() {
                let sums = &sums[step.target(input)];
                let taker = Taker::of_input(step, sums);
                if of.relation == dataset {
                    let state = states
                        .of(&step.name, input, &entry.silver, || self.state(step, input, dataset, &entry.silver))?;
                    taker.add(&state, Sign::Minus)?;
                }
                for (rows, sign) in changes.get(of.relation.as_str()).into_iter().flatten() {
                    let mut accumulator = step.accumulator(input, NO_TIME)?;
                    accumulator.update(&silver::project(rows, &of.columns)?)?;
                    taker.add(&accumulator.state()?, *sign)?;
                }
            }
            let is_target = step.name == self.step().name;
            if let Some(table) = self.carry(node, &sums, is_target)? {
                return Ok(table);
            }
            let changed = sums[sums.len() - 1].all()?;
            let differences = node.row_stage.differences(&changed.sorted())?;
            let signed = |rows: Vec<RecordBatch>, sign| rows.into_iter().map(move |rows| (rows, sign));
            let change: Change =
                signed(differences.removed, Sign::Minus).chain(signed(differences.added, Sign::Plus)).collect();
            if step.is_check() && is_read(&HostRelation::Checks) {
                let verdicts = change.iter().map(|(rows, sign)| Ok((verdicts(step, rows)?, *sign)));
                let verdicts = verdicts.collect::<Result<Change>>()?;
                changes.entry(HostRelation::Checks.name()).or_default().extend(verdicts);
            }
            changes.insert(&step.name, change);
        }
        Err(Error::internal("a table is not the last one of its own pipeline"))
    }

    /// Carries the changes in `sums` through the stages of a table to the sums of its rows. Returns the whole table if
    /// it `is_target`.
    fn carry(&self, node: &Node<'w>, sums: &[Shards], is_target: bool) -> Result<Option<RecordBatch>> {
        let spec = node.step.plugin.spec();
        for (stage, kept) in node.stages.iter().enumerate() {
            let is_last = stage + 1 == node.stages.len();
            let next = Taker::of_stage(node.step, stage, &sums[stage + 1]);
            let changed = sums[stage].all()?;
            if let Some(last) = node.last.as_ref().filter(|_| is_last) {
                let mut all = changed.like();
                all.add_all(last, Sign::Plus);
                all.add_all(&changed, Sign::Plus);
                let table = whole(&mut self.reducer(node, stage)?, &all.sorted())?;
                if is_target {
                    return Ok(Some(table));
                }
                next.add(&table, Sign::Plus)?;
                let rows = &sums[stage + 1];
                rows.add(&node.rows.batch()?, Sign::Minus);
                continue;
            }
            if changed.is_empty() {
                continue;
            }
            let mut reducer = self.reducer(node, stage)?;
            if spec.stages[stage].group == 0 {
                let mut all = kept::load_open(kept, &spec.stages[stage])?;
                next.add(&whole(&mut reducer, &all.sorted())?, Sign::Minus)?;
                all.add_all(&changed, Sign::Plus);
                next.add(&whole(&mut reducer, &all.sorted())?, Sign::Plus)?;
                continue;
            }
            let mut groups = groups_of(kept, &changed, &changed.sorted_by_hash(kept.key_hash()))?;
            reduce(&mut reducer, &groups.sorted_by_hash(kept.key_hash()), |rows| next.add(&rows, Sign::Minus))?;
            groups.add_all(&changed, Sign::Plus);
            reduce(&mut reducer, &groups.sorted_by_hash(kept.key_hash()), |rows| next.add(&rows, Sign::Plus))?;
        }
        if !is_target {
            return Ok(None);
        }
        let mut rows = node.rows.like();
        rows.add_all(&node.rows, Sign::Plus);
        rows.add_all(&sums[sums.len() - 1].all()?, Sign::Plus);
        node.row_stage.rows(&rows.batch()?).map(Some)
    }

    /// Returns the sums of one silver object.
    fn state(&self, step: &TableStep, input: usize, dataset: &str, object: &ObjectRef) -> Result<RecordBatch> {
        let mut accumulator = step.accumulator(input, NO_TIME)?;
        let columns = &step.inputs[input].columns;
        for batch in silver::read(self.store, object, self.pipeline.schema(dataset)?, columns)? {
            accumulator.update(&silver::project(&batch, columns)?)?;
        }
        accumulator.state()
    }

    fn reducer(&self, node: &Node<'w>, stage: usize) -> Result<Reducer<'w>> {
        node.step.reducer(stage, NO_TIME)
    }
}

impl Node<'_> {
    /// Returns empty sums for each stage, and for the rows of the table.
    fn empty(&self) -> Vec<Shards> {
        let specs = &self.step.plugin.spec().stages;
        let stages = specs.iter().zip(&self.stages).map(|(spec, kept)| Shards::new(spec, *kept.key_hash()));
        stages.chain([Shards::new(&self.row_stage.spec, Default::default())]).collect()
    }
}
