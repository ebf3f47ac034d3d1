//! Tests of the table: it depends on the sums alone.

use super::calls::{Calls, differ, kept, load};
use crate::report::{Verdict, failed};
use crate::rows::InputRows;
use crate::text;
use smelt_common::error::Result;
use smelt_runtime::sums::Sums;

/// The most rows of sums for which the test looks whether each of them shows in the table.
const SHOWN_ROWS: usize = 16;

/// Tests that the same sums give the same table, whatever was done before.
pub(super) fn evaluates(calls: &Calls<'_>, rows: &[InputRows]) -> Result<Verdict> {
    let fed = calls.sums(rows)?;
    let mut new = calls.open()?;
    let stages = calls.stages(&mut new, &fed)?;
    let last = &stages[stages.len() - 1];
    let table = calls.evaluated(&mut calls.open()?, last);
    let twice = |how, mut by| (how, [(); 2].map(|()| calls.evaluated(&mut by, last)));
    let (first, others) = match calls.is_earlier() {
        true => (
            "evaluated in a new accumulator",
            vec![
                twice("again in the same accumulator", new),
                twice("by an accumulator that took in rows", calls.taken(rows)?),
            ],
        ),
        false => ("reduced in a new reducer", vec![twice("again in the same reducer", new)]),
    };
    let count = last.batch()?.num_rows();
    for (how, tables) in &others {
        for other in tables {
            if let Some(told) = differ(&table, other) {
                let sent = format!("{} of sums, {first}, then {how}", text::counted(count));
                return Ok(failed(sent, told, calls.contract().table));
            }
        }
    }
    // Since 0.3.0 the rows of a group are what rows of inputs make of it: some of them alone may never come.
    let notes = if calls.is_earlier() { unseen_last_row(calls, last)?.into_iter().collect() } else { vec![] };
    let times = 1 + 2 * others.len();
    Ok(Verdict::Passed { detail: format!("{} of sums, {times} times", text::counted(count)), notes })
}

/// Returns a note if the sums of the last row never show in the table while those of the first row do. That may be
/// intended, for example if the last day is left out. More often a loop ends too early.
fn unseen_last_row(calls: &Calls<'_>, sums: &Sums) -> Result<Option<String>> {
    let groups = kept(sums, SHOWN_ROWS)?;
    let mut by = calls.open()?;
    // The table has the first groups. One of them may come twice, which doubles its sums.
    let mut table = |first: usize, twice: Option<usize>| {
        let mut some = sums.like();
        for part in groups[..first].iter().chain(twice.map(|at| &groups[at])) {
            load(&mut some, part)?;
        }
        calls.evaluated(&mut by, &some)
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
