//! Measures the cost of keys and prints it. The variable `ROWS` is the number of rows, by default a million. Run it
//! with `cargo test --release --workspace --lib -- --ignored --nocapture keys_cost`.

use std::collections::HashSet;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};

use super::tests::spec;
use super::*;
use smelt_common::workers;
use smelt_runtime::CleanerSpec;
use smelt_storage::counting::Counting;
use smelt_storage::sorted_runs::SortedRuns;
use smelt_storage::{DirStore, Store as _};

const OBJECTS: u32 = 16;
const BATCH: u32 = 1 << 16;

fn batch(from: u32, to: u32, order: i64) -> (RecordBatch, CleanerSpec) {
    let key = StringArray::from_iter_values((from..to).map(|n| format!("ORD-{n:08}")));
    let columns: [(&str, ArrayRef); 2] =
        [("key", Arc::new(key)), ("order", Arc::new(Int64Array::from_iter_values((from..to).map(|_| order))))];
    let batch = RecordBatch::try_from_iter(columns).expect("two columns");
    let spec = spec(&batch);
    (batch, spec)
}

/// Returns the process's peak memory so far, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") >> 10
}

/// Returns the CPU time of this process so far. Other processes on the machine hardly change it, unlike wall time.
fn cores() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat[stat.rfind(')').expect("a name")..].split(' ').collect();
    let ticks: u64 = fields[12..14].iter().map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
    Duration::from_millis(ticks * 10)
}

/// Offers the rows of one round to the keys, and prints the cost.
fn wave(store: &Counting<DirStore>, keys: &mut SortedRuns, number: u32, from: u32, to: u32, order: i64) {
    let budget = Budget::new(96 << 20);
    let spool = KeySpool::new(keys.key_hash().expect("a salt"), u64::from(to - from) * 200, &budget);
    let rows = (to - from).div_ceil(OBJECTS);
    let appended: Duration = workers::map((0..OBJECTS).collect(), |object| {
        let (first, end) = (from + object * rows, (from + (object + 1) * rows).min(to));
        let mut took = Duration::ZERO;
        for start in (first..end).step_by(BATCH as usize) {
            let (batch, spec) = batch(start, (start + BATCH).min(end), order);
            let begun = Instant::now();
            spool.append(number * OBJECTS + object, start - first, &batch, &spec).expect("appends");
            took += begun.elapsed();
        }
        took
    })
    .into_iter()
    .sum();
    let spooled = peak();
    let (begun, before) = (Instant::now(), cores());
    let ask = |object: u32| Ok(object.to_string());
    let names = Names::new(&ask);
    store.take();
    let mut retired = vec![];
    let lost = resolve(&spool, &HashSet::new(), &names, keys, store, &format!("k/{number}"), &mut retired);
    let (took, lost) = (begun.elapsed(), lost.expect("resolves").values().map(Vec::len).sum::<usize>());
    let rows = u128::from(to - from);
    println!(
        "{rows} rows: append {} ns of a core each, resolve {} ns of a core, {} in all ({took:.1?}); {lost} lost, {} runs, {:?} read, peak {spooled}, then {} MiB",
        appended.as_nanos() / rows,
        (cores() - before).as_nanos() / rows,
        took.as_nanos() / rows,
        keys.runs().len(),
        store.take(),
        peak(),
    );
    retired.iter().for_each(|key| store.delete(key).expect("a delete"));
}

#[test]
#[ignore = "a measurement"]
fn keys_cost() {
    let rows = std::env::var("ROWS").map_or(1_000_000, |rows| rows.parse().expect("a number"));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Counting::new(DirStore::new(directory.path()));
    let mut keys = SortedRuns::default();
    println!("new:");
    wave(&store, &mut keys, 0, 0, rows, 1);
    println!("150 new, 150 again, 150 new:");
    wave(&store, &mut keys, 1, rows, rows + 150, 1);
    wave(&store, &mut keys, 2, rows / 2, rows / 2 + 150, 2);
    wave(&store, &mut keys, 3, rows + 150, rows + 300, 1);
    println!("a tenth, all of them again:");
    wave(&store, &mut keys, 4, 0, rows / 10, 2);
    wave(&store, &mut keys, 5, 0, rows, 3);
}
