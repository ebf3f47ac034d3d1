//! Tests of commits that race, and of readers that meet a broken catalog.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::ErrorText;
use crate::Fingerprint;
use chrono::DateTime;
use smelt_common::Error;
use smelt_common::error::{Kind, Result};
use smelt_storage::DirStore;
use smelt_storage::delegate_store;
use smelt_storage::{Durability, Store};

fn change(dataset: &str, retired: &str) -> Change {
    let log = ObjectRef { key: "x".into(), sha256: "x".into(), bytes: 0, rows: 0 };
    let change = RelationChange {
        reset: true,
        previous: 0,
        cleaned: 1,
        rewritten: 0,
        log: Some(log),
        added: None,
        removed: None,
    };
    Change {
        datasets: [(dataset.to_owned(), (change, Dataset::new(Fingerprint::some())))].into(),
        retired: vec![retired.to_owned()],
        ..Change::new("clean")
    }
}

fn with_store(test: impl FnOnce(&DirStore)) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    test(&DirStore::new(directory.path()));
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
        assert_eq!(
            (newest.relation.since, newest.relation.revision),
            (70, 70),
            "a dataset knows which commit changed it"
        );
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
        let gap = Catalog::load(store).err().expect("2 is missing").to_string();
        assert!(gap.contains(&commit_key(2)), "{gap}");
        let other = format!("{{\"sha256\":\"{}\",\"commit\":{{\"new\":1}}}}", smelt_common::digest::hex("{\"new\":1}"));
        store.put_if_absent(&commit_key(2), other.as_bytes(), Durability::Durable).expect("a put");
        let foreign = Catalog::load(store).err().expect("not ours");
        let said = foreign.to_string();
        assert!(said.contains("format 1 of an older smelt") && said.contains("`smelt run --rebuild`"), "{said}");
        assert_eq!(foreign.kind(), Kind::InvalidInput, "the commit is undamaged, so no one should remove it");
    });
}

#[test]
fn commits_of_the_versions_before_are_read() {
    with_store(|store| {
        Catalog::load(store).expect("an empty lake").commit(&change("d", "x"), DateTime::UNIX_EPOCH).expect("commits");
        let body = smelt_storage::read(store, &commit_key(1)).expect("it was written");
        let text = String::from_utf8(body).expect("JSON");
        let (head, commit) = text.split_once(",\"commit\":").expect("a commit");
        let commit = commit.strip_suffix('}').expect("the end of the file");
        assert!(head.starts_with("{\"version\":7,"), "{head}");
        for version in [5, 6] {
            let sha256 = smelt_common::digest::hex(format!("{version}\n{commit}"));
            store.delete(&commit_key(1)).expect("deletes");
            let older = format!("{{\"version\":{version},\"sha256\":\"{sha256}\",\"commit\":{commit}}}");
            store.put_if_absent(&commit_key(1), older.as_bytes(), Durability::Durable).expect("a put");
            assert_eq!(Catalog::load(store).expect("it is read").state().sequence, 1);
        }
    });
}

/// The behaviour of a remote store at a conditional put.
enum Put {
    /// The store writes the object, and the answer is lost.
    AnswerLost,
    /// The request never reaches the store.
    Lost,
    /// The request is delayed: the store writes the object just before the next request.
    Late,
    /// Another host's commit comes first.
    Behind(Box<Commit>),
    /// The store says that the object exists, but it does not.
    Lie,
}

/// A remote store that behaves at each put as told.
struct Remote<'s> {
    store: &'s DirStore,
    puts: Mutex<VecDeque<Put>>,
    on_its_way: Mutex<Option<(String, Vec<u8>)>>,
}

impl<'s> Remote<'s> {
    fn new(store: &'s DirStore, puts: impl IntoIterator<Item = Put>) -> Self {
        Self { store, puts: Mutex::new(puts.into_iter().collect()), on_its_way: Mutex::default() }
    }
}

impl Store for Remote<'_> {
    fn put_if_absent(&self, key: &str, body: &[u8], durability: Durability) -> Result<bool> {
        let put = |key: &str, body: &[u8]| self.store.put_if_absent(key, body, durability);
        if let Some((key, body)) = self.on_its_way.lock().expect("no panic").take() {
            put(&key, &body)?;
        }
        let lost = Err(Error::new(Kind::Unavailable, "timed out"));
        match self.puts.lock().expect("no panic").pop_front() {
            None => put(key, body),
            Some(Put::AnswerLost) => put(key, body).and(lost),
            Some(Put::Lost) => lost,
            Some(Put::Late) => {
                *self.on_its_way.lock().expect("no panic") = Some((key.to_owned(), body.to_owned()));
                lost
            }
            Some(Put::Behind(other)) => put(key, &file::write(&other)?).and(lost),
            Some(Put::Lie) => Ok(false),
        }
    }

    fn is_remote(&self) -> bool {
        true
    }

    delegate_store!(store: list_new, open, read_ranges, exists, create, delete, begin, clock, describe);
}

#[test]
fn a_commit_whose_answer_is_lost_is_made_once() {
    for puts in [
        vec![Put::AnswerLost],
        vec![Put::Lost, Put::AnswerLost],
        vec![Put::Late],
        vec![Put::Late, Put::Lost, Put::Lie],
        vec![Put::Lie, Put::Lost, Put::Late],
    ] {
        with_store(|store| {
            let remote = Remote::new(store, puts);
            let mut catalog = Catalog::load(&remote).expect("an empty lake");
            catalog.commit(&change("a", "x"), DateTime::UNIX_EPOCH).expect("it is made in the end");
            catalog.commit(&change("a", "y"), DateTime::UNIX_EPOCH).expect("so is the next");
            let found = Catalog::load(store).expect("loads");
            assert_eq!(
                (found.state().sequence, &found.state().retired[..]),
                (2, &["x".to_owned(), "y".to_owned()][..])
            );
            assert!(remote.puts.lock().expect("no panic").is_empty());
        });
    }
}

#[test]
fn behind_a_lost_answer_may_be_the_commit_of_another_host() {
    let commit = |dataset| change(dataset, "theirs").on(&State::default(), "", "another", "");
    with_store(|store| {
        let remote = Remote::new(store, [Put::Behind(commit("b").into())]);
        let mut catalog = Catalog::load(&remote).expect("an empty lake");
        catalog.commit(&change("a", "x"), DateTime::UNIX_EPOCH).expect("another dataset");
        assert_eq!(catalog.state().retired, ["theirs", "x"]);
    });
    with_store(|store| {
        let remote = Remote::new(store, [Put::Behind(commit("a").into())]);
        let mut catalog = Catalog::load(&remote).expect("an empty lake");
        let conflict = catalog.commit(&change("a", "x"), DateTime::UNIX_EPOCH).expect_err("the same dataset");
        assert_eq!(conflict.kind(), Kind::Conflict);
    });
}

#[test]
fn a_change_that_references_a_collected_object_is_refused() {
    with_store(|store| {
        let mut slow = Catalog::load(store).expect("an empty lake");
        let collected = Change { retired: vec!["an orphan".into()], ..Change::new("gc") };
        Catalog::load(store).expect("an empty lake").commit(&collected, DateTime::UNIX_EPOCH).expect("commits");
        let named = Change { referenced: ["an orphan".to_owned()].into(), ..change("a", "x") };
        let conflict = slow.commit(&named, DateTime::UNIX_EPOCH).expect_err("it is gone");
        assert_eq!(conflict.kind(), Kind::Conflict);
        slow.refresh().expect("reads the collector's commit");
        slow.commit(&change("a", "x"), DateTime::UNIX_EPOCH).expect("the change was made again");
    });
}

#[test]
fn a_flipped_bit_in_a_commit_is_noticed() {
    with_store(|store| {
        Catalog::load(store).expect("loads").commit(&change("a", "x"), DateTime::UNIX_EPOCH).expect("commits");
        let key = commit_key(1);
        let whole = smelt_storage::read(store, &key).expect("a read");
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            store.delete(&key).expect("deletes");
            store.put_if_absent(&key, &flipped, Durability::Rebuildable).expect("a put");
            let error = read_commit(store, 1).expect_err("not what was written").to_string();
            assert!(error.contains(&key), "{error}");
        }
    });
}

#[test]
fn a_commit_of_another_place_or_past_is_refused() {
    let commit = |catalog: &mut Catalog<'_>| {
        catalog.commit(&change("d", "x"), DateTime::UNIX_EPOCH).expect("commits");
    };
    let body = |store: &DirStore, sequence| smelt_storage::read(store, &commit_key(sequence)).expect("a read");
    with_store(|store| {
        let mut catalog = Catalog::load(store).expect("an empty lake");
        (0..4).for_each(|_| commit(&mut catalog));
        let known = catalog.known();
        let put = |sequence, body: &[u8]| {
            store.delete(&commit_key(sequence)).expect("deletes");
            store.put_if_absent(&commit_key(sequence), body, Durability::Durable).expect("a put");
        };
        let wrong = |known: &Known| Catalog::load_from(store, known).err().expect("not the lake that it was");
        let whole = body(store, 4);
        // A copy of another commit lies under the number.
        for copied in [2, 4] {
            put(5, &body(store, copied));
            for known in [&Known::default(), &known] {
                let error = wrong(known);
                assert!(error.kind() == Kind::Damaged && error.to_string().contains(&commit_key(copied)), "{error}");
            }
            let mut reader = Catalog::load_from(store, &known).err().map(|_| catalog_at(store, 4)).expect("damaged");
            assert_eq!(
                reader.commit(&change("e", "y"), DateTime::UNIX_EPOCH).map_err(|e| e.kind()),
                Err(Kind::Damaged)
            );
            store.delete(&commit_key(5)).expect("deletes");
        }
        // Another history of the lake has a commit of the same number.
        with_store(|other| {
            let mut theirs = Catalog::load(other).expect("an empty lake");
            (0..4).for_each(|_| commit(&mut theirs));
            put(4, &body(other, 4));
        });
        assert_eq!(wrong(&Known::default()).kind(), Kind::Damaged, "it does not follow the one before it");
        assert_eq!(wrong(&known).kind(), Kind::Unavailable, "it is not the one that was read");
        put(4, &whole);
        // A commit that was read is gone. The lake must not count as new, nor as an older one.
        for gone in [4, 3, 2, 1] {
            store.delete(&commit_key(gone)).expect("deletes");
            assert_eq!(wrong(&known).kind(), Kind::Unavailable);
        }
        assert_eq!(Catalog::load(store).expect("a new process takes what there is").state().sequence, 0);
    });
}

/// Returns the catalog as of the commit, whatever came after it.
fn catalog_at(store: &DirStore, sequence: u64) -> Catalog<'_> {
    let commit = read_commit(store, sequence).expect("a commit");
    Catalog { store, state: commit.state, id: commit.id }
}

#[test]
fn a_failure_of_the_machine_neither_counts_as_an_attempt_nor_resets_the_count() {
    let after = |before: Option<&Failing>, kind| {
        let error = Error::new(kind, "why");
        Failing::after(before, Fingerprint::some(), std::iter::once(("a", "1", Some(&error))), ErrorText::Masked)
    };
    let attempts = |failing: &Failing| failing.items.get("a").map(|failure| failure.attempts);
    assert_eq!(after(None, Kind::Unavailable), None, "there is nothing to note");
    let once = after(None, Kind::Plugin).expect("it is noted");
    assert_eq!(attempts(&once), Some(1));
    assert_eq!(after(Some(&once), Kind::Unavailable), None, "it stays as it is");
    assert_eq!(attempts(&after(Some(&once), Kind::LimitExceeded).expect("it is noted")), Some(2));
}
