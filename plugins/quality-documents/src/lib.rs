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
mod rows;
#[cfg(test)]
mod tests;

use smelt_sdk::prelude::*;
use smelt_sdk_quality::{Account, Found, file};

use crate::of_file::documents_of;
use crate::report::Writing;
use crate::rows::{OfDocument, OfFile};

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
