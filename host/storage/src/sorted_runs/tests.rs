//! Compares the map with a plain one, also with colliding keys. Damages bytes, and measures what a look-up reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::ops::ControlFlow;

use proptest::collection::vec;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::counting::Counting;
use crate::dir::DirStore;
use crate::store::Store;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_common::key_hash::{COLLIDING, KeyHash};
use smelt_common::stored_row::{split_key, write_key};
use smelt_common::wide::Wide;

type Model = HashMap<Vec<u8>, Vec<u8>>;
type Change = Vec<(Vec<u8>, Option<Vec<u8>>)>;

fn lake() -> (TempDir, Counting<DirStore>) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Counting::new(DirStore::new(directory.path()));
    (directory, store)
}

fn scanned(map: &SortedRuns, store: &dyn Store) -> Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut pairs = BTreeMap::new();
    map.scan(store, |key, value| {
        assert_eq!(pairs.insert(key.to_vec(), value.to_vec()), None, "a key comes once");
        Ok(())
    })?;
    Ok(pairs)
}

fn put(map: &mut SortedRuns, store: &dyn Store, number: usize, change: Change) -> Vec<String> {
    let mut retired = Vec::new();
    map.put(store, &format!("index/d/{number}"), change, &mut retired).expect("a put");
    retired
}

fn apply(model: &mut Model, change: &Change) {
    for (key, value) in change {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

/// Returns one entry of about 40 bytes for each number.
fn numbered(numbers: std::ops::Range<u32>) -> Change {
    numbers.map(|n| (format!("key-{n:08}").into_bytes(), Some(format!("{n:024}").into_bytes()))).collect()
}

fn change() -> impl Strategy<Value = Change> {
    let key = (0u16..400).prop_map(|n| format!("k{n}").into_bytes());
    let length = prop_oneof![8 => 0usize..20, 1 => 1000usize..20_000];
    let value = (any::<u8>(), length).prop_map(|(byte, length)| vec![byte; length]);
    let some = prop::collection::vec((key, prop::option::weighted(0.8, value)), 0..40);
    let many = (0u32..3000, 0u32..3000).prop_map(|(from, count)| numbered(from..from + count));
    prop_oneof![4 => some, 1 => many]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_holds_what_a_plain_map_holds(changes in prop::collection::vec(change(), 1..12), collide in any::<bool>()) {
        let (_directory, store) = lake();
        let mut map = SortedRuns::default();
        if collide {
            map.salt = COLLIDING.to_owned();
        }
        let mut model = Model::new();
        for (number, change) in changes.into_iter().enumerate() {
            apply(&mut model, &change);
            let before = map.clone();
            let retired = put(&mut map, &store, number, change);
            let gone = before.runs.iter().filter(|run| !map.runs.contains(run)).map(|run| run.key.clone());
            prop_assert_eq!(&retired, &gone.collect::<Vec<_>>());
            retired.iter().for_each(|key| store.delete(key).expect("a delete"));

            let keys: Vec<_> = (0..400).map(|n| format!("k{n}").into_bytes())
                .chain(numbered(0..7000).into_iter().step_by(13).map(|(key, _)| key))
                .chain([b"k1".to_vec(), vec![]])
                .collect();
            let values = map.get_many(&store, &keys).expect("values");
            for (key, value) in keys.iter().zip(&values) {
                prop_assert_eq!(model.get(key), value.as_ref(), "{:?}", key);
            }
        }
        let pairs: BTreeMap<_, _> = model.into_iter().collect();
        prop_assert_eq!(scanned(&map, &store).expect("a scan"), pairs);
        let text = serde_json::to_string(&map).expect("serialises");
        prop_assert_eq!(serde_json::from_str::<SortedRuns>(&text).expect("parses"), map);
    }

    #[test]
    fn parts_make_the_run_that_one_part_would(old in 0u32..30_000, new in 0u32..30_000, collide in any::<bool>()) {
        let (_directory, store) = lake();
        let mut map = SortedRuns::default();
        if collide {
            map.salt = COLLIDING.to_owned();
        }
        put(&mut map, &store, 0, numbered(0..old));
        let key_hash = map.key_hash().expect("a salt");
        let change: Change = numbered(old / 2..old / 2 + new);
        let mut sorted: Vec<_> =
            change.iter().map(|(key, value)| (key_hash.of(key), key, value)).collect();
        sorted.sort_unstable();
        let write = |number: u32, part: &mut RunPart<'_, '_>| {
            for (hash, key, value) in sorted.iter().filter(|(hash, ..)| hash >> 60 == u64::from(number)) {
                part.push(*hash, key, value.as_deref())?;
            }
            Ok(number)
        };
        let made = map.write(&store, "index/d/1", u64::from(new) * 40, 16, &mut vec![], write).expect("a run");
        prop_assert_eq!(made, (0..16).collect::<Vec<_>>());
        let mut model = Model::new();
        apply(&mut model, &numbered(0..old));
        apply(&mut model, &change);
        prop_assert_eq!(scanned(&map, &store).expect("a scan"), model.into_iter().collect());
    }
}

#[test]
fn a_changed_or_missing_byte_is_damage_and_never_another_value() {
    let (directory, store) = lake();
    let mut map = SortedRuns::default();
    put(&mut map, &store, 0, numbered(0..700));
    let whole = scanned(&map, &store).expect("a scan");
    let keys: Vec<_> = whole.keys().cloned().collect();
    let path = directory.path().join(&map.runs[0].key);
    let body = fs::read(&path).expect("the run");
    let is_damage = |body: &[u8], what: &str| {
        fs::write(&path, body).expect("a write");
        let error = scanned(&map, &store).expect_err(what);
        assert_eq!(error.kind(), Kind::Damaged, "{what}: {error}");
        assert!(error.to_string().contains(&map.runs[0].key), "{error}");
        let error = map.get_many(&store, &keys).expect_err(what);
        assert_eq!(error.kind(), Kind::Damaged, "{what}: {error}");
    };
    for at in (0..body.len()).step_by(41).chain(body.len() - 100..body.len()) {
        let mut body = body.clone();
        body[at] ^= 1 << (at % 8);
        is_damage(&body, &format!("byte {at} changed"));
    }
    for length in (0..body.len()).step_by(997) {
        is_damage(&body[..length], &format!("cut off at {length}"));
    }
    fs::remove_file(&path).expect("removed");
    assert_eq!(scanned(&map, &store).expect_err("gone").kind(), Kind::Damaged);
}

#[test]
fn one_look_up_beside_damage_is_right_or_an_error() {
    let (directory, store) = lake();
    let mut map = SortedRuns::default();
    put(&mut map, &store, 0, numbered(0..20_000));
    let path = directory.path().join(&map.runs[0].key);
    let mut body = fs::read(&path).expect("the run");
    (body[100], body[300_000]) = (!body[100], !body[300_000]);
    fs::write(&path, body).expect("a write");
    let mut damaged = 0;
    for (key, value) in numbered(0..20_000).into_iter().step_by(3) {
        match map.get_many(&store, &[key]) {
            Ok(values) => assert_eq!(values, [value]),
            Err(error) if error.kind() == Kind::Damaged => damaged += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!((1..100).contains(&damaged), "{damaged} look-ups met one of two blocks of about a hundred");
}

#[test]
fn a_forged_catalog_is_damage_and_no_panic() {
    let (_directory, store) = lake();
    let mut map = SortedRuns::default();
    put(&mut map, &store, 0, numbered(0..300));
    let forge = |change: &dyn Fn(&mut SortedRun)| {
        let mut forged = map.clone();
        change(&mut forged.runs[0]);
        assert_eq!(scanned(&forged, &store).expect_err("forged").kind(), Kind::Damaged);
    };
    forge(&|run| run.bytes = u64::MAX);
    forge(&|run| run.bytes -= 1);
    forge(&|run| run.index = u64::MAX);
    forge(&|run| run.index = 0);
    forge(&|run| (run.index, run.bytes) = (run.bytes, u64::MAX));
    forge(&|run| run.sha256 = String::new());
    let mut forged = map.clone();
    forged.salt = "é".repeat(16);
    assert_eq!(scanned(&forged, &store).expect_err("forged").kind(), Kind::Damaged);
}

#[test]
fn a_look_up_reads_a_block_a_key_and_the_index() {
    let (_directory, store) = lake();
    let mut map = SortedRuns::default();
    for (number, count) in [(0, 100_000), (1, 200)] {
        put(&mut map, &store, number, numbered(number as u32 * 100_000..number as u32 * 100_000 + count));
    }
    assert_eq!(map.runs.len(), 2);
    store.take();
    let keys: Vec<_> = numbered(0..100_000).into_iter().step_by(2000).map(|(key, _)| key).collect();
    assert!(map.get_many(&store, &keys).expect("values").iter().all(Option::is_some));
    let (requests, bytes) = store.take();
    let index = map.runs[0].bytes - map.runs[0].index;
    let most = index + map.runs[1].bytes + keys.len() as u64 * 2100;
    assert!(requests <= 2 + keys.len() as u64, "{requests} requests");
    assert!(bytes <= most, "{bytes} bytes, of {}; at most {most} for {} keys", map.runs[0].bytes, keys.len());
    assert!(index < map.runs[0].bytes / 60, "an index of {index} bytes");

    // A look-up of all keys reads everything once, in large pieces.
    let keys: Vec<_> = numbered(0..100_000).into_iter().map(|(key, _)| key).collect();
    map.get_many(&store, &keys).expect("values");
    let (requests, bytes) = store.take();
    let length: u64 = map.runs.iter().map(|run| run.bytes).sum();
    assert!(requests < 12 && bytes <= length + 1, "{requests} requests for {bytes} bytes of {length}");
}

#[test]
fn there_are_few_runs_and_an_entry_is_rewritten_a_few_times() {
    let (directory, store) = lake();
    let mut map = SortedRuns::default();
    let (mut written, mut most) = (0, 0);
    for number in 0..400 {
        put(&mut map, &store, number, numbered(number as u32 * 200..(number as u32 + 1) * 200))
            .iter()
            .for_each(|key| store.delete(key).expect("a delete"));
        written += map.runs.last().expect("a run").bytes;
        most = most.max(map.runs.len());
    }
    let length: u64 = map.runs.iter().map(|run| run.bytes).sum();
    assert!(most <= 4, "{most} runs");
    assert!(written < 25 * length, "{written} bytes written for {length}");
    assert_eq!(scanned(&map, &store).expect("a scan").len(), 80_000);
    assert_eq!(fs::read_dir(directory.path().join("index/d")).expect("a directory").count(), map.runs.len());
}

#[test]
fn what_is_removed_takes_no_room() {
    let (_directory, store) = lake();
    let mut map = SortedRuns::default();
    put(&mut map, &store, 0, numbered(0..1000));
    let remove = numbered(0..1000).into_iter().map(|(key, _)| (key, None)).collect();
    assert_eq!(put(&mut map, &store, 1, remove).len(), 1);
    assert_eq!(map.runs(), []);
    assert_eq!(put(&mut map, &store, 2, numbered(3..4)), Vec::<String>::new());
    assert_eq!(scanned(&map, &store).expect("a scan").len(), 1);
}

#[test]
fn a_failed_part_ends_the_others_and_leaves_nothing() {
    let (directory, store) = lake();
    let mut map = SortedRuns::default();
    put(&mut map, &store, 0, numbered(0..10));
    let before = map.clone();
    for failing in [0, 3, 15] {
        let mut retired = vec![];
        let make = |number: u32, part: &mut RunPart<'_, '_>| {
            for n in 0..100_000u64 {
                part.push(u64::from(number) << 60 | n, &n.to_le_bytes(), Some(&[7; 100]))?;
            }
            if number == failing { Err(Error::new(Kind::Unavailable, "it failed")) } else { Ok(()) }
        };
        let error = map.write(&store, "index/d/1", 1 << 30, 16, &mut retired, make).expect_err("one fails");
        assert_eq!(error.kind(), Kind::Unavailable, "{error}");
        assert_eq!((&map, retired), (&before, vec![]));
        assert_eq!(fs::read_dir(directory.path().join("index/d")).expect("a directory").count(), 1);
    }
}

#[test]
fn a_taken_name_gets_a_number() {
    let (_directory, store) = lake();
    let (mut first, mut second) = (SortedRuns::default(), SortedRuns::default());
    put(&mut first, &store, 0, numbered(0..10));
    put(&mut second, &store, 0, numbered(0..10));
    assert_eq!((&*first.runs[0].key, &*second.runs[0].key), ("index/d/0.run", "index/d/0.2.run"));
}

/// The key of a row of sums: its group, and the other columns.
type RowKey = (Vec<u8>, Vec<u8>);
type Table = BTreeMap<RowKey, i128>;

fn append(table: &mut AdditiveRuns, store: &dyn Store, number: usize, parts: u32, rows: &Table) -> Result<Vec<String>> {
    let (hash, mut retired) = (table.key_hash()?, Vec::new());
    let mut sorted: Vec<_> = rows
        .iter()
        .filter(|(_, sum)| **sum != 0)
        .map(|((group, rest), &sum)| {
            let (mut key, mut numbers) = (Vec::new(), Vec::new());
            write_key(group, rest, &mut key);
            Wide::from(sum).write(&mut numbers);
            (hash.of(group), key, numbers)
        })
        .collect();
    sorted.sort_unstable();
    let write = |number: u32, part: &mut RunPart<'_, '_>| {
        let bits = parts.trailing_zeros();
        let is_here = |hash: u64| hash.checked_shr(64 - bits).unwrap_or(0) == u64::from(number);
        let mut here = sorted.iter().filter(|row| is_here(row.0));
        here.try_for_each(|(hash, key, numbers)| part.push(*hash, key, Some(numbers)))
    };
    let size = (40 * rows.len() as u64, parts);
    table.append(store, &format!("sums/t/{number}"), size, &mut retired, write)?;
    Ok(retired)
}

/// Returns the rows in the order in which they come. They are at most `most`.
fn rows_of(table: &AdditiveRuns, store: &dyn Store, most: usize) -> Result<Vec<(RowKey, i128)>> {
    let mut rows = Vec::new();
    table.open(store)?.scan((0, u64::MAX), |key, numbers| {
        rows.push(row_of(key, numbers));
        Ok(if rows.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(rows)
}

fn row_of(key: &[u8], mut numbers: &[u8]) -> (RowKey, i128) {
    let (group, rest) = split_key(key).expect("a key");
    let (sum, carry) = Wide::read(&mut numbers).and_then(Wide::parts).expect("a number");
    assert_eq!((carry, numbers), (0, &[][..]));
    ((group.to_vec(), rest.to_vec()), sum)
}

/// Returns the rows of these groups.
fn groups_of(table: &AdditiveRuns, store: &dyn Store, groups: &[Vec<u8>]) -> Result<Table> {
    let reader = table.open(store)?;
    let shared = |group: &Vec<u8>| {
        let mut shared = Vec::new();
        write_key(group, &[], &mut shared);
        (reader.key_hash().of(group), shared)
    };
    let mut wanted: Vec<_> = groups.iter().map(shared).collect();
    wanted.sort();
    let mut found = Table::new();
    let of = |at: usize| (wanted[at].0, &wanted[at].1[..]);
    reader.groups(wanted.len(), of, |key, numbers| {
        let (key, sum) = row_of(key, numbers);
        *found.entry(key).or_default() += sum;
        Ok(())
    })?;
    found.retain(|_, sum| *sum != 0);
    Ok(found)
}

/// Returns at most `most` rows of a group, from the first one behind `after` on.
fn rows_after(
    table: &AdditiveRuns,
    store: &dyn Store,
    group: &[u8],
    after: Option<&[u8]>,
    most: usize,
) -> Result<Vec<(RowKey, i128)>> {
    let key = |rest: &[u8]| {
        let mut key = Vec::new();
        write_key(group, rest, &mut key);
        key
    };
    let mut rows = Vec::new();
    table.open(store)?.scan_group(&key(&[]), after.map(key).as_deref(), |key, numbers| {
        rows.push(row_of(key, numbers));
        Ok(if rows.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(rows)
}

fn table() -> impl Strategy<Value = Table> {
    // Some groups are longer than a block, and some names of groups are as long as a length that takes more bytes.
    let group = prop_oneof![4 => 0_u32..40, 1 => 1000_u32..3000];
    let few = vec(((group, 0_u32..60), -2_i128..3), 0..60)
        .prop_map(|rows| rows.into_iter().map(|((group, rest), sum)| (row_key(group, rest), sum)).collect());
    let long = (0_u32..3, 0_u32..4000, 0_u32..4000, -1_i128..2);
    let long =
        long.prop_map(|(group, from, count, sum)| (from..from + count).map(|at| (row_key(group, at), sum)).collect());
    prop_oneof![3 => few, 1 => long]
}

fn row_key(group: u32, rest: u32) -> RowKey {
    let group = match group % 5 {
        0 => vec![],
        1 => vec![group as u8; 300],
        _ => group.to_be_bytes().to_vec(),
    };
    (group, format!("{rest:012}").into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_add_up(changes in vec(table(), 1..9), parts in prop_oneof![Just(1_u32), Just(16)], collide in any::<bool>()) {
        let (_directory, store) = lake();
        let salt = if collide { COLLIDING } else { "0123456789abcdef0123456789abcdef" };
        let mut kept = AdditiveRuns::with_key_hash(KeyHash::new(salt).expect("a salt"));
        let mut model = Table::new();
        for (number, change) in changes.into_iter().enumerate() {
            let retired = append(&mut kept, &store, number, parts, &change).expect("an append");
            retired.iter().for_each(|key| store.delete(key).expect("a delete"));
            for (key, sum) in change {
                *model.entry(key).or_default() += sum;
            }
            model.retain(|_, sum| *sum != 0);

            let hash = kept.key_hash().expect("a salt");
            let rows = rows_of(&kept, &store, usize::MAX).expect("a scan");
            let place = |row: &(RowKey, i128)| {
                let (group, rest) = &row.0;
                (hash.of(group), group.len(), group.clone(), rest.clone())
            };
            prop_assert!(rows.is_sorted_by(|a, b| place(a) < place(b)), "each once, in order");
            let parts = (0..8_u64).flat_map(|part| {
                let mut rows = Vec::new();
                let visit = |key: &[u8], numbers: &[u8]| {
                    rows.push(row_of(key, numbers));
                    Ok(ControlFlow::Continue(()))
                };
                kept.open(&store).expect("it opens").scan((part << 61, part << 61 | u64::MAX >> 3), visit).expect("a scan");
                rows
            });
            prop_assert_eq!(&parts.collect::<Vec<_>>(), &rows);
            let most = 1 + rows.len() / 3;
            prop_assert_eq!(&rows_of(&kept, &store, most).expect("a scan")[..], &rows[..most.min(rows.len())]);
            prop_assert_eq!(&rows.into_iter().collect::<Table>(), &model);

            for wanted in [&[][..], &[0, 7, 2999], &[1], &(0..40).collect::<Vec<_>>()] {
                let wanted: BTreeSet<_> = wanted.iter().map(|&group| row_key(group, 0).0).collect();
                let expected = model.iter().filter(|((group, _), _)| wanted.contains(group));
                let expected: Table = expected.map(|(key, sum)| (key.clone(), *sum)).collect();
                let wanted: Vec<_> = wanted.into_iter().collect();
                prop_assert_eq!(groups_of(&kept, &store, &wanted).expect("they are there"), expected);
            }
            for (group, after) in [(0, None), (2, Some(30)), (1, Some(0)), (2, Some(9999)), (2999, None)] {
                let (group, rest) = row_key(group, after.unwrap_or_default());
                let after = after.map(|_| rest);
                let expected = model.iter().filter(|((of, rest), _)| *of == group && Some(rest) > after.as_ref());
                let expected: Vec<_> = expected.map(|(key, sum)| (key.clone(), *sum)).collect();
                prop_assert_eq!(rows_after(&kept, &store, &group, after.as_deref(), usize::MAX).expect("a scan"), expected);
            }
        }
        let text = serde_json::to_string(&kept).expect("serialises");
        prop_assert_eq!(serde_json::from_str::<AdditiveRuns>(&text).expect("parses"), kept);
    }
}

#[test]
fn a_change_in_a_long_table_is_written_without_what_it_changes_and_found_without_the_rest() {
    let (_directory, store) = lake();
    let mut kept = AdditiveRuns::default();
    // A group of many rows beside many groups of few.
    let rows: Table = (0..100_000).map(|at| (row_key(if at % 2 == 0 { 4 } else { 1000 + at / 8 }, at), 1)).collect();
    append(&mut kept, &store, 0, 16, &rows).expect("an append");
    let change: Table = [4_u32, 2003, 2004].iter().map(|&group| (row_key(group, 77), 1)).collect();
    append(&mut kept, &store, 1, 1, &change).expect("an append");
    assert_eq!(kept.runs().len(), 2);
    assert!(kept.runs()[1].bytes < 400, "{} bytes", kept.runs()[1].bytes);
    store.take();

    let groups = [row_key(2003, 0).0, row_key(2004, 0).0];
    groups_of(&kept, &store, &groups).expect("they are there");
    let (requests, bytes) = store.take();
    let most = (kept.runs()[0].bytes - kept.runs()[0].index) + kept.runs()[1].bytes + 5 * 8300;
    assert!(requests <= 4 && bytes <= most, "{requests} requests, {bytes} bytes, at most {most}");

    // Who breaks off has read a piece of each run.
    assert_eq!(rows_of(&kept, &store, 10).expect("a scan").len(), 10);
    let (_, bytes) = store.take();
    assert!(bytes < most + (1 << 20), "{bytes} bytes of {}", kept.runs()[0].bytes);
    let (group, after) = row_key(4, 40_000);
    let rows = rows_after(&kept, &store, &group, Some(&after), 100).expect("a scan");
    assert_eq!((rows.len(), &rows[0].0), (100, &row_key(4, 40_002)));
    let (_, bytes) = store.take();
    let indexes = kept.runs().iter().map(|run| run.bytes - run.index).sum::<u64>();
    assert!(bytes < indexes + (66 << 10), "{bytes} bytes, of which {indexes} are indexes");
}

#[test]
fn a_table_that_is_written_piece_by_piece_comes_back() {
    // A part that has a mebibyte waits for its turn and goes on meanwhile, so what it writes ends anywhere in a group.
    let (_directory, store) = lake();
    let mut kept = AdditiveRuns::default();
    let rows: Table = (0..600_000).map(|at| (row_key(1000 + at / 50, at), 1)).collect();
    append(&mut kept, &store, 0, 16, &rows).expect("an append");
    assert!(kept.runs()[0].bytes > 32 << 20, "{} bytes", kept.runs()[0].bytes);
    assert!(rows_of(&kept, &store, usize::MAX).expect("a scan").into_iter().collect::<Table>() == rows);
    let groups: BTreeSet<_> = rows.keys().map(|(group, _)| group.clone()).step_by(7).collect();
    let found = groups_of(&kept, &store, &groups.iter().cloned().collect::<Vec<_>>()).expect("they are there");
    assert!(found == rows.into_iter().filter(|((group, _), _)| groups.contains(group)).collect::<Table>());
}

#[test]
fn sums_beyond_128_bits_are_exact_between_runs() {
    let (_directory, store) = lake();
    let mut kept = AdditiveRuns::default();
    let one = |sum: i128| Table::from([(row_key(1, 1), sum)]);
    for (number, sum) in [i128::MAX, i128::MAX, -i128::MAX, 5 - i128::MAX].into_iter().enumerate() {
        append(&mut kept, &store, number, 1, &one(sum)).expect("an append");
    }
    assert_eq!(rows_of(&kept, &store, 9).expect("a scan"), [(row_key(1, 1), 5)]);
    append(&mut kept, &store, 4, 1, &one(-5)).expect("an append");
    assert_eq!((rows_of(&kept, &store, 9).expect("a scan"), kept.runs()), (vec![], &[][..]));
}
