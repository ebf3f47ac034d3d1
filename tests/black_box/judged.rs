//! The worked case of the pipeline that judges files: raw files, a second delivery, two decisions, and all that is written of
//! it, by another hand.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::process::Running;
use crate::support::process::kill_runs;
use crate::support::{Lake, root};

const RUN: [&str; 3] = ["run", "--as-of", "2025-11-13"];

const DECISIONS: [[&str; 5]; 2] = [
    ["quality", "release", "sessions_20251108.jsonl.gz", "--why", "clock of the app was wrong, agreed with its owner"],
    ["quality", "withhold", "api_20251101T060000.log.gz", "--why", "test traffic"],
];

/// Files that belong to no dataset, or have no stamp.
const UNRECOGNISED: [&str; 5] =
    ["README.txt", "inventory_20251101.csv", "sales_20251340.csv", "sales_latest.csv", "users_20251101.csv.part"];

fn case() -> PathBuf {
    root().join("tests/cases/quality")
}

/// The files of a directory, by name.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).expect("the case has it").map(|entry| entry.expect("an entry"));
    let name = |entry: &fs::DirEntry| entry.file_name().into_string().expect("a UTF-8 name");
    entries.map(|entry| (name(&entry), fs::read(entry.path()).expect("it can be read"))).collect()
}

/// The objects of both deliveries: what comes again with other bytes is a revision.
fn deliveries() -> [Vec<(String, Vec<u8>)>; 2] {
    let mut first = files(&case().join("raw"));
    first.retain(|name, _| !UNRECOGNISED.contains(&name.as_str()));
    let second = files(&case().join("raw2")).into_iter().filter(|(name, body)| first.get(name) != Some(body));
    let second = second.map(|(name, body)| (format!("{name}.r02"), body)).collect();
    [first.into_iter().collect(), second]
}

fn deliver(lake: &Lake, objects: &[(String, Vec<u8>)]) {
    objects.iter().for_each(|(name, body)| lake.bronze(name, body));
}

fn decide(lake: &Lake) {
    DECISIONS.iter().for_each(|decision| drop(lake.smelt(decision)));
}

/// The rows below the header, sorted: files of a dataset are in the order of its key, and the case has them in that of objects.
fn sorted(body: &[u8]) -> BTreeSet<String> {
    String::from_utf8_lossy(body).lines().map(str::to_owned).collect()
}

/// Asserts that all that is written is what the case expects.
#[track_caller]
fn assert_as_expected(lake: &Lake) {
    let (gold, quality, silver) = (lake.files("gold"), lake.files("quality"), lake.files("silver"));
    for (name, body) in files(&case().join("expected/gold")) {
        assert_eq!(gold.get(&name), Some(&body), "gold/{name}");
    }
    for (name, mut body) in files(&case().join("expected/quality")) {
        let found = if name.ends_with(".csv") { gold.get(&name) } else { quality.get(&name) };
        let mut found = found.unwrap_or_else(|| panic!("{name} is not written")).clone();
        // Files that no dataset takes do not come into this lake.
        if ["quality_alert.txt", "quality_report.json"].contains(&name.as_str()) {
            (body, found) = (without_unrecognised(&body), without_unrecognised(&found));
        }
        assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(&body), "{name}");
    }
    for (name, body) in files(&case().join("expected/silver")) {
        let found = silver.get(&name).unwrap_or_else(|| panic!("silver/{name} is not written"));
        assert_eq!(sorted(found), sorted(&body), "silver/{name}");
    }
}

fn without_unrecognised(body: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(body);
    let kept: Vec<&str> = text.lines().filter(|line| !line.to_lowercase().contains("unrecognised")).collect();
    kept.join("\n").trim_end().as_bytes().to_vec()
}

#[test]
fn the_worked_case_comes_out_to_the_byte() {
    let lake = Lake::with_pipeline(root().join("pipelines/quality"));
    let [first, second] = deliveries();
    deliver(&lake, &first);
    lake.smelt(&RUN);
    deliver(&lake, &second);
    lake.smelt(&RUN);
    decide(&lake);
    lake.smelt(&RUN);
    assert_as_expected(&lake);
    lake.smelt(&["verify"]);
    lake.smelt(&["reproduce", "sales_cube"]);

    // What came in another order, amid kills, comes to the same.
    let other = Lake::with_pipeline(root().join("pipelines/quality"));
    let all: Vec<_> = second.into_iter().chain(first).collect();
    let alone = Lake::with_pipeline(root().join("pipelines/quality"));
    deliver(&alone, &all[..all.len() / 3]);
    let whole = Running::start(&alone, &RUN).calls_in_all();
    let mut parts = all.chunks(all.len().div_ceil(4));
    kill_runs(&other, &RUN, whole, 24, || parts.next().inspect(|part| deliver(&other, part)).is_some());
    parts.for_each(|part| deliver(&other, part));
    other.smelt(&RUN);
    decide(&other);
    other.smelt(&RUN);
    assert_as_expected(&other);
    other.smelt(&["verify"]);
}
