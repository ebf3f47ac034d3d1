//! The parts of documents that the revisions of one file, or the expectations of one dataset, make.

use smelt_sdk::prelude::*;
use smelt_sdk_quality::{counts, ratio, round};

use crate::json::Json;
use crate::report::{ALERT, REPORT, Section};
use crate::rows::{OfDocument, OfFile};

/// The failing rows that a report shows.
const ROWS: usize = 20;
/// The failing rows, or missing periods, that the alert shows.
const FIRST: usize = 5;

/// Writes what a group adds.
pub(crate) fn documents_of(rows: &[OfFile<'_>], out: &mut Out<OfDocument<'static>>) -> Result<()> {
    for (at, row) in rows.iter().enumerate() {
        if let OfFile::Object { object: Some(object), .. } = row {
            let of_object = |row: &&OfFile<'_>| object_of(row) == Some(*object);
            let rest: Vec<&OfFile<'_>> = rows.iter().filter(of_object).collect();
            object_documents(rows, &rows[at], object, &rest, out)?;
        }
    }
    dataset_documents(rows, out)
}

fn object_of<'a>(row: &OfFile<'a>) -> Option<&'a str> {
    match row {
        OfFile::Account { object, .. }
        | OfFile::Object { object, .. }
        | OfFile::Column { object, .. }
        | OfFile::Expectation { object, .. } => *object,
    }
}

/// Writes the report of an object, and its parts of the others. One that the host has not accounted for is left out.
fn object_documents(
    all: &[OfFile<'_>],
    row: &OfFile<'_>,
    object: &str,
    rows: &[&OfFile<'_>],
    out: &mut Out<OfDocument<'static>>,
) -> Result<()> {
    let accounts = rows.iter().find_map(|row| match row {
        OfFile::Account { status, kept, rejected, superseded, .. } => Some((*status, *kept, *rejected, *superseded)),
        _ => None,
    });
    let (
        Some((status, kept, rejected, superseded)),
        OfFile::Object { dataset, why, score, rules, present, cells, read, .. },
    ) = (accounts, row)
    else {
        return Ok(());
    };
    let (dataset, present, cells, read) = (*dataset, *present, *cells, *read);
    let named = |wanted: &str| -> Vec<&str> {
        let is_wanted = |row: &&&OfFile<'_>| matches!(row, OfFile::Expectation { outcome, .. } if *outcome == wanted);
        let names = rows.iter().filter(is_wanted).filter_map(|row| match row {
            OfFile::Expectation { expectation, .. } => Some(*expectation),
            _ => None,
        });
        names.collect()
    };
    let add = |file: &str, section: i64, text: &str, fails: bool, out: &mut Out<OfDocument<'static>>| {
        out.add(OfDocument::Text { file, section, of_dataset: dataset, of_object: object, place: 0, text, fails })
    };
    let report = report(all, row, status, rows, &named("failed"), &named("warned"))?.write(0);
    let name = format!("validation_report_{object}.json");
    add(&name, 0, &report, false, out)?;
    for file in [ALERT, REPORT] {
        let (score, rules) = (*score, *rules);
        out.add(OfDocument::Counted {
            file,
            dataset,
            object,
            status,
            rules,
            score,
            present,
            cells,
            read,
            kept,
            rejected,
            superseded,
        })?;
    }
    let score = score.map(round);
    if !matches!(status, "admitted" | "replaced") {
        let by = match status {
            "released" | "withheld" => format!(", by decision: {}", why.unwrap_or_default()),
            _ => String::new(),
        };
        let shown = score.map_or("none".to_owned(), |score| score.to_string());
        let mut block = format!("\n{} {object} ({dataset}), score {shown}{by}", status.to_uppercase());
        rows.iter().for_each(|row| block += &alert_line(row));
        add(ALERT, Section::Objects as i64, &block, false, out)?;
    }
    if matches!(status, "refused" | "withheld") {
        let held = Json::object([
            ("object", Json::text(Some(object))),
            ("dataset", Json::text(Some(dataset))),
            ("status", Json::text(Some(status))),
            ("score", Json::plain(score)),
            ("failed", Json::texts(named("failed"))),
        ]);
        add(REPORT, Section::Held as i64, &held.write(2), status == "refused", out)?;
    }
    Ok(())
}

/// Returns the line of the alert about an expectation, after a line end, if it failed or warned.
fn alert_line(row: &OfFile<'_>) -> String {
    let OfFile::Expectation {
        expectation, outcome, observed, expected, evaluated, failing, failing_rows, scope, ..
    } = row
    else {
        return String::new();
    };
    if !matches!(*outcome, "failed" | "warned") {
        return String::new();
    }
    let observed = observed.unwrap_or_default();
    let mut line = format!("\n  {outcome} {expectation}: {observed}, expected {expected}");
    let rows: Vec<_> = failing_rows.split_ascii_whitespace().collect();
    if !rows.is_empty() {
        let more = if rows.len() > FIRST { " …" } else { "" };
        let first = rows[..rows.len().min(FIRST)].join(" ");
        line += &match (*scope, failing, evaluated) {
            ("dataset", ..) => format!("; missing {first}{more}"),
            (_, Some(failing), Some(evaluated)) => format!("; {failing} of {evaluated}, rows {first}{more}"),
            _ => String::new(),
        };
    }
    line
}

fn report(
    all: &[OfFile<'_>],
    row: &OfFile<'_>,
    status: &str,
    rows: &[&OfFile<'_>],
    failed: &[&str],
    warned: &[&str],
) -> Result<Json> {
    let OfFile::Object {
        dataset,
        object,
        stamp,
        sha256,
        bytes,
        decoded_bytes,
        rules,
        verdict,
        decision,
        why,
        score,
        dimensions,
        read,
        malformed,
        decoded,
        present,
        cells,
        ..
    } = row
    else {
        return Ok(Json::null());
    };
    // Of one file's revisions at most one counts, and it replaces those before it.
    let counting = all.iter().find_map(|row| match row {
        OfFile::Account { object, status, .. } if counts(status) => *object,
        _ => None,
    });
    let mut columns = Vec::new();
    let mut expectations = Vec::new();
    for row in rows {
        match row {
            OfFile::Column { name, column_type, of_rows, missing, unreadable, .. } => columns.push(Json::object([
                ("name", Json::text(Some(name))),
                ("type", Json::text(Some(column_type))),
                ("missing", Json::plain(Some(missing))),
                ("unreadable", Json::plain(Some(unreadable))),
                ("completeness", Json::plain(ratio(of_rows - missing, *of_rows)?)),
            ])),
            OfFile::Expectation { .. } => expectations.push(expectation(row)),
            _ => {}
        }
    }
    let decision = match (decision, why) {
        (Some("release"), why) => Json::object([("admit", Json::text(*why))]),
        (Some("withhold"), why) => Json::object([("refuse", Json::text(*why))]),
        _ => Json::null(),
    };
    Ok(Json::object([
        ("object", Json::text(*object)),
        ("dataset", Json::text(Some(dataset))),
        ("stamp", Json::text(stamp.map(|stamp| stamp.to_string()).as_deref())),
        ("sha256", Json::text(Some(sha256))),
        ("bytes", Json::plain(Some(bytes))),
        ("decoded_bytes", Json::plain(*decoded_bytes)),
        ("rules", Json::text(Some(rules))),
        ("verdict", Json::text(Some(verdict))),
        ("status", Json::text(Some(status))),
        ("decision", decision),
        ("replaced_by", Json::text(counting.filter(|_| status == "replaced"))),
        ("score", Json::plain(score.map(round))),
        ("dimensions", Json::read(dimensions)),
        ("completeness", Json::plain(ratio(*present, *cells)?)),
        (
            "records",
            Json::object([
                ("read", Json::plain(Some(read))),
                ("malformed", Json::plain(Some(malformed))),
                ("rows", Json::plain(Some(decoded))),
            ]),
        ),
        ("columns", Json::List(columns)),
        ("failed", Json::texts(failed.iter().copied())),
        ("warned", Json::texts(warned.iter().copied())),
        ("expectations", Json::List(expectations)),
    ]))
}

fn expectation(row: &OfFile<'_>) -> Json {
    let OfFile::Expectation {
        expectation,
        dimension,
        scope,
        severity,
        outcome,
        observed,
        expected,
        evaluated,
        failing,
        failing_rows,
        samples,
        reason,
        z,
        median,
        mad,
        history,
        ..
    } = row
    else {
        return Json::null();
    };
    let text = |text: &str| Json::text(Some(text));
    let rows = failing_rows.split_ascii_whitespace().take(ROWS).map(|row| Json::Plain(row.to_owned()));
    let mut members = vec![
        ("expectation", text(expectation)),
        ("dimension", text(dimension)),
        ("scope", text(scope)),
        ("severity", text(severity)),
        ("outcome", text(outcome)),
        ("observed", observed_json(*observed)),
        ("expected", text(expected)),
        ("evaluated", Json::plain(*evaluated)),
        ("failing", Json::plain(*failing)),
        ("failing_rows", Json::List(rows.collect())),
        ("samples", Json::read(&format!("[{samples}]"))),
    ];
    if let Some(reason) = reason {
        members.push(("reason", text(reason)));
    }
    if let (Some(z), Some(median), Some(mad)) = (z, median, mad) {
        let number = |number: &Decimal<4>| Json::plain(Some(number));
        members.extend([("z", number(z)), ("median", number(median)), ("mad", number(mad))]);
    }
    if let Some(history) = history {
        members.push(("history", Json::plain(Some(history))));
    }
    Json::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// Returns what was observed: a number as it is, the reason of an unreadable object as a text.
fn observed_json(observed: Option<&str>) -> Json {
    match observed {
        Some(number) if number.starts_with(|first: char| first == '-' || first.is_ascii_digit()) => {
            Json::Plain(number.to_owned())
        }
        other => Json::text(other),
    }
}

/// Writes what is said of a dataset as a whole.
fn dataset_documents(rows: &[OfFile<'_>], out: &mut Out<OfDocument<'static>>) -> Result<()> {
    let (mut block, mut of) = (String::new(), "");
    for row in rows {
        let OfFile::Expectation {
            dataset,
            object: None,
            place,
            expectation,
            severity,
            outcome,
            observed,
            expected,
            failing_rows,
            ..
        } = row
        else {
            continue;
        };
        of = dataset;
        block += &alert_line(row);
        let json = Json::object([
            ("dataset", Json::text(Some(dataset))),
            ("expectation", Json::text(Some(expectation))),
            ("severity", Json::text(Some(severity))),
            ("outcome", Json::text(Some(outcome))),
            ("observed", observed_json(*observed)),
            ("expected", Json::text(Some(expected))),
            ("missing", Json::texts(failing_rows.split_ascii_whitespace())),
        ]);
        out.add(OfDocument::Text {
            file: REPORT,
            section: Section::Datasets as i64,
            of_dataset: dataset,
            of_object: "",
            place: *place,
            text: &json.write(2),
            fails: *outcome == "failed",
        })?;
    }
    if block.is_empty() {
        return Ok(());
    }
    let (text, section) = (format!("\nDATASET {of}{block}"), Section::Datasets as i64);
    out.add(OfDocument::Text {
        file: ALERT,
        section,
        of_dataset: of,
        of_object: "",
        place: 0,
        text: &text,
        fails: false,
    })
}
