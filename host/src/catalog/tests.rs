//! Commits that race, checkpoints, and what a reader makes of a broken log.

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

fn commit(dataset: &str, retired: &str) -> Commit {
    let change = DatasetChange { reset: Some(fingerprint()), put: [].into(), index: vec![] };
    Commit {
        datasets: [(dataset.to_owned(), change)].into(),
        retired: vec![retired.to_owned()],
        ..Commit::new("clean")
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
        one.commit(commit("a", "x"), DateTime::UNIX_EPOCH).expect("the first");
        two.commit(commit("b", "y"), DateTime::UNIX_EPOCH).expect("another dataset");
        assert_eq!(two.state().sequence, 2);
        let conflict = one.commit(commit("b", "z"), DateTime::UNIX_EPOCH).expect_err("`b` was changed meanwhile");
        assert_eq!(conflict.kind(), Kind::Conflict);
        one.refresh().expect("reads the other's commit");
        assert_eq!(one.state().retired, ["x", "y"], "nothing of the refused commit happened");
    });
}

#[test]
fn a_checkpoint_and_the_commits_after_it_are_the_whole_log() {
    with_store(|store| {
        let mut catalog = Catalog::load(store).expect("an empty lake");
        for number in 0..CHECKPOINT_EVERY + 3 {
            catalog
                .commit(commit(&format!("d{}", number % 5), &number.to_string()), DateTime::UNIX_EPOCH)
                .expect("commits");
        }
        let from_checkpoint = Catalog::load(store).expect("loads");
        for meta in store.list(CHECKPOINTS, "").expect("lists") {
            store.delete(&meta.key).expect("deletes");
        }
        let from_commits = Catalog::load(store).expect("loads");
        let text = |catalog: &Catalog<'_>| serde_json::to_string(catalog.state()).expect("JSON");
        assert_eq!(text(&from_checkpoint), text(&catalog));
        assert_eq!(text(&from_commits), text(&catalog));
    });
}

#[test]
fn a_gap_in_the_log_and_a_commit_of_another_version_are_refused_by_name() {
    with_store(|store| {
        let mut catalog = Catalog::load(store).expect("an empty lake");
        for _ in 0..3 {
            catalog.commit(commit("d", "x"), DateTime::UNIX_EPOCH).expect("commits");
        }
        store.delete(&commit_key(2)).expect("deletes");
        let gap = Catalog::load(store).err().expect("2 is missing").to_string();
        assert!(gap.contains(&commit_key(2)), "{gap}");
        store.put_if_absent(&commit_key(2), b"{\"sequence\": 2, \"new\": 1}", Durability::Durable).expect("a put");
        let foreign = Catalog::load(store).err().expect("not ours").to_string();
        assert!(foreign.contains(&commit_key(2)) && foreign.contains("new"), "{foreign}");
    });
}
