//! Decides which row holds each key, and writes the changes to the dataset's map of keys.

use std::cmp::Ordering;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use super::spool::{Row, row, split};
use super::{KeySpool, RowId};
use smelt_common::error::{Kind, Result};
use smelt_common::key_hash::KeyHash;
use smelt_common::{Error, profile};
use smelt_storage::Store;
use smelt_storage::sorted_runs::SortedRuns;

/// The names of objects, by their numbers. A name is looked up once, and only if rows of two objects are equal in every
/// order column.
pub struct Names<'n> {
    ask: &'n (dyn Fn(u32) -> Result<String> + Sync),
    known: Mutex<HashMap<u32, Arc<str>>>,
}

impl<'n> Names<'n> {
    /// Returns names that are looked up with `ask`.
    pub fn new(ask: &'n (dyn Fn(u32) -> Result<String> + Sync)) -> Self {
        Self { ask, known: Mutex::default() }
    }

    fn of(&self, object: u32) -> Result<Arc<str>> {
        // The lock is held during the look-up, because another worker is likely to want the same name.
        let mut known = self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Ok(match known.entry(object) {
            Entry::Occupied(name) => Arc::clone(name.get()),
            Entry::Vacant(vacant) => Arc::clone(vacant.insert((self.ask)(object)?.into())),
        })
    }
}

/// Compares every row of the spool with the other rows of its key, except rows of the objects in `failed`. The rows
/// that now hold a key are put into `keys`, as [`SortedRuns::put`] does. Returns the positions of the superseded rows,
/// new rows and previous holders, in ascending order and by object.
///
/// Of the rows with one key, the row with the greatest order values holds it. If these are equal, the row of the object
/// with the greatest name holds it. Within that object, the last row holds it.
///
/// # Errors
/// The spool, the map or a name cannot be read, or the map cannot be written. Then `keys` is unchanged.
pub fn resolve(
    spool: &KeySpool<'_>,
    failed: &HashSet<u32>,
    names: &Names<'_>,
    keys: &mut SortedRuns,
    store: &dyn Store,
    stem: &str,
    retired: &mut Vec<String>,
) -> Result<HashMap<u32, Vec<u32>>> {
    if *spool.hash() != keys.key_hash()? {
        return Err(Error::internal("keys were spooled for another map"));
    }
    let held = keys.open(store)?;
    let lost = keys.write(store, stem, spool.bytes(), spool.parts(), retired, |number, part| {
        let mut span = profile::span("resolve keys", "");
        let chunks = spool.take(number)?;
        span.through(0, chunks.iter().map(Vec::len).sum());
        let mut duels = Duels { names, lost: Vec::new() };
        let winners = duels.winners(&chunks, failed, spool.hash())?;
        let mut beaten = vec![false; winners.len()];
        let wanted = |at: usize| (winners[at].0, row(winners[at].1).key);
        held.look_up(winners.len(), wanted, |at, value| {
            let (row, holder) = (row(winners[at].1), holder(value)?);
            beaten[at] = duels.decide(row, holder)?.id == holder.id;
            Ok(())
        })?;
        let mut value = Vec::new();
        for ((hash, row), _) in winners.iter().zip(beaten).filter(|(_, beaten)| !beaten) {
            let Row { id, key, order } = self::row(row);
            value.clear();
            value.extend_from_slice(&id.object.to_le_bytes());
            value.extend_from_slice(&id.position.to_le_bytes());
            value.extend_from_slice(order);
            part.push(*hash, key, Some(&value))?;
        }
        Ok(duels.lost)
    })?;
    let mut by_object: HashMap<u32, Vec<u32>> = HashMap::new();
    for RowId { object, position } in lost.into_iter().flatten() {
        by_object.entry(object).or_default().push(position);
    }
    by_object.values_mut().for_each(|positions| positions.sort_unstable());
    Ok(by_object)
}

/// Parses the row that holds a key from the key's value in the map.
fn holder(value: &[u8]) -> Result<Row<'_>> {
    let parse = || {
        let (object, rest) = value.split_first_chunk()?;
        let (position, order) = rest.split_first_chunk()?;
        let id = RowId { object: u32::from_le_bytes(*object), position: u32::from_le_bytes(*position) };
        Some(Row { id, key: &[], order })
    };
    parse().ok_or_else(|| {
        Error::new(
            Kind::Damaged,
            "a value in the map of keys is shorter than the 8 bytes of a row's object and position",
        )
    })
}

/// The comparisons between rows of one key, in one part of the map.
struct Duels<'d, 'n> {
    names: &'d Names<'n>,
    /// The rows that are superseded so far.
    lost: Vec<RowId>,
}

impl Duels<'_, '_> {
    /// Returns the new row that wins for each key, with the key's hash. The rows are as in the spool, in the order of
    /// (hash, key).
    fn winners<'p>(
        &mut self,
        chunks: &'p [Vec<u8>],
        failed: &HashSet<u32>,
        hash: &KeyHash,
    ) -> Result<Vec<(u64, &'p [u8])>> {
        let mut rows: Vec<(u64, &[u8])> = Vec::new();
        for mut rest in chunks.iter().map(Vec::as_slice) {
            while let Some(row) = split(&mut rest) {
                let Row { id, key, .. } = self::row(row);
                if failed.is_empty() || !failed.contains(&id.object) {
                    rows.push((hash.of(key), row));
                }
            }
        }
        // After the sort, rows of one key are neighbours and in the order of the map. So no hash table is needed.
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| row(a.1).key.cmp(row(b.1).key)));
        let mut failure = None;
        rows.dedup_by(|b, a| {
            let same = a.0 == b.0 && row(a.1).key == row(b.1).key;
            if same && failure.is_none() {
                match self.decide(row(a.1), row(b.1)) {
                    Ok(winner) if winner.id == row(b.1).id => a.1 = b.1,
                    Ok(_) => {}
                    Err(error) => failure = Some(error),
                }
            }
            same
        });
        failure.map_or(Ok(rows), Err)
    }

    /// Returns the one of two rows of a key that holds it, and notes that the other one is superseded.
    fn decide<'p>(&mut self, a: Row<'p>, b: Row<'p>) -> Result<Row<'p>> {
        let wins = match a.order.cmp(b.order) {
            Ordering::Equal if a.id.object == b.id.object => a.id.position.cmp(&b.id.position),
            Ordering::Equal => self.names.of(a.id.object)?.cmp(&self.names.of(b.id.object)?),
            different => different,
        };
        let (winner, loser) = if wins == Ordering::Greater { (a, b) } else { (b, a) };
        self.lost.push(loser.id);
        Ok(winner)
    }
}
