//! Tables whose rows are made of one finding each, or of one rule.

use smelt_sdk::prelude::*;
use smelt_sdk_quality::{Found, ratio};

#[derive(Row)]
struct Expectation<'a> {
    dataset: &'a str,
    /// Missing for one of the dataset.
    object: Option<&'a str>,
    expectation: &'a str,
    dimension: &'a str,
    scope: &'a str,
    severity: &'a str,
    outcome: &'a str,
    observed: Option<&'a str>,
    expected: Option<&'a str>,
    passed: bool,
    evaluated: Option<i64>,
    failing_rows: Option<i64>,
}

pub(crate) fn expectations() -> Result<Definition> {
    table(["dataset", "object", "expectation"])
        .input::<Found>("findings", |found, out| match found.expectation {
            None => Ok(()),
            Some(expectation) => out.add(Expectation {
                dataset: found.dataset,
                object: found.object,
                expectation,
                dimension: found.dimension.unwrap_or_default(),
                scope: found.scope.unwrap_or_default(),
                severity: found.severity.unwrap_or_default(),
                outcome: found.outcome.unwrap_or_default(),
                observed: found.observed,
                expected: found.expected.filter(|expected| !expected.is_empty()),
                passed: found.passed.unwrap_or_default(),
                evaluated: found.evaluated,
                failing_rows: found.failing,
            }),
        })
        .define()
}

#[derive(Row)]
struct Failure<'a> {
    dataset: &'a str,
    object: &'a str,
    expectation: &'a str,
    row: i64,
}

pub(crate) fn failures() -> Result<Definition> {
    table(["dataset", "object", "expectation", "row"])
        .input::<Found>("findings", |found, out| {
            let Found { dataset, object, expectation, failing_rows, .. } = found;
            let (Some(object), Some(expectation)) = (object, expectation) else { return Ok(()) };
            let rows = failing_rows.unwrap_or_default().split_ascii_whitespace();
            rows.filter_map(|row| row.parse().ok())
                .try_for_each(|row| out.add(Failure { dataset, object, expectation, row }))
        })
        .define()
}

/// Columns in the order of the schema.
#[derive(Row)]
#[row(group())]
struct InSchema<'a> {
    dataset: &'a str,
    object: &'a str,
    place: i64,
    column: &'a str,
    column_type: &'a str,
    decoded: i64,
    missing: i64,
    unreadable: i64,
}

#[derive(Row)]
struct Column<'a> {
    dataset: &'a str,
    object: &'a str,
    column: &'a str,
    r#type: &'a str,
    rows: i64,
    missing: i64,
    unreadable: i64,
    completeness: Option<Decimal<4>>,
}

pub(crate) fn columns() -> Result<Definition> {
    table(["dataset", "object", "column"])
        .input::<Found>("findings", |found, out| match (found.kind, found.object) {
            ("column", Some(object)) => out.add(InSchema {
                dataset: found.dataset,
                object,
                place: found.place,
                column: found.name.unwrap_or_default(),
                column_type: found.column_type.unwrap_or_default(),
                decoded: found.rows.unwrap_or_default(),
                missing: found.missing.unwrap_or_default(),
                unreadable: found.unreadable.unwrap_or_default(),
            }),
            _ => Ok(()),
        })
        .stage::<InSchema>()
        .each(|row, out| {
            let InSchema { dataset, object, place: _, column, column_type, decoded: rows, missing, unreadable } = row;
            let completeness = ratio(rows - missing, rows)?;
            out.add(Column { dataset, object, column, r#type: column_type, rows, missing, unreadable, completeness })
        })
        .define()
}

/// A rule that applied. By their names, `reject` is before `repair`.
#[derive(Row)]
struct Rule<'a> {
    dataset: &'a str,
    object: &'a str,
    rule: &'a str,
    action: &'a str,
    rows: i64,
}

/// The rules of the decoder, which stand in the contract. Expectations judge what it could not read.
const OF_DECODER: [&str; 10] = [
    "malformed_line",
    "malformed_record",
    "invalid_utf8",
    "invalid_encoding",
    "line_too_long",
    "too_deep",
    "empty",
    "damaged_stream",
    "inflates_too_much",
    "no_header",
];

pub(crate) fn rules() -> Result<Definition> {
    table(["dataset", "object", "action", "rule"])
        .input::<Rule>("smelt.rules", |rule: Rule<'_>, out| match OF_DECODER.contains(&rule.rule) {
            true => Ok(()),
            false => out.add(rule),
        })
        .define()
}
