//! Tests the laws of sums: rows add the same however they are cut, and can be subtracted again.

use super::batches::{count, gathered};
use super::calls::{Calls, GROUP_ROWS, differ};
use super::contract::{AGAIN, EVALUATE, FOLD, NO_ROWS, PARTS, REMOVAL, TAKES_ANY};
use super::evaluation::evaluates;
use crate::report::{Report, Verdict, failed, passed};
use crate::rows::{InputRows, single};
use crate::{shrink, text};
use smelt_common::error::Result;
use smelt_runtime::sums::{Sign, Sums};

/// The most rows that get an accumulator each.
const ALONE: usize = 150;

/// Runs the tests of all laws.
pub(super) fn laws(report: &mut Report, calls: &Calls<'_>, rows: &[InputRows], inputs: &[&str]) {
    let sums = |made: Result<Sums>| made.and_then(|sums| sums.batch());
    let shown = || text::parts(rows, inputs);
    report.test("state", &["output"], || {
        let mut accumulator = match calls.taken(rows) {
            Ok(accumulator) => accumulator,
            Err(error) => return failed(shown(), error.to_string(), TAKES_ANY),
        };
        let [first, again] = [(); 2].map(|()| sums(calls.added(0, [accumulator.state()])));
        match differ(&first, &again) {
            None => passed("asked twice"),
            Some(told) => failed(format!("{}; then `state` twice", shown()), told, AGAIN),
        }
    });
    report.test("no rows", &["state"], || match sums(calls.sums(&[])) {
        Ok(none) if none.num_rows() == 0 => passed("add nothing"),
        Ok(some) => failed("no rows", text::table(&some), NO_ROWS),
        Err(error) => failed("no rows", error.to_string(), TAKES_ANY),
    });
    report.test("splits", &["no rows"], || splits(calls, rows, inputs));
    report.test("removal", &["splits"], || {
        removal(calls, rows).unwrap_or_else(|error| failed(shown(), error.to_string(), REMOVAL))
    });
    if calls.plugin.spec().stages.len() > 1 {
        report.test("fold", &["splits"], || {
            folds(calls, rows).unwrap_or_else(|error| failed(shown(), error.to_string(), FOLD))
        });
    }
    let needs = if calls.plugin.spec().stages.len() > 1 { "fold" } else { "splits" };
    report.test("evaluate", &[needs], || {
        evaluates(calls, rows).unwrap_or_else(|error| failed(shown(), error.to_string(), EVALUATE))
    });
}

fn splits(calls: &Calls<'_>, rows: &[InputRows], inputs: &[&str]) -> Verdict {
    let table = |sums: Result<Sums>| sums.and_then(|sums| sums.batch());
    let few = |rows: &[InputRows]| {
        let most = ALONE / rows.len().max(1);
        let first = |part: &InputRows| InputRows {
            input: part.input,
            rows: part.rows.slice(0, part.rows.num_rows().min(most)),
        };
        rows.iter().map(first).collect::<Vec<_>>()
    };
    let turned = |rows: &[InputRows]| single(rows).into_iter().rev().collect::<Vec<_>>();
    type Way<'w> = (&'static str, Vec<InputRows>, Box<dyn Fn(&[InputRows]) -> Result<Sums> + 'w>);
    let ways: Vec<Way<'_>> = vec![
        ("an accumulator for each row", few(rows), Box::new(|rows| calls.split(rows, 1))),
        ("accumulators for 7 rows each", rows.to_vec(), Box::new(|rows| calls.split(rows, 7))),
        ("accumulators for 100 rows each", rows.to_vec(), Box::new(|rows| calls.split(rows, 100))),
        ("one accumulator, row by row from the last", few(rows), Box::new(move |rows| calls.sums(&turned(rows)))),
    ];
    let count_of_ways = ways.len();
    for (way, rows, run) in ways {
        let fails = |some: &[InputRows]| {
            let some = gathered(some);
            differ(&table(calls.sums(&some)), &table(run(&some))).is_some()
        };
        let single = single(&rows);
        if !fails(&single) {
            continue;
        }
        let few = gathered(&shrink::fewest(&single, fails));
        let told = differ(&table(calls.sums(&few)), &table(run(&few))).unwrap_or_default();
        return failed(format!("in one accumulator, then {way}: {}", text::parts(&few, inputs)), told, PARTS);
    }
    passed(format!("{} rows cut in {count_of_ways} ways", count(rows)))
}

fn removal(calls: &Calls<'_>, rows: &[InputRows]) -> Result<Verdict> {
    let half =
        |part: &InputRows, from: usize, rows: usize| InputRows { input: part.input, rows: part.rows.slice(from, rows) };
    let middle = |part: &InputRows| part.rows.num_rows() / 2;
    let gone: Vec<_> = rows.iter().map(|part| half(part, 0, middle(part))).collect();
    let rest: Vec<_> = rows.iter().map(|part| half(part, middle(part), part.rows.num_rows() - middle(part))).collect();
    let mut left = calls.sums(rows)?;
    left.add_all(&calls.sums(&gone)?, Sign::Minus);
    let told = differ(&calls.whole(&rest), &calls.table(&left));
    Ok(match told {
        None => passed(format!("{} of {} rows taken away", count(&gone), count(rows))),
        Some(told) => failed(format!("{} rows, less {} of them", count(rows), count(&gone)), told, REMOVAL),
    })
}

fn folds(calls: &Calls<'_>, rows: &[InputRows]) -> Result<Verdict> {
    let mut sums = calls.sums(rows)?;
    for stage in 0..calls.plugin.spec().stages.len() - 1 {
        let shown =
            |how: &str| format!("{} of stage {stage}: all groups together, then {how}", text::counted(sums.len()));
        let (mut new, mut taken) = (calls.open()?, calls.taken(rows)?);
        let together = calls.folded(&mut new, stage, &sums, GROUP_ROWS)?;
        let first = together.batch();
        let others = [
            ("each alone", calls.folded(&mut new, stage, &sums, 1)?),
            ("by an accumulator that took in rows", calls.folded(&mut taken, stage, &sums, GROUP_ROWS)?),
        ];
        for (how, other) in others {
            if let Some(told) = differ(&first, &other.batch()) {
                return Ok(failed(shown(how), told, FOLD));
            }
        }
        sums = together;
    }
    Ok(passed("together, alone, and by one that took in rows"))
}
