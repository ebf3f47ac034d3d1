//! A lake on a real server, read by clients that are not ours.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::reference::hex;
use crate::support::{Lake, NewLake, PREFIX, root};

/// Returns what boto3 and Polars read, unless they are not installed.
fn read(lake: &Lake) -> Option<Value> {
    let python = root().join("target/tools/clients/bin/python");
    if !python.exists() {
        eprintln!("skipped: no boto3 and Polars in target/tools/clients: `cargo xtask test` installs them");
        return None;
    }
    let mut command = Command::new(python);
    command.arg(root().join("tests/clients/read_lake.py")).args(lake.access());
    command.args([lake.backend().bucket().expect("the lake is in a bucket"), PREFIX]);
    let output = command.output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).expect("the script writes JSON"))
}

/// Two ticks of test data, each cleaned by itself.
fn two_ticks(lake: &Lake) {
    for start in ["2025-03-01T12:00:00Z", "2025-03-01T12:00:05Z"] {
        let made = ["generate", "--seed", "5", "--start", start, "--ticks", "1", "--param", "late_duplicates=0.3"];
        lake.smelt(&made);
        lake.smelt(&["run"]);
    }
}

/// Boto3 and Polars read from a bucket what a lake in a directory holds.
pub(crate) fn boto3_and_polars_read_a_lake(new: &NewLake<'_>) {
    let lake = &new();
    two_ticks(lake);
    assert_eq!(lake.json(&["verify"])["problems"], Value::Array(vec![]));
    let Some(read) = read(lake) else { return };
    let directory = Lake::new();
    two_ticks(&directory);
    let kept: BTreeMap<_, _> = directory.files("").into_iter().collect();
    let theirs = read["objects"].as_object().expect("an object");
    for layer in ["bronze/", "silver/", "quarantine/"] {
        let ours = kept.iter().filter(|(key, _)| key.starts_with(layer));
        let ours: BTreeMap<_, _> = ours.map(|(key, body)| (key.clone(), hex(&Sha256::digest(body)))).collect();
        let of_layer = theirs.iter().filter(|(key, _)| key.starts_with(layer));
        let of_layer: BTreeMap<_, _> =
            of_layer.map(|(key, sha256)| (key.clone(), sha256.as_str().expect("a text").to_owned())).collect();
        assert_eq!(of_layer, ours, "{layer}");
    }
    for (name, rows) in read["silver"].as_object().expect("an object") {
        assert_eq!(rows.as_u64(), Some(directory.silver(name).len() as u64), "{name}");
    }
    for (kpi, table) in directory.gold() {
        let rows = read["gold"][&kpi].as_array().unwrap_or_else(|| panic!("no {kpi}"));
        assert_eq!(rows.len(), table.lines().count() - 1, "{kpi}");
        for (row, line) in rows.iter().zip(table.lines().skip(1)) {
            let cells: Vec<_> = row.as_array().expect("a row").iter().map(|cell| cell.as_str().unwrap_or("")).collect();
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
            let record = reader.records().next().expect("a line").expect("CSV");
            assert_eq!(cells, record.iter().collect::<Vec<_>>(), "{kpi}");
        }
    }
}
