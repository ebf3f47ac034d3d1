//! Sources of kind `directory`: each content of a file comes to bronze once, whatever happens to the hosts that take it.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::support::process::{Running, kill_runs};
use crate::support::{Lake, root};

const MANIFEST: &str = r#"
[pipeline]
name = "arrivals"
plugins = ["COMPONENTS"]
[source.files]
kind = "directory"
from = "sources"
files = ["clients*.csv", "purchases*.csv"]
[dataset.clients]
objects = "clients_*.csv"
format = "csv"
plugin = "clean-clients"
[dataset.purchases]
objects = "purchases_*.csv"
format = "csv"
plugin = "clean-purchases"
"#;

fn lake() -> Lake {
    let components = root().join("target/components").display().to_string();
    Lake::with_manifest(&MANIFEST.replace("COMPONENTS", &components))
}

fn purchases(ids: std::ops::Range<u32>) -> String {
    let header = "purchase_id,client_id,purchase_date,product,quantity,unit_price,amount\n".to_owned();
    ids.fold(header, |text, id| text + &format!("P{id},C1,2025-11-01,pen,1,2.00,2.00\n"))
}

/// The contents in bronze, each with the names of the objects that have it.
fn contents(lake: &Lake) -> BTreeMap<Vec<u8>, Vec<String>> {
    let mut contents: BTreeMap<Vec<u8>, Vec<String>> = BTreeMap::new();
    for (name, body) in lake.files("bronze") {
        contents.entry(body).or_default().push(name);
    }
    contents
}

#[track_caller]
fn assert_each_came_once(lake: &Lake, bodies: &[String]) {
    let found = contents(lake);
    assert!(found.values().all(|names| names.len() == 1), "{:?}", found.values());
    let mut expected: Vec<Vec<u8>> = bodies.iter().map(|body| body.clone().into_bytes()).collect();
    expected.sort();
    expected.dedup();
    assert_eq!(found.keys().cloned().collect::<Vec<_>>(), expected);
    lake.smelt(&["verify"]);
}

#[test]
fn a_file_is_taken_when_it_is_new_or_changed() {
    let lake = lake();
    for (name, body) in [("purchases.csv", purchases(0..2)), ("clients.csv", "client_id\n".to_owned())] {
        lake.put(&format!("sources/{name}"), body);
    }
    lake.put("sources/clients.csv.part", "half");
    lake.put("sources/notes.txt", "theirs");
    let arrived = lake.json(&["run"])["arrived"].clone();
    assert_eq!(arrived.as_array().map(Vec::len), Some(2), "{arrived}");
    let first = lake.files("bronze");
    let names: Vec<_> = first.keys().map(|name| name.split_once('_').expect("a stamp").0).collect();
    assert_eq!(names, ["clients", "purchases"]);
    assert_eq!(lake.silver("purchases").len(), 2);

    // Nothing is new, and a file that was touched is what it was.
    let commits = lake.files("catalog/commits").len();
    assert_eq!(lake.json(&["run"])["arrived"], serde_json::json!([]));
    assert_eq!(lake.files("catalog/commits").len(), commits);
    let path = lake.path().join("sources/purchases.csv");
    let touched = std::fs::File::options().append(true).open(&path).expect("it is there");
    touched.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000)).expect("it can be touched");
    lake.smelt(&["run"]);
    assert_eq!(lake.files("bronze"), first);

    // A later file sorts after those that came, even if it is older.
    lake.put("sources/purchases.csv", purchases(1..4));
    let older = std::fs::File::options().append(true).open(&path).expect("it is there");
    older.set_modified(SystemTime::UNIX_EPOCH).expect("it can be touched");
    lake.put("sources/purchases_2.csv", purchases(7..9));
    lake.smelt(&["run"]);
    let second: Vec<String> = lake.files("bronze").into_keys().filter(|name| !first.contains_key(name)).collect();
    assert_eq!(second.len(), 2);
    let last = first.keys().last().expect("there are two");
    assert!(second.iter().all(|name| name > last), "{second:?} after {last}");
    assert_eq!(
        lake.files("bronze")[&second[0]],
        purchases(1..4).into_bytes(),
        "in the order in which they were written"
    );

    // A content that was there before is another delivery.
    lake.put("sources/purchases.csv", purchases(0..2));
    lake.remove("sources/purchases_2.csv");
    lake.smelt(&["run"]);
    assert_eq!(lake.files("bronze").len(), 5);
    lake.smelt(&["verify"]);
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    assert_eq!(lake.json(&["run"])["arrived"], serde_json::json!([]), "gc left what was noted");
}

#[test]
fn files_whose_hosts_are_killed_come_once() {
    let (lake, alone) = (lake(), self::lake());
    let deliver = |lake: &Lake, number: u32| {
        let bodies: Vec<_> = (0..3).map(|file| purchases(10 * number + file..10 * number + 10)).collect();
        for (file, body) in bodies.iter().enumerate() {
            lake.put(&format!("sources/purchases_{file}.csv"), body);
        }
        bodies
    };
    deliver(&alone, 0);
    let whole = Running::start(&alone, &["run"]).calls_in_all();
    let mut bodies = deliver(&lake, 0);
    // Only a run that ended has taken all: a file that changes before that is taken as it is then.
    kill_runs(&lake, &["run"], whole, 80, || {
        let more = bodies.len() < 30;
        if more {
            bodies.extend(deliver(&lake, bodies.len() as u32));
        }
        more
    });
    lake.smelt(&["run"]);
    assert_each_came_once(&lake, &bodies);
}

#[test]
fn hosts_that_take_files_at_once_take_each_once() {
    let (lake, mut bodies) = (lake(), Vec::new());
    for round in 0..6 {
        for file in 0..4 {
            let body = purchases(100 * round + 10 * file..100 * round + 10 * file + 5);
            lake.put(&format!("sources/purchases_{file}.csv"), &body);
            bodies.push(body);
        }
        let hosts = [(); 3].map(|()| Running::start(&lake, &["run"]));
        for host in hosts {
            host.calls_in_all();
        }
    }
    assert_each_came_once(&lake, &bodies);
}

#[test]
fn files_come_from_buckets_as_from_directories() {
    let lake = lake().on_s3();
    let bodies = [purchases(0..3), purchases(3..5)];
    lake.put("sources/purchases_a.csv", &bodies[0]);
    lake.smelt(&["run"]);
    lake.put("sources/purchases_a.csv", &bodies[1]);
    assert_eq!(lake.json(&["run"])["arrived"].as_array().map(Vec::len), Some(1));
    assert_each_came_once(&lake, &bodies);
}

#[test]
fn a_directory_that_cannot_be_read_stops_nothing_else() {
    let components = root().join("target/components").display().to_string();
    let manifest = MANIFEST.replace("COMPONENTS", &components);
    let mut lake = lake();
    lake.put("sources/purchases.csv", purchases(0..2));
    lake.put("sources/file", "not a directory");
    let other = "[source.other]\nkind = \"directory\"\nfrom = \"sources/file\"\nfiles = [\"clients*.csv\"]\n";
    lake.set_manifest(&format!("{manifest}{other}"));
    let ended = lake.end(&["run"]);
    assert!(ended.stderr.contains("source.other: "), "{}", ended.stderr);
    assert_eq!((ended.code, lake.silver("purchases").len()), (Some(1), 2));
}
