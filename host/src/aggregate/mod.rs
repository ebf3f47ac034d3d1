//! The aggregator's role: KPIs over silver, recomputed only where silver, component or parameters changed.

mod sums;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use arrow_array::RecordBatch;
use chrono::{DateTime, TimeDelta, Utc};

pub use sums::{Group, Sign, Sorted, Sums};

use crate::catalog::{Commit, GOLD, Gold, State, Stored};
use crate::codec::Formulas;
use crate::error::{Kind, Result};
use crate::pipeline::{KpiStep, Pipeline};
use crate::plan::{KpiPlan, inputs_digest};
use crate::progress::Progress;
use crate::silver::{self, Fresh};
use crate::store::{Durability, Store};
use crate::{Error, clock, digest, workers};

/// About how many rows are folded in one call.
const GROUP_ROWS: usize = 65_536;

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

/// What a KPI adds up over all of its inputs.
struct Due<'d> {
    step: &'d KpiStep,
    sums: Mutex<Sums>,
}

/// A silver object, its dataset, and the KPIs that read it, each with the index of the input.
type Task<'t> = (&'t Stored, &'t str, Vec<(&'t Due<'t>, usize)>);

impl Aggregation<'_> {
    /// Computes the KPIs that the plans name. Nothing is part of the lake before the commit is made.
    pub fn run(&self, plans: &[KpiPlan]) -> Result<Outcome> {
        let is_due = |step: &&KpiStep| plans.iter().any(|plan| plan.kpi == step.name && plan.reason.is_some());
        let of = |step| Due { step, sums: Mutex::new(Sums::new(&step.plugin.spec().stages[0])) };
        let due: Vec<_> = self.pipeline.kpis.iter().filter(is_due).map(of).collect();

        // Grouped by silver object, so that each is read once for all KPIs.
        let mut tasks: BTreeMap<&str, Task<'_>> = BTreeMap::new();
        for kpi in &due {
            for (input, of) in kpi.step.inputs.iter().enumerate() {
                for entry in self.state.datasets.get(&of.dataset).into_iter().flat_map(|held| held.objects.values()) {
                    let task = tasks.entry(&entry.silver.key).or_insert((&entry.silver, &of.dataset, vec![]));
                    task.2.push((kpi, input));
                }
            }
        }
        let mut tasks: Vec<_> = tasks.into_values().collect();
        tasks.sort_by_key(|(silver, ..)| std::cmp::Reverse(silver.bytes));
        self.progress.begin("aggregating", tasks.iter().map(|(silver, ..)| silver.bytes).sum());
        let damaged = Mutex::new(BTreeMap::new());
        let failed = workers::map(tasks, |task| {
            let failed = self.add(&task);
            let (silver, dataset, _) = task;
            if let Some((_, error)) = failed.iter().find(|(_, error)| error.kind() == Kind::Damaged) {
                damaged.lock().expect("no one panics while holding it").insert(dataset.to_owned(), error.to_string());
            }
            self.progress.advance(silver.bytes);
            failed
        });
        let mut failures: HashMap<String, Error> = failed.into_iter().flatten().collect();
        self.progress.end();

        let whole: Vec<_> = due.into_iter().filter(|kpi| !failures.contains_key(&kpi.step.name)).collect();
        let evaluated = workers::map(whole, |Due { step, sums }| {
            (
                step,
                sums.into_inner()
                    .map_err(|_| Error::internal("a worker panicked"))
                    .and_then(|sums| self.gold(step, sums)),
            )
        });
        let (mut commit, mut tables) = (Commit::new("aggregate"), BTreeMap::new());
        for (step, result) in evaluated {
            match result {
                Ok((gold, table)) => {
                    commit.gold.insert(step.name.clone(), gold);
                    tables.insert(step.name.clone(), table);
                }
                Err(error) => drop(failures.insert(step.name.clone(), error)),
            }
        }
        let damaged = damaged.into_inner().unwrap_or_default();
        Ok(Outcome { commit, failures: failures.into_iter().collect(), damaged, tables })
    }

    /// Adds what a silver object's rows come to; returns the KPIs that failed.
    fn add(&self, (silver, dataset, kpis): &Task<'_>) -> Vec<(String, Error)> {
        let add = |kpi: &Due<'_>, input: usize, batches: &[RecordBatch]| {
            let input = &kpi.step.inputs[input];
            let mut accumulator = self.open(kpi.step)?;
            for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
                accumulator.update(&input.name, &silver::project(batch, &input.columns)?)?;
            }
            let state = accumulator.state()?;
            kpi.sums.lock().expect("no one panics while holding it").add(&state, Sign::Plus)
        };
        let read = || {
            let step = self.pipeline.dataset(dataset).ok_or_else(|| Error::internal("a KPI reads no dataset"))?;
            let schema = &step.plugin.spec().output;
            // The columns that any of the KPIs reads.
            let wanted =
                |name: &str| kpis.iter().any(|(kpi, input)| kpi.step.inputs[*input].columns.index_of(name).is_ok());
            let fields: Vec<_> = schema.fields().iter().filter(|field| wanted(field.name())).cloned().collect();
            silver::read(self.store, self.fresh, silver, schema, &arrow_schema::Schema::new(fields).into())
        };
        let name = |kpi: &Due<'_>| kpi.step.name.clone();
        match read() {
            Ok(batches) => kpis
                .iter()
                .filter_map(|&(kpi, input)| Some((name(kpi), add(kpi, input, &batches).err()?.context(&silver.key))))
                .collect(),
            Err(error) => {
                kpis.iter().map(|(kpi, _)| (name(kpi), Error::new(error.kind(), error.to_string()))).collect()
            }
        }
    }

    fn open<'s>(&self, step: &'s KpiStep) -> Result<crate::wasm::Accumulator<'s>> {
        step.plugin.open(&step.parameters, step.plugin.identity().uses_as_of.then_some(self.as_of))
    }

    /// The table that the sums of the first stage come to.
    fn evaluate(&self, step: &KpiStep, mut sums: Sums) -> Result<RecordBatch> {
        let mut accumulator = self.open(step)?;
        for (stage, next) in step.plugin.spec().stages[1..].iter().enumerate() {
            let mut folded = Sums::new(next);
            for groups in sums.sorted().batches(GROUP_ROWS) {
                folded.add(&accumulator.fold(stage, &groups?)?, Sign::Plus)?;
            }
            sums = folded;
        }
        accumulator.evaluate(&sums.batch()?)
    }

    fn gold(&self, step: &KpiStep, sums: Sums) -> Result<(Gold, RecordBatch)> {
        let table = self.evaluate(step, sums)?;
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
