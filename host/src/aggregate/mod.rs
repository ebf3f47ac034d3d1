//! The aggregator's role: KPIs over silver, recomputed only where silver, component or parameters changed.

mod memo;
mod tree;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use arrow_array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};

use memo::Memo;
use tree::{Leaf, Made, Node, tree};

use crate::catalog::{Commit, GOLD, Gold, State, Stored};
use crate::codec::Formulas;
use crate::error::{Kind, Result};
use crate::pipeline::{KpiStep, Pipeline};
use crate::plan::{KpiPlan, inputs_digest};
use crate::progress::Progress;
use crate::silver::{self, Fresh};
use crate::store::{Durability, Store};
use crate::{Error, clock, digest, workers};

/// What aggregating needs.
pub struct Aggregation<'a> {
    /// The lake.
    pub store: &'a dyn Store,
    /// What to do.
    pub pipeline: &'a Pipeline,
    /// What the lake holds.
    pub state: &'a State,
    /// The time of this run: gold is stamped with it.
    pub now: DateTime<Utc>,
    /// The time that plugins are told, in microseconds since the epoch.
    pub as_of: i64,
    /// Silver that was just written.
    pub fresh: &'a Fresh,
    /// Told of every silver object read.
    pub progress: &'a Progress,
}

/// What came of aggregating: a commit to be made, and what could not be done.
pub struct Outcome {
    /// The change; may be empty.
    pub commit: Commit,
    /// KPIs that could not be computed, and why; they are tried again in the next run.
    pub failures: Vec<(String, Error)>,
    /// Datasets of which an object is gone or damaged, and which; they must be made anew.
    pub damaged: BTreeMap<String, String>,
    /// The tables that were computed, by KPI.
    pub tables: BTreeMap<String, RecordBatch>,
}

/// A partial aggregate to be computed from a silver object.
struct LeafTask<'t> {
    step: &'t KpiStep,
    id: &'t str,
    leaf: Leaf<'t>,
}

type States = Mutex<HashMap<String, RecordBatch>>;

impl Aggregation<'_> {
    /// Computes the KPIs that the plans name. Nothing is part of the lake before the commit is made.
    pub fn run(&self, plans: &[KpiPlan]) -> Result<Outcome> {
        let due: Vec<&KpiStep> = self
            .pipeline
            .kpis
            .iter()
            .filter(|step| plans.iter().any(|plan| plan.kpi == step.name && plan.reason.is_some()))
            .collect();
        let trees: Vec<_> = due.iter().map(|step| (*step, self.tree(step))).collect();
        let states = States::default();
        let memo = Memo::new(self.store);

        // Leaves first, grouped by silver object, so that each is read once for all KPIs.
        let mut objects: BTreeMap<&str, (&Stored, &str, Vec<LeafTask<'_>>)> = BTreeMap::new();
        for (step, root) in &trees {
            self.missing(step, root, &memo, &states, &mut objects);
        }
        let mut tasks: Vec<_> = objects.into_values().collect();
        tasks.sort_by_key(|(silver, ..)| std::cmp::Reverse(silver.bytes));
        self.progress.begin("aggregating", tasks.iter().map(|(silver, ..)| silver.bytes).sum());
        let damaged = Mutex::new(BTreeMap::new());
        let failed = workers::map(tasks, |(silver, dataset, tasks)| {
            let failed = self.leaves(silver, dataset, &tasks, &memo, &states);
            if let Some((_, error)) = failed.iter().find(|(_, error)| error.kind() == Kind::Damaged) {
                damaged.lock().expect("no one panics while holding it").insert(dataset.to_owned(), error.to_string());
            }
            self.progress.advance(silver.bytes);
            failed
        });
        let failed: HashMap<String, Error> = failed.into_iter().flatten().collect();
        self.progress.end();

        let evaluated = workers::map(trees, |(step, root)| {
            let result = match failed.contains_key(&step.name) {
                true => Err(Error::internal("a part could not be computed")),
                false => self.evaluate(step, &root, &memo, &states),
            };
            (step, result)
        });
        let mut outcome = Outcome {
            commit: Commit::new("aggregate"),
            failures: failed.into_iter().collect(),
            damaged: damaged.into_inner().unwrap_or_default(),
            tables: BTreeMap::new(),
        };
        for (step, result) in evaluated {
            match result {
                Ok((gold, table)) => {
                    outcome.commit.gold.insert(step.name.clone(), gold);
                    outcome.tables.insert(step.name.clone(), table);
                }
                Err(error) if !outcome.failures.iter().any(|(kpi, _)| *kpi == step.name) => {
                    outcome.failures.push((step.name.clone(), error));
                }
                Err(_) => {}
            }
        }
        Ok(outcome)
    }

    fn tree<'t>(&'t self, step: &'t KpiStep) -> Node<'t> {
        let inputs: Vec<_> = step.inputs.iter().map(|input| format!("{} ({})", input.name, input.silver)).collect();
        let leaves = step.inputs.iter().enumerate().flat_map(|(input, of)| {
            let objects = self.state.datasets.get(&of.dataset).into_iter().flat_map(|dataset| &dataset.objects);
            objects.map(move |(object, entry)| Leaf { input, object, sha256: &entry.silver.sha256 })
        });
        tree(&step.fingerprint.at(self.as_of).digest(), &inputs, leaves.collect())
    }

    /// Collects the leaves that are not memoised and whose nodes are not either; remembers the states that are.
    fn missing<'t>(
        &'t self,
        step: &'t KpiStep,
        node: &'t Node<'t>,
        memo: &Memo<'_>,
        states: &States,
        objects: &mut BTreeMap<&'t str, (&'t Stored, &'t str, Vec<LeafTask<'t>>)>,
    ) {
        if let Some(state) = memo.get(&node.id, &step.plugin.spec().state) {
            states.lock().expect("no one panics while holding it").insert(node.id.clone(), state);
            return;
        }
        match &node.made {
            Made::Merge(children) => children.iter().for_each(|child| self.missing(step, child, memo, states, objects)),
            Made::Leaf(leaf) => {
                let dataset = step.inputs[leaf.input].dataset.as_str();
                let entry = self.state.datasets.get(dataset).and_then(|held| held.objects.get(leaf.object));
                let Some(entry) = entry else { return };
                let task = LeafTask { step, id: &node.id, leaf: *leaf };
                objects.entry(&entry.silver.key).or_insert((&entry.silver, dataset, vec![])).2.push(task);
            }
        }
    }

    /// Computes all partial aggregates that are wanted of one silver object; returns the KPIs that failed.
    fn leaves(
        &self,
        silver: &Stored,
        dataset: &str,
        tasks: &[LeafTask<'_>],
        memo: &Memo<'_>,
        states: &States,
    ) -> Vec<(String, Error)> {
        let compute = |task: &LeafTask<'_>, batches: &[RecordBatch]| {
            let LeafTask { step, id, leaf } = task;
            let input = &step.inputs[leaf.input];
            let mut accumulator = self.open(step)?;
            for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
                accumulator.update(&input.name, &silver::project(batch, &input.columns)?)?;
            }
            let state = accumulator.state()?;
            memo.put(id, &state);
            states.lock().expect("no one panics while holding it").insert((*id).to_owned(), state);
            Ok(())
        };
        let read = || {
            let step = self.pipeline.dataset(dataset).ok_or_else(|| Error::internal("a KPI reads no dataset"))?;
            let schema = &step.plugin.spec().output;
            // The columns that any of the KPIs reads.
            let wanted =
                |name: &str| tasks.iter().any(|task| task.step.inputs[task.leaf.input].columns.index_of(name).is_ok());
            let fields: Vec<_> = schema.fields().iter().filter(|field| wanted(field.name())).cloned().collect();
            silver::read(self.store, self.fresh, silver, schema, &arrow_schema::Schema::new(fields).into())
        };
        let name = |task: &LeafTask<'_>| task.step.name.clone();
        match read() {
            Ok(batches) => tasks
                .iter()
                .filter_map(|task| {
                    compute(task, &batches).err().map(|error: Error| (name(task), error.context(&silver.key)))
                })
                .collect(),
            Err(error) => tasks.iter().map(|task| (name(task), Error::new(error.kind(), error.to_string()))).collect(),
        }
    }

    fn open<'s>(&self, step: &'s KpiStep) -> Result<crate::wasm::Accumulator<'s>> {
        step.plugin.open(&step.parameters, step.plugin.identity().uses_as_of.then_some(self.as_of))
    }

    /// The state of a node: remembered, or merged from those of its children.
    fn merged(&self, step: &KpiStep, node: &Node<'_>, memo: &Memo<'_>, states: &States) -> Result<RecordBatch> {
        // Kept, not taken: objects of equal content share one leaf.
        if let Some(state) = states.lock().expect("no one panics while holding it").get(&node.id) {
            return Ok(state.clone());
        }
        let Made::Merge(children) = &node.made else {
            return Err(Error::internal(format!("partial aggregate {} is gone", node.id)));
        };
        // Before the accumulator is opened: however deep the tree is, a worker holds one instance.
        let parts = children.iter().map(|child| self.merged(step, child, memo, states)).collect::<Result<Vec<_>>>()?;
        let mut accumulator = self.open(step)?;
        parts.iter().try_for_each(|part| accumulator.merge(part))?;
        let state = accumulator.state()?;
        memo.put(&node.id, &state);
        Ok(state)
    }

    fn evaluate(
        &self,
        step: &KpiStep,
        root: &Node<'_>,
        memo: &Memo<'_>,
        states: &States,
    ) -> Result<(Gold, RecordBatch)> {
        let state = self.merged(step, root, memo, states)?;
        let mut accumulator = self.open(step)?;
        accumulator.merge(&state)?;
        let table = accumulator.evaluate()?;
        let body = silver::encode(table.schema_ref(), std::slice::from_ref(&table), Formulas::Escape)?;
        let sha256 = digest::hex(&body);
        let former = self.state.gold.get(&step.name);
        let table_object = match former.filter(|gold| gold.table.sha256 == sha256) {
            // The same table under a new stamp would tell people nothing.
            Some(same) => same.table.clone(),
            None => {
                let key = self.put_stamped(&step.name, former.map(|gold| gold.table.key.as_str()), &body)?;
                Stored { key, sha256, bytes: body.len() as u64, rows: table.num_rows() as u64 }
            }
        };
        let inputs = inputs_digest(step, self.state);
        Ok((Gold { fingerprint: step.fingerprint.at(self.as_of), inputs, table: table_object }, table))
    }

    /// Writes the table under a stamp that sorts after the former one's, whatever the clock says.
    fn put_stamped(&self, kpi: &str, former: Option<&str>, body: &[u8]) -> Result<String> {
        let stem = format!("{GOLD}{kpi}/{kpi}_");
        let stamped = former.and_then(|former| former.strip_prefix(&stem)?.strip_suffix(".csv"));
        let after = stamped.and_then(clock::parse_stamp).map(|former| former + TimeDelta::seconds(1));
        let mut second = after.map_or(self.now, |after| after.max(self.now));
        loop {
            let key = format!("{stem}{}.csv", clock::stamp(second));
            if self.store.put_if_absent(&key, body, Durability::Durable)? {
                return Ok(key);
            }
            second += TimeDelta::seconds(1);
        }
    }
}
