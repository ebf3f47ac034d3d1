//! A directory as a store: the suite, files of other programs, file systems without links, and writers that died.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::DirStore;
use crate::layers::WRITERS;
use crate::store::{Durability, Meta, Store as _};
use crate::{put_new, suite};

fn with_store(test: impl FnOnce(&DirStore)) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    test(&DirStore::new(directory.path().join("lake")));
}

/// Returns a store whose writers do not wait for each other.
fn impatient(root: &Path) -> DirStore {
    let mut store = DirStore::new(root);
    store.patience = Duration::ZERO;
    store
}

#[test]
fn it_is_a_store() {
    suite::ALL.iter().for_each(|test| with_store(|store| test(store)));
    let replace =
        |store: &DirStore, key: &str, body: &[u8]| fs::write(store.root.path().join(key), body).expect("a write");
    with_store(|store| suite::etags_tell_versions_apart(store, &|key, body| replace(store, key, body)));
    with_store(|store| suite::tells_what_was_changed(store, &|key, body| replace(store, key, body)));
}

/// exFAT, SMB and much of FUSE are such file systems.
#[test]
fn it_is_one_where_files_have_no_second_names() {
    let without_links = |test: &dyn Fn(&DirStore)| {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut store = DirStore::new(directory.path().join("lake"));
        store.root.without_links = true;
        test(&store);
        assert!(walk_all(directory.path()).iter().all(|path| !path.to_string_lossy().contains("/.tmp-")));
    };
    suite::ALL.iter().for_each(|test| without_links(&|store| test(store)));
}

fn open_as(path: &Path) -> Meta {
    let store = DirStore::new(path.parent().expect("it is in a directory"));
    store.open(path.file_name().and_then(|name| name.to_str()).expect("a name")).expect("opens").0
}

#[test]
fn a_file_that_was_changed_is_another_whatever_its_time_and_size_say() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("x");
    fs::write(&path, "one").expect("a write");
    let before = open_as(&path);
    let time = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("a time");
    // Changes the file in place, keeps its length, and sets its time back.
    let change = || {
        let file = File::options().write(true).open(&path).expect("opens");
        file.write_all_at(b"two", 0).expect("a write");
        file.set_modified(time).expect("it is ours");
        open_as(&path) != before
    };
    // The kernel's clock may tick only every few milliseconds.
    assert!((0..100_000).any(|_| change()));
}

#[test]
fn temporary_files_of_others_stay_and_stop_no_one() {
    with_store(|store| {
        // A writer that is dropped without `done` looks like a dead one.
        let mut dead = store.begin().expect("begins");
        dead.share().expect("shares");
        drop(dead);
        let ours = store.root.path().join("bronze/sub").join(DirStore::new(store.root.path()).root.temporary_name());
        let other = DirStore::new(store.root.path().join("other"));
        other.begin().expect("begins");
        let others = [".tmp-orders_1.json", ".tmp-0123456789abcdef-0", ".tmp-smelt-1", &other.root.temporary_name()];
        let others = others.map(|name| store.root.path().join("bronze/sub").join(name));
        fs::create_dir_all(store.root.path().join("bronze/sub")).expect("a directory");
        others.iter().chain([&ours]).for_each(|path| fs::write(path, "x").expect("a write"));
        let directory = store.root.path().join("silver").join(DirStore::new(store.root.path()).root.temporary_name());
        fs::create_dir_all(&directory).expect("a directory");
        std::os::unix::fs::symlink(
            &others[0],
            store.root.path().join("bronze").join(DirStore::new(store.root.path()).root.temporary_name()),
        )
        .expect("a link");
        let mut next = store.begin().expect("begins");
        assert!(next.after_crash());
        next.share().expect("shares");
        assert!(!ours.exists(), "ours is an orphan");
        assert!(others.iter().all(|path| path.exists()) && directory.exists());
    });
}

#[test]
fn what_others_put_into_a_layer_does_not_stop_a_listing() {
    with_store(|store| {
        store.put_if_absent("silver/d/a", b"1", Durability::Durable).expect("a put");
        let at = |name: &str| store.root.path().join("silver").join(name);
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, at("d/pipe"), fifo, 0o600.into(), 0).expect("a pipe");
        let deep = (0..200).fold(at("deep"), |path, _| path.join("d"));
        fs::create_dir_all(&deep).expect("directories");
        fs::write(deep.join("x"), "").expect("a write");
        std::os::unix::fs::symlink(at("loop"), at("loop")).expect("a link");
        let keys: Vec<_> = store.list("silver/", "").expect("a listing").into_iter().map(|meta| meta.key).collect();
        assert_eq!(keys, ["silver/d/a"]);
    });
}

#[test]
fn a_name_that_something_else_has_is_left_to_it() {
    with_store(|store| {
        fs::create_dir_all(store.root.path().join("silver/d/x.csv")).expect("a directory");
        let fifo = rustix::fs::FileType::Fifo;
        let pipe = store.root.path().join("silver/d/x.2.csv");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, 0o600.into(), 0).expect("a pipe");
        std::os::unix::fs::symlink("nowhere", store.root.path().join("silver/d/x.3.csv")).expect("a link");
        let put = || put_new(store, "silver/d/x", '.', ".csv", b"1", Durability::Durable);
        assert_eq!(put().expect("a put"), "silver/d/x.4.csv");
        let error = store.open("silver/d/x.2.csv").map(drop).expect_err("a pipe is no object");
        assert!(error.to_string().contains("`silver/d/x.2.csv`: it is a pipe"), "{error}");
        assert!(store.exists("silver/d/x.2.csv").expect_err("neither").to_string().contains("a pipe"));
    });
}

#[test]
fn a_key_cannot_leave_the_lake() {
    with_store(|store| {
        for key in ["../x", "/etc/passwd", "a/../b", "a//b", "", "a/./b", "a\0b"] {
            assert!(store.put_if_absent(key, b"", Durability::Durable).is_err(), "{key}");
        }
    });
}

#[test]
fn an_upload_is_one_file_and_dropped_leaves_none() {
    with_store(|store| {
        let files = || walk_all(store.root.path()).len();
        let mut upload = store.create("gold/x").expect("an upload");
        upload.write_all(&[1; 1 << 20]).expect("a write");
        assert_eq!(files(), 1);
        assert!(upload.finish("gold/x", Durability::Rebuildable).expect("finishes"));
        drop(upload);
        assert_eq!(walk_all(store.root.path()), [store.root.path().join("gold/x")]);
        drop(store.create("gold/y").expect("an upload"));
        assert_eq!(files(), 1);
    });
}

#[test]
fn links_are_followed_wherever_they_lead() {
    with_store(|store| {
        store.put_if_absent("bronze/raw/a", b"1", Durability::Durable).expect("a put");
        let outside = tempfile::tempdir().expect("a temporary directory");
        fs::write(outside.path().join("b"), "22").expect("a write");
        let link =
            |to: &Path, name: &str| std::os::unix::fs::symlink(to, store.root.path().join(name)).expect("a link");
        link(outside.path(), "bronze/linked");
        link(&outside.path().join("b"), "bronze/c");
        link(&store.root.path().join("bronze"), "bronze/raw/loop");
        link(Path::new("nowhere"), "bronze/raw/dangling");
        let list = |known: &dyn Fn(&str) -> bool| -> Vec<String> {
            store.list_new("bronze/", "", known).expect("a listing").into_iter().map(|meta| meta.key).collect()
        };
        assert_eq!(list(&|_| false), ["bronze/c", "bronze/linked/b", "bronze/raw/a"]);
        assert_eq!(list(&|key| key == "bronze/c" || key == "bronze/linked/b"), ["bronze/raw/a"]);
    });
}

fn walk_all(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { walk_all(&path) } else { vec![path] }).collect()
}

#[test]
fn no_one_waits_for_ever_for_who_keeps_the_lake_to_himself() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (lake, store) = (directory.path(), impatient(directory.path()));
    drop(store.begin().expect("makes the file")); // looks dead: dropped before `share`
    // Stands for a host that is stopped while it removes orphans, or for a promotion that takes long.
    let alone = File::open(lake.join(WRITERS)).expect("the file");
    alone.try_lock().expect("no one else has it");
    assert!(store.may_be_written().expect("asked"));
    let beside = store.begin().expect("begins");
    assert!(beside.is_beside() && !beside.after_crash());
    drop(beside); // looks dead: its mark stays
    drop(alone);
    assert!(!store.may_be_written().expect("asked"));
    let mut next = store.begin().expect("begins");
    assert!(next.after_crash() && !next.is_beside(), "the mark of who worked beside is found");
    next.leave_marks().expect("it is marked");
    next.share().expect("shares");
    next.done().expect("done");
    assert!(store.begin().expect("begins").after_crash(), "a mark stays until its orphans are removed");
}

#[test]
fn who_insists_has_the_lake_to_himself_if_the_others_end() {
    with_store(|store| {
        let store = impatient(store.root.path());
        let (mut first, mut second) = (store.begin().expect("begins"), None);
        first.share().expect("shares");
        let beside = store.begin().expect("begins beside the first");
        first.insist().expect("goes on");
        assert!(!first.is_beside(), "it has to share");
        beside.done().expect("done");
        first.insist().expect("goes on");
        assert!(second.insert(store.begin().expect("begins")).is_beside(), "the first is alone");
        drop(second);
        first.done().expect("done");
        assert!(store.begin().expect("begins").after_crash(), "the second has died");
    });
}

#[test]
fn what_a_dead_writer_left_is_told_from_what_a_live_one_writes() {
    with_store(|store| {
        let mut first = store.begin().expect("begins");
        assert!(!first.after_crash());
        first.share().expect("shares");
        let beside = store.begin().expect("begins beside the first");
        drop(first); // looks dead: dropped without `done`
        beside.done().expect("done");
        let mut second = store.begin().expect("begins");
        assert!(second.after_crash());
        second.share().expect("shares");
        let third = store.begin().expect("begins beside the second");
        assert!(!third.after_crash(), "the second is alive");
        third.done().expect("done");
        second.done().expect("done");
        assert!(!store.begin().expect("begins").after_crash());
    });
}
