//! Tables of objects, and of what datasets and days have of them.

use smelt_sdk::Flow;
use smelt_sdk::prelude::*;
use smelt_sdk_quality::{Account, Found, Judged, Tally, ratio, round};

/// An object: the host's account, what the check says of it as a whole, and each of its expectations.
#[derive(Row)]
#[row(group(dataset, object))]
#[rustfmt::skip]
enum OfObject<'a> {
    Account {
        dataset: &'a str, object: &'a str, status: &'a str, kept: i64, rejected: i64, superseded: i64, held: i64,
        repaired: i64,
    },
    Object {
        dataset: &'a str, object: &'a str, stamp: Option<Timestamp>, verdict: &'a str, score: Option<Decimal<30>>,
        present: i64, cells: i64, bytes: i64, read: i64, malformed: i64,
    },
    Expectation { dataset: &'a str, object: &'a str, place: i64, outcome: &'a str, expectation: &'a str },
}

fn of_objects(key: &'static [&'static str]) -> Flow<OfObject<'static>> {
    table(key.iter().copied())
        .input::<Account>("smelt.objects", |account, out| {
            let Account { dataset, object, status, read: _, kept, rejected, superseded, held, repaired } = account;
            out.add(OfObject::Account { dataset, object, status, kept, rejected, superseded, held, repaired })
        })
        .input::<Found>("findings", |found, out| {
            let (dataset, Some(object)) = (found.dataset, found.object) else { return Ok(()) };
            match (found.kind, found.expectation) {
                ("object", _) => out.add(OfObject::Object {
                    dataset,
                    object,
                    stamp: found.stamp,
                    verdict: found.verdict.unwrap_or_default(),
                    score: found.score,
                    present: found.present.unwrap_or_default(),
                    cells: found.cells.unwrap_or_default(),
                    bytes: found.bytes.unwrap_or_default(),
                    read: found.read.unwrap_or_default(),
                    malformed: found.malformed.unwrap_or_default(),
                }),
                (_, Some(expectation)) => out.add(OfObject::Expectation {
                    dataset,
                    object,
                    place: found.place,
                    outcome: found.outcome.unwrap_or_default(),
                    expectation,
                }),
                _ => Ok(()),
            }
        })
}

#[derive(Row, Default)]
struct Object<'a> {
    dataset: &'a str,
    object: &'a str,
    stamp: Option<Timestamp>,
    status: &'a str,
    verdict: &'a str,
    score: Option<Decimal<4>>,
    completeness: Option<Decimal<4>>,
    bytes: i64,
    read: i64,
    malformed: i64,
    kept: i64,
    rejected: i64,
    superseded: i64,
    held: i64,
    repaired: i64,
    expectations: i64,
    passed: i64,
    warned: i64,
    failed: i64,
    skipped: i64,
    first_failure: Option<&'a str>,
}

pub(crate) fn objects() -> Result<Definition> {
    of_objects(&["dataset", "object"])
        .stage::<OfObject>()
        .group(|rows, out| {
            let (mut all, mut is_judged, mut has_account) = (Object::default(), false, false);
            for row in rows {
                match *row {
                    OfObject::Account { dataset, object, status, kept, rejected, superseded, held, repaired } => {
                        has_account = true;
                        all = Object { dataset, object, status, kept, rejected, superseded, held, repaired, ..all };
                    }
                    OfObject::Object {
                        dataset: _,
                        object: _,
                        stamp,
                        verdict,
                        score,
                        present,
                        cells,
                        bytes,
                        read,
                        malformed,
                    } => {
                        is_judged = true;
                        let (score, completeness) = (score.map(round), ratio(present, cells)?);
                        all = Object { stamp, verdict, score, completeness, bytes, read, malformed, ..all };
                    }
                    OfObject::Expectation { dataset: _, object: _, place: _, outcome, expectation } => {
                        all.expectations += 1;
                        match outcome {
                            "passed" => all.passed += 1,
                            "warned" => all.warned += 1,
                            "failed" => {
                                all.failed += 1;
                                all.first_failure.get_or_insert(expectation);
                            }
                            _ => all.skipped += 1,
                        }
                    }
                }
            }
            if is_judged && has_account { out.add(all) } else { Ok(()) }
        })
        .define()
}

/// An object, as far as its dataset and its day count it.
#[derive(Row)]
#[row(group(dataset))]
struct OfDataset<'a> {
    dataset: &'a str,
    object: &'a str,
    status: &'a str,
    score: Option<Decimal<30>>,
    present: i64,
    cells: i64,
    read: i64,
    kept: i64,
    rejected: i64,
    superseded: i64,
}

/// As [`OfDataset`], by day.
#[derive(Row)]
#[row(group(day, dataset))]
struct OfDay<'a> {
    day: Date,
    dataset: &'a str,
    object: &'a str,
    status: &'a str,
    score: Option<Decimal<30>>,
}

/// Returns the object of a group, if it was judged and has an account.
fn judged<'a>(rows: &[OfObject<'a>]) -> Option<(&'a str, &'a str, Option<Timestamp>, Judged<'a>)> {
    let (mut found, mut account) = (None, None);
    for row in rows {
        match *row {
            OfObject::Account { dataset, object, status, kept, rejected, superseded, .. } => {
                account = Some((dataset, object, status, kept, rejected, superseded));
            }
            OfObject::Object { stamp, score, present, cells, read, .. } => {
                found = Some((stamp, score, present, cells, read));
            }
            OfObject::Expectation { .. } => {}
        }
    }
    let (dataset, object, status, kept, rejected, superseded) = account?;
    let (stamp, score, present, cells, read) = found?;
    Some((dataset, object, stamp, Judged { status, score, present, cells, read, kept, rejected, superseded }))
}

#[derive(Row)]
struct Dataset<'a> {
    dataset: &'a str,
    objects: i64,
    admitted: i64,
    warned: i64,
    released: i64,
    refused: i64,
    withheld: i64,
    replaced: i64,
    read: i64,
    kept: i64,
    rejected: i64,
    superseded: i64,
    score: Option<Decimal<4>>,
    completeness: Option<Decimal<4>>,
}

pub(crate) fn datasets() -> Result<Definition> {
    of_objects(&["dataset"])
        .stage::<OfObject>()
        .group(|rows, out| match judged(rows) {
            None => Ok(()),
            Some((dataset, object, _, Judged { status, score, present, cells, read, kept, rejected, superseded })) => {
                out.add(OfDataset { dataset, object, status, score, present, cells, read, kept, rejected, superseded })
            }
        })
        .stage::<OfDataset>()
        .walk_to_end(
            |(dataset, tally): &mut (String, Tally), row, _| {
                row.dataset.clone_into(dataset);
                let OfDataset { status, score, present, cells, read, kept, rejected, superseded, .. } = row;
                tally.add(&Judged { status, score, present, cells, read, kept, rejected, superseded })
            },
            |(dataset, tally), out| {
                let [admitted, warned, released, refused, withheld, replaced] = tally.statuses;
                out.add(Dataset {
                    dataset: &dataset,
                    objects: tally.objects(),
                    admitted,
                    warned,
                    released,
                    refused,
                    withheld,
                    replaced,
                    read: tally.read,
                    kept: tally.kept,
                    rejected: tally.rejected,
                    superseded: tally.superseded,
                    score: tally.score(),
                    completeness: tally.completeness()?,
                })
            },
        )
        .define()
}

#[derive(Row)]
struct Day<'a> {
    day: Date,
    dataset: &'a str,
    objects: i64,
    refused: i64,
    warned: i64,
    score: Option<Decimal<4>>,
}

pub(crate) fn days() -> Result<Definition> {
    of_objects(&["day", "dataset"])
        .stage::<OfObject>()
        .group(|rows, out| match judged(rows) {
            Some((dataset, object, Some(stamp), Judged { status, score, .. })) => {
                out.add(OfDay { day: stamp.date(), dataset, object, status, score })
            }
            _ => Ok(()),
        })
        .stage::<OfDay>()
        .walk_to_end(
            |(day, dataset, tally): &mut (Date, String, Tally), row, _| {
                *day = row.day;
                row.dataset.clone_into(dataset);
                tally.add(&Judged { status: row.status, score: row.score, ..Judged::default() })
            },
            |(day, dataset, tally), out| {
                out.add(Day {
                    day,
                    dataset: &dataset,
                    objects: tally.objects(),
                    refused: tally.of("refused") + tally.of("withheld"),
                    warned: tally.of("warned"),
                    score: tally.score(),
                })
            },
        )
        .define()
}
