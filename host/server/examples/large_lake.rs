//! Makes a lake large, so that `smelt serve` can be measured on it: a table of many rows, and many commits, each of which adds
//! a row to a small table. A lake of a pipeline that ran before keeps its tables, and each commit is then as large as that
//! pipeline's are.
//!
//! `cargo run --release -p smelt-server --example large_lake DIR [rows] [commits]`

#![allow(clippy::print_stdout, reason = "it says what it made")]

use chrono::{DateTime, TimeDelta};
use smelt_catalog::{Catalog, Change, RowsChange};
use smelt_storage::DirStore;

use lake::table;

mod lake;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().expect("the directory of the lake");
    let mut number = |or| arguments.next().map_or(or, |text| text.parse::<u64>().expect("a number"));
    let (rows, commits) = (number(1_000_000), number(10_000));
    let store = DirStore::new(std::path::Path::new(&directory));
    let mut catalog = Catalog::load(&store).expect("a lake");
    let (large, _) = table(&store, rows);
    let change = Change { gold: [("large".to_owned(), large)].into(), ..Change::new("aggregate") };
    let begun = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    catalog.commit(&change, begun).expect("a commit");
    let (small, added) = table(&store, 1_000);
    for minute in 0..commits {
        let rows = RowsChange { added: Some(added.clone()), removed: None };
        // Another table each time, as far as the catalog can tell.
        let mut gold = small.clone();
        gold.relation.content.add_row(&minute.to_le_bytes());
        let change = Change {
            gold: [("small".to_owned(), gold)].into(),
            rows: [("small".to_owned(), rows)].into(),
            ..Change::new("aggregate")
        };
        catalog.commit(&change, begun + TimeDelta::minutes(minute as i64 + 1)).expect("a commit");
    }
    println!("commit {} of a lake with a table of {rows} rows", catalog.state().sequence);
}
