//! Reads what is kept of a stage, adds to it, and reduces it.

use std::ops::ControlFlow;

use arrow_array::RecordBatch;

use super::feed::{BATCH_ROWS, Feed};
use super::saves::Saves;
use smelt_common::error::Result;
use smelt_common::key_hash::KeyHash;
use smelt_common::stored_row;
use smelt_runtime::sums::{Groups, OrderedRows, Sign, Sorted, Sums};
use smelt_runtime::{Reducer, StageSpec};
use smelt_storage::Store;
use smelt_storage::sorted_runs::{AdditiveReader, AdditiveRuns, RunPart};

/// All hashes.
pub(super) const ALL: (u64, u64) = (0, u64::MAX);

/// Returns all rows of a stage.
pub(super) fn load(store: &dyn Store, stage: &StageSpec, kept: &AdditiveRuns) -> Result<Sums> {
    load_open(&kept.open(store)?, stage)
}

/// Returns all rows of a stage that is open.
pub(super) fn load_open(kept: &AdditiveReader<'_>, stage: &StageSpec) -> Result<Sums> {
    let mut all = Sums::new(stage);
    add_open(kept, &mut all, Sign::Plus)?;
    Ok(all)
}

/// Adds all rows of a stage to others, or subtracts them.
pub(super) fn add(store: &dyn Store, kept: &AdditiveRuns, to: &mut Sums, sign: Sign) -> Result<()> {
    add_open(&kept.open(store)?, to, sign)
}

fn add_open(kept: &AdditiveReader<'_>, to: &mut Sums, sign: Sign) -> Result<()> {
    let mut loader = to.loader(sign);
    kept.scan(ALL, |key, numbers| loader.push(key, numbers).map(ControlFlow::Continue))?;
    loader.finish();
    Ok(())
}

/// Returns the kept rows of the groups that `sums` has, which are `sorted` by the hash of what is kept. Groups whose rows all
/// came to zero did not change.
pub(super) fn groups_of(kept: &AdditiveReader<'_>, sums: &Sums, sorted: &Sorted<'_>) -> Result<Sums> {
    groups(kept, sums, sorted.groups().filter(|group| group.has_rows()).map(|group| group.key()))
}

/// Returns the kept rows of these groups, which come in the order of their hashes and of their stored keys. `like` is of
/// the same stage.
pub(super) fn groups<'k>(
    kept: &AdditiveReader<'_>,
    like: &Sums,
    groups: impl Iterator<Item = &'k [u8]>,
) -> Result<Sums> {
    let mut found = like.like();
    if kept.is_empty() {
        return Ok(found);
    }
    let (mut shared, mut wanted) = (Vec::new(), Vec::new());
    for group in groups {
        let start = shared.len();
        stored_row::write_key(group, &[], &mut shared);
        wanted.push((kept.key_hash().of(group), start..shared.len()));
    }
    let mut loader = found.loader(Sign::Plus);
    let of = |at: usize| {
        let (hash, place) = &wanted[at];
        (*hash, &shared[place.clone()])
    };
    kept.groups(wanted.len(), of, |key, numbers| loader.push(key, numbers))?;
    loader.finish();
    Ok(found)
}

/// Adds changes to what is kept, as one object whose key begins with `stem`.
pub(super) fn append(
    store: &dyn Store,
    kept: &mut AdditiveRuns,
    stem: &str,
    changed: &Sums,
    retired: &mut Vec<String>,
) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let hash = kept.key_hash()?;
    let write = |_, part: &mut RunPart<'_, '_>| {
        let sorted = changed.sorted_by_hash(&hash);
        sorted.stored(&hash, |hash, key, numbers| part.push(hash, key, Some(numbers)))
    };
    kept.append(store, stem, (changed.bytes() as u64, 1), retired, write).map(drop)
}

/// Visits the rows of groups with a hash in the range, batch by batch, in the order in which they are kept.
pub(super) fn for_each(
    kept: &AdditiveReader<'_>,
    stage: &StageSpec,
    hashes: (u64, u64),
    mut visit: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let mut rows = OrderedRows::new(stage);
    kept.scan(hashes, |key, numbers| {
        if rows.len() == BATCH_ROWS {
            visit(&rows.take()?)?;
        }
        rows.push(key, numbers).map(ControlFlow::Continue)
    })?;
    if rows.is_empty() { Ok(()) } else { visit(&rows.take()?) }
}

/// Reduces all groups of a stage. Notes where large ones were saved.
pub(super) fn reduce_all(feed: &mut Feed<'_>, kept: &AdditiveReader<'_>, saves: &Saves<'_>) -> Result<()> {
    let mut last: Option<Vec<u8>> = None;
    kept.scan(ALL, |key, numbers| {
        if !last.as_ref().is_some_and(|last| key.starts_with(last)) {
            last.iter().for_each(|last| end_group(feed, last, saves));
            let rest = stored_row::split_key(key).map_or(0, |(_, rest)| rest.len());
            last = Some(key[..key.len() - rest].to_vec());
        }
        feed.push(key, numbers).map(ControlFlow::Continue)
    })?;
    last.iter().for_each(|last| end_group(feed, last, saves));
    feed.flush()
}

fn end_group(feed: &mut Feed<'_>, shared: &[u8], saves: &Saves<'_>) {
    feed.end_group();
    let points = feed.take_points();
    if let (Some((group, _)), false) = (stored_row::split_key(shared), points.is_empty()) {
        saves.set(group, &points);
    }
}

/// Reduces a group that is at hand. Notes where it was saved.
pub(super) fn reduce_large(feed: &mut Feed<'_>, group: &Sorted<'_>, hash: &KeyHash, saves: &Saves<'_>) -> Result<()> {
    let mut shared = Vec::new();
    group.stored(hash, |_, key, numbers| {
        if shared.is_empty() {
            let rest = stored_row::split_key(key).map_or(0, |(_, rest)| rest.len());
            shared.extend_from_slice(&key[..key.len() - rest]);
        }
        feed.push(key, numbers)
    })?;
    if !shared.is_empty() {
        end_group(feed, &shared, saves);
    }
    feed.flush()
}

/// Reduces groups that are at hand, and gives on what comes of them, piece by piece.
pub(super) fn reduce(
    reducer: &mut Reducer<'_>,
    groups: &Sorted<'_>,
    mut give: impl FnMut(RecordBatch) -> Result<()>,
) -> Result<()> {
    for batch in groups.batches(BATCH_ROWS) {
        let Groups { rows, ends } = batch?;
        give(reducer.reduce(&rows, &ends)?.rows)?;
    }
    Ok(())
}

/// Reduces all rows of a stage, which are one group. It is there without a row too. Reads no further than the reducer needs.
pub(super) fn reduce_whole(feed: &mut Feed<'_>, kept: &AdditiveReader<'_>) -> Result<()> {
    kept.scan(ALL, |key, numbers| {
        feed.push(key, numbers)?;
        Ok(if feed.has_enough() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    feed.end_group();
    feed.flush()
}

/// Returns what all rows of a stage give, which are one group and at hand.
pub(super) fn whole(reducer: &mut Reducer<'_>, rows: &Sorted<'_>) -> Result<RecordBatch> {
    let rows = rows.batch()?;
    Ok(reducer.reduce(&rows, &[rows.num_rows() as u32])?.rows)
}
