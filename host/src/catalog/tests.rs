//! Commits that race, and what a reader makes of a broken log.

use super::*;
use crate::pipeline::Fingerprint;
use crate::store::DirStore;

fn fingerprint() -> Fingerprint {
    Fingerprint {
        plugin: "p".into(),
        version: "1.0.0".into(),
        component: "c0ffee00".into(),
        contract: "0.1.0".into(),
        parameters: "{}".into(),
        host: String::new(),
        as_of: None,
    }
}

fn change(dataset: &str, retired: &str) -> Change {
    let log = Stored { key: "x".into(), sha256: "x".into(), bytes: 0, rows: 0 };
    let change = DatasetChange { reset: true, previous: 0, cleaned: 1, rewritten: 0, log, removed: None };
    Change {
        datasets: [(dataset.to_owned(), (change, Dataset::new(fingerprint())))].into(),
        retired: vec![retired.to_owned()],
        ..Change::new("clean")
    }
}

fn with_store(check: impl FnOnce(&DirStore)) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    check(&DirStore::new(directory.path()));
}

#[test]
fn commits_on_different_datasets_both_happen_and_on_the_same_one_conflict() {
    with_store(|store| {
        let mut one = Catalog::load(store).expect("an empty lake");
        let mut two = Catalog::load(store).expect("an empty lake");
        one.commit(&change("a", "x"), DateTime::UNIX_EPOCH).expect("the first");
        two.commit(&change("b", "y"), DateTime::UNIX_EPOCH).expect("another dataset");
        assert_eq!(two.state().sequence, 2);
        let conflict = one.commit(&change("b", "z"), DateTime::UNIX_EPOCH).expect_err("`b` was changed meanwhile");
        assert_eq!(conflict.kind(), Kind::Conflict);
        one.refresh().expect("reads the other's commit");
        assert_eq!(one.state().retired, ["x", "y"], "nothing of the refused commit happened");
    });
}

#[test]
fn the_newest_commit_is_found_however_many_there_are() {
    with_store(|store| {
        let mut catalog = Catalog::load(store).expect("an empty lake");
        let mut followers = vec![Catalog::load(store).expect("an empty lake")];
        for number in 1..=70 {
            catalog.commit(&change(&format!("d{}", number % 5), "x"), DateTime::UNIX_EPOCH).expect("commits");
            let loaded = Catalog::load(store).expect("loads");
            assert_eq!(loaded.state().sequence, number);
            let text = |catalog: &Catalog<'_>| serde_json::to_string(catalog.state()).expect("JSON");
            assert_eq!(text(&loaded), text(&catalog));
            for follower in &mut followers {
                follower.refresh().expect("refreshes");
                assert_eq!(follower.state().sequence, number);
            }
            followers.truncate(number as usize % 7);
            followers.push(loaded);
        }
        let newest = &catalog.state().datasets["d0"];
        assert_eq!((newest.since, newest.revision), (70, 70), "a dataset knows which commit changed it");
    });
}

#[test]
fn a_gap_and_a_commit_of_another_version_are_refused_by_name() {
    with_store(|store| {
        let mut catalog = Catalog::load(store).expect("an empty lake");
        for _ in 0..5 {
            catalog.commit(&change("d", "x"), DateTime::UNIX_EPOCH).expect("commits");
        }
        catalog.check_gaps().expect("there is none");
        [2, 3].iter().for_each(|&gone| store.delete(&commit_key(gone)).expect("deletes"));
        let cut = Catalog::load(store).expect("what there is before the gap");
        let gap = cut.check_gaps().expect_err("2 is missing").to_string();
        assert!(gap.contains(&commit_key(2)), "{gap}");
        store.put_if_absent(&commit_key(2), b"{\"sequence\": 2, \"new\": 1}", Durability::Durable).expect("a put");
        let foreign = Catalog::load(store).err().expect("not ours").to_string();
        assert!(foreign.contains(&commit_key(2)) && foreign.contains("new"), "{foreign}");
    });
}
