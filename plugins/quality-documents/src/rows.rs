//! The rows of the two stages.

use smelt_sdk::prelude::*;

/// The revisions of a file. Expectations of a dataset as a whole are in a group without a file.
#[derive(Row)]
#[row(group(dataset, file))]
#[rustfmt::skip]
pub(crate) enum OfFile<'a> {
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
pub(crate) enum OfDocument<'a> {
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
