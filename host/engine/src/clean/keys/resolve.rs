//! Deciding which row holds each key, and writing down what changed.

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

/// Names of objects by their numbers, each asked for once, and only if rows of two objects are equal in
/// all that their cleaner compares them by.
pub struct Names<'n> {
    ask: &'n (dyn Fn(u32) -> Result<String> + Sync),
    known: Mutex<HashMap<u32, Arc<str>>>,
}

impl<'n> Names<'n> {
    /// Names that are got in that way.
    pub fn new(ask: &'n (dyn Fn(u32) -> Result<String> + Sync)) -> Self {
        Self { ask, known: Mutex::default() }
    }

    fn of(&self, object: u32) -> Result<Arc<str>> {
        // Held while one is asked for: another worker is likely to want the same one.
        let mut known = self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        Ok(match known.entry(object) {
            Entry::Occupied(name) => Arc::clone(name.get()),
            Entry::Vacant(vacant) => Arc::clone(vacant.insert((self.ask)(object)?.into())),
        })
    }
}

/// Offers every row of the spool for its key, but for rows of objects in `failed`. The rows that now hold a key are put into
/// `keys`, as [`SortedRuns::put`] does. Returns the places of the rows that are superseded, new ones and former holders, by
/// object and in order.
///
/// Of rows of one key the one with the greatest order holds it; of equal ones that of the object with the greatest name, and
/// there the last one.
pub fn resolve(
    spool: &KeySpool<'_>,
    failed: &HashSet<u32>,
    names: &Names<'_>,
    keys: &mut SortedRuns,
    store: &dyn Store,
    stem: &str,
    retired: &mut Vec<String>,
) -> Result<HashMap<u32, Vec<u32>>> {
    if *spool.place() != keys.key_hash()? {
        return Err(Error::internal("keys were spooled for another map"));
    }
    let held = keys.open(store)?;
    let lost = keys.write(store, stem, spool.bytes(), spool.parts(), retired, |number, part| {
        let mut span = profile::span("resolve keys", "");
        let pieces = spool.take(number)?;
        span.through(0, pieces.iter().map(Vec::len).sum());
        let mut wave = Wave { names, lost: Vec::new() };
        let winners = wave.winners(&pieces, failed, spool.place())?;
        let mut beaten = vec![false; winners.len()];
        let wanted = |at: usize| (winners[at].0, row(winners[at].1).key);
        held.look_up(winners.len(), wanted, |at, value| {
            let (row, holder) = (row(winners[at].1), holder(value)?);
            beaten[at] = wave.duel(row, holder)?.id == holder.id;
            Ok(())
        })?;
        let mut value = Vec::new();
        for ((hash, row), _) in winners.iter().zip(beaten).filter(|(_, beaten)| !beaten) {
            let Row { id, key, order } = self::row(row);
            value.clear();
            value.extend_from_slice(&id.object.to_le_bytes());
            value.extend_from_slice(&id.place.to_le_bytes());
            value.extend_from_slice(order);
            part.push(*hash, key, Some(&value))?;
        }
        Ok(wave.lost)
    })?;
    let mut by_object: HashMap<u32, Vec<u32>> = HashMap::new();
    for RowId { object, place } in lost.into_iter().flatten() {
        by_object.entry(object).or_default().push(place);
    }
    by_object.values_mut().for_each(|places| places.sort_unstable());
    Ok(by_object)
}

/// The row that holds a key, as it is written down.
fn holder(value: &[u8]) -> Result<Row<'_>> {
    let parse = || {
        let (object, rest) = value.split_first_chunk()?;
        let (place, order) = rest.split_first_chunk()?;
        let id = RowId { object: u32::from_le_bytes(*object), place: u32::from_le_bytes(*place) };
        Some(Row { id, key: &[], order })
    };
    parse().ok_or_else(|| Error::new(Kind::Damaged, "a holder of a key is malformed"))
}

/// The rows of one part.
struct Wave<'w, 'n> {
    names: &'w Names<'n>,
    lost: Vec<RowId>,
}

impl Wave<'_, '_> {
    /// The rows that hold their keys among the new ones, as they are in the spool, in the order of (hash, key).
    fn winners<'p>(
        &mut self,
        pieces: &'p [Vec<u8>],
        failed: &HashSet<u32>,
        place: &KeyHash,
    ) -> Result<Vec<(u64, &'p [u8])>> {
        let mut rows: Vec<(u64, &[u8])> = Vec::new();
        for mut rest in pieces.iter().map(Vec::as_slice) {
            while let Some(row) = split(&mut rest) {
                let Row { id, key, .. } = self::row(row);
                if failed.is_empty() || !failed.contains(&id.object) {
                    rows.push((place.of(key), row));
                }
            }
        }
        // Rows of one key are then side by side, and as they are written: no table is needed.
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| row(a.1).key.cmp(row(b.1).key)));
        let mut failure = None;
        rows.dedup_by(|b, a| {
            let same = a.0 == b.0 && row(a.1).key == row(b.1).key;
            if same && failure.is_none() {
                match self.duel(row(a.1), row(b.1)) {
                    Ok(winner) if winner.id == row(b.1).id => a.1 = b.1,
                    Ok(_) => {}
                    Err(error) => failure = Some(error),
                }
            }
            same
        });
        failure.map_or(Ok(rows), Err)
    }

    /// The one of two rows of a key that holds it. The other one is superseded.
    fn duel<'p>(&mut self, a: Row<'p>, b: Row<'p>) -> Result<Row<'p>> {
        let wins = match a.order.cmp(b.order) {
            Ordering::Equal if a.id.object == b.id.object => a.id.place.cmp(&b.id.place),
            Ordering::Equal => self.names.of(a.id.object)?.cmp(&self.names.of(b.id.object)?),
            different => different,
        };
        let (winner, loser) = if wins == Ordering::Greater { (a, b) } else { (b, a) };
        self.lost.push(loser.id);
        Ok(winner)
    }
}
