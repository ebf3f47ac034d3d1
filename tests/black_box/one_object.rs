//! One large object keeps all cores busy, and comes to the same as on one core.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::Lake;
use crate::support::audit::audit;
use crate::support::ended::{Ended, fixtures};

/// Returns the files that runs leave in a lake, except those with their times or random numbers. The changes list every entry.
fn left(lake: &Lake) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for layer in ["silver", "quarantine", "catalog/changes"] {
        let files = lake.files(layer);
        assert!(!files.is_empty(), "there is nothing in {layer}");
        all.extend(files.into_iter().map(|(name, body)| (format!("{layer}/{name}"), without_cost(body))));
    }
    all.extend(lake.gold().into_iter().map(|(kpi, table)| (format!("gold/{kpi}"), table.into_bytes())));
    all
}

/// Leaves out what differs between runs: the plugin's cost is never the same twice, and a file that was moved has another `ctime`.
fn without_cost(body: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(body).expect("text");
    let lines = text.lines().filter_map(|line| match serde_json::from_str::<serde_json::Value>(line) {
        Ok(mut entry) if entry["entry"]["cost"].is_object() => {
            entry["entry"]["cost"].take();
            entry["entry"]["etag"].take();
            Some(entry.to_string())
        }
        // Which objects were young, by their times.
        Ok(Value::String(_)) => None,
        _ => Some(line.to_owned()),
    });
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}

#[test]
fn one_object_of_many_batches_becomes_the_same_lake_on_one_core_as_on_all() {
    let mut lake = Lake::new();
    // A few hundred batches of each object, in which both the decoder and the cleaners reject rows.
    lake.change_pipeline(&[("[schedule]", "[limits.decode]\nbatch_bytes = 4_096\n\n[schedule]")]);
    let made = ["generate", "--seed", "5", "--start", "2025-03-01T12:00:00Z", "--interval", "1h", "--first", "0"];
    let many = ["--ticks", "2", "--param", "orders=8000", "--param", "clicks=8000", "--param", "late_duplicates=0.2"];
    lake.smelt(&[&made[..], &many].concat());
    let (bronze, later) = (lake.path().join("bronze"), lake.beside("later"));
    let names: Vec<_> = lake.files("bronze").into_keys().filter(|name| name.contains("T130000")).collect();
    assert_eq!(names.len(), 3);
    // Moved, a file is the same one to the lake.
    let move_later = |from: &Path, to: &Path| {
        names.iter().for_each(|name| fs::rename(from.join(name), to.join(name)).expect("it can be moved"));
    };
    fs::create_dir(&later).expect("a directory can be made");
    let run = |end: fn(&Lake, &[&str]) -> Ended| {
        for layer in ["silver", "quarantine", "gold", "catalog"] {
            let directory = lake.path().join(layer);
            if directory.exists() {
                fs::remove_dir_all(directory).expect("it can be removed");
            }
        }
        // The second tick takes rows out of the first one's silver.
        move_later(&bronze, &later);
        let first = end(&lake, &["run"]);
        move_later(&later, &bronze);
        for ended in [first, end(&lake, &["run"])] {
            assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        }
        left(&lake)
    };
    let (one, all) = (run(Lake::end_on_one_core), run(Lake::end));
    assert_eq!(one.keys().collect::<Vec<_>>(), all.keys().collect::<Vec<_>>());
    for (name, body) in one {
        assert!(all[&name] == body, "{name} differs");
    }
    let totals = audit(&lake);
    let some = |dataset: &str, count: &str| assert_ne!(totals[dataset][count], Value::from(0), "{dataset} {count}");
    some("orders", "superseded");
    some("clicks", "kept");
}

#[test]
fn an_object_fails_as_the_first_batch_that_does_even_if_a_later_one_fails_sooner() {
    let manifest = format!(
        r#"
        [pipeline]
        name = "one-object"
        plugins = ["{}"]

        [limits.decode]
        batch_bytes = 64

        [limits.plugin]
        call_ms = 1000

        [dataset.sins]
        objects = "sins-*.csv"
        format = "csv"
        plugin = "sinner"
        "#,
        fixtures().display()
    );
    let lake = Lake::with_manifest(&manifest);
    let sin = |row: usize| match row {
        // In one batch, and in one of those after it.
        500 => "loop",
        520 => "fault",
        _ => "",
    };
    let rows: String = (0..1000).map(|row| format!("{row},{}\n", sin(row))).collect();
    lake.bronze("sins-1.csv", format!("id,sin\n{rows}"));
    for end in [Lake::end, Lake::end_on_one_core] {
        let ended: Ended = end(&lake, &["run", "--json"]);
        assert_eq!(ended.code, Some(1));
        let why = "plugin `sinner` failed to clean a batch: it ran longer than 1000 ms";
        assert_eq!(ended.failures(), [format!("bronze/sins-1.csv: {why}")]);
        assert!(lake.files("silver").is_empty() && lake.files("quarantine").is_empty());
    }
}
