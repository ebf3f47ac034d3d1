//! Who reads beside hosts at work, and hosts beside one that does not go on.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::Duration;

use crate::support::process::{Running, Signal, wait_until};
use crate::support::ticks::{arrive, assert_like_uninterrupted, ticks};
use crate::support::{Lake, twin};

const LONG: Duration = Duration::from_secs(120);

/// A lake with several commits: rows that were superseded, former gold tables, logs.
fn lake() -> Lake {
    let lake = Lake::new();
    for objects in ticks(2, 60) {
        arrive(&lake, &objects);
        lake.smelt(&["run"]);
    }
    lake
}

fn commits(lake: &Lake) -> usize {
    std::fs::read_dir(lake.path().join("catalog/commits")).expect("commits").count()
}

#[test]
fn whoever_looks_at_a_healthy_lake_beside_a_host_at_work_is_told_that_it_is_healthy() {
    let lake = lake();
    let host = Running::start(&lake, &["up", "--every", "20ms"]);
    let before = commits(&lake);
    assert!(wait_until(LONG, || commits(&lake) > before + 1), "it commits");
    for _ in 0..3 {
        for look in [
            &["verify"][..],
            &["reproduce", "aov"],
            &["lineage", "revenue_by_channel"],
            &["history", "--objects"],
            &["lineage", "revenue_by_channel", "--row", "channel=web"],
            &["gc"],
            &["quarantine", "list"],
            &["quarantine", "stats"],
            &["quarantine", "show"],
            &["quarantine", "purge", "--older-than", "1d"],
            &["plugin", "list"],
            &["plugin", "diff", "aov", "aov"],
            &["plan"],
        ] {
            lake.smelt(look);
        }
    }
    let twin = twin(&lake.path().with_file_name(""), "clean-orders");
    // Whatever changes the lake comes through too.
    lake.smelt(&["plugin", "promote", &twin]);
    lake.smelt(&["run"]);
    lake.smelt(&["plugin", "rollback", "clean-orders"]);
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    host.signal(Signal::TERM);
    assert_eq!(host.wait(LONG).code(), Some(0));
    lake.smelt(&["run"]);
    lake.smelt(&["verify"]);
}

#[test]
fn a_run_beside_a_promotion_comes_through_with_what_was_promoted() {
    let lake = lake();
    ticks(4, 60).iter().for_each(|objects| arrive(&lake, objects));
    let twin = twin(&lake.path().with_file_name(""), "clean-orders");
    let hosts = [&["run"][..], &["plugin", "promote", &twin], &["run"], &["clean"], &["aggregate"]];
    let hosts = hosts.map(|verb| (verb, Running::start(&lake, verb)));
    for (verb, host) in hosts {
        assert_eq!(host.wait(LONG).code(), Some(0), "{verb:?}");
    }
    lake.smelt(&["run"]);
    lake.smelt(&["verify"]);
    let state = &lake.json(&["history"])["state"];
    let (runs, promoted) =
        (&state["datasets"]["orders"]["relation"]["fingerprint"]["component"], &state["promoted"]["clean-orders"]);
    assert_eq!(*runs, promoted["to"]);
}

#[test]
fn what_a_lost_race_left_is_removed_by_the_next_run_wherever_it_lies() {
    let lake = lake();
    for round in 0..2 {
        // The second time it is known up to which commit nothing was left over.
        let newest = commits(&lake);
        let taken = format!("{newest:020}");
        let sha256 = "0".repeat(64);
        let stamp = ["20200101T000000", "20990101T000000"][round];
        let left = [
            format!("catalog/changes/orders/{taken}.7.jsonl"),
            format!("catalog/changes/orders/{taken}.7.csv"),
            format!("catalog/entries/orders/{taken}.7.run"),
            format!("catalog/index/orders/{taken}.7.run"),
            format!("catalog/sums/aov/{taken}-0.7.run"),
            format!("catalog/components/{sha256}.wasm"),
            format!("catalog/components/{sha256}.wasm.minisig"),
            format!("catalog/rollback/silver/orders/orders_clean_left.{taken}.csv"),
            "silver/orders/orders_clean_left.csv".to_owned(),
            "quarantine/orders/orders_rejected_left.jsonl".to_owned(),
            // Before the newest one: another host committed later. Or after it: none did.
            format!("gold/aov/aov_{stamp}.csv"),
        ];
        let files = || {
            let mut files = lake.files("");
            // It says when the directories last changed.
            files.remove("catalog/writers.lock");
            files
        };
        let before = files();
        for key in &left {
            let path = lake.path().join(key);
            std::fs::create_dir_all(path.parent().expect("a directory")).expect("it can be made");
            std::fs::write(path, "x").expect("a write");
        }
        assert!(!lake.try_smelt(&["verify"]).status.success(), "it is foreign: no host is at work");
        let mut marks = OpenOptions::new().append(true).open(lake.path().join("catalog/writers.lock")).expect("marks");
        marks.write_all(b"b").expect("the mark of a host that died");
        lake.smelt(&["run"]);

        assert!(files() == before, "{:?} are not {:?}", files().keys(), before.keys());
        lake.smelt(&["verify"]);
        lake.smelt(&["generate", "--ticks", "1"]);
        lake.smelt(&["run"]);
    }
}

#[test]
fn a_host_that_is_stopped_while_it_tidies_up_holds_up_nobody() {
    let lake = lake();
    // Its lock, which a process that is stopped keeps.
    let lock = File::open(lake.path().join("catalog/writers.lock")).expect("the lock");
    lock.try_lock().expect("no one is at work");
    arrive(&lake, &ticks(3, 60)[2]);
    let output = lake.try_smelt(&["run"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("works beside it"), "{said}");
    lake.smelt(&["verify"]);
    drop(lock);
    lake.smelt(&["run"]);
    assert_like_uninterrupted(&lake);
}
