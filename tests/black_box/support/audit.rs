//! The audit: what must hold of any lake after any command has ended, whatever was killed before.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Lake;
use super::reference::hex;

/// Checks that
/// - no row of any bronze object vanished: read = kept + rejected + superseded;
/// - silver, quarantine and the indexes on disk are exactly what the catalog names, byte for byte, and nothing is half
///   written anywhere;
/// - commits are numbered without a gap, and the newest table of each KPI is the one that the catalog names.
///
/// Returns the totals of each dataset, without the number of objects.
pub fn audit(lake: &Lake) -> BTreeMap<String, Value> {
    let history = lake.json(&["history", "--objects"]);
    let mut named = BTreeMap::new();
    for (name, entries) in object(&history["objects"]) {
        for (object_name, entry) in object(entries) {
            conserved(object_name, entry);
            named.extend([stored(&entry["silver"])]);
            named.extend(Some(&entry["quarantine"]).filter(|stored| !stored.is_null()).map(stored));
            assert!(object_name.starts_with(name), "`{object_name}` is not of {name}");
        }
    }
    for (layer, prefix) in [("silver", "silver/"), ("quarantine", "quarantine/")] {
        let mut files = lake.files(layer);
        // Rollback points are no longer current, and files of sinks lie beside the directories of datasets.
        files.retain(|name, _| {
            name.contains('/') && !["for-rollback/", "_smelt/"].iter().any(|it| name.starts_with(it))
        });
        let found: BTreeMap<_, _> =
            files.iter().map(|(name, body)| (format!("{prefix}{name}"), hex(&Sha256::digest(body)))).collect();
        let expected: BTreeMap<_, _> = named
            .iter()
            .filter(|(key, _)| key.starts_with(prefix))
            .map(|(key, sha)| (key.clone(), sha.clone()))
            .collect();
        assert_eq!(found, expected, "{layer} is not what the catalog names");
    }
    let files = lake.files("");
    let temporary: Vec<_> = files.keys().filter(|name| name.contains(".tmp-")).collect();
    assert!(temporary.is_empty(), "half-written files are left: {temporary:?}");

    let commits: Vec<_> = lake.files("catalog/commits").into_keys().collect();
    let numbered: Vec<_> = (1..=commits.len()).map(|number| format!("{number:020}.json")).collect();
    assert_eq!(commits, numbered, "commits are numbered without a gap");
    for (kpi, gold) in object(&history["state"]["gold"]) {
        // A table of silver has no file.
        let files_of = [&gold["relation"]["files"]["one"], &gold["file"]];
        let Some(file) = files_of.into_iter().find(|file| file.is_object()) else { continue };
        let (key, sha256) = stored(file);
        let of_kpi: BTreeSet<_> = files.keys().filter(|name| name.starts_with(&format!("gold/{kpi}/"))).collect();
        assert_eq!(of_kpi.last(), Some(&&key), "the newest table of {kpi} is the catalog's");
        assert_eq!(hex(&Sha256::digest(&files[&key])), sha256, "{key}");
    }
    totals(&history)
}

/// The totals of each dataset in what `history --json` or `run --json` says, without the number of objects.
pub fn totals(report: &Value) -> BTreeMap<String, Value> {
    let datasets = report["datasets"].as_array().expect("datasets are a list");
    let dataset = |totals: &Value| {
        let mut totals = totals.as_object().expect("totals are an object").clone();
        totals.remove("objects");
        let name = totals.remove("dataset").expect("a dataset has a name");
        (name.as_str().expect("a name is text").to_owned(), Value::Object(totals))
    };
    datasets.iter().map(dataset).collect()
}

/// An object of bronze, as the catalog has it.
pub fn entry(lake: &Lake, dataset: &str, object: &str) -> Value {
    lake.json(&["history", "--objects"])["objects"][dataset][object].clone()
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn stored(stored: &Value) -> (String, String) {
    let text = |name: &str| stored[name].as_str().unwrap_or_else(|| panic!("{stored} has no {name}")).to_owned();
    (text("key"), text("sha256"))
}

fn conserved(name: &str, entry: &Value) {
    let count = |value: &Value| value.as_u64().unwrap_or_else(|| panic!("{entry}: {value} is no count"));
    let rejected: u64 = object(&entry["rejected"]).map(|(_, rows)| count(rows)).sum();
    let superseded = entry["superseded"].as_array().expect("superseded rows are a list").len() as u64;
    let (read, kept) = (count(&entry["read"]), count(&entry["silver"]["rows"]));
    assert_eq!(read, kept + rejected + superseded, "`{name}`: a row vanished or was made up: {entry}");
    let quarantined =
        Some(&entry["quarantine"]).filter(|stored| !stored.is_null()).map_or(0, |stored| count(&stored["rows"]));
    assert_eq!(quarantined, rejected, "`{name}`: every rejected row is in quarantine");
}
