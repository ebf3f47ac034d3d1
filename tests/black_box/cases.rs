//! Every directory `pipelines/<pipeline>/cases/<case>` is a test: raw files, and what must become of them.
//!
//! | in the case | |
//! |---|---|
//! | `bronze/` | the raw files |
//! | `expected/silver/<dataset>.csv` | the rows of all silver objects of the dataset in the order of their bytes, below the header |
//! | `expected/gold/<table>.<extension>` | the table |
//! | `expected/silver/<table>.csv` | a table that has no file, in the order of its key |
//! | `expected/gold/…`, `expected/silver/…` | the files of sinks, under their own names, unless their format is binary |
//! | `expected/accounts.json` | by dataset: rows read, kept and superseded; by rule: rows rejected, which are in quarantine, and rows repaired |
//! | `README.md` | what the case is about |
//! | `now` | the time of the run, such as `2025-11-18T00:00:00Z`; without the file it is 2025-01-01 |
//!
//! A case without `now` must not depend on the time. Pseudonyms are made without a key. `SMELT_BLESS=1` writes what is expected.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Utc};
use smelt_engine::manifest::Layer;
use smelt_engine::run::Host;
use smelt_formats::{Formulas, encode_table};

use crate::support::audit::audit;
use crate::support::embedded::host_with_sinks;
use crate::support::{Lake, root};

/// Everything that a case may have.
const ENTRIES: [&str; 4] = ["bronze", "expected", "now", "README.md"];

/// The ends of names of files that a case does not hold, since nobody could read what changes in them.
const BINARY: [&str; 2] = [".parquet", ".xlsx"];

/// Files by their path in a directory.
type Files = BTreeMap<String, Vec<u8>>;

#[test]
fn bronze_becomes_what_its_case_expects() {
    let (cases, mut failed) = (cases(), Vec::new());
    assert!(!cases.is_empty(), "no pipeline has a case");
    for case in &cases {
        // The message of a panic is told by itself.
        let outcome = catch_unwind(AssertUnwindSafe(|| run(case))).unwrap_or_else(|_| Err("it panicked\n".to_owned()));
        failed
            .extend(outcome.err().map(|why| format!("{}: {why}", case.strip_prefix(root()).unwrap_or(case).display())));
    }
    let (many, all) = (failed.len(), cases.len());
    assert!(
        failed.is_empty(),
        "{many} of {all} cases fail; SMELT_BLESS=1 accepts what they come to\n\n{}",
        failed.join("\n")
    );
}

/// Returns the directories of all cases of all pipelines, in order.
fn cases() -> Vec<PathBuf> {
    let below = |directory: &Path| {
        let entries = fs::read_dir(directory).into_iter().flatten().map(|entry| entry.expect("an entry").path());
        entries.collect::<BTreeSet<_>>()
    };
    below(&root().join("pipelines")).iter().flat_map(|pipeline| below(&pipeline.join("cases"))).collect()
}

/// Runs a case. An error tells how the outcome differs from what is expected.
fn run(case: &Path) -> Result<(), String> {
    let unknown = fs::read_dir(case).map_err(|error| error.to_string())?.flatten().map(|entry| entry.file_name());
    let unknown: Vec<_> = unknown.filter(|name| !ENTRIES.iter().any(|entry| name == entry)).collect();
    if !unknown.is_empty() {
        return Err(format!("a case may have {ENTRIES:?}, but not {unknown:?}\n"));
    }
    let pipeline = case.ancestors().nth(2).expect("a case is in cases/ of a pipeline");
    let lake = Lake::with_pipeline(pipeline);
    files(&case.join("bronze")).iter().for_each(|(name, body)| lake.bronze(name, body));
    let host = host_with_sinks(pipeline, &lake.path(), now(case)?);
    host.run().and_then(|report| report.complete()).map_err(|error| format!("{error}\n"))?;

    let (found, expected) = (outcome(&lake, &host), case.join("expected"));
    if std::env::var_os("SMELT_BLESS").is_some_and(|value| !value.is_empty()) {
        // A file that no outcome has any more must not stay.
        if expected.exists() {
            fs::remove_dir_all(&expected).expect("it can be removed");
        }
        write(&expected, &found);
        return Ok(());
    }
    if files(&expected) == found { Ok(()) } else { Err(difference(&expected, &found)) }
}

/// Returns the time of the run.
fn now(case: &Path) -> Result<DateTime<Utc>, String> {
    let text = match case.join("now") {
        path if path.exists() => fs::read_to_string(path).map_err(|error| error.to_string())?,
        _ => "2025-01-01T00:00:00Z".to_owned(),
    };
    let text = text.trim();
    text.parse().map_err(|error| format!("`now` holds `{text}`, not a time such as `2025-11-18T00:00:00Z`: {error}\n"))
}

/// Returns the outcome of a lake, as a case writes it.
fn outcome(lake: &Lake, host: &Host) -> Files {
    let mut found = Files::new();
    let carried: BTreeSet<&str> = host.sinks.iter().flat_map(|sink| sink.relations()).collect();
    let tables = host.pipeline().tables.iter().filter(|step| step.layer == Layer::Silver);
    for step in tables.filter(|step| !carried.contains(step.name.as_str())) {
        let rows = host.rows(&step.name, false).expect("the table has rows");
        let body = encode_table(rows.schema_ref(), std::slice::from_ref(&rows), Formulas::Escape);
        found.insert(format!("silver/{}.csv", step.name), body.expect("it can be written as CSV"));
    }
    let accounts = audit(lake);
    for dataset in accounts.keys() {
        let objects = lake.files(&format!("silver/{dataset}"));
        let records: Vec<_> = objects.values().map(|body| records(body)).collect();
        let headers: BTreeSet<_> = records.iter().filter_map(|records| records.first()).collect();
        let mut rows: Vec<_> = records.iter().flat_map(|records| records.iter().skip(1)).collect();
        rows.sort_unstable();
        let all: Vec<&[u8]> = headers.into_iter().chain(rows).copied().collect();
        found.insert(format!("silver/{dataset}.csv"), all.concat());
    }
    let is_text = |path: &str| !path.contains('/') && !BINARY.iter().any(|extension| path.ends_with(extension));
    for layer in ["gold", "silver"] {
        let files = lake.files(layer).into_iter().filter(|(path, _)| is_text(path));
        found.extend(files.map(|(path, body)| (format!("{layer}/{path}"), body)));
    }
    for (path, body) in lake.files("gold") {
        let Some((table, name)) = path.split_once('/').filter(|(table, _)| *table != "_smelt") else { continue };
        let (_, extension) = name.rsplit_once('.').expect("a table's file has an extension");
        // Paths come in order, so the newest table comes last and stays.
        found.insert(format!("gold/{table}.{extension}"), body);
    }
    let accounts = serde_json::to_string_pretty(&accounts).expect("accounts are JSON");
    found.insert("accounts.json".to_owned(), (accounts + "\n").into_bytes());
    found
}

/// Returns the records of a CSV file, each with its line end. A cell in quotes may have line ends too.
fn records(body: &[u8]) -> Vec<&[u8]> {
    let mut quoted = false;
    let is_end = |byte: &u8| {
        quoted ^= *byte == b'"';
        *byte == b'\n' && !quoted
    };
    body.split_inclusive(is_end).collect()
}

/// Returns all files below a directory, by their path in it.
fn files(directory: &Path) -> Files {
    crate::support::Backend::Directory(directory.to_owned()).objects("")
}

fn write(directory: &Path, files: &Files) {
    for (name, body) in files {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().expect("a file has a directory")).expect("a directory can be made");
        fs::write(path, body).expect("a file can be written");
    }
}

/// Returns a unified diff from the expected files to those found.
fn difference(expected: &Path, found: &Files) -> String {
    let directory = tempfile::tempdir().expect("a temporary directory");
    write(&directory.path().join("found"), found);
    std::os::unix::fs::symlink(expected, directory.path().join("expected")).expect("a link can be made");
    let mut diff = Command::new("diff");
    diff.args(["-u", "-r", "-N", "expected/", "found/"]).current_dir(directory.path());
    let output = diff.output().expect("diffutils is installed");
    format!("not as expected\n{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
