//! Measures a table of a million rows: how long it takes to have it at hand, and each kind of question about it.
//!
//! `cargo run --release -p smelt-server --example large_table [rows]`

#![allow(clippy::print_stdout, reason = "it prints what it measures")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use chrono::DateTime;
use smelt_catalog::{Catalog, Change, Fingerprint, Gold, ObjectRef, Relation, Shape};
use smelt_common::cost::Cost;
use smelt_common::digest;
use smelt_server::frame::{BLOCK_ROWS, Frame};
use smelt_server::lake::Lake;
use smelt_server::query::{Filter, Query, Sort, find, sum};
use smelt_storage::{DirStore, Durability, Store as _};

const COLUMNS: [(&str, &str); 8] = [
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
            "{row},client {:06},2024-{:02}-{day:02},2024-01-{day:02}T{hour:02}:{minute:02}:00Z,{}.{:02},0.{},{country},{}",
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

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(value.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1000)
    };
    format!("{} MB, at most {} MB", line("VmRSS").unwrap_or(0), line("VmHWM").unwrap_or(0))
}

fn time<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = run();
    println!("{what:<44} {:>9.1} ms   {}", begun.elapsed().as_secs_f64() * 1e3, memory());
    result
}

fn page(frame: &Frame, query: &Query) {
    let found = find(frame, query, 50).expect("an answer");
    let columns: Vec<usize> = (0..COLUMNS.len()).collect();
    frame.fetch(&found.rows, &columns).expect("rows");
}

fn main() {
    let rows: u64 = std::env::args().nth(1).map_or(1_000_000, |rows| rows.parse().expect("a number of rows"));
    let directory = tempfile::tempdir().expect("a directory");
    {
        let (store, csv) = (DirStore::new(directory.path()), csv(rows));
        store.put_if_absent("gold/t.csv", csv.as_bytes(), Durability::Rebuildable).expect("a file");
        let file = ObjectRef { key: "gold/t.csv".into(), sha256: digest::hex(&csv), bytes: csv.len() as u64, rows };
        println!("{rows} rows of {} columns, {} MB of CSV", COLUMNS.len(), csv.len() / 1_000_000);
        let columns = COLUMNS.map(|(name, kind)| (name.to_owned(), kind.to_owned())).to_vec();
        let relation =
            Relation::of_file(Fingerprint::some(), file).of_shape(Shape { columns, key: vec![0], own_order: false });
        let (inputs, cost) = (BTreeMap::new(), Cost::default());
        let gold = Gold {
            relation,
            file: None,
            inputs,
            stages: vec![],
            saved: vec![],
            parts: vec![],
            commit: 0,
            cost,
            micros: 0,
        };
        let change = Change { gold: [("t".to_owned(), gold)].into(), ..Change::new("aggregate") };
        Catalog::load(&store).expect("a lake").commit(&change, DateTime::UNIX_EPOCH).expect("a commit");
    }
    let lake = time("open the lake", || Lake::open(Box::new(DirStore::new(directory.path()))).expect("a lake"));
    let frame: Arc<Frame> = time("have the table at hand", || lake.see(|seen| seen.table("t")).expect("a table"));
    println!("{:<44} {:>9.1} MB", "its file", frame.bytes() as f64 / 1e6);
    time("first page", || page(&frame, &Query::default()));
    for (column, (name, kind)) in COLUMNS.iter().enumerate() {
        for descending in [false, true] {
            let query = Query { sort: vec![Sort { column, descending }], ..Query::default() };
            time(&format!("first page by {name}, {kind}{}", if descending { ", down" } else { "" }), || {
                page(&frame, &query)
            });
        }
    }
    let filters = [
        ("a key", 0, Filter::is("777777")),
        ("a text", 1, Filter::is("client 000777")),
        ("a country", 6, Filter::is("DE")),
        ("a week", 2, Filter::Range(Some("2024-03-01".into()), Some("2024-03-07".into()))),
        ("amounts", 4, Filter::Range(Some("100".into()), Some("200.5".into()))),
        ("moments of a day", 3, Filter::Range(Some("2024-01-05".into()), Some("2024-01-05".into()))),
    ];
    for (words, column, filter) in filters {
        let query = Query { filters: vec![(column, filter)], ..Query::default() };
        time(&format!("first page of {words}"), || page(&frame, &query));
        time(&format!("sum of amounts of {words}"), || sum(&frame, &query, 4).expect("a sum"));
    }
    for search in ["CLIENT 0007", "kein", "zürich"] {
        let query = Query { search: Some(search.to_owned()), ..Query::default() };
        time(&format!("first page with `{search}`"), || page(&frame, &query));
    }
    let query = Query { sort: vec![Sort { column: 1, descending: false }], ..Query::default() };
    let all = time("all rows by client", || find(&frame, &query, frame.rows()).expect("an answer"));
    let columns: Vec<usize> = (0..COLUMNS.len()).collect();
    time("40,960 rows of a download in that order", || {
        all.rows[..all.rows.len().min(10 * BLOCK_ROWS)]
            .chunks(BLOCK_ROWS)
            .for_each(|rows| drop(frame.fetch(rows, &columns).expect("rows")));
    });
}
