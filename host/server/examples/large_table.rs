//! Measures a table of a million rows: how long it takes to have it at hand, and each kind of question about it.
//!
//! `cargo run --release -p smelt-server --example large_table [rows]`

#![allow(clippy::print_stdout, reason = "it prints what it measures")]

use std::sync::Arc;
use std::time::Instant;

use chrono::DateTime;
use smelt_catalog::{Catalog, Change};
use smelt_server::frame::{BLOCK_ROWS, Frame};
use smelt_server::lake::Lake;
use smelt_server::query::{Filter, Query, Sort, find, sum};
use smelt_storage::DirStore;

use lake::{COLUMNS, table};

mod lake;

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
    let store = DirStore::new(directory.path());
    let (gold, file) = table(&store, rows);
    println!("{rows} rows of {} columns, {} MB of CSV", COLUMNS.len(), file.bytes / 1_000_000);
    let change = Change { gold: [("t".to_owned(), gold)].into(), ..Change::new("aggregate") };
    Catalog::load(&store).expect("a lake").commit(&change, DateTime::UNIX_EPOCH).expect("a commit");
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
