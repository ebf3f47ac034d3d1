//! KPI: text files about judged files, as lines: a report of each object (`validation_report_<object>.json`), what a person
//! should look at (`quality_alert.txt`), and all of it at a glance (`quality_report.json`).
//!
//! | stage | a group is | what becomes of it |
//! |---|---|---|
//! | 0 | the revisions of a file, or what is expected of a dataset | their reports, blocks of the alert, parts of the report |
//! | 1 | a document | its lines |

mod json;
mod of_file;
mod report;
#[cfg(test)]
mod tests;

use smelt_sdk::prelude::*;
use smelt_sdk_quality::{Account, Found, file};

use crate::of_file::documents_of;
use crate::report::Writing;

/// The revisions of a file. Expectations of a dataset as a whole are in a group without a file.
#[derive(Row)]
#[row(group(dataset, file))]
#[rustfmt::skip]
enum OfFile<'a> {
    Account {
        dataset: &'a str, file: &'a str, object: Option<&'a str>, status: &'a str, kept: i64, rejected: i64,
        superseded: i64,
    },
    Object {
        dataset: &'a str, file: &'a str, object: Option<&'a str>, stamp: Option<Timestamp>, sha256: &'a str, bytes: i64,
        decoded_bytes: Option<i64>, rules: &'a str, verdict: &'a str, decision: Option<&'a str>, why: Option<&'a str>,
        score: Option<Decimal<30>>, dimensions: &'a str, read: i64, malformed: i64, decoded: i64, present: i64, cells: i64,
    },
    Column {
        dataset: &'a str, file: &'a str, object: Option<&'a str>, place: i64, name: &'a str, column_type: &'a str,
        of_rows: i64, missing: i64, unreadable: i64,
    },
    Expectation {
        dataset: &'a str, file: &'a str, object: Option<&'a str>, place: i64, expectation: &'a str, dimension: &'a str,
        scope: &'a str, severity: &'a str, outcome: &'a str, observed: Option<&'a str>, expected: &'a str,
        evaluated: Option<i64>, failing: Option<i64>, failing_rows: &'a str, samples: &'a str, reason: Option<&'a str>,
        z: Option<Decimal<4>>, median: Option<Decimal<4>>, mad: Option<Decimal<4>>, history: Option<i64>,
    },
}

/// The parts of documents. Of the alert and the report the counts come first.
#[derive(Row)]
#[row(group(file))]
#[rustfmt::skip]
enum OfDocument<'a> {
    /// The object's part of the counts.
    Counted {
        file: &'a str, dataset: &'a str, object: &'a str, status: &'a str, rules: &'a str, score: Option<Decimal<30>>,
        present: i64, cells: i64, read: i64, kept: i64, rejected: i64, superseded: i64,
    },
    /// Lines that come next, by section. `fails` is set if they make the report unhealthy.
    Text {
        file: &'a str, section: i64, of_dataset: &'a str, of_object: &'a str, place: i64, text: &'a str, fails: bool,
    },
}

fn quality_documents(_: &Config) -> Result<Definition> {
    table(["file", "line"])
        .input::<Account>("smelt.objects", |account, out| {
            let Account { dataset, object, status, kept, rejected, superseded, .. } = account;
            let (file, object) = (file(object), Some(object));
            out.add(OfFile::Account { dataset, file, object, status, kept, rejected, superseded })
        })
        .input::<Found>("findings", found_in)
        .stage::<OfFile>()
        .group(documents_of)
        .stage::<OfDocument>()
        .walk_to_end(|writing: &mut Writing, row, out| writing.take(row, out), |writing, out| writing.end(out))
        .as_of()
        .define()
}

fn found_in(found: Found<'_>, out: &mut Out<OfFile<'static>>) -> Result<()> {
    let (dataset, object) = (found.dataset, found.object);
    let file = file(object.unwrap_or_default());
    let (place, number, text) = (found.place, Option::<i64>::unwrap_or_default, Option::<&str>::unwrap_or_default);
    match (found.kind, found.expectation) {
        ("object", _) => out.add(OfFile::Object {
            dataset,
            file,
            object,
            stamp: found.stamp,
            sha256: text(found.sha256),
            bytes: number(found.bytes),
            decoded_bytes: found.decoded_bytes,
            rules: text(found.rules),
            verdict: text(found.verdict),
            decision: found.decision,
            why: found.why,
            score: found.score,
            dimensions: text(found.dimensions),
            read: number(found.read),
            malformed: number(found.malformed),
            decoded: number(found.rows),
            present: number(found.present),
            cells: number(found.cells),
        }),
        ("column", _) => out.add(OfFile::Column {
            dataset,
            file,
            object,
            place,
            name: text(found.name),
            column_type: text(found.column_type),
            of_rows: number(found.rows),
            missing: number(found.missing),
            unreadable: number(found.unreadable),
        }),
        (_, Some(expectation)) => out.add(OfFile::Expectation {
            dataset,
            file,
            object,
            place,
            expectation,
            dimension: text(found.dimension),
            scope: text(found.scope),
            severity: text(found.severity),
            outcome: text(found.outcome),
            observed: found.observed,
            expected: text(found.expected),
            evaluated: found.evaluated,
            failing: found.failing,
            failing_rows: text(found.failing_rows),
            samples: text(found.samples),
            reason: found.reason,
            z: found.z,
            median: found.median,
            mad: found.mad,
            history: found.history,
        }),
        _ => Ok(()),
    }
}

export_table!(quality_documents);
