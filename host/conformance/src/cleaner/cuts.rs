//! Tests that the outcome of a row stays the same if rows are sent in other ways, in a new instance, or on another
//! engine.

use arrow_array::{Int32Array, RecordBatch};
use arrow_select::take::take_record_batch;

use super::contract::{ROW_ALONE, TAKES_ANY};
use super::fates::{Fates, fates};
use crate::report::{Verdict, failed, passed};
use crate::rows::{cut, joined};
use crate::{shrink, text};
use smelt_common::error::Result;
use smelt_runtime::Session;

/// The most rows that are sent one by one.
const ALONE: usize = 500;

/// A way to send rows, and its name. The fates are in the order of the rows, whatever the way.
type Way<'w> = (String, Box<dyn Fn(&RecordBatch) -> Result<Fates> + 'w>);

fn ways<'p, 'w>(open: &'w impl Fn() -> Result<Session<'p>>) -> Vec<Way<'w>> {
    let mut ways: Vec<Way<'w>> = [1, 7, 64, 1000]
        .map(|most| -> Way<'w> {
            (format!("in batches of {most}"), Box::new(move |rows| fates(&mut open()?, cut(rows, most))))
        })
        .into();
    let backwards = move |rows: &RecordBatch| {
        let order = Int32Array::from_iter_values((0..rows.num_rows() as i32).rev());
        let turned = take_record_batch(rows, &order).expect("the rows are there");
        let mut fates = fates(&mut open()?, std::iter::once(turned))?;
        fates.rows.reverse();
        Ok(fates)
    };
    let twice = move |rows: &RecordBatch| {
        let twice = joined(rows.schema_ref(), [rows, rows]);
        let mut fates = fates(&mut open()?, std::iter::once(twice))?;
        fates.rows.drain(..rows.num_rows());
        fates.repaired.values_mut().for_each(|rows| *rows /= 2);
        Ok(fates)
    };
    ways.push(("in one batch in reverse order".to_owned(), Box::new(backwards)));
    ways.push(("in one batch behind the same rows".to_owned(), Box::new(twice)));
    ways
}

/// Tests that each row has the same outcome in one batch as in all other ways.
pub(super) fn cuts<'p>(open: &impl Fn() -> Result<Session<'p>>, rows: &RecordBatch) -> Verdict {
    let whole = |rows: &RecordBatch| fates(&mut open()?, std::iter::once(rows.clone()));
    let ways = ways(open);
    for (way, run) in &ways {
        let rows = if way.ends_with(" 1") { &rows.slice(0, rows.num_rows().min(ALONE)) } else { rows };
        let told = |rows: &RecordBatch| match (whole(rows), run(rows)) {
            (Ok(first), Ok(then)) => first.difference(&then),
            (Err(error), _) | (_, Err(error)) => Some((None, error.to_string())),
        };
        if told(rows).is_none() {
            continue;
        }
        let single: Vec<_> = cut(rows, 1).collect();
        let few = shrink::fewest(&single, |some| told(&joined(rows.schema_ref(), some)).is_some());
        let few = joined(rows.schema_ref(), &few);
        let (row, told) = told(&few).unwrap_or_default();
        let row = row.map(|row| format!("row {row} of ")).unwrap_or_default();
        return failed(format!("{row}{}; in one batch, then {way}", text::rows(&few)), told, ROW_ALONE);
    }
    passed(format!("{} cut in {} ways", text::counted(rows.num_rows()), ways.len()))
}

/// Tests that the rows have the same outcomes in a new instance and on the plain engine.
pub(super) fn deterministic<'p>(
    open: &impl Fn() -> Result<Session<'p>>,
    plain: impl Fn() -> Result<Session<'p>>,
    rows: &RecordBatch,
) -> Verdict {
    let run = |session: Result<Session<'p>>| fates(&mut session?, std::iter::once(rows.clone()));
    let contract = "the same component, parameters and rows give the same bytes, on every machine";
    let first = match run(open()) {
        Ok(first) => first,
        Err(error) => return failed(text::rows(rows), error.to_string(), TAKES_ANY),
    };
    for (place, other) in [("in a new instance", run(open())), ("compiled without optimisation", run(plain()))] {
        let sent = |row| match row {
            Some(row) => format!("again {place}: {}", text::row(rows, row)),
            None => format!("again {place}: {}", text::rows(rows)),
        };
        match other.map(|other| first.difference(&other)) {
            Ok(None) => {}
            Ok(Some((row, told))) => return failed(sent(row), told, contract),
            Err(error) => return failed(sent(None), error.to_string(), contract),
        }
    }
    passed(format!("{}, 3 times, 2 engines", text::counted(rows.num_rows())))
}
