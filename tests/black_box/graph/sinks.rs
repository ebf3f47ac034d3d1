//! Sinks of kind `files`: under names that stay lies what readers see, whatever happens to the hosts that write it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::checks::CHECKED;
use super::lake::{DAY, buy, lake, lake_of, manifest, run};
use super::{Deliveries, fails, made_amid_kills};
use crate::support::Lake;
use crate::support::process::Running;

/// Sinks of every format, of tables of every kind and of verdicts.
const SINKS: &str = r#"
[sink.gold]
kind = "files"
from = ["*", "!read"]
to = "gold/{table}.csv"
[sink.silver]
kind = "files"
from = ["purchases", "affordable"]
to = "silver/{table}.jsonl"
[sink.book]
kind = "files"
from = ["all", { relation = "greatest", sheet = "The greatest" }]
to = "reports/book.xlsx"
[sink.packed]
kind = "files"
from = ["re*", "all"]
to = "reports/{table}/rows.parquet"
compression = "snappy"
"#;

/// Tables, a check of the last one, and the sinks.
static CARRIED: LazyLock<String> = LazyLock::new(|| format!("{CHECKED}{SINKS}"));

/// The files of all sinks.
fn carried(lake: &Lake) -> BTreeMap<String, Vec<u8>> {
    let mut files = lake.files("");
    let of_sinks = |path: &str| path.starts_with("reports/") || path.split('/').count() == 2;
    files.retain(|path, _| {
        !path.contains("_smelt/") && !["bronze/", "catalog/"].iter().any(|it| path.starts_with(it)) && of_sinks(path)
    });
    files
}

/// The files of all sinks of a fresh lake over the same bronze.
fn carried_afresh(lake: &Lake, tables: &str) -> BTreeMap<String, Vec<u8>> {
    let fresh = self::lake(tables);
    fresh.copy_bronze(lake);
    run(&fresh);
    carried(&fresh)
}

/// The same without the check.
fn unchecked() -> String {
    let check = "[check.affordable]\nplugin = \"judge\"\ninputs = { rows = \"read\" }\n";
    CARRIED.replace(check, "").replace(", \"affordable\"]", "]")
}

/// Asserts that the files of all sinks are those of a fresh lake over the same bronze.
#[track_caller]
fn assert_carried_as_afresh(lake: &Lake, tables: &str) {
    let (found, expected) = (carried(lake), carried_afresh(lake, tables));
    let names: Vec<_> = found.keys().collect();
    assert_eq!(names, expected.keys().collect::<Vec<_>>());
    let other: Vec<_> = found.iter().filter(|(path, body)| expected[*path] != **body).collect();
    let shown = |(path, body): &(&String, &Vec<u8>)| {
        format!("{path}\n{}\nexpected\n{}", String::from_utf8_lossy(body), String::from_utf8_lossy(&expected[*path]))
    };
    assert!(other.is_empty(), "{}", other.iter().map(shown).collect::<Vec<_>>().join("\n"));
}

fn text(files: &BTreeMap<String, Vec<u8>>, path: &str) -> String {
    String::from_utf8(files[path].clone()).expect("a text")
}

#[test]
fn files_are_what_readers_see() {
    let mut lake = lake_of(&CARRIED, &[("P2", "=B", "8.50"), ("P1", "A", "9.00")]);
    let first = carried(&lake);
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "gold/all.csv",
            "gold/greatest.csv",
            "reports/all/rows.parquet",
            "reports/book.xlsx",
            "reports/read/rows.parquet",
            "silver/affordable.jsonl",
            "silver/purchases.jsonl"
        ]
    );
    for table in ["all", "greatest"] {
        assert_eq!(text(&first, &format!("gold/{table}.csv")), lake.smelt(&["show", table]), "{table}");
    }
    let purchases = text(&first, "silver/purchases.jsonl");
    let ids: Vec<_> = purchases.lines().map(|line| &line[..19]).collect();
    assert_eq!(ids, [r#"{"purchase_id":"P1""#, r#"{"purchase_id":"P2""#], "rows are in the order of the key");
    assert!(purchases.contains(r#""client_id":"=B""#) && purchases.contains(r#""amount":8.50"#), "{purchases}");

    // Files of held tables stay as they were. Those of datasets and of verdicts do not.
    buy(&lake, 1, &[("P3", "B", "99.00")]);
    fails(&lake, &["run", "--as-of", DAY], 1);
    let held = carried(&lake);
    for (path, body) in &first {
        assert_eq!(held[path] == *body, !path.starts_with("silver/"), "{path}");
    }
    lake.smelt(&["publish", "--despite", "affordable", "--why", "a gift"]);
    let published = carried(&lake);
    assert!(
        text(&published, "gold/all.csv").contains("P3") && published["reports/book.xlsx"] != first["reports/book.xlsx"]
    );

    // The manifest no longer has a file, and it goes. Another program's stays.
    lake.put("gold/theirs.csv", "theirs");
    lake.set_manifest(&manifest(&CARRIED.replace(r#"["*", "!read"]"#, r#"["greatest"]"#)));
    let written = lake.json(&["run", "--as-of", DAY])["written"].clone();
    assert_eq!(written, serde_json::json!([]), "what is left did not change");
    let left = carried(&lake);
    assert!(!left.contains_key("gold/all.csv") && left.contains_key("gold/theirs.csv"), "{:?}", left.keys());
}

#[test]
fn a_run_without_news_writes_no_file_and_one_that_compares_all_finds_what_is_gone() {
    let lake = lake_of(&CARRIED, &[("P1", "A", "9.00")]);
    let whole = carried(&lake);
    assert_eq!(lake.json(&["run", "--as-of", DAY])["written"].as_array().map(Vec::len), Some(0));
    lake.remove("gold/all.csv");
    run(&lake);
    assert!(!carried(&lake).contains_key("gold/all.csv"), "nothing was new, so nobody looked");
    let written = lake.json(&["run", "--reconcile", "--as-of", DAY])["written"].clone();
    assert_eq!(written.as_array().map(Vec::len), Some(1), "{written}");
    assert_eq!(carried(&lake), whole);
    lake.smelt(&["verify"]);
    lake.put("gold/all.csv", "a person's");
    let said = fails(&lake, &["verify"], 1) + &String::from_utf8_lossy(&lake.try_smelt(&["verify"]).stdout);
    assert!(said.contains("gold/all.csv") && said.contains("damaged"), "{said}");
    run(&lake);
    lake.smelt(&["run", "--reconcile", "--as-of", DAY]);
    lake.smelt(&["gc", "--grace", "0s", "--delete"]);
    assert_eq!(carried(&lake), whole, "files of sinks are no garbage");
}

#[test]
fn a_sink_that_fails_stops_no_other() {
    let lake = lake_of(&CARRIED, &[("P1", "A", "9.00")]);
    let before = carried(&lake);
    buy(&lake, 1, &[("P2", &"x".repeat(40_000), "1.00")]);
    let said = fails(&lake, &["run", "--as-of", DAY], 1);
    assert!(said.contains("sink.book: ") && said.contains("reports/book.xlsx") && said.contains("client_id"), "{said}");
    let after = carried(&lake);
    assert!(text(&after, "gold/all.csv").contains("P2") && after["reports/book.xlsx"] == before["reports/book.xlsx"]);
    assert!(fails(&lake, &["run", "--as-of", DAY], 1).contains("sink.book: "), "it is tried again");
    buy(&lake, 2, &[("P2", "B", "1.00")]);
    run(&lake);
    assert_carried_as_afresh(&lake, &CARRIED);
}

#[test]
fn files_whose_hosts_are_killed_come_to_the_same() {
    let lake = made_amid_kills(&unchecked(), 11);
    assert_carried_as_afresh(&lake, &unchecked());
    let temporary: Vec<_> = lake.files("").into_keys().filter(|path| path.contains(".tmp-")).collect();
    assert!(temporary.is_empty(), "{temporary:?}");
}

#[test]
fn hosts_that_write_the_same_files_at_once_come_to_the_newest() {
    let (lake, mut deliveries) = (lake(&unchecked()), Deliveries::of(12));
    for _ in 0..4 {
        deliveries.arrive(&lake, 3);
        let hosts = ["run", "aggregate", "run"].map(|verb| Running::start(&lake, &[verb, "--as-of", DAY]));
        for host in hosts {
            host.calls_in_all();
        }
        run(&lake);
        assert_carried_as_afresh(&lake, &unchecked());
    }
}

#[test]
fn files_lie_in_buckets_as_in_directories() {
    let mut lake = lake(&CARRIED).on_s3();
    buy(&lake, 0, &[("P1", "A", "9.00"), ("P2", "=B", "8.50")]);
    run(&lake);
    assert_carried_as_afresh(&lake, &CARRIED);
    buy(&lake, 1, &[("P1", "A", "9.50")]);
    run(&lake);
    assert_carried_as_afresh(&lake, &CARRIED);
    lake.smelt(&["verify"]);

    // The same bucket as a place of its own.
    let url = lake.backend().url().into_string().expect("a text");
    let elsewhere = format!(
        "{}[sink.out]\nkind = \"files\"\nfrom = [\"all\"]\nto = \"{url}/out/{{table}}.json\"\n",
        manifest(&CARRIED)
    );
    lake.set_manifest(&elsewhere);
    run(&lake);
    let out = lake.files("out");
    assert!(String::from_utf8_lossy(&out["all.json"]).contains(r#""purchase_id":"P1""#), "{:?}", out.keys());
}

#[test]
fn a_wrong_sink_is_refused_before_anything_runs() {
    let wrong = |section: &str, words: &[&str]| {
        let tables = format!("{}{section}", *CARRIED);
        let said = fails(&lake(&tables), &["plan"], 2);
        words.iter().for_each(|word| assert!(said.contains(word), "`{word}` is not in: {said}"));
    };
    let of = |keys: &str| format!("[sink.out]\nkind = \"files\"\n{keys}\n");
    wrong(&of("from = [\"sales\"]\nto = \"out/{table}.csv\""), &["[sink.out]", "`sales`", "purchases, all, greatest"]);
    wrong(&of("from = [\"x*\"]\nto = \"out/{table}.csv\""), &["[sink.out]", "no table matches `x*`"]);
    wrong(&of("from = [\"all\"]\nto = \"gold/{table}.csv\""), &["[sink.gold] and [sink.out] both write"]);
    wrong(&of("from = [\"all\"]\nto = \"out/{table}.doc\""), &["[sink.out]", "csv, json, jsonl, parquet, xlsx"]);
    wrong(&of("from = [7]\nto = \"out/{table}.csv\""), &["expected a name such as"]);
    wrong(&of("from = [\"all\"]\nto = \"out/{table}.csv\"\nwhen = 1"), &["unknown field `when`", "compression"]);
    wrong(
        "[sink.out]\nkind = \"fax\"\nfrom = [\"all\"]\nto = \"out/{table}.csv\"",
        &["unknown variant `fax`", "`files`"],
    );
}
