//! From what is added to a KPI's first stage to its table.

use std::collections::HashSet;

use arrow_array::RecordBatch;
use chrono::TimeDelta;

use super::Aggregation;
use super::sums::{Group, Sign, Sorted, Sums};
use crate::catalog::{GOLD, Gold, SUMS, Stored};
use crate::codec::Formulas;
use crate::error::Result;
use crate::pipeline::KpiStep;
use crate::plan::{inputs, is_whole};
use crate::segments::Segments;
use crate::store::Durability;
use crate::wasm::{Accumulator, StageSpec};
use crate::{clock, digest, profile, silver};

/// About how many rows are folded in one call.
const GROUP_ROWS: usize = 65_536;

/// A computed KPI.
pub(super) struct Finished {
    pub(super) gold: Gold,
    pub(super) table: RecordBatch,
    /// Objects that are no longer needed.
    pub(super) retired: Vec<String>,
    /// Objects that the commit names.
    pub(super) named: Vec<String>,
}

impl Aggregation<'_> {
    /// Adds `sums` to the first stage, what follows from it to the others, and evaluates the last.
    pub(super) fn finish(&self, step: &KpiStep, incremental: bool, mut sums: Sums) -> Result<Finished> {
        let _span = profile::span("finish sums", &step.name);
        let specs = &step.plugin.spec().stages;
        let former = self.state.gold.get(&step.name);
        let mut retired = Vec::new();
        let mut stages = vec![Segments::default(); specs.len()];
        match former {
            Some(gold) if incremental => stages.clone_from(&gold.stages),
            Some(gold) => retired.extend(gold.stages.iter().flat_map(Segments::runs).map(|run| run.key.clone())),
            None => {}
        }
        let mut accumulator = self.open(step)?;
        let last = specs.len() - 1;
        for stage in 0..last {
            let mut next = Sums::new(&specs[stage + 1]);
            if incremental {
                let before = self.stored(&specs[stage], &stages[stage], &sums)?;
                fold(&mut accumulator, stage, &before.sorted(), Sign::Minus, &mut next)?;
                sums.add_all(&before, Sign::Plus)?;
            }
            let sorted = sums.sorted();
            fold(&mut accumulator, stage, &sorted, Sign::Plus, &mut next)?;
            self.keep(step, stage, &mut stages[stage], sorted.groups(), &mut retired)?;
            sums = next;
        }
        let changed: HashSet<Vec<u8>> = sums.sorted().groups().map(|group| group.key().to_vec()).collect();
        stages[last].scan(self.store, |key, rows| sums.load(key, rows, Sign::Plus))?;
        let sorted = sums.sorted();
        let table = accumulator.evaluate(&sorted.batch()?)?;
        let groups = sorted.groups().filter(|group| changed.contains(group.key()));
        self.keep(step, last, &mut stages[last], groups, &mut retired)?;

        let table_object = self.write_table(step, former, &table)?;
        let named = stages.iter().flat_map(Segments::runs).map(|run| run.key.clone());
        let named = named.chain([table_object.key.clone()]).collect();
        let gold = Gold {
            fingerprint: step.fingerprint.at(self.as_of),
            inputs: inputs(step, self.state),
            stages,
            table: table_object,
        };
        Ok(Finished { gold, table, retired, named })
    }

    /// The rows of a stage that are in the same groups as those in `sums`.
    fn stored(&self, spec: &StageSpec, stage: &Segments, sums: &Sums) -> Result<Sums> {
        let keys: Vec<_> = sums.sorted().groups().map(|group| group.key().to_vec()).collect();
        let mut stored = Sums::new(spec);
        for (key, rows) in keys.iter().zip(stage.get_many(self.store, &keys)?) {
            if let Some(rows) = rows {
                stored.load(key, &rows, Sign::Plus)?;
            }
        }
        Ok(stored)
    }

    /// Keeps those groups as they are now.
    fn keep<'g>(
        &self,
        step: &KpiStep,
        stage: usize,
        kept: &mut Segments,
        groups: impl Iterator<Item = Group<'g>>,
        retired: &mut Vec<String>,
    ) -> Result<()> {
        let pairs: Vec<_> = groups
            .map(|group| {
                let mut rows = Vec::new();
                group.write(&mut rows);
                (group.key().to_vec(), Some(rows).filter(|rows| !rows.is_empty()))
            })
            .collect();
        if pairs.is_empty() {
            return Ok(());
        }
        let stem = format!("{SUMS}{}/{:020}-{stage}", step.name, self.state.sequence + 1);
        kept.put(self.store, &stem, pairs, retired)
    }

    fn write_table(&self, step: &KpiStep, former: Option<&Gold>, table: &RecordBatch) -> Result<Stored> {
        let body = silver::encode(table.schema_ref(), std::slice::from_ref(table), Formulas::Escape)?;
        let sha256 = digest::hex(&body);
        let same = former.filter(|gold| gold.table.sha256 == sha256 && is_whole(self.store, &gold.table));
        if let Some(same) = same {
            // The same table under a new stamp would tell people nothing.
            return Ok(same.table.clone());
        }
        let key = self.put_stamped(&step.name, former.map(|gold| gold.table.key.as_str()), &body)?;
        Ok(Stored { key, sha256, bytes: body.len() as u64, rows: table.num_rows() as u64 })
    }

    /// Writes the table under a stamp that sorts after the former one's, whatever the clock says.
    fn put_stamped(&self, kpi: &str, former: Option<&str>, body: &[u8]) -> Result<String> {
        let stem = format!("{GOLD}{kpi}/{kpi}_");
        let stamped = former.and_then(|former| former.strip_prefix(&stem)?.strip_suffix(".csv"));
        let after = stamped.and_then(clock::parse_stamp).map(|former| former + TimeDelta::seconds(1));
        let mut second = after.map_or(self.now, |after| after.max(self.now));
        loop {
            let key = format!("{stem}{}.csv", clock::stamp(second));
            if self.store.put_if_absent(&key, body, Durability::Rebuildable)? {
                return Ok(key);
            }
            second += TimeDelta::seconds(1);
        }
    }
}

/// Adds what the groups of a stage come to in the next one.
fn fold(
    accumulator: &mut Accumulator<'_>,
    stage: usize,
    groups: &Sorted<'_>,
    sign: Sign,
    next: &mut Sums,
) -> Result<()> {
    for batch in groups.batches(GROUP_ROWS) {
        next.add(&accumulator.fold(stage, &batch?)?, sign)?;
    }
    Ok(())
}
