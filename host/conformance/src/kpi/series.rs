//! Makes long series of calls on one accumulator, which takes in rows, and gives states, folds and tables in any order.

use std::cell::Cell;

use arrow_array::RecordBatch;

use super::calls::Calls;
use super::contract::TAKES_ANY;
use super::known::{Call, Known, Series, Wrong};
use super::rows;
use crate::report::{Verdict, failed, passed};
use crate::rounds::{LARGE, Rounds, SIZES, again, picks, share};
use crate::rows::Dice;
use crate::samples::Samples;
use crate::shrink::fewest_calls;

/// The number of the component's words that one seed sends.
const WORDS: usize = 500;
/// The number of calls in the longest series.
const LONG: usize = 300;
/// Each number of groups up to this one comes in a call, since a reducer may count them.
const SEVERAL: usize = 24;
/// The number of rows that come again and again in a long series.
const FEW: usize = 6;

/// Tests that a long series of calls gives the results that its rows and groups give alone.
pub(super) fn test(calls: &Calls<'_>, samples: &Samples<Vec<RecordBatch>>, rounds: &Rounds) -> Verdict {
    let (mut made, mut seeds) = (0, 0);
    let words = match calls.open().and_then(|mut worker| worker.states().map(|_| worker.cost())) {
        Ok(used) => share(WORDS, used),
        Err(error) => return failed("no rows", error.to_string(), TAKES_ANY),
    };
    for seed in rounds.seeds() {
        let mut dice = Dice::seeded(seed);
        // With values at their limits a plugin may rightly refuse a sum that is too large, so errors mean nothing.
        let limits = seed % 3 == 2;
        let sought = samples.words(seed, words, &mut dice);
        let rows = rows::pool(calls.plugin.spec(), samples, &sought, limits, &mut dice);
        let known = Known::new(*calls, rows);
        match round(known, limits, sought.len(), &mut dice, seeds == 0, rounds) {
            Ok(calls) => made += calls,
            Err((sent, came_back, contract)) => {
                return failed(format!("{sent}\n{}", again(seed)), came_back, contract);
            }
        }
        seeds += 1;
    }
    passed(format!("{made} calls, {seeds} seeds; {} words and numbers of the component", samples.count()))
}

/// The input that was sent, the output that came back, and the sentence of the contract.
type Told = (String, String, &'static str);

/// Makes all series of a seed. Returns the number of calls.
fn round(
    mut known: Known<'_>,
    limits: bool,
    words: usize,
    dice: &mut Dice,
    first: bool,
    rounds: &Rounds,
) -> Result<usize, Told> {
    let counts = known.counts();
    let one = |dice: &mut Dice| {
        let input = dice.below(counts.len() as u64) as usize;
        // The words come last. There are many, and few of them mean something.
        let words = if dice.percent(80) { words } else { 0 };
        (input, dice.below((counts[input] - words) as u64) as u32)
    };
    let made = Cell::new(0);
    // Each row is sent alone first.
    for (input, &count) in counts.iter().enumerate() {
        for row in 0..count as u32 {
            made.set(made.get() + 1);
            let Err(error) = known.added(input, row) else { continue };
            let alone = [(Call::Update(input), vec![row]), (Call::State, vec![])];
            if !limits {
                let calls = if known.run(&alone[..1], true).is_some() { 1 } else { 2 };
                let series = alone[..calls].to_vec();
                return Err(told(&known, Wrong { series, told: error.to_string(), contract: known.contract(&error) }));
            }
            known.leave_out(input, row);
        }
    }
    if let Err(error) = known.find_groups(dice) {
        let unlucky = Wrong { series: vec![], told: error.to_string(), contract: known.contract(&error) };
        return if limits { Ok(made.get()) } else { Err(told(&known, unlucky)) };
    }
    let run = |series: &[(Call, Vec<u32>)]| match known.run(series, false) {
        Some(wrong) if !limits || ![TAKES_ANY, known.form()].contains(&wrong.contract) => Err(told(&known, wrong)),
        _ => {
            made.set(made.get() + series.len());
            Ok(())
        }
    };
    let stages = known.groups.len();
    let asks = |dice: &mut Dice, most: usize| -> (Call, Vec<u32>) {
        if known.is_map() {
            return (Call::State, vec![]);
        }
        let stage = dice.below(stages as u64) as usize;
        let of = picks(known.groups[stage].len(), dice.below(most as u64 + 1) as usize, dice);
        match dice.percent(40) {
            true => (Call::State, vec![]),
            false if stage + 1 == stages => (Call::Evaluate, of),
            false => (Call::Fold(stage), of),
        }
    };
    // All rows come twice, in two orders. Then many rows come, some of them several times.
    let mut many: Series = Vec::new();
    for calls in [50, 61] {
        for (input, &count) in counts.iter().enumerate() {
            let mut order: Vec<u32> = (0..count as u32).collect();
            (1..count).rev().for_each(|at| order.swap(at, dice.below(at as u64 + 1) as usize));
            many.extend(order.chunks(calls).map(|rows| (Call::Update(input), rows.to_vec())));
        }
        many.push((Call::State, vec![]));
    }
    for _ in 0..50 {
        let (input, _) = one(dice);
        many.push((Call::Update(input), picks(counts[input], dice.pick(SIZES), dice)));
        if dice.percent(30) {
            many.push(asks(dice, 40));
        }
    }
    let (input, _) = one(dice);
    many.push((Call::Update(input), picks(counts[input], dice.pick(LARGE), dice)));
    many.push((Call::State, vec![]));
    for (stage, groups) in known.groups.iter().enumerate().filter(|_| !known.is_map()) {
        let call = || if stage + 1 == stages { Call::Evaluate } else { Call::Fold(stage) };
        for several in 1..=SEVERAL.min(groups.len()) {
            many.push((call(), picks(groups.len(), several, dice)));
        }
        many.push((call(), (0..groups.len() as u32).collect()));
    }
    run(&many)?;
    if rounds.are_over() {
        return Ok(made.get());
    }
    // Few rows come over and over, and the accumulator is asked for its sums all the time.
    for long in 0..12 {
        let few: Vec<_> = (0..FEW).map(|_| one(dice)).collect();
        let calls = if first && long == 0 { LONG } else { 30 };
        let mut series: Series = Vec::new();
        for _ in 0..calls {
            let (input, row) = few[dice.below(FEW as u64) as usize];
            let times = if dice.percent(70) { 1 } else { dice.below(4) as usize };
            series.push((Call::Update(input), vec![row; times]));
            if dice.percent(50) {
                series.push(asks(dice, 3));
            }
        }
        series.push((Call::State, vec![]));
        run(&series)?;
        if rounds.are_over() {
            return Ok(made.get());
        }
    }
    // A few rows of an input are cut at every place, in one accumulator and in another order.
    let (input, _) = one(dice);
    let few = picks(counts[input], 2 * FEW, dice);
    for cut in 0..=few.len() {
        let (left, right) = few.split_at(cut);
        let [left, right] = [left, right].map(|rows| (Call::Update(input), rows.to_vec()));
        run(&[left.clone(), (Call::State, vec![]), right.clone(), (Call::State, vec![])])?;
        run(&[right, left, (Call::State, vec![])])?;
    }
    Ok(made.get())
}

/// Reduces a series to few calls with few rows. Its last call still gives something else than its rows or groups alone.
fn told(known: &Known<'_>, wrong: Wrong) -> Told {
    let Wrong { series, told, contract } = wrong;
    let few =
        fewest_calls(&series, |series| known.run(series, true).is_some_and(|wrong| wrong.series.len() == series.len()));
    let (told, contract) = known.run(&few, true).map_or((told, contract), |wrong| (wrong.told, wrong.contract));
    (known.shown(&few), told, contract)
}
