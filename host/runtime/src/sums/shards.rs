//! Splits a table of sums into shards, so that many threads add to it and write it at once.

use std::sync::{Mutex, MutexGuard};

use arrow_array::RecordBatch;

use super::index::Keys;
use super::table::{Addends, BLOCK, Sign, Sums};
use crate::StageSpec;
use smelt_common::cost::Cost;
use smelt_common::key_hash::KeyHash;
use smelt_common::ordered::Column;
use smelt_common::profile;

/// The number of shards of a stage that is folded: a power of two, as the number of parts of a sorted
/// run is. The last stage is read
/// as a whole, so it has one shard.
const SHARDS: usize = 16;
/// Up to so many rows are finalized as one part, because several would not be worth it.
const FEW: usize = 4096;

/// A table of sums in shards. The first bits of a group's hash are the number of its shard.
pub struct Shards {
    stage: StageSpec,
    hash: KeyHash,
    shards: Vec<Mutex<Sums>>,
    cost: Mutex<Cost>,
}

impl Shards {
    /// Returns an empty table.
    pub fn new(stage: &StageSpec, hash: KeyHash) -> Self {
        let shards = if stage.group == 0 { 1 } else { SHARDS };
        let shards = (0..shards).map(|_| Mutex::new(Sums::new(stage))).collect();
        Self { stage: stage.clone(), hash, shards, cost: Mutex::default() }
    }

    /// Returns the hash function of the groups.
    pub fn key_hash(&self) -> KeyHash {
        self.hash
    }

    /// Adds the cost of an instance that made rows of the table.
    pub fn spend(&self, cost: Cost) {
        self.cost.lock().expect("no one panics while adding").merge(cost);
    }

    /// Returns the cost of making its rows.
    pub fn cost(&self) -> Cost {
        *self.cost.lock().expect("no one panics while adding")
    }

    /// Adds or subtracts rows of the stage's schema. They may come in any order, and keys may repeat.
    pub fn add(&self, batch: &RecordBatch, sign: Sign) {
        let mut span = profile::span("add sums", "");
        span.through(batch.num_rows(), 0);
        let (keys, sums) = batch.columns().split_at(self.stage.keys);
        let keys: Vec<_> = keys.iter().map(|array| Column::of(array)).collect();
        // A shard has whole groups or, where nothing is folded, whole rows.
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
            shards => (self.hash.of(group) >> (u64::BITS - shards.trailing_zeros())) as usize,
        }
    }

    /// Moves all rows into one shard if they are few. Returns the number of parts, and about how many bytes all rows
    /// take.
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

    /// Returns all rows as one table.
    pub fn all(&self) -> Sums {
        let mut all = Sums::new(&self.stage);
        self.shards.iter().for_each(|shard| all.add_all(&lock(shard), Sign::Plus));
        all
    }

    /// Takes one part out of the table.
    pub fn take(&self, part: u32) -> Sums {
        std::mem::replace(&mut lock(&self.shards[part as usize]), Sums::new(&self.stage))
    }
}

fn lock(shard: &Mutex<Sums>) -> MutexGuard<'_, Sums> {
    shard.lock().expect("no one panics while holding it")
}
