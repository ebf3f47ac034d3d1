//! Readers and collectors beside a host that commits in the middle of what they read.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::DateTime;

use std::time::Duration;

use super::owner::{OURS, owner};
use super::reached::Reached;
use super::*;
use smelt_catalog::Fingerprint;
use smelt_catalog::{CHANGES, Catalog, Dataset, ENTRIES, Entries, LogEntry, Look, ObjectRef};
use smelt_catalog::{Change, Entry, RelationChange, entries_as_of, look};
use smelt_common::digest;
use smelt_common::error::Kind;
use smelt_common::progress::Unwatched;
use smelt_storage::PROOFS;
use smelt_storage::layers::CATALOG;
use smelt_storage::layers::{BRONZE, SILVER};
use smelt_storage::meddling::Meddling;
use smelt_storage::{DirStore, Durability, Store};

fn put(store: &dyn Store, key: String, body: &str) -> ObjectRef {
    store.put_if_absent(&key, body.as_bytes(), Durability::Rebuildable).expect("a put");
    ObjectRef { key, sha256: digest::hex(body), bytes: body.len() as u64, rows: 1 }
}

/// Writes what a host writes when it cleans these objects of dataset `d`, or writes their silver again.
fn prepare(store: &dyn Store, names: &[&str]) -> (u64, Change) {
    let catalog = Catalog::load(store).expect("loads");
    let state = catalog.state();
    let sequence = state.sequence + 1;
    let held = state.datasets.get("d").cloned();
    let mut dataset = held.clone().unwrap_or_else(|| Dataset::new(Fingerprint::some()));
    let known = Entries::of(store, &dataset).by_name(names).expect("entries");
    let (mut log, mut pairs, mut retired) = (Vec::new(), Vec::new(), Vec::new());
    for (name, known) in names.iter().zip(known) {
        let bronze = put(store, format!("{BRONZE}{name}"), name);
        let silver = put(store, format!("{SILVER}d/d_clean_{name}.{sequence}.csv"), &format!("{name} {sequence}"));
        let id = known.as_ref().map_or(dataset.bronze.next_id, |known| known.id);
        dataset.bronze.next_id += u32::from(known.is_none());
        let cleaned = known.is_none();
        retired.extend(known.map(|known| known.silver.key));
        let entry = Entry { id, sha256: bronze.sha256, bytes: bronze.bytes, read: 1, silver, ..Entry::some() };
        pairs.extend(Entries::pairs(name, &entry).expect("pairs"));
        log.push(LogEntry { object: (*name).to_owned(), cleaned, before: None, was: None, entry });
    }
    dataset.entries_mut().put(store, &format!("{ENTRIES}d/{sequence:020}"), pairs, &mut retired).expect("a run");
    let mut referenced: std::collections::BTreeSet<_> = log.iter().map(|line| line.entry.silver.key.clone()).collect();
    let log = LogEntry::write(store, &format!("{CHANGES}d/{sequence:020}"), &log).expect("a log");
    referenced.extend(dataset.entries().runs().iter().map(|run| run.key.clone()).chain([log.key.clone()]));
    let previous = held.as_ref().map_or(0, |held| held.relation.revision);
    let change = RelationChange {
        reset: held.is_none(),
        previous,
        cleaned: names.len() as u64,
        rewritten: 0,
        log: Some(log),
        added: None,
        removed: None,
    };
    let change =
        Change { datasets: [("d".to_owned(), (change, dataset))].into(), retired, referenced, ..Change::new("clean") };
    (sequence, change)
}

/// Commits the change and deletes what is retired, as a host does.
fn commit(store: &dyn Store, mut change: Change) {
    let mut catalog = Catalog::load(store).expect("loads");
    change.deleted = catalog.state().retired.clone();
    catalog.commit(&change, DateTime::UNIX_EPOCH).expect("commits");
    catalog.state().retired.iter().for_each(|key| store.delete(key).expect("deletes"));
}

fn clean(store: &dyn Store, names: &[&str]) {
    let (_, change) = prepare(store, names);
    commit(store, change);
}

fn with_store(check: impl FnOnce(&DirStore)) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    check(&DirStore::new(directory.path()));
}

fn found(store: &dyn Store) -> (usize, Vec<(String, Defect)>) {
    let verified = verify(store, &Unwatched).expect("verifies");
    (verified.pending, verified.problems.into_iter().map(|problem| (problem.object, problem.found)).collect())
}

#[test]
fn an_object_that_is_retired_while_it_is_read_is_not_reported_missing() {
    with_store(|store| {
        clean(store, &["a", "b", "c", "d"]);
        // Before each object of silver is opened all silver is written again.
        let beside = Meddling::new(store, |key| {
            if key.starts_with(SILVER) && key.ends_with(".csv") {
                clean(store, &["a", "b", "c", "d"]);
            }
        });
        assert_eq!(found(&beside), (0, vec![]));
        // An entry run is merged with others and deleted while it is read, each time that the reader begins again, up
        // to a bound.
        let times = AtomicU64::new(0);
        let beside = Meddling::new(store, |key| {
            if key.starts_with(ENTRIES) && times.fetch_add(1, Ordering::Relaxed) < 8 {
                clean(store, &["a"]);
            }
        });
        assert_eq!(found(&beside), (0, vec![]));

        let key = Reached::by(&mut Look::begin(store).expect("a look"), true).expect("reads").objects;
        let key = key.into_keys().find(|key| key.contains("d_clean_b")).expect("silver of b");
        store.delete(&key).expect("deletes");
        let beside = Meddling::new(store, |opened| {
            if opened.starts_with(SILVER) && opened.ends_with(".csv") {
                clean(store, &["a"]);
            }
        });
        assert_eq!(found(&beside), (0, vec![(key, Defect::Missing)]));
    });
}

#[test]
fn a_reader_that_is_outrun_says_so_and_calls_nothing_damaged() {
    with_store(|store| {
        clean(store, &["a"]);
        let beside = Meddling::new(store, |key| {
            if key.starts_with(ENTRIES) {
                clean(store, &["a"]);
            }
        });
        for error in [
            verify(&beside, &Unwatched).map(drop).expect_err("it is outrun"),
            garbage(&beside, Duration::ZERO, false).map(drop).expect_err("it is outrun"),
            look(&beside, |state| Entries::of(&beside, &state.datasets["d"]).all()).map(drop).expect_err("outrun"),
        ] {
            assert_eq!(error.kind(), Kind::Unavailable, "{error}");
            assert!(error.to_string().contains("other hosts commit faster"), "{error}");
        }
    });
}

#[test]
fn an_object_of_a_host_at_work_is_not_foreign_until_the_host_is_gone() {
    with_store(|store| {
        clean(store, &["a"]);
        let mut writes = store.begin().expect("begins");
        writes.share().expect("shares");
        let (_, change) = prepare(store, &["a", "b"]);
        let pending = found(store);
        assert_eq!(pending, (4, vec![]), "two objects of silver, entries and a log");
        // An object that is listed and then committed is referenced. One that the same commit retired is not foreign
        // either.
        let mut change = Some(change);
        let beside = Meddling::new(store, |key| {
            if key == CATALOG
                && let Some(change) = change.take()
            {
                commit(store, change);
            }
        });
        assert_eq!(found(&beside), (0, vec![]));
        drop(beside);

        let (_, lost) = prepare(store, &["b"]);
        assert_eq!(found(store), (3, vec![]));
        drop(writes);
        let (pending, problems) = found(store);
        assert_eq!((pending, problems.len()), (0, 3), "{problems:?}");
        assert!(
            problems.iter().all(|(key, what)| *what == Defect::Foreign && lost.referenced.contains(key)),
            "{problems:?}"
        );
    });
}

#[test]
fn a_collector_leaves_what_is_committed_while_it_looks() {
    with_store(|store| {
        clean(store, &["a"]);
        put(store, format!("{SILVER}d/d_clean_left.csv"), "left");
        let (_, change) = prepare(store, &["b"]);
        let referenced: Vec<String> = change.referenced.iter().cloned().collect();
        let mut change = Some(change);
        let beside = Meddling::new(store, |key| {
            // The collector has listed silver, and now the host commits; later, another one does.
            if key == SILVER
                && let Some(change) = change.take()
            {
                commit(store, change);
            } else if key == PROOFS {
                clean(store, &["c"]);
            }
        });
        let collected = collect(&beside, Duration::ZERO, false, DateTime::UNIX_EPOCH).expect("collects");
        let collected: Vec<_> = collected.into_iter().map(|garbage| garbage.object).collect();
        drop(beside);
        assert_eq!(collected, [format!("{SILVER}d/d_clean_left.csv")]);
        assert!(!store.exists(&collected[0]).expect("asked"), "it is gone");
        assert!(
            referenced.iter().any(|key| key.starts_with(SILVER) && store.exists(key).expect("asked")),
            "what was committed"
        );
        assert_eq!(found(store), (0, vec![]));
    });
}

#[test]
fn two_collectors_delete_each_object_once() {
    with_store(|store| {
        clean(store, &["a"]);
        let left = format!("{SILVER}d/d_clean_left.csv");
        put(store, left.clone(), "left");
        let (mut first, mut other) = (true, vec![]);
        let beside = Meddling::new(store, |key| {
            if key == PROOFS && std::mem::take(&mut first) {
                other = collect(store, Duration::ZERO, false, DateTime::UNIX_EPOCH).expect("collects");
            }
        });
        assert_eq!(collect(&beside, Duration::ZERO, false, DateTime::UNIX_EPOCH).expect("collects"), []);
        drop(beside);
        assert_eq!(other.len(), 1);
        assert_eq!(found(store), (0, vec![]));
    });
}

#[test]
fn entries_as_of_a_commit_are_known_long_after_they_were_merged() {
    with_store(|store| {
        let text = |entries: Vec<(String, Entry)>| serde_json::to_string(&entries).expect("JSON");
        let mut then = Vec::new();
        for names in [&["a", "b"][..], &["c"], &["a"], &["d", "b"], &["e"], &["a", "e"]] {
            clean(store, names);
            let held = Catalog::load(store).expect("loads").state().datasets["d"].clone();
            let entries = Entries::of(store, &held).all().expect("entries");
            then.push((held, text(entries)));
        }
        let (now, _) = then.last().cloned().expect("a dataset");
        for (held, entries) in &then {
            assert_eq!(text(entries_as_of(store, "d", held, Some(&now)).expect("told")), *entries);
            assert_eq!(text(entries_as_of(store, "d", held, None).expect("told")), *entries, "from the logs alone");
        }
    });
}

#[test]
fn an_object_with_another_kind_of_key_is_not_ours() {
    let ours = |key| OURS.iter().any(|layer| owner(layer, key).is_some());
    for key in ["silver/d/d_clean_1.csv", "quarantine/d/d_rejected_1", "gold/k/k_20250101T000000.csv"] {
        assert!(ours(key), "{key}");
    }
    for key in [
        "catalog/rollback/silver/d/d_clean_1.csv",
        "quarantine/for-rollback/d/d_rejected_1.5.jsonl",
        "catalog/proof-1",
        "catalog/components/x.wasm",
        "catalog/entries/d/x",
        "catalog/index/d/x",
    ] {
        assert!(ours(key), "{key}");
    }
    for key in [
        "quarantine/for-rollback/d/mine.jsonl",
        "bronze/d_1.csv",
        "silver/d/notes.csv",
        "gold/k/k.csv",
        "catalog/commits/1",
        "elsewhere/x",
    ] {
        assert!(!ours(key), "{key}");
    }
}
