//! A table of many rows, for examples that measure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use smelt_catalog::{Fingerprint, Gold, ObjectRef, Relation, Shape};
use smelt_common::cost::Cost;
use smelt_common::digest;
use smelt_storage::{DirStore, Durability, Store as _};

/// The columns of the table, each with its type.
pub(crate) const COLUMNS: [(&str, &str); 8] = [
    ("id", "int64"),
    ("client", "utf8"),
    ("day", "date32"),
    ("at", "timestamp"),
    ("amount", "decimal128(18,2)"),
    ("share", "float64"),
    ("country", "utf8?"),
    ("paid", "boolean"),
];

fn csv(rows: u64) -> String {
    let mut csv = COLUMNS.map(|(name, _)| name).join(",") + "\n";
    for row in 0..rows {
        // As good as random, and the same each time.
        let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let country = ["DE", "AT", "CH", "", "FR"][(mixed % 5) as usize];
        let (day, hour, minute) = (1 + mixed % 28, mixed % 24, mixed % 60);
        let _ = writeln!(
            csv,
            "{row},client {:06},2024-{:02}-{day:02},2024-01-{day:02}T{hour:02}:{minute:02}:00Z,{}.{:02},0.{}5,{country},{}",
            mixed % 50_000,
            1 + mixed % 12,
            mixed % 100_000,
            mixed % 100,
            1 + mixed % 999,
            mixed.is_multiple_of(3)
        );
    }
    csv
}

/// Writes the table's file into the lake, and returns the table and the file.
pub(crate) fn table(store: &DirStore, rows: u64) -> (Gold, ObjectRef) {
    let (key, csv) = (format!("gold/table_of_{rows}.csv"), csv(rows));
    store.put_if_absent(&key, csv.as_bytes(), Durability::Rebuildable).expect("a file");
    let file = ObjectRef { key, sha256: digest::hex(&csv), bytes: csv.len() as u64, rows };
    let columns = COLUMNS.map(|(name, kind)| (name.to_owned(), kind.to_owned())).to_vec();
    let relation = Relation::of_file(Fingerprint::some(), file.clone()).of_shape(Shape {
        columns,
        key: vec![0],
        own_order: false,
    });
    let (inputs, cost) = (BTreeMap::new(), Cost::default());
    let (stages, saved, parts) = (vec![], vec![], vec![]);
    (Gold { relation, file: None, inputs, stages, saved, parts, commit: 0, cost, micros: 0 }, file)
}
