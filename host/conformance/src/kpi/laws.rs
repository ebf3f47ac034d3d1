//! Tests the laws of sums: rows add the same however they are cut, and can be subtracted again.

use super::batches::{count, gathered};
use super::calls::{Calls, GROUP_ROWS, differ, kept, load};
use super::contract::{CUTS, NO_ROWS, PARTS, REMOVAL, TAKES_ANY};
use super::evaluation::evaluates;
use super::fed::{Fed, differ_fed};
use super::worker::Worker;
use crate::report::{Report, Verdict, failed, passed};
use crate::rows::{InputRows, joined, single};
use crate::{shrink, text};
use arrow_array::RecordBatch;
use smelt_common::error::Result;
use smelt_runtime::sums::{Sign, Sums};

/// The most rows that get an accumulator each.
const ALONE: usize = 150;
/// The numbers of rows of the pieces into which groups are cut.
const PIECES: [usize; 4] = [1, 2, 3, 7];

/// Runs the tests of all laws.
pub(super) fn laws(report: &mut Report, calls: &Calls<'_>, rows: &[InputRows], inputs: &[&str]) {
    let shown = || text::parts(rows, inputs);
    let contract = calls.contract();
    // A state that says what came since the last one is judged by the state of no rows.
    let [first, then] = if calls.is_earlier() { ["state", "no rows"] } else { ["no rows", "state"] };
    for test in [first, then] {
        let needs = if test == first { "output" } else { first };
        report.test(test, &[needs], || if test == "state" { state(calls, rows, inputs) } else { no_rows(calls) });
    }
    report.test("splits", &[then], || splits(calls, rows, inputs));
    report.test("removal", &["splits"], || {
        removal(calls, rows).unwrap_or_else(|error| failed(shown(), error.to_string(), REMOVAL))
    });
    let mut needs = "splits";
    if (0..calls.stages.len()).any(|stage| has_groups(calls, stage)) {
        needs = contract.groups_test;
        report.test(needs, &["splits"], || {
            folds(calls, rows).unwrap_or_else(|error| failed(shown(), error.to_string(), contract.groups))
        });
    }
    if calls.is_map() {
        return;
    }
    report.test(contract.table_test, &[needs], || {
        evaluates(calls, rows).unwrap_or_else(|error| failed(shown(), error.to_string(), contract.table))
    });
    if !calls.is_earlier() {
        report.test("cuts", &[contract.table_test], || {
            cuts(calls, rows).unwrap_or_else(|error| failed(shown(), error.to_string(), CUTS))
        });
    }
}

/// Tests what `state` says when it is asked again.
fn state(calls: &Calls<'_>, rows: &[InputRows], inputs: &[&str]) -> Verdict {
    let mut worker = match calls.taken(rows) {
        Ok(worker) => worker,
        Err(error) => return failed(text::parts(rows, inputs), error.to_string(), TAKES_ANY),
    };
    let [first, again] = [(); 2].map(|()| calls.fed([worker.states()]));
    let (must, told) = match calls.is_earlier() {
        true => (sums(first), "asked twice"),
        // The rows of the first answer are forgotten, and what comes later adds what it would in a new accumulator.
        false => {
            if let Err(error) = first {
                return failed(text::parts(rows, inputs), error.to_string(), TAKES_ANY);
            }
            (sums(Ok(calls.none())), "asked twice, and again after more rows")
        }
    };
    if let Some(told) = differ_fed(&must, &sums(again)) {
        return failed(format!("{}; then `state` twice", text::parts(rows, inputs)), told, calls.contract().again);
    }
    if !calls.is_earlier() {
        let later = rows.iter().try_for_each(|part| worker.update(part.input, &part.rows));
        let later = later.and_then(|()| calls.fed([worker.states()]));
        if let Some(told) = differ_fed(&sums(calls.sums(rows)), &sums(later)) {
            return failed(
                format!("{}; then `state`, and the same again", text::parts(rows, inputs)),
                told,
                calls.contract().again,
            );
        }
    }
    passed(told)
}

fn no_rows(calls: &Calls<'_>) -> Verdict {
    match sums(calls.sums(&[])) {
        Ok(none) => match none.iter().find(|rows| rows.num_rows() > 0) {
            None => passed("add nothing"),
            Some(some) => failed("no rows", text::table(some), NO_ROWS),
        },
        Err(error) => failed("no rows", error.to_string(), TAKES_ANY),
    }
}

/// Returns the rows of each stage, if there are sums.
fn sums(made: Result<Fed>) -> Result<Vec<RecordBatch>> {
    made.and_then(|sums| sums.batches())
}

/// Returns whether the stage has groups that are reduced each for itself.
fn has_groups(calls: &Calls<'_>, stage: usize) -> bool {
    !calls.is_map() && !calls.is_one_group(stage)
}

fn splits(calls: &Calls<'_>, rows: &[InputRows], inputs: &[&str]) -> Verdict {
    let few = |rows: &[InputRows]| {
        let most = ALONE / rows.len().max(1);
        let first = |part: &InputRows| InputRows {
            input: part.input,
            rows: part.rows.slice(0, part.rows.num_rows().min(most)),
        };
        rows.iter().map(first).collect::<Vec<_>>()
    };
    let turned = |rows: &[InputRows]| single(rows).into_iter().rev().collect::<Vec<_>>();
    type Way<'w> = (&'static str, Vec<InputRows>, Box<dyn Fn(&[InputRows]) -> Result<Fed> + 'w>);
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
            differ_fed(&sums(calls.sums(&some)), &sums(run(&some))).is_some()
        };
        let single = single(&rows);
        if !fails(&single) {
            continue;
        }
        let few = gathered(&shrink::fewest(&single, fails));
        let told = differ_fed(&sums(calls.sums(&few)), &sums(run(&few))).unwrap_or_default();
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
    let stages = calls.stages(&mut calls.open()?, &calls.sums(rows)?)?;
    for (stage, sums) in stages.iter().enumerate().filter(|(stage, _)| has_groups(calls, *stage)) {
        let shown =
            |how: &str| format!("{} of stage {stage}: all groups together, then {how}", text::counted(sums.len()));
        let mut new = calls.open()?;
        let first = together(calls, stage, calls.reduced(&mut new, stage, sums, GROUP_ROWS, usize::MAX));
        let mut others =
            vec![("each alone", together(calls, stage, calls.reduced(&mut new, stage, sums, 1, usize::MAX)))];
        match calls.is_earlier() {
            true => {
                let folded = calls.reduced(&mut calls.taken(rows)?, stage, sums, GROUP_ROWS, usize::MAX);
                others.push(("by an accumulator that took in rows", together(calls, stage, folded)));
            }
            false => {
                let reduced = calls.reduced(&mut new, stage, sums, GROUP_ROWS, usize::MAX);
                others.push(("together again in the same reducer", together(calls, stage, reduced)));
                others.push(("every second group, and then the others", by_halves(calls, &mut new, stage, sums)));
            }
        }
        for (how, other) in others {
            if let Some(told) = differ(&first, &other) {
                return Ok(failed(shown(how), told, calls.contract().groups));
            }
        }
    }
    Ok(passed(match calls.is_earlier() {
        true => "together, alone, and by one that took in rows",
        false => "together, alone, together again, and by halves",
    }))
}

/// Returns what groups were reduced to, in an order that does not depend on theirs: as sums of the next stage, or as the
/// sorted table.
fn together(calls: &Calls<'_>, stage: usize, reduced: Result<RecordBatch>) -> Result<RecordBatch> {
    match stage + 1 < calls.stages.len() {
        true => calls.added(stage + 1, [reduced])?.batch(),
        false => reduced.map(|table| calls.in_order(&table)),
    }
}

/// Reduces every second group, and then the others.
fn by_halves(calls: &Calls<'_>, by: &mut Worker<'_>, stage: usize, sums: &Sums) -> Result<RecordBatch> {
    let mut halves = [sums.like(), sums.like()];
    for (number, part) in kept(sums, usize::MAX)?.iter().enumerate() {
        load(&mut halves[number % 2], part)?;
    }
    let reduced =
        halves.iter().map(|half| calls.reduced(by, stage, half, GROUP_ROWS, usize::MAX)).collect::<Result<Vec<_>>>()?;
    let joined = joined(calls.plugin.spec().reduced_schema(stage), &reduced);
    together(calls, stage, Ok(joined))
}

/// Tests that it makes no difference where the host cuts batches.
fn cuts(calls: &Calls<'_>, rows: &[InputRows]) -> Result<Verdict> {
    let stages = calls.stages(&mut calls.open()?, &calls.sums(rows)?)?;
    for (stage, sums) in stages.iter().enumerate() {
        let whole = calls.reduced(&mut calls.open()?, stage, sums, GROUP_ROWS, usize::MAX);
        let mut by = calls.open()?;
        for most in PIECES {
            let pieces = calls.reduced(&mut by, stage, sums, GROUP_ROWS, most);
            let [first, then] = [&whole, &pieces].map(|made| match stage + 1 < calls.stages.len() {
                true => calls.added(stage + 1, [made.clone()]).and_then(|sums| sums.batch()),
                // Rows of the table come in an order, so it must be the same too.
                false => made.clone(),
            });
            if let Some(told) = differ(&first, &then) {
                let sent = format!(
                    "{} of stage {stage}, in one batch, then in batches of {most}, with the same ends of groups",
                    text::counted(sums.len())
                );
                return Ok(failed(sent, told, CUTS));
            }
        }
    }
    Ok(passed(format!("in batches of {} rows", PIECES.map(|most| most.to_string()).join(", "))))
}
