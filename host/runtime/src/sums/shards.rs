//! A table of sums in shards, so that many threads add to it and write it side by side.

use std::sync::{Mutex, MutexGuard};

use arrow_array::RecordBatch;

use super::index::Keys;
use super::{Addends, BLOCK, Sign, Sums};
use crate::StageSpec;
use smelt_common::cost::Cost;
use smelt_common::key_hash::KeyHash;
use smelt_common::ordered::Column;
use smelt_common::profile;

/// How many there are of a stage that is folded: a power of two, as parts of a run. The last stage is read whole: it has one.
const SHARDS: usize = 16;
/// So many rows in all are not worth it to be finished in parts.
const FEW: usize = 4096;

/// A table of sums; a group lies in the shard whose number its place begins with.
pub struct Shards {
    stage: StageSpec,
    place: KeyHash,
    shards: Vec<Mutex<Sums>>,
    cost: Mutex<Cost>,
}

impl Shards {
    /// No rows.
    pub fn new(stage: &StageSpec, place: KeyHash) -> Self {
        let shards = if stage.group == 0 { 1 } else { SHARDS };
        let shards = (0..shards).map(|_| Mutex::new(Sums::new(stage))).collect();
        Self { stage: stage.clone(), place, shards, cost: Mutex::default() }
    }

    /// Where groups lie.
    pub fn place(&self) -> KeyHash {
        self.place
    }

    /// Counts in what an instance used to make rows of it.
    pub fn spend(&self, cost: Cost) {
        self.cost.lock().expect("no one panics while adding").merge(cost);
    }

    /// What was used to make its rows.
    pub fn cost(&self) -> Cost {
        *self.cost.lock().expect("no one panics while adding")
    }

    /// Adds or subtracts rows of the stage's schema, in any order; keys may repeat.
    pub fn add(&self, batch: &RecordBatch, sign: Sign) {
        let mut span = profile::span("add sums", "");
        span.through(batch.num_rows(), 0);
        let (keys, sums) = batch.columns().split_at(self.stage.keys);
        let keys: Vec<_> = keys.iter().map(|array| Column::of(array)).collect();
        // What is kept together: a group, or a row where nothing is folded.
        let (group, rest) = keys.split_at(if self.stage.group == 0 { self.stage.keys } else { self.stage.group });
        let addends: Vec<_> = sums.iter().map(Addends::of).collect();
        let mut parts: Vec<(Keys, Vec<usize>)> = self.shards.iter().map(|_| Default::default()).collect();
        let mut key = Vec::new();
        for start in (0..batch.num_rows()).step_by(BLOCK * parts.len()) {
            for row in start..batch.num_rows().min(start + BLOCK * parts.len()) {
                key.clear();
                group.iter().for_each(|column| column.encode(row, &mut key));
                let (keys, rows) = &mut parts[self.shard(&key)];
                keys.push(&key, |key| rest.iter().for_each(|column| column.encode(row, key)));
                rows.push(row);
            }
            for ((keys, rows), shard) in parts.iter_mut().zip(&self.shards) {
                lock(shard).add_rows(keys, rows, &addends, sign);
                keys.clear();
                rows.clear();
            }
        }
    }

    fn shard(&self, group: &[u8]) -> usize {
        match self.shards.len() {
            1 => 0,
            shards => (self.place.of(group) >> (u64::BITS - shards.trailing_zeros())) as usize,
        }
    }

    /// Brings all rows together if they are few. Returns in how many parts they are now, and about how many bytes.
    pub fn gather(&self) -> (u32, u64) {
        let count = |of: fn(&Sums) -> usize| self.shards.iter().map(|shard| of(&lock(shard))).sum::<usize>();
        let bytes = count(Sums::bytes) as u64;
        if count(|sums| sums.rows.keys.len() as usize) > FEW {
            return (self.shards.len() as u32, bytes);
        }
        let mut all = lock(&self.shards[0]);
        for shard in &self.shards[1..] {
            all.add_all(&std::mem::replace(&mut lock(shard), Sums::new(&self.stage)), Sign::Plus);
        }
        (1, bytes)
    }

    /// All rows together.
    pub fn all(&self) -> Sums {
        let mut all = Sums::new(&self.stage);
        self.shards.iter().for_each(|shard| all.add_all(&lock(shard), Sign::Plus));
        all
    }

    /// Takes a part out.
    pub fn take(&self, part: u32) -> Sums {
        std::mem::replace(&mut lock(&self.shards[part as usize]), Sums::new(&self.stage))
    }
}

fn lock(shard: &Mutex<Sums>) -> MutexGuard<'_, Sums> {
    shard.lock().expect("no one panics while holding it")
}
