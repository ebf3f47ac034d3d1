//! Rejected rows: looked at, tried again, and deleted in time.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Lake, root};

fn lake() -> Lake {
    let mut lake = Lake::new();
    lake.change_pipeline(&[]);
    lake.smelt(&["generate", "--seed", "9", "--start", "2025-03-01T12:00:00Z", "--ticks", "3"]);
    lake.smelt(&["run"]);
    lake
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// How many rows each rule of a dataset rejected, as the catalog counts them.
fn counted(lake: &Lake, dataset: &str) -> BTreeMap<String, u64> {
    let history = lake.json(&["history"]);
    let datasets = history["datasets"].as_array().expect("datasets").iter();
    let rules =
        datasets.filter(|totals| totals["dataset"] == dataset).flat_map(|totals| totals["rejected"].as_object());
    rules.flatten().map(|(rule, rows)| (rule.clone(), count(rows))).collect()
}

/// The other version of the cleaner of clicks, under its own name.
fn next(lake: &Lake) -> PathBuf {
    let path = lake.path().with_file_name("clean-clicks.wasm");
    std::fs::copy(root().join("target/components/fixtures/next-clean-clicks.wasm"), &path)
        .expect("the fixtures were built");
    path
}

#[test]
fn what_is_shown_is_what_was_rejected() {
    let lake = lake();
    let listed = lake.json(&["quarantine", "list"]);
    let stats = lake.json(&["quarantine", "stats"]);
    for dataset in ["clicks", "customers", "orders"] {
        let mut all: BTreeMap<String, u64> = BTreeMap::new();
        for held in listed.as_array().expect("a list").iter().filter(|held| held["dataset"] == dataset) {
            for (rule, rows) in held["rejected"].as_object().expect("rules") {
                *all.entry(rule.clone()).or_default() += count(rows);
            }
        }
        assert_eq!(all, counted(&lake, dataset));
        let of_rule = stats.as_array().expect("a list").iter().filter(|row| row["dataset"] == dataset);
        let of_rule = of_rule.map(|row| (row["rule"].as_str().expect("a rule").to_owned(), count(&row["rows"])));
        assert_eq!(of_rule.collect::<BTreeMap<_, _>>(), all);
    }
    let bronze = lake.files("bronze");
    let shown = lake.json(&["quarantine", "show", "--dataset", "clicks", "--rule", "invalid_ip", "--limit", "1000"]);
    let shown = shown.as_array().expect("rows");
    assert_eq!(shown.len() as u64, counted(&lake, "clicks")["invalid_ip"]);
    for row in shown {
        let (object, offset, bytes) =
            (row["object"].as_str().expect("a name"), count(&row["offset"]), count(&row["bytes"]));
        let original = &bronze[object][offset as usize..(offset + bytes) as usize];
        assert_eq!(row["raw"].as_str().map(str::as_bytes), Some(original));
    }
    let output = lake.try_smelt(&["quarantine", "list", "--dataset", "nothing"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn records_are_masked_or_left_out_as_configured() {
    let raw = lake();
    let kept = |setting: &str| {
        let mut lake = Lake::new();
        lake.change_pipeline(&[("[output]", &format!("[privacy]\nquarantine = \"{setting}\"\n\n[output]"))]);
        lake.copy_bronze(&raw);
        lake.smelt(&["run"]);
        assert_eq!(lake.gold(), raw.gold());
        lake
    };
    let masked = kept("masked");
    let of = |lake: &Lake| lake.json(&["quarantine", "show", "--limit", "1000"]).as_array().expect("rows").clone();
    let (rows, originals) = (of(&masked), of(&raw));
    assert_eq!(rows.len(), originals.len());
    for (row, original) in rows.iter().zip(&originals) {
        let text = row["raw"].as_str().expect("a record");
        assert!(
            text.chars().all(|character| match character {
                'x' | '0' => true,
                other => !other.is_alphanumeric(),
            }),
            "{text}"
        );
        assert_eq!(text.chars().count(), original["raw"].as_str().map_or(0, |text| text.chars().count()));
        assert_eq!(
            (&row["object"], &row["row"], &row["rule"]),
            (&original["object"], &original["row"], &original["rule"])
        );
    }
    let off = kept("off");
    assert!(off.files("quarantine").is_empty());
    assert_eq!(counted(&off, "clicks"), counted(&raw, "clicks"));
}

#[test]
fn a_replay_sends_what_was_rejected_and_applies_what_passes() {
    let lake = lake();
    let before = lake.files("");
    let replayed = lake.json(&["quarantine", "replay"]);
    for of in replayed["replayed"].as_array().expect("datasets") {
        assert_eq!(of["passed"], serde_json::json!({}), "the component that rejected them rejects them again");
        let dataset = of["dataset"].as_str().expect("a name");
        let again: BTreeMap<String, u64> =
            of["rejected"].as_object().expect("rules").iter().map(|(rule, rows)| (rule.clone(), count(rows))).collect();
        assert_eq!(again, counted(&lake, dataset), "for the same reasons");
    }
    let (path, silver) = (next(&lake), lake.silver("clicks"));
    let path = path.to_str().expect("UTF-8");
    let replayed = lake.json(&["quarantine", "replay", "--with", path]);
    let passed = count(&replayed["replayed"][0]["passed"]["invalid_ip"]);
    assert!(passed > 0 && passed <= counted(&lake, "clicks")["invalid_ip"], "{replayed}");
    assert_eq!(lake.files(""), before, "nothing was changed");

    lake.smelt(&["quarantine", "replay", "--with", path, "--apply"]);
    assert_eq!(lake.silver("clicks").len() as u64, silver.len() as u64 + passed);
    // Exactly as if they had passed at first.
    let first = Lake::new();
    first.copy_bronze(&lake);
    first.smelt(&["run"]);
    first.smelt(&["plugin", "promote", path]);
    assert_eq!((lake.silver("clicks"), lake.gold()), (first.silver("clicks"), first.gold()));
    assert_eq!(counted(&lake, "clicks"), counted(&first, "clicks"));
}

#[test]
fn what_is_old_is_deleted_and_stays_counted() {
    let mut lake = lake();
    let (before, rejected) = (lake.files(""), counted(&lake, "orders"));
    lake.smelt(&["quarantine", "purge", "--older-than", "1h", "--delete"]);
    assert_eq!(lake.files(""), before, "nothing is that old");
    let old = lake.json(&["quarantine", "purge", "--older-than", "0s", "--dataset", "orders"]);
    assert_eq!((old["deleted"].as_bool(), lake.files("") == before), (Some(false), true));
    lake.smelt(&["quarantine", "purge", "--older-than", "0s", "--dataset", "orders", "--delete"]);
    assert!(lake.files("quarantine/orders").is_empty() && !lake.files("quarantine/clicks").is_empty());
    assert_eq!(counted(&lake, "orders"), rejected);
    lake.smelt(&["verify"]);
    let replayed = lake.json(&["quarantine", "replay", "--dataset", "orders"]);
    assert!(count(&replayed["not_kept"]) > 0, "{replayed}");
    let silver = lake.files("silver");
    lake.smelt(&["run"]);
    assert_eq!(lake.files("silver"), silver);

    lake.change_pipeline(&[("[output]", "[privacy]\nquarantine_retention = \"1ms\"\n\n[output]")]);
    // Also where there is something to clean.
    lake.bronze("orders_new.json", r#"[{"order_id": "new", "order_ts": "2024-01-01T00:00:00Z", "total_amount": 1}]"#);
    lake.smelt(&["run", "--reconcile"]);
    assert!(lake.files("quarantine").is_empty(), "by itself, too");
    lake.smelt(&["verify"]);
}
