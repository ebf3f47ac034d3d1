//! What every store must do, as functions over the port: each adapter's tests call them all.

use std::sync::Barrier;
use std::thread;

use super::{Durability, Store, read};

const DURABLE: Durability = Durability::Durable;

fn keys(store: &dyn Store, prefix: &str, after: &str) -> Vec<String> {
    store.list(prefix, after).expect("a listing").into_iter().map(|meta| meta.key).collect()
}

/// What was put comes back, whole; what was not is an error that names it.
pub(super) fn reads_what_was_put(store: &dyn Store) {
    for body in [&b""[..], b"x", &vec![7; 3 << 20]] {
        let key = format!("silver/d/{}.csv", body.len());
        assert!(store.put_if_absent(&key, body, DURABLE).expect("a put"));
        assert_eq!(read(store, &key).expect("a read"), body);
        assert_eq!(store.open(&key).expect("opens").0.bytes, body.len() as u64);
    }
    let missing = read(store, "silver/d/missing").expect_err("there is none");
    assert!(missing.to_string().contains("silver/d/missing"), "{missing}");
}

/// An object is never replaced, and of racing writers one wins.
pub(super) fn one_of_racing_writers_wins(store: &dyn Store) {
    for round in 0..20 {
        let key = format!("catalog/commits/{round}");
        let barrier = Barrier::new(8);
        let put = &|writer: u8| {
            barrier.wait();
            store.put_if_absent(&key, &[writer; 100], DURABLE).expect("a put")
        };
        let won: Vec<bool> = thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|writer| scope.spawn(move || put(writer))).collect();
            writers.into_iter().map(|writer| writer.join().expect("no panic")).collect()
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "round {round}: {won:?}");
        let winner = won.iter().position(|won| *won).expect("one won") as u8;
        assert_eq!(read(store, &key).expect("a read"), [winner; 100]);
    }
}

/// Listings are by prefix, in the order of keys, after a key.
pub(super) fn lists_by_prefix_in_order(store: &dyn Store) {
    let names = ["bronze/a b+c%.csv", "bronze/ä.csv", "bronze/sub/x", "bronze2/y", "gold/k/z"];
    for name in names {
        store.put_if_absent(name, b"1", DURABLE).expect("a put");
    }
    assert_eq!(keys(store, "bronze/", ""), ["bronze/a b+c%.csv", "bronze/sub/x", "bronze/ä.csv"]);
    assert_eq!(keys(store, "bronze/", "bronze/a b+c%.csv"), ["bronze/sub/x", "bronze/ä.csv"]);
    assert_eq!(keys(store, "bronze/s", ""), ["bronze/sub/x"]);
    assert_eq!(keys(store, "nothing/", ""), Vec::<String>::new());
}

/// What is deleted is gone; deleting it again is no error.
pub(super) fn deletes(store: &dyn Store) {
    store.put_if_absent("gold/x", b"1", DURABLE).expect("a put");
    for _ in 0..2 {
        store.delete("gold/x").expect("a delete");
        assert!(read(store, "gold/x").is_err());
    }
    assert!(store.put_if_absent("gold/x", b"2", DURABLE).expect("a put"));
}

/// A replaced object has another etag.
pub(super) fn etags_tell_versions_apart(store: &dyn Store, replace: &dyn Fn(&str, &[u8])) {
    store.put_if_absent("bronze/e", b"one", DURABLE).expect("a put");
    let before = store.list("bronze/e", "").expect("a listing");
    assert_eq!(before, store.list("bronze/e", "").expect("a listing"));
    assert_eq!(before[0], store.open("bronze/e").expect("opens").0);
    replace("bronze/e", b"other");
    assert_ne!(before[0].etag, store.list("bronze/e", "").expect("a listing")[0].etag);
}
