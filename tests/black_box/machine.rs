//! A machine that stops a process, or lacks something: no plugin is blamed, and only what needs it waits.

use std::fs;
use std::io::Read;
use std::ops::Range;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use smelt_common::error::Kind;
use smelt_common::{Error, Result};
use smelt_storage::delegate_store;
use smelt_storage::{DirStore, Meta, Store};

use crate::support::Lake;
use crate::support::audit::audit;
use crate::support::embedded::host;
use crate::support::process::{Running, wait_until};

const LONG: Duration = Duration::from_secs(60);

fn orders(from: usize, to: usize) -> String {
    let order = |number| {
        let at = "2025-01-01T00:00:00Z";
        json!({"order_id": format!("O{number}"), "quantity": 1, "unit_price": 1, "total_amount": 1, "order_ts": at})
    };
    json!((from..to).map(order).collect::<Vec<_>>()).to_string()
}

fn customer(id: &str) -> String {
    format!("customer_id,first_name,last_name,email,country,signup_date\n{id},a,b,e@x.org,FR,2025-01-01\n")
}

#[test]
fn a_process_that_was_stopped_fails_no_plugin() {
    let mut lake = Lake::new();
    lake.change_pipeline(&[("[output]", "[limits.plugin]\ncall_ms = 500\nstart_ms = 500\n\n[output]")]);
    lake.bronze("orders_1.json", orders(0, 60_000));
    let mut run = Running::start(&lake, &["run"]);
    // From then on it is at work; before, it compiles.
    assert!(wait_until(LONG, || lake.path().join("silver/orders").exists()
        || lake.path().join("catalog/writers.lock").exists()));
    for _ in 0..2 {
        run.signal(Signal::STOP);
        // It stands still as long as all of its work takes, which is longer than a call may.
        let beside = Lake::new();
        beside.copy_bronze(&lake);
        beside.smelt(&["run"]);
        run.signal(Signal::CONT);
        // It goes on.
        if !run.runs_until(run.calls() + 1) {
            break;
        }
    }
    assert!(run.wait(LONG).success());
    assert_eq!(lake.json(&["run"])["parked"], json!([]));
    assert_eq!(lake.silver("orders").len(), 60_000);
}

/// The first run of the catalog in that place of the orders.
fn run_of(lake: &Lake, part: &str) -> PathBuf {
    let found = fs::read_dir(lake.path().join("catalog").join(part).join("orders")).expect("a directory").next();
    found.expect("it has a run").expect("it can be listed").path()
}

/// A lake on a disk that fails where the key begins so.
struct Unwell {
    store: DirStore,
    lost: &'static str,
}

impl Unwell {
    fn read(&self, key: &str) -> Result<()> {
        match key.starts_with(self.lost) {
            true => Err(Error::new(Kind::Unavailable, format!("cannot read `{key}`: input/output error"))),
            false => Ok(()),
        }
    }
}

impl Store for Unwell {
    fn open(&self, key: &str) -> Result<(Meta, Box<dyn Read + Send>)> {
        self.read(key)?;
        self.store.open(key)
    }

    fn read_ranges(&self, key: &str, ranges: &[Range<u64>]) -> Result<Vec<u8>> {
        self.read(key)?;
        self.store.read_ranges(key, ranges)
    }

    delegate_store!(store: list_new, look, exists, create, delete, begin, clock, describe);
}

#[test]
fn a_dataset_whose_catalog_cannot_be_read_holds_up_no_other() {
    // The log is read for what was young in a dataset of many objects.
    for (lost, empty) in
        [("catalog/index/orders/", 0), ("catalog/entries/orders/", 0), ("catalog/changes/orders/", 300)]
    {
        let lake = Lake::new();
        (0..empty).for_each(|number| lake.bronze(&format!("orders_0{number}.json"), "[]"));
        lake.bronze("orders_1.json", orders(0, 3));
        lake.bronze("customers_1.csv", customer("C1"));
        lake.smelt(&["run"]);
        lake.bronze("orders_2.json", orders(3, 4));
        lake.bronze("customers_2.csv", customer("D1"));
        // Soon after the first run, so that nothing is compared in full.
        let now = lake.json(&["history"])["state"]["reconciled"].as_i64().expect("a time") / 1_000_000 + 1;
        let report = host(Box::new(Unwell { store: DirStore::new(lake.path()), lost }), now).run().expect("it runs");
        let failures: Vec<_> = report.failures.iter().map(|(what, why)| format!("{what}: {why}")).collect();
        assert!(!failures.is_empty() && failures.iter().all(|it| it.starts_with("orders")), "{lost}: {failures:?}");
        assert!(report.parked.is_empty(), "{lost}: the cleaner is not at fault");
        assert_eq!((lake.silver("customers").len(), lake.silver("orders").len()), (2, 3), "{lost}");
        lake.smelt(&["run"]);
        assert_eq!(lake.silver("orders").len(), 4, "{lost}");
        audit(&lake);
    }
}

#[test]
fn a_dataset_in_whose_catalog_no_file_lies_is_made_anew_and_holds_up_no_other() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(0, 3));
    lake.bronze("customers_1.csv", customer("C1"));
    lake.smelt(&["run"]);
    for (number, part) in ["index", "entries"].into_iter().enumerate() {
        let run = run_of(&lake, part);
        // Nothing tells that anyone has put it there.
        let directory = fs::File::open(run.parent().expect("it is in a directory")).expect("a directory");
        let changed = directory.metadata().and_then(|found| found.modified()).expect("it has a time");
        fs::remove_file(&run).and_then(|()| symlink(&run, &run)).expect("it can be replaced");
        directory.set_modified(changed).expect("its time can be set");
        lake.bronze(&format!("orders_2{number}.json"), orders(10 * number, 10 * number + 1));
        lake.bronze(&format!("customers_2{number}.csv"), customer(&format!("D{number}")));
        assert_eq!(lake.json(&["run"])["cleaned"], 3 + number);
        assert_eq!(lake.silver("customers").len(), 2 + number);
        lake.smelt(&["run"]);
        audit(&lake);
    }
}

#[test]
fn what_cannot_be_deleted_holds_up_nothing() {
    let lake = Lake::new();
    lake.bronze("orders_1.json", orders(0, 3));
    lake.smelt(&["run"]);
    let run = run_of(&lake, "index");
    // Too short to be the index, so that the dataset is made anew, and no file, so that it cannot be deleted.
    fs::remove_file(&run).and_then(|()| fs::create_dir(&run)).expect("it can be replaced");
    for number in 2..5 {
        lake.bronze(&format!("orders_{number}.json"), orders(10 * number, 10 * number + 1));
        // Once the index is read it may be told as unreadable, or as damaged.
        let _ = lake.try_smelt(&["run"]);
    }
    assert!(lake.smelt(&["run", "--reconcile"]).contains("orders"));
    assert_eq!(lake.silver("orders").len(), 6);
    fs::remove_dir(&run).expect("it is empty");
    lake.smelt(&["run"]);
    audit(&lake);
}
