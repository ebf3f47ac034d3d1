//! Tests of `evaluate`: its table depends on the sums alone.

use super::calls::{Calls, differ, kept};
use super::contract::EVALUATE;
use crate::report::{Verdict, failed};
use crate::rows::InputRows;
use crate::text;
use smelt_common::error::Result;
use smelt_runtime::sums::{Sign, Sums};

/// The most rows of sums for which the test looks whether each of them shows in the table.
const SHOWN_ROWS: usize = 16;

/// Tests that the same sums give the same table, whatever the accumulator did before.
pub(super) fn evaluates(calls: &Calls<'_>, rows: &[InputRows]) -> Result<Verdict> {
    let first = calls.sums(rows)?;
    let (mut new, mut taken) = (calls.open()?, calls.taken(rows)?);
    let stages = calls.stages(&mut new, &first)?;
    let sums = stages.last().unwrap_or(&first).batch()?;
    let table = calls.open()?.evaluate(&sums);
    let others = [
        ("again in the same accumulator", [new.evaluate(&sums), new.evaluate(&sums)]),
        ("by an accumulator that took in rows", [taken.evaluate(&sums), taken.evaluate(&sums)]),
    ];
    for (how, tables) in &others {
        for other in tables {
            if let Some(told) = differ(&table, other) {
                let sent =
                    format!("{} of sums, evaluated in a new accumulator, then {how}", text::counted(sums.num_rows()));
                return Ok(failed(sent, told, EVALUATE));
            }
        }
    }
    let notes = unseen_last_row(calls, stages.last().unwrap_or(&first))?.into_iter().collect();
    Ok(Verdict::Passed { detail: format!("{} of sums, 5 times", text::counted(sums.num_rows())), notes })
}

/// Returns a note if the sums of the last row never show in the table while those of the first row do. That may be
/// intended, for example if the last day is left out. More often a loop ends too early.
fn unseen_last_row(calls: &Calls<'_>, sums: &Sums) -> Result<Option<String>> {
    let groups = kept(sums, SHOWN_ROWS);
    let mut accumulator = calls.open()?;
    // The table has the first groups. One of them may come twice, which doubles its sums.
    let mut table = |first: usize, twice: Option<usize>| {
        let mut some = sums.like();
        for (key, rows) in groups[..first].iter().chain(twice.map(|at| &groups[at])) {
            some.load(key, rows, Sign::Plus)?;
        }
        accumulator.evaluate(&some.batch()?)
    };
    let mut shown = 0;
    for first in 1..=groups.len() {
        let plain = table(first, None)?;
        if table(first, Some(first - 1))? != plain {
            return Ok(None);
        }
        shown += usize::from(first > 1 && table(first, Some(0))? != plain);
    }
    Ok((shown >= SHOWN_ROWS / 4).then(|| {
        let rows = groups.len();
        format!("of 1 to {rows} rows of sums, the last row never shows in the table, but the first one does; is that intended?")
    }))
}
