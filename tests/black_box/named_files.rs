//! Files that keep their names: a directory of them is taken in as it is, with revisions, and left behind tidy.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::support::ended::fixtures;
use crate::support::process::{Running, kill_runs};
use crate::support::{Lake, root};

/// A pipeline whose source has these further keys. `inspector` refuses purchases of which many miss the client.
fn manifest(keys: &str) -> String {
    let (components, fixtures) = (root().join("target/components"), fixtures());
    format!(
        "[pipeline]\nname = \"named\"\nplugins = [{components:?}, {fixtures:?}]\n\
         [source.raw]\nkind = \"directory\"\nfrom = \"raw\"\n{keys}\n\
         [dataset.clients]\nobjects = \"clients_*.csv\"\nformat = \"csv\"\nplugin = \"clean-clients\"\n\
         [dataset.purchases]\nobjects = \"purchases_*\"\nformat = \"csv\"\nplugin = \"clean-purchases\"\n\
         [check.known]\nplugin = \"inspector\"\non = [\"purchases\"]\n\
         parameters = {{ column = \"client_id\", warn = 0, fail = 40 }}\n\
         [table.report]\nplugin = \"quality-report\"\ninputs = {{ objects = \"smelt.objects\", rules = \"smelt.rules\" }}\n"
    )
}

fn lake(keys: &str) -> Lake {
    Lake::with_manifest(&manifest(keys))
}

fn clients(ids: std::ops::Range<u32>) -> String {
    let header = "client_id,name,email,signup_date,country\n".to_owned();
    ids.fold(header, |text, id| text + &format!("C{id},Name,c{id}@b.org,2024-01-01,FR\n"))
}

/// Purchases, of which those from `bad` on miss the client.
fn purchases(ids: std::ops::Range<u32>, bad: u32) -> String {
    let header = "purchase_id,client_id,purchase_date,product,quantity,unit_price,amount\n".to_owned();
    let client = |id| if id < bad { "C1" } else { "" };
    ids.fold(header, |text, id| text + &format!("P{id},{},2025-11-01,pen,1,2.00,2.00\n", client(id)))
}

fn names(lake: &Lake, layer: &str) -> Vec<String> {
    lake.files(layer).into_keys().collect()
}

fn arrived(run: &Value) -> BTreeSet<&str> {
    run["arrived"].as_array().expect("a list").iter().filter_map(Value::as_str).collect()
}

#[test]
fn a_file_keeps_its_name_and_other_bytes_are_a_revision() {
    let lake = lake("stamped = true");
    lake.put("raw/clients_20250101.csv", clients(0..2));
    lake.put("raw/purchases_20250101T100000.csv", purchases(0..3, 9));
    for name in ["clients.csv", "clients_20251301.csv", "orders_20250101.csv", "clients_20250101.csv.r02"] {
        lake.put(&format!("raw/{name}"), name);
    }
    for name in [".clients_20250102.csv", "clients_20250103.csv.part", "purchases_20250103.filepart", "x.tmp"] {
        lake.put(&format!("raw/{name}"), name);
    }
    lake.put("raw/below/clients_20250104.csv", clients(5..6));
    let run = lake.json(&["run"]);
    let first = ["clients_20250101.csv", "purchases_20250101T100000.csv"];
    assert_eq!(names(&lake, "bronze"), first);
    let others = ["clients.csv", "clients_20250101.csv.r02", "clients_20251301.csv", "orders_20250101.csv"];
    assert_eq!(run["unrecognised"], json!(others.map(|file| json!({"source": "raw", "file": file}))));

    // What is known stays known, and what nobody recognises stays told.
    let commits = lake.files("catalog/commits").len();
    let again = lake.json(&["run"]);
    assert_eq!((&again["arrived"], &again["unrecognised"]), (&json!([]), &run["unrecognised"]));
    assert_eq!(lake.files("catalog/commits").len(), commits);

    let before = lake.files("bronze");
    for (revision, ids) in [("r02", 0..3), ("r03", 0..4)] {
        lake.put("raw/clients_20250101.csv", clients(ids));
        let object = format!("clients_20250101.csv.{revision}");
        assert_eq!(arrived(&lake.json(&["run"])), BTreeSet::from([object.as_str()]));
    }
    assert_eq!(lake.silver("clients").len(), 4);
    // The same name with bytes that came before is known, whichever revision they were.
    lake.put("raw/clients_20250101.csv", clients(0..2));
    assert_eq!(lake.json(&["run"])["arrived"], json!([]));
    for other in others {
        lake.remove(&format!("raw/{other}"));
    }
    assert_eq!(lake.json(&["run"])["unrecognised"], json!([]));
    let after = lake.files("bronze");
    assert!(before.iter().all(|(name, body)| after.get(name) == Some(body)), "bronze never changes");
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    lake.smelt(&["verify"]);
    assert_eq!(lake.json(&["run"])["arrived"], json!([]), "gc left what was noted");
}

#[test]
fn a_file_has_at_most_99_revisions() {
    let lake = lake("");
    // Others may put objects into bronze, and a lake may have lost its catalog: bronze tells which names are taken.
    lake.bronze("clients_1.csv", clients(0..1));
    for revision in 2..=98 {
        lake.bronze(&format!("clients_1.csv.r{revision:02}"), clients(0..revision));
    }
    lake.put("raw/clients_1.csv", clients(0..7));
    assert_eq!(arrived(&lake.json(&["run"])), BTreeSet::from(["clients_1.csv.r07"]));
    lake.put("raw/clients_1.csv", clients(500..502));
    assert_eq!(arrived(&lake.json(&["run"])), BTreeSet::from(["clients_1.csv.r99"]));
    lake.put("raw/clients_1.csv", clients(600..602));
    lake.put("raw/clients_2.csv", clients(700..702));
    let ended = lake.end(&["run"]);
    assert!(ended.stderr.contains("`clients_1.csv` has other bytes again"), "{}", ended.stderr);
    assert_eq!(ended.code, Some(1));
    assert!(lake.files("bronze").contains_key("clients_2.csv"), "the others go on");
    assert_eq!(lake.files("bronze").len(), 100);
}

#[test]
fn a_file_leaves_when_its_status_is_committed_and_follows_it() {
    let lake = lake("after = \"archive\"");
    lake.put("raw/clients_20250101.csv", clients(0..2));
    lake.put("raw/purchases_20250203.csv", purchases(0..3, 9));
    lake.put("raw/purchases_x.csv", purchases(10..13, 99));
    lake.put("raw/purchases_bad.csv", purchases(20..23, 0));
    lake.put("raw/notes.txt", "theirs");
    let run = lake.json(&["run"]);
    let places = [
        "archive/clients/2025/01/clients_20250101.csv",
        "archive/purchases/2025/02/purchases_20250203.csv",
        "archive/purchases/purchases_x.csv",
        "notes.txt",
        "refused/purchases/purchases_bad.csv",
    ];
    assert_eq!(names(&lake, "raw"), places);
    assert_eq!(run["put_away"].as_array().map(Vec::len), Some(4), "{run}");
    let bodies = lake.files("bronze");
    for (place, body) in lake.files("raw") {
        let object = place.rsplit('/').next().expect("a name");
        assert!(object == "notes.txt" || bodies[object] == body, "{object}");
    }
    let commits = lake.files("catalog/commits").len();
    assert_eq!(lake.json(&["run"])["put_away"], json!([]));
    assert_eq!(lake.files("catalog/commits").len(), commits);

    lake.smelt(&["quality", "release", "purchases_bad.csv", "--why", "a test"]);
    lake.smelt(&["quality", "withhold", "purchases_x.csv", "--why", "a test"]);
    lake.smelt(&["run"]);
    assert!(names(&lake, "raw").contains(&"archive/purchases/purchases_bad.csv".to_owned()));
    assert!(names(&lake, "raw").contains(&"refused/purchases/purchases_x.csv".to_owned()));
    assert_eq!(lake.files("raw").len(), 5);

    // The same file again is known, and leaves too. With other bytes it is a revision.
    lake.put("raw/purchases_20250203.csv", purchases(0..3, 9));
    lake.put("raw/purchases_bad.csv", purchases(20..24, 99));
    lake.smelt(&["run"]);
    let now = names(&lake, "raw");
    assert!(now.contains(&"archive/purchases/purchases_bad.csv.r02".to_owned()), "{now:?}");
    assert_eq!(now.len(), 6);
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    lake.smelt(&["verify"]);
    assert_eq!(lake.json(&["run"])["put_away"], json!([]));
}

#[test]
fn a_file_may_be_deleted_and_the_archive_forgets() {
    let lake = lake("after = \"delete\"");
    lake.put("raw/clients_1.csv", clients(0..2));
    lake.put("raw/purchases_bad.csv", purchases(20..23, 0));
    lake.smelt(&["run"]);
    assert_eq!(names(&lake, "raw"), [""; 0]);
    assert_eq!(lake.files("bronze").len(), 2);

    let mut lake = self::lake("after = \"archive\"");
    lake.put("raw/clients_1.csv", clients(0..2));
    lake.put("raw/purchases_bad.csv", purchases(20..23, 0));
    lake.smelt(&["run"]);
    lake.set_manifest(&manifest("after = \"archive\"\narchive_for = \"0s\""));
    lake.smelt(&["run"]);
    assert_eq!(names(&lake, "raw"), ["refused/purchases/purchases_bad.csv"]);
    assert_eq!(lake.files("bronze").len(), 2);
    assert_eq!(lake.json(&["run"])["put_away"], json!([]));
    lake.smelt(&["verify"]);
}

#[test]
fn files_of_buckets_leave_as_those_of_directories() {
    let lake = lake("after = \"archive\"").on_s3();
    lake.put("raw/purchases_20250203.csv", purchases(0..3, 9));
    lake.put("raw/purchases_bad.csv", purchases(20..23, 0));
    lake.smelt(&["run"]);
    lake.put("raw/purchases_20250203.csv", purchases(0..4, 9));
    lake.smelt(&["run"]);
    let places = [
        "archive/purchases/2025/02/purchases_20250203.csv",
        "archive/purchases/2025/02/purchases_20250203.csv.r02",
        "refused/purchases/purchases_bad.csv",
    ];
    assert_eq!(names(&lake, "raw"), places);
}

/// The content of each object in bronze and beneath the source's place, by name.
fn everywhere(lake: &Lake) -> [BTreeMap<String, Vec<u8>>; 2] {
    let name = |place: String| place.rsplit('/').next().expect("a name").to_owned();
    let raw = lake.files("raw");
    let count = raw.len();
    let raw: BTreeMap<_, _> = raw.into_iter().map(|(place, body)| (name(place), body)).collect();
    assert_eq!(raw.len(), count, "a file lies in one place");
    [lake.files("bronze"), raw]
}

#[test]
fn files_whose_hosts_are_killed_arrive_once_and_lie_in_one_place() {
    let keys = "after = \"archive\"";
    let (lake, alone) = (lake(keys), self::lake(keys));
    let deliver = |lake: &Lake, number: u32| {
        lake.put(&format!("raw/clients_2025010{number}.csv"), clients(number..number + 4));
        lake.put(&format!("raw/purchases_{number}.csv"), purchases(10 * number..10 * number + 5, 99 * (number % 2)));
        lake.put("raw/purchases_again.csv", purchases(100..101 + number, 999));
    };
    deliver(&alone, 0);
    let whole = Running::start(&alone, &["run"]).calls_in_all();
    (1..4).for_each(|number| {
        deliver(&alone, number);
        alone.smelt(&["run"]);
    });
    deliver(&lake, 0);
    let mut delivered = 0;
    kill_runs(&lake, &["run"], whole, 60, || {
        delivered += 1;
        if delivered < 4 {
            deliver(&lake, delivered);
        }
        delivered < 4
    });
    while delivered < 3 {
        lake.smelt(&["run"]);
        delivered += 1;
        deliver(&lake, delivered);
    }
    lake.smelt(&["run"]);
    lake.smelt(&["run"]);
    assert_eq!(everywhere(&lake), everywhere(&alone));
    assert_eq!(names(&lake, "raw"), names(&alone, "raw"));
    lake.smelt(&["verify"]);
}

#[test]
fn hosts_beside_each_other_lose_and_repeat_nothing() {
    let lake = lake("after = \"archive\"");
    let mut bodies = BTreeSet::new();
    for round in 0..4 {
        for file in 0..3 {
            let body = purchases(100 * round + 10 * file..100 * round + 10 * file + 5, 999 * (file % 2));
            lake.put(&format!("raw/purchases_{file}.csv"), &body);
            bodies.insert(body.into_bytes());
        }
        let hosts = [(); 2].map(|()| Running::start(&lake, &["run"]));
        for host in hosts {
            host.calls_in_all();
        }
        lake.smelt(&["run"]);
    }
    let [bronze, raw] = everywhere(&lake);
    assert_eq!(bronze.values().cloned().collect::<BTreeSet<_>>(), bodies);
    assert_eq!((bronze.len(), &raw), (12, &bronze));
    lake.smelt(&["verify"]);
}

#[test]
fn a_place_that_cannot_be_written_is_told_and_tried_again() {
    let lake = lake("after = \"archive\"");
    lake.put("raw/clients_1.csv", clients(0..2));
    // A file where the directory of the archive should be is as bad as a disk that is full or read-only, for every user.
    lake.put("raw/archive", "in the way");
    let ended = lake.end(&["run"]);
    assert!(ended.stderr.contains("source.raw: ") && ended.stderr.contains("archive"), "{}", ended.stderr);
    assert_eq!((ended.code, lake.silver("clients").len()), (Some(1), 2), "all else goes on");
    assert!(lake.files("raw").contains_key("clients_1.csv"));
    lake.remove("raw/archive");
    let directory = lake.path().join("raw");
    let with = |mode| fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).expect("it is ours");
    with(0o555);
    // The superuser may write anyway.
    let is_bound = fs::write(directory.join("probe"), "").is_err();
    if is_bound {
        assert_eq!(lake.end(&["run"]).code, Some(1));
        assert!(lake.files("raw").contains_key("clients_1.csv"));
    } else {
        lake.remove("raw/probe");
    }
    with(0o755);
    lake.smelt(&["run"]);
    assert_eq!(names(&lake, "raw"), ["archive/clients/clients_1.csv"]);
}

#[test]
fn keys_that_do_not_fit_together_are_refused() {
    for (keys, expected) in [
        ("files = [\"clients*.csv\"]\nstamped = true", "`stamped` belongs to a source without `files`"),
        ("archive_for = \"1d\"", "`archive_for` needs `after = \"archive\"`"),
        ("after = \"burn\"", "expected one of `keep`, `archive`, `delete`"),
    ] {
        let ended = lake(keys).end(&["run"]);
        assert!(ended.stderr.contains(expected), "{}", ended.stderr);
        assert_eq!(ended.code, Some(2));
    }
}
