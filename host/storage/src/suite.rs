//! The tests that every store must pass, as functions over the trait. The tests of each store call them all.

use std::cell::RefCell;
use std::io::{Read as _, Write as _};
use std::ops::Range;
use std::slice::from_ref;
use std::sync::Barrier;
use std::thread;

use crate::{Durability, NewObject, Put, Store, put_new, read, read_verified};
use smelt_common::digest;
use smelt_common::error::Kind;

/// The tests that need nothing but a store. Each needs an empty one.
pub(super) const ALL: [fn(&dyn Store); 18] = [
    reads_what_was_put,
    one_of_racing_writers_wins,
    lists_by_prefix_in_order,
    deletes,
    reads_ranges,
    tells_whether_an_object_exists,
    lists_what_is_not_known,
    streams_into_an_object,
    an_unfinished_upload_leaves_nothing,
    a_taken_name_gets_a_number,
    copies,
    replaces,
    keeps_odd_keys,
    lists_more_than_a_page,
    holds_large_objects,
    holds_empty_objects,
    tells_the_time,
    proves_itself,
];

const DURABLE: Durability = Durability::Durable;

fn keys(store: &dyn Store, prefix: &str, after: &str) -> Vec<String> {
    store.list(prefix, after).expect("a listing").into_iter().map(|meta| meta.key).collect()
}

/// An object that was put comes back whole. A missing object is an error that names the key.
fn reads_what_was_put(store: &dyn Store) {
    for body in [&b""[..], b"x", &vec![7; 3 << 20]] {
        let key = format!("silver/d/{}.csv", body.len());
        assert!(store.put_if_absent(&key, body, DURABLE).expect("a put"));
        assert_eq!(read(store, &key).expect("a read"), body);
        assert_eq!(store.open(&key).expect("opens").0.bytes, body.len() as u64);
    }
    let missing = read(store, "silver/d/missing").expect_err("there is none");
    assert!(missing.to_string().contains("silver/d/missing"), "{missing}");
}

/// An object takes the place of another one whole, small or sent in parts, and leaves nothing beside it. Its name needs no object
/// before.
fn replaces(store: &dyn Store) {
    for body in [vec![1; 10], vec![2; 9 << 20], vec![3; 17 << 20], b"four".to_vec()] {
        let mut new = NewObject::create(store, "gold/sales.csv").expect("begins");
        new.write_all(&body).expect("writes");
        let put = new.replace("gold/sales.csv", DURABLE).expect("replaces");
        assert_eq!((put.bytes, put.sha256), (body.len() as u64, digest::hex(&body)));
        assert!(read(store, "gold/sales.csv").expect("a read") == body);
    }
    let unfinished = NewObject::create(store, "gold/sales.csv").expect("begins");
    drop(unfinished);
    assert_eq!(read(store, "gold/sales.csv").expect("a read"), b"four");
    assert_eq!(keys(store, "gold/", ""), ["gold/sales.csv"]);
}

/// A copy is an object of its own: it stays when the first is deleted, and it replaces no other object.
fn copies(store: &dyn Store) {
    store.put_if_absent("silver/d/1.csv", b"one", DURABLE).expect("a put");
    assert!(store.copy("silver/d/1.csv", "catalog/rollback/silver/d/1.csv").expect("a copy"));
    assert!(!store.copy("silver/d/1.csv", "catalog/rollback/silver/d/1.csv").expect("an answer"));
    store.delete("silver/d/1.csv").expect("a delete");
    assert_eq!(read(store, "catalog/rollback/silver/d/1.csv").expect("a read"), b"one");
    let gone = store.copy("silver/d/1.csv", "silver/d/2.csv").expect_err("it is gone");
    assert_eq!(gone.kind(), Kind::Damaged);
    assert_eq!(keys(store, "silver/", ""), [""; 0]);
}

/// An object is never replaced, and exactly one of racing writers wins.
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

/// A listing has the keys with a prefix after a key, in the order of keys.
fn lists_by_prefix_in_order(store: &dyn Store) {
    let names = ["bronze/a b+c%.csv", "bronze/ä.csv", "bronze/sub/x", "bronze2/y", "gold/k/z"];
    for name in names {
        store.put_if_absent(name, b"1", DURABLE).expect("a put");
    }
    assert_eq!(keys(store, "bronze/", ""), ["bronze/a b+c%.csv", "bronze/sub/x", "bronze/ä.csv"]);
    assert_eq!(keys(store, "bronze/", "bronze/a b+c%.csv"), ["bronze/sub/x", "bronze/ä.csv"]);
    assert_eq!(keys(store, "bronze/s", ""), ["bronze/sub/x"]);
    assert_eq!(keys(store, "nothing/", ""), Vec::<String>::new());
}

/// A deleted object is gone. Deleting it again is no error.
fn deletes(store: &dyn Store) {
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

/// A read of ranges returns exactly their bytes, one after the other. A range beyond the end is damage.
fn reads_ranges(store: &dyn Store) {
    store.put_if_absent("index/r", b"0123456789", DURABLE).expect("a put");
    let read = |ranges: &[Range<u64>]| store.read_ranges("index/r", ranges);
    for (range, bytes) in [(0..10, &b"0123456789"[..]), (3..5, b"34"), (9..10, b"9"), (0..0, b""), (10..10, b"")] {
        assert_eq!(read(from_ref(&range)).expect("a read"), bytes, "{range:?}");
    }
    assert_eq!(read(&[]).expect("a read"), b"");
    assert_eq!(read(&[0..2, 2..3, 8..10]).expect("a read"), b"01289");
    assert_eq!(read(&[8..10, 4..4, 1..2, 0..3]).expect("a read"), b"891012");
    let reversed = Range { start: 5, end: 3 };
    for range in [0..11, 10..11, 11..11, 0..u64::MAX, u64::MAX..u64::MAX, reversed] {
        for ranges in [[range.clone(), 0..3], [0..3, range]] {
            let error = read(&ranges).expect_err("not there");
            assert_eq!(error.kind(), Kind::Damaged, "{ranges:?}: {error}");
            assert!(error.to_string().contains("index/r"), "{error}");
        }
    }
    assert_eq!(store.read_ranges("index/gone", &[0..1, 1..2]).expect_err("gone").kind(), Kind::Damaged);
}

/// An object exists or not. A prefix of other keys is no object.
fn tells_whether_an_object_exists(store: &dyn Store) {
    store.put_if_absent("catalog/commits/1", b"", DURABLE).expect("a put");
    let exists = |key| store.exists(key).expect("an answer");
    assert!(exists("catalog/commits/1"));
    for key in ["catalog/commits/2", "catalog/commits", "other/1", "catalog/commits/1/x"] {
        assert!(!exists(key), "{key}");
    }
    store.delete("catalog/commits/1").expect("a delete");
    assert!(!exists("catalog/commits/1"));
}

/// Listings leave out known keys, and ask only about keys that belong to the listing.
fn lists_what_is_not_known(store: &dyn Store) {
    for name in ["bronze/a", "bronze/b", "bronze/sub/c", "bronze/sub/d", "gold/e"] {
        store.put_if_absent(name, b"1", DURABLE).expect("a put");
    }
    let asked = RefCell::new(vec![]);
    let known = |key: &str| {
        asked.borrow_mut().push(key.to_owned());
        key == "bronze/b" || key == "bronze/sub/c"
    };
    let listed = store.list_new("bronze/", "bronze/a", &known).expect("a listing");
    let everything = store.list("bronze/sub/d", "").expect("a listing");
    assert_eq!(listed, everything, "the records are those of a full listing");
    asked.borrow_mut().sort_unstable();
    assert_eq!(*asked.borrow(), ["bronze/b", "bronze/sub/c", "bronze/sub/d"]);
}

/// An upload becomes an object only as a whole, under the first key that is free.
pub(super) fn streams_into_an_object(store: &dyn Store) {
    store.put_if_absent("silver/d/taken", b"1", DURABLE).expect("a put");
    let mut upload = store.create("silver/d/x").expect("an upload");
    let mut body = Vec::new();
    for piece in [&[1; 100_000][..], &[2; 10], &[3; 1 << 20]] {
        upload.write_all(piece).expect("a write");
        body.extend_from_slice(piece);
    }
    assert_eq!(keys(store, "silver/", ""), ["silver/d/taken"], "nobody sees an unfinished object");
    assert!(!upload.finish("silver/d/taken", DURABLE).expect("an answer"));
    assert!(upload.finish("silver/d/x", Durability::Rebuildable).expect("an answer"));
    drop(upload);
    assert_eq!(read(store, "silver/d/x").expect("a read"), body);
    assert_eq!(read(store, "silver/d/taken").expect("a read"), b"1");
}

/// An upload that is dropped before its end leaves nothing.
fn an_unfinished_upload_leaves_nothing(store: &dyn Store) {
    let mut upload = store.create("silver/d/x").expect("an upload");
    upload.write_all(&[1; 1 << 20]).expect("a write");
    drop(upload);
    assert_eq!(keys(store, "", ""), Vec::<String>::new());
    assert_eq!(store.unfinished().expect("a listing"), []);
}

/// New objects never replace others, and equal ones share a key.
fn a_taken_name_gets_a_number(store: &dyn Store) {
    let stream = |body: &[u8]| {
        let mut new = NewObject::create(store, "silver/d/x").expect("an upload");
        body.chunks(3).for_each(|piece| new.write_all(piece).expect("a write"));
        new.finish("silver/d/x", '.', ".csv", DURABLE).expect("finishes")
    };
    let put = |key: &str, body: &[u8]| Put { key: key.to_owned(), sha256: digest::hex(body), bytes: body.len() as u64 };
    assert_eq!(stream(b"first one"), put("silver/d/x.csv", b"first one"));
    assert_eq!(stream(b"other one"), put("silver/d/x.2.csv", b"other one"));
    assert_eq!(stream(b"a longer one"), put("silver/d/x.3.csv", b"a longer one"));
    assert_eq!(stream(b"other one").key, "silver/d/x.2.csv");
    assert_eq!(put_new(store, "silver/d/x", '.', ".csv", b"first one", DURABLE).expect("a put"), "silver/d/x.csv");
    assert_eq!(put_new(store, "silver/d/x", '.', ".csv", b"", DURABLE).expect("a put"), "silver/d/x.4.csv");
    assert_eq!(read(store, "silver/d/x.2.csv").expect("a read"), b"other one");
}

/// Keys that a protocol or a file system might misread come back as they are.
fn keeps_odd_keys(store: &dyn Store) {
    let names = [
        "a b", "a+b", "a%b", "a%2Bb", "a&b=c", "a?b#c", "a;b:c", "a'b\"c", "<a>", "a\\b", "a,b@c$d!", "~a", "é",
        "e\u{301}", "日本", "🦀", ".hidden", "a..b", " a ",
    ];
    for name in &names {
        assert!(store.put_if_absent(&format!("bronze/{name}"), name.as_bytes(), DURABLE).expect("a put"), "{name}");
    }
    let mut expected: Vec<_> = names.iter().map(|name| format!("bronze/{name}")).collect();
    expected.sort_unstable();
    assert_eq!(keys(store, "bronze/", ""), expected);
    for (at, key) in expected.iter().enumerate() {
        let name = key.strip_prefix("bronze/").expect("it begins so");
        assert_eq!(read(store, key).expect("a read"), name.as_bytes());
        assert_eq!(store.read_ranges(key, from_ref(&(0..1))).expect("a read"), &name.as_bytes()[..1]);
        assert!(store.exists(key).expect("an answer"), "{key}");
        assert_eq!(keys(store, "bronze/", key), expected[at + 1..], "after {key}");
        assert!(keys(store, key, "").contains(key));
    }
    for key in &expected {
        store.delete(key).expect("a delete");
    }
    assert_eq!(keys(store, "", ""), Vec::<String>::new());
}

/// A listing has all objects, however many there are, and can begin after any key.
fn lists_more_than_a_page(store: &dyn Store) {
    let name = |at: usize| format!("bronze/n_{at:05}");
    const MANY: usize = 2_003;
    thread::scope(|scope| {
        for first in 0..8 {
            let put = move |at| store.put_if_absent(&name(at), b"", Durability::Rebuildable).expect("a put");
            scope.spawn(move || (first..MANY).step_by(8).for_each(|at| assert!(put(at))));
        }
    });
    let all: Vec<_> = (0..MANY).map(name).collect();
    assert_eq!(keys(store, "bronze/", ""), all);
    for after in [0, 998, 999, 1_000, 1_001, 2_000, MANY - 2, MANY - 1] {
        assert_eq!(keys(store, "bronze/", &name(after)), all[after + 1..], "after {after}");
    }
    assert_eq!(keys(store, "bronze/n_01", ""), all[1_000..2_000]);
    let known = |key: &str| key < name(1_990).as_str();
    assert_eq!(store.list_new("bronze/", "", &known).expect("a listing").len(), MANY - 1_990);
}

/// An object that is too large for memory comes back whole, and in parts from any offset.
fn holds_large_objects(store: &dyn Store) {
    let body: Vec<u8> = (0..20_000_003u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut upload = store.create("silver/d/large").expect("an upload");
    body.chunks(1_000_000).for_each(|piece| upload.write_all(piece).expect("a write"));
    assert!(upload.finish("silver/d/large", DURABLE).expect("an answer"));
    assert!(!upload.finish("silver/d/large", DURABLE).expect("an answer"), "it is there by now");
    assert!(upload.finish("silver/d/again", DURABLE).expect("an answer"));
    drop(upload);
    for key in ["silver/d/large", "silver/d/again"] {
        let (meta, mut reader) = store.open(key).expect("opens");
        assert_eq!(meta.bytes, body.len() as u64);
        let mut found = Vec::new();
        reader.read_to_end(&mut found).expect("a read");
        assert!(found == body, "{key}");
        assert_eq!(store.list(key, "").expect("a listing"), [meta]);
    }
    let (_, mut begun) = store.open("silver/d/large").expect("opens");
    begun.read_exact(&mut [0; 10]).expect("a read");
    drop(begun);
    let ranges = [15_000_000..19_000_000, 1..4, 9_000_000..9_000_010, 5..6];
    let expected: Vec<u8> = ranges.iter().flat_map(|range| body[range.start..range.end].to_vec()).collect();
    let ranges = ranges.map(|range| range.start as u64..range.end as u64);
    assert!(store.read_ranges("silver/d/large", &ranges).expect("a read") == expected);
}

/// An object may be empty.
fn holds_empty_objects(store: &dyn Store) {
    let mut upload = store.create("gold/k/empty").expect("an upload");
    assert!(upload.finish("gold/k/empty", DURABLE).expect("an answer"));
    assert!(!store.put_if_absent("gold/k/empty", b"1", DURABLE).expect("an answer"));
    assert_eq!(read(store, "gold/k/empty").expect("a read"), b"");
    assert_eq!(store.read_ranges("gold/k/empty", from_ref(&(0..0))).expect("a read"), b"");
    assert_eq!(store.read_ranges("gold/k/empty", from_ref(&(0..1))).expect_err("too short").kind(), Kind::Damaged);
    assert_eq!(store.list("gold/", "").expect("a listing")[0].bytes, 0);
}

/// A verified read returns the bytes that were written, or an error.
pub(super) fn tells_what_was_changed(store: &dyn Store, replace: &dyn Fn(&str, &[u8])) {
    store.put_if_absent("silver/d/x", b"one", DURABLE).expect("a put");
    let sha256 = digest::hex(b"one");
    assert_eq!(read_verified(store, "silver/d/x", &sha256).expect("a read"), b"one");
    replace("silver/d/x", b"onE");
    let error = read_verified(store, "silver/d/x", &sha256).expect_err("damaged");
    assert_eq!(error.kind(), Kind::Damaged, "{error}");
}

/// The time of an object is by the clock of the store.
pub(super) fn tells_the_time(store: &dyn Store) {
    let before = store.clock().expect("a time");
    store.put_if_absent("gold/x", b"1", DURABLE).expect("a put");
    let listed = store.list("gold/x", "").expect("a listing")[0].modified;
    let after = store.clock().expect("a time");
    // In microseconds. Some servers tell whole seconds, and an answer takes a while on a busy machine.
    const MINUTE: i64 = 60_000_000;
    assert!(before - MINUTE <= listed && listed <= after + MINUTE, "{before} {listed} {after}");
}

/// A store whose conditional writes work can prove it, and keeps nothing of the proof.
fn proves_itself(store: &dyn Store) {
    store.prove().expect("a proof");
    assert_eq!(keys(store, "", ""), Vec::<String>::new());
}
