//! `verify` finds whatever is not as it was written, and `gc` removes what no commit names and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::Lake;
use crate::support::audit::audit;

/// A lake with several commits: rows that were superseded, former gold tables, logs.
fn lake() -> Lake {
    let lake = Lake::new();
    let made = ["generate", "--seed", "3", "--start", "2025-03-01T12:00:00Z", "--ticks", "3"];
    for _ in 0..2 {
        lake.smelt(&[&made[..], &["--param", "orders=40", "--param", "late_duplicates=0.3"]].concat());
        lake.smelt(&["run"]);
    }
    lake
}

/// Returns what `verify` finds, by object.
fn found(lake: &Lake) -> BTreeSet<(String, String)> {
    let output = lake.try_smelt(&["verify", "--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).expect("--json writes JSON");
    let problems = json["problems"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let problems: BTreeSet<_> = problems.iter().map(|p| (text(&p["object"]), text(&p["found"]))).collect();
    assert_eq!(output.status.success(), problems.is_empty(), "the exit status tells");
    problems
}

/// Everything in the lake but the writers' lock.
fn objects(lake: &Lake) -> Vec<(String, Vec<u8>)> {
    lake.files("").into_iter().filter(|(key, _)| key != "catalog/writers.lock").collect()
}

#[test]
fn every_flipped_bit_and_every_missing_or_foreign_object_is_found() {
    let lake = lake();
    assert_eq!(found(&lake), BTreeSet::new());
    let objects = objects(&lake);
    for layer in ["bronze", "silver", "gold", "quarantine", "catalog/commits", "catalog/changes", "catalog/sums"] {
        assert!(objects.iter().any(|(key, _)| key.starts_with(layer)), "nothing in {layer}");
    }
    let one = |key: &str, what: &str| BTreeSet::from([(key.to_owned(), what.to_owned())]);
    for (number, (key, body)) in objects.iter().enumerate() {
        let path = lake.path().join(key);
        // Another place in each object, the last byte among them.
        let at = if number % 3 == 0 { body.len() - 1 } else { number * 7919 % body.len() };
        let mut flipped = body.clone();
        flipped[at] ^= 1 << (number % 8);
        std::fs::write(&path, flipped).expect("a write");
        if key.starts_with("catalog/commits/") {
            // The newest commit cannot be passed over; a former one is among what is found.
            let output = lake.try_smelt(&["verify"]);
            let said = [output.stdout, output.stderr].concat();
            assert!(!output.status.success() && String::from_utf8_lossy(&said).contains(key.as_str()), "{key}");
        } else {
            assert!(found(&lake).contains(&(key.clone(), "damaged".to_owned())), "{key}: byte {at}");
        }
        if !key.starts_with("catalog/commits/") {
            std::fs::remove_file(&path).expect("a delete");
            assert!(found(&lake).contains(&(key.clone(), "missing".to_owned())), "{key}");
        }
        std::fs::write(&path, body).expect("a write");
    }
    for key in ["silver/orders/mine.csv", "gold/readme.txt", "catalog/sums/x", "quarantine/orders/x.jsonl"] {
        std::fs::write(lake.path().join(key), "x").expect("a write");
        assert_eq!(found(&lake), one(key, "foreign"));
        std::fs::remove_file(lake.path().join(key)).expect("a delete");
    }
    assert_eq!(found(&lake), BTreeSet::new());
}

#[test]
fn what_is_left_over_is_shown_first_and_deleted_after_its_time() {
    let lake = lake();
    let before = objects(&lake);
    let left = [
        "silver/orders/orders_clean_lost.csv",
        "catalog/index/orders/00000000000000000099",
        "gold/aov/aov_20990101T000000.csv",
    ];
    let kept = ["silver/orders/mine.csv", "silver/notes.txt", "bronze/readme.txt"];
    left.iter().chain(&kept).for_each(|key| write(&lake.path().join(key)));
    let gc = |arguments: &[&str]| {
        let json = lake.json(&[&["gc"][..], arguments].concat());
        let objects = json["objects"].as_array().expect("a list").iter();
        objects.map(|object| object["object"].as_str().expect("a key").to_owned()).collect::<BTreeSet<_>>()
    };
    let all = left.map(str::to_owned).into();
    assert_eq!(gc(&[]), BTreeSet::new(), "a host may be about to commit it");
    assert_eq!(gc(&["--delete"]), BTreeSet::new());
    assert_eq!(gc(&["--grace", "0s"]), all);
    assert_eq!(objects(&lake).len(), before.len() + left.len() + kept.len(), "nothing was deleted yet");
    assert_eq!(gc(&["--grace", "0s", "--delete"]), all);
    let after: BTreeSet<_> = objects(&lake).into_iter().map(|(key, _)| key).collect();
    let mut expected: BTreeSet<_> = before.iter().map(|(key, _)| key.clone()).chain(kept.map(str::to_owned)).collect();
    expected.insert(after.iter().rfind(|key| key.starts_with("catalog/commits/")).expect("commits").clone());
    assert_eq!(after, expected, "a commit came, and nothing else");
    kept.iter().for_each(|key| std::fs::remove_file(lake.path().join(key)).expect("a delete"));
    assert_eq!(found(&lake), BTreeSet::new());

    // The lake goes on as before.
    lake.smelt(&["generate", "--ticks", "1"]);
    lake.smelt(&["run"]);
    let fresh = Lake::new();
    fresh.copy_bronze(&lake);
    fresh.smelt(&["run"]);
    assert_eq!((audit(&lake), lake.gold()), (audit(&fresh), fresh.gold()));
    assert_eq!(found(&lake), BTreeSet::new());
}

fn write(path: &Path) {
    std::fs::create_dir_all(path.parent().expect("a file has a directory")).expect("a directory");
    std::fs::write(path, "x").expect("a write");
}
