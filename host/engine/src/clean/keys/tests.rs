//! Compares the rows that hold keys with a plain map, and the order of encoded values with the order of the values.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::{ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;
use tempfile::TempDir;

use super::encode::Encoder;
use super::*;
use smelt_common::error::{Kind, Result};
use smelt_common::{Error, workers};
use smelt_runtime::{CleanerSpec, OrderSpec, Preference};
use smelt_storage::sorted_runs::SortedRuns;
use smelt_storage::{DirStore, Store as _};

/// A row's key and order.
type Pair = (i64, i64);

/// Returns the description of a cleaner that keeps, of rows with one key, the one with the greatest order.
pub(super) fn spec(batch: &RecordBatch) -> CleanerSpec {
    CleanerSpec {
        input: vec![],
        output: batch.schema(),
        key: vec![0],
        order_by: vec![OrderSpec { column: 1, prefer: Preference::Greatest }],
        rules: vec![],
        session: smelt_runtime::setting(),
    }
}

fn pairs(rows: &[Pair]) -> RecordBatch {
    let column = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    let (key, order) = rows.iter().copied().unzip();
    RecordBatch::try_from_iter([("key", column(key)), ("order", column(order))]).expect("two columns")
}

/// The keys of one dataset, in a lake.
struct Lake {
    _directory: TempDir,
    store: DirStore,
    keys: SortedRuns,
    /// The number of calls of `offer`.
    waves: usize,
    /// The number of names that were looked up.
    asked: AtomicUsize,
    /// The size that decides the number of parts.
    bronze_bytes: u64,
}

impl Lake {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let store = DirStore::new(directory.path());
        Self {
            _directory: directory,
            store,
            keys: SortedRuns::default(),
            waves: 0,
            asked: AtomicUsize::new(0),
            bronze_bytes: 64 << 20,
        }
    }

    /// Offers the rows of objects, in batches of seven. The order of the objects' names differs from that of their
    /// numbers.
    fn offer(&mut self, objects: &[(u32, Vec<Pair>)], failed: &[u32], budget: usize) -> Result<HashMap<u32, Vec<u32>>> {
        let budget = Budget::new(budget);
        let spool = KeySpool::new(self.keys.key_hash()?, self.bronze_bytes, &budget);
        workers::map(objects.iter().collect(), |(object, rows)| {
            for (batch, first) in rows.chunks(7).zip((0..).step_by(7)) {
                spool.append(*object, first, &pairs(batch), &spec(&pairs(batch))).expect("appends");
            }
        });
        self.waves += 1;
        let ask = |object: u32| {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Ok(name(object))
        };
        let (names, failed) = (Names::new(&ask), failed.iter().copied().collect());
        let (stem, mut retired) = (format!("index/d/{}", self.waves), vec![]);
        let lost = resolve(&spool, &failed, &names, &mut self.keys, &self.store, &stem, &mut retired)?;
        retired.iter().for_each(|key| self.store.delete(key).expect("a delete"));
        assert_eq!(budget.used(), 0, "the budget is given back");
        Ok(lost)
    }
}

fn name(object: u32) -> String {
    format!("{:03}.csv", object * 37 % 101)
}

/// Returns waves of objects, each of which may fail.
fn waves() -> impl Strategy<Value = Vec<Vec<(Vec<Pair>, bool)>>> {
    let few = prop::collection::vec((0i64..30, 0i64..3), 0..40);
    let many = (0i64..20_000, 0i64..3).prop_map(|(from, order)| (from..from + 5000).map(|n| (n, order)).collect());
    let object = (prop_oneof![6 => few, 1 => many], prop::bool::weighted(0.1));
    prop::collection::vec(prop::collection::vec(object, 1..5), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn of_the_rows_of_a_key_the_greatest_stays(waves in waves(), budget in prop_oneof![Just(0), Just(2000), Just(1 << 20)]) {
        let mut lake = Lake::new();
        let (mut number, mut rows) = (0, 0);
        let mut best: BTreeMap<i64, (i64, String, u32, u32)> = BTreeMap::new();
        let mut lost = HashSet::new();
        for wave in waves {
            let mut objects = vec![];
            let mut failed = vec![];
            for (held, fails) in wave {
                for (position, &(key, order)) in (0..).zip(&held).filter(|_| !fails) {
                    let row = (order, name(number), position, number);
                    best.entry(key).and_modify(|held| *held = row.clone().max(held.clone())).or_insert(row);
                    rows += 1;
                }
                failed.extend(fails.then_some(number));
                objects.push((number, held));
                number += 1;
            }
            for (object, positions) in lake.offer(&objects, &failed, budget).expect("resolves") {
                prop_assert!(positions.is_sorted());
                for position in positions {
                    prop_assert!(lost.insert((object, position)), "a row is superseded once");
                }
            }
            for (_, _, position, object) in best.values() {
                prop_assert!(!lost.contains(&(*object, *position)));
            }
            prop_assert_eq!(lost.len() + best.len(), rows, "each row either holds a key or is superseded");
        }
    }

    #[test]
    fn encoded_values_compare_as_the_values_do(a in value_row(), b in value_row(), least in any::<bool>()) {
        let prefer = if least { Preference::Least } else { Preference::Greatest };
        let batch = batch(&[a.clone(), b.clone()]);
        let order_by = (0..4).map(|column| OrderSpec { column, prefer }).collect();
        let spec = CleanerSpec { key: (0..4).collect(), order_by, ..spec(&batch) };
        let encoder = Encoder::new(&batch, &spec);
        let encoded = [0, 1].map(|row| {
            let mut bytes = vec![];
            let middle = encoder.encode(row, &mut bytes);
            let order = bytes.split_off(middle);
            (bytes, order)
        });
        let [(first_key, first), (second_key, second)] = &encoded;
        let expected = a.partial_cmp(&b).expect("no NaN");
        prop_assert_eq!(first.cmp(second), if least { expected.reverse() } else { expected });
        prop_assert_eq!(first_key == second_key, expected.is_eq());
    }
}

/// `None` is less than any value, as in `Option`'s own order.
type Values = (Option<i64>, Option<i128>, Option<f64>, Option<String>);

fn value_row() -> impl Strategy<Value = Values> {
    let float = prop_oneof![Just(0.0), Just(1.5), Just(-1.5), Just(f64::INFINITY), Just(f64::NEG_INFINITY), -1e9..1e9];
    (
        prop::option::of(prop_oneof![Just(i64::MIN), Just(-1), Just(0), Just(i64::MAX)]),
        prop::option::of(-3i128..3),
        prop::option::of(float),
        prop::option::of("[a\\x00é]{0,3}"),
    )
}

fn batch(rows: &[Values]) -> RecordBatch {
    let decimals = Decimal128Array::from(rows.iter().map(|row| row.1).collect::<Vec<_>>());
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("integer", Arc::new(Int64Array::from(rows.iter().map(|row| row.0).collect::<Vec<_>>()))),
        ("decimal", Arc::new(decimals)),
        ("float", Arc::new(Float64Array::from(rows.iter().map(|row| row.2).collect::<Vec<_>>()))),
        ("text", Arc::new(StringArray::from(rows.iter().map(|row| row.3.clone()).collect::<Vec<_>>()))),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

#[test]
fn names_are_asked_for_only_to_break_ties_and_once_an_object() {
    let mut lake = Lake::new();
    let rows = |order: i64| (0..5000).map(|key| (key, order)).collect::<Vec<_>>();
    lake.offer(&[(0, rows(1)), (1, rows(2))], &[], 1 << 20).expect("resolves");
    lake.offer(&[(2, rows(3))], &[], 1 << 20).expect("resolves");
    assert_eq!(lake.asked.load(Ordering::Relaxed), 0);
    let lost = lake.offer(&[(3, rows(3))], &[], 1 << 20).expect("resolves");
    let loser = if name(3) > name(2) { 2 } else { 3 };
    assert_eq!(
        lost.into_iter().map(|(object, positions)| (object, positions.len())).collect::<Vec<_>>(),
        [(loser, 5000)]
    );
    assert_eq!(lake.asked.load(Ordering::Relaxed), 2, "workers wait for each other's answers");
}

#[test]
fn a_dropped_spool_gives_its_memory_back() {
    let budget = Budget::new(1 << 20);
    let mut keys = SortedRuns::default();
    let spool = KeySpool::new(keys.key_hash().expect("a salt"), 0, &budget);
    let batch = pairs(&[(1, 1), (2, 2)]);
    spool.append(0, 0, &batch, &spec(&batch)).expect("appends");
    assert!(budget.used() > 0);
    drop(spool);
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_name_that_cannot_be_looked_up_changes_nothing() {
    let mut lake = Lake::new();
    lake.offer(&[(0, vec![(1, 1)])], &[], 1 << 20).expect("resolves");
    let before = lake.keys.clone();
    let budget = Budget::new(1 << 20);
    let spool = KeySpool::new(lake.keys.key_hash().expect("a salt"), 64 << 20, &budget);
    let batch = pairs(&[(1, 1), (2, 2)]);
    spool.append(1, 0, &batch, &spec(&batch)).expect("appends");
    let ask = |_| Err(Error::new(Kind::Unavailable, "no answer"));
    let names = Names::new(&ask);
    let mut retired = vec![];
    let resolved = resolve(&spool, &HashSet::new(), &names, &mut lake.keys, &lake.store, "index/d/x", &mut retired);
    assert_eq!(resolved.expect_err("no name").kind(), Kind::Unavailable);
    assert_eq!((lake.keys, retired), (before, vec![]));
    assert_eq!(lake.store.list("index/", "").expect("lists").len(), 1);
    assert_eq!(budget.used(), 0);
}
