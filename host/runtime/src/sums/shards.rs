//! Splits a table of sums into shards, so that many threads add to it and write it at once.

use std::sync::{Mutex, MutexGuard};

use arrow_array::RecordBatch;

use super::index::Keys;
use super::spill::{Piece, Spill};
use super::table::{Addends, BLOCK, Sign, Sums};
use crate::StageSpec;
use smelt_common::cost::Cost;
use smelt_common::error::Result;
use smelt_common::key_hash::KeyHash;
use smelt_common::ordered::Column;
use smelt_common::profile;

/// The number of shards of a stage: a power of two, as the number of parts of a sorted run is. A stage of one group has
/// one shard.
const SHARDS: usize = 16;
/// The bytes of memory that the rows of a stage take, unless they are given fewer, before some of them go to a file.
const MOST_BYTES: usize = 96 << 20;
/// Up to so many rows are finalized as one part, because several would not be worth it.
const FEW: usize = 4096;

impl Sums {
    /// Returns the sum of the rows of a batch of the stage's schema.
    pub fn of(stage: &StageSpec, rows: &RecordBatch) -> Self {
        let shards = Shards::of_one(stage, KeyHash::default());
        shards.add(rows, Sign::Plus);
        shards
            .shards
            .into_iter()
            .next()
            .map_or_else(|| Self::new(stage), |shard| shard.into_inner().expect("no one panics while holding it").sums)
    }
}

/// A table of sums in shards. The first bits of a group's hash are the number of its shard.
pub struct Shards {
    stage: StageSpec,
    hash: KeyHash,
    shards: Vec<Mutex<Shard>>,
    spill: Spill,
    /// The bytes of memory that a shard may take.
    most: usize,
    cost: Mutex<Cost>,
}

/// A part of the table: rows in memory, and rows in the file.
struct Shard {
    sums: Sums,
    spilled: Vec<Piece>,
}

impl Shard {
    fn new(stage: &StageSpec) -> Self {
        Self { sums: Sums::new(stage), spilled: vec![] }
    }

    /// Returns all rows as one table.
    fn whole(self, spill: &Spill) -> Result<Sums> {
        let Self { mut sums, spilled } = self;
        spilled.iter().try_for_each(|piece| spill.read(piece, &mut sums))?;
        Ok(sums)
    }
}

impl Shards {
    /// Returns an empty table.
    pub fn new(stage: &StageSpec, hash: KeyHash) -> Self {
        if stage.group == 0 {
            return Self::of_one(stage, hash);
        }
        Self::of_many(stage, hash, SHARDS, MOST_BYTES / SHARDS)
    }

    /// Returns an empty table of a single shard, which stays in memory, since it is needed as a whole.
    fn of_one(stage: &StageSpec, hash: KeyHash) -> Self {
        Self::of_many(stage, hash, 1, usize::MAX)
    }

    fn of_many(stage: &StageSpec, hash: KeyHash, shards: usize, most: usize) -> Self {
        let shards = (0..shards).map(|_| Mutex::new(Shard::new(stage))).collect();
        Self { stage: stage.clone(), hash, shards, spill: Spill::default(), most, cost: Mutex::default() }
    }

    /// Returns the table with a lower bound for its memory, in bytes. A table of a single shard has none.
    pub fn within(self, bytes: usize) -> Self {
        let most = if self.shards.len() == 1 { self.most } else { self.most.min(bytes / self.shards.len()) };
        Self { most, ..self }
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
        let (group, rest) = keys.split_at(self.stage.group);
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
                let mut shard = lock(shard);
                shard.sums.add_rows(keys, rows, &addends, sign);
                if shard.sums.memory() > self.most
                    && let Some(piece) = self.spill.write(&shard.sums)
                {
                    shard.spilled.push(piece);
                    shard.sums = Sums::new(&self.stage);
                }
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
        let count = |of: fn(&Shard) -> usize| self.shards.iter().map(|shard| of(&lock(shard))).sum::<usize>();
        let bytes = count(|shard| shard.sums.bytes() + shard.spilled.iter().map(Piece::bytes).sum::<usize>()) as u64;
        let rows =
            count(|shard| shard.sums.rows.keys.len() as usize + shard.spilled.iter().map(Piece::rows).sum::<usize>());
        if rows > FEW || count(|shard| shard.spilled.len()) > 0 {
            return (self.shards.len() as u32, bytes);
        }
        let mut all = lock(&self.shards[0]);
        for shard in &self.shards[1..] {
            let other = std::mem::replace(&mut *lock(shard), Shard::new(&self.stage));
            all.sums.add_all(&other.sums, Sign::Plus);
        }
        (1, bytes)
    }

    /// Returns all rows as one table.
    ///
    /// # Errors
    /// Rows that went to a file cannot be read back.
    pub fn all(&self) -> Result<Sums> {
        let mut all = Sums::new(&self.stage);
        for shard in &self.shards {
            let shard = lock(shard);
            all.add_all(&shard.sums, Sign::Plus);
            shard.spilled.iter().try_for_each(|piece| self.spill.read(piece, &mut all))?;
        }
        Ok(all)
    }

    /// Takes one part out of the table.
    ///
    /// # Errors
    /// Rows that went to a file cannot be read back.
    pub fn take(&self, part: u32) -> Result<Sums> {
        std::mem::replace(&mut *lock(&self.shards[part as usize]), Shard::new(&self.stage)).whole(&self.spill)
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().expect("no one panics while holding it")
}
