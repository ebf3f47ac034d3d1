//! Series of calls of one accumulator: rows taken in, states, folds and tables, in any order.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;

use super::{LARGE, Rounds, SIZES, again, fewest, picks, share};
use crate::kpi::{Calls, EVALUATE, FOLD, FORM, GROUP_ROWS, PARTS, TAKES_ANY, differ, kept};
use crate::report::{Verdict, failed, passed};
use crate::rows::Dice;
use crate::{Given, text, values};
use smelt_common::error::{Error, Result};
use smelt_runtime::Accumulator;
use smelt_runtime::sums::{Sign, Sums};

/// The number of the component's words that one seed sends.
const WORDS: usize = 500;
/// The number of calls in the long accumulator.
const LONG: usize = 300;
/// So few rows come again and again in a long series.
const FEW: usize = 6;
/// The calls of the last series shown.
const SHOWN: usize = 6;
/// The most groups of a stage that a series folds, each of them alone too.
const GROUPS: usize = 150;

/// A call; with it go numbers of rows, or of groups.
#[derive(Clone, Copy, PartialEq)]
enum Call {
    /// Rows of that input are taken in.
    Update(usize),
    /// Asks for the sums that the accumulator has added.
    State,
    /// Groups of that stage are folded.
    Fold(usize),
    /// Rows of the last stage are made a table.
    Evaluate,
}

type Series = Vec<(Call, Vec<u32>)>;

/// A series that went wrong at its last call.
struct Wrong {
    series: Series,
    told: String,
    contract: &'static str,
}

/// The results that calls must give, as far as they are known.
struct Known<'k> {
    calls: Calls<'k>,
    /// Of each input.
    rows: Vec<RecordBatch>,
    /// The sums that each row adds, by input and row.
    added: RefCell<HashMap<(usize, u32), Rc<Sums>>>,
    /// Groups of each stage: keys, and rows as they are kept.
    groups: Vec<Vec<(Vec<u8>, Vec<u8>)>>,
    /// The sums that each group folds to, by stage and group.
    folded: RefCell<HashMap<(usize, u32), Rc<Sums>>>,
}

/// Checks that a long series of calls gives the results that its rows and groups give alone.
pub(crate) fn check(calls: &Calls<'_>, given: &Given<Vec<RecordBatch>>, rounds: &Rounds) -> Verdict {
    let (mut made, mut seeds) = (0, 0);
    let words = match calls.open().and_then(|mut accumulator| accumulator.state().map(|_| accumulator.cost())) {
        Ok(used) => share(WORDS, used),
        Err(error) => return failed("no rows", error.to_string(), TAKES_ANY),
    };
    for seed in rounds.seeds() {
        let mut dice = Dice::seeded(seed);
        // With values at their limits a sum may be too large, by right: errors tell nothing then.
        let limits = seed % 3 == 2;
        let sought = given.words(seed, words, &mut dice);
        let rows = values::pool(calls.plugin.spec(), given, &sought, limits, &mut dice);
        let known =
            Known { calls: *calls, rows, added: RefCell::default(), groups: vec![], folded: RefCell::default() };
        match round(known, limits, sought.len(), &mut dice, seeds == 0, rounds) {
            Ok(calls) => made += calls,
            Err((sent, came_back, contract)) => {
                return failed(format!("{sent}\n{}", again(seed)), came_back, contract);
            }
        }
        seeds += 1;
    }
    passed(format!("{made} calls, {seeds} seeds; {} words and numbers of the component", given.count()))
}

/// The input that was sent, the output that came back, and the sentence of the contract.
type Told = (String, String, &'static str);

/// Makes all series of a seed, and returns how many calls these were.
fn round(
    mut known: Known<'_>,
    limits: bool,
    words: usize,
    dice: &mut Dice,
    first: bool,
    rounds: &Rounds,
) -> Result<usize, Told> {
    let counts: Vec<_> = known.rows.iter().map(RecordBatch::num_rows).collect();
    let one = |dice: &mut Dice| {
        let input = dice.below(counts.len() as u64) as usize;
        // Of the words, which come last, there are many, and few of them mean something.
        let words = if dice.percent(80) { words } else { 0 };
        (input, dice.below((counts[input] - words) as u64) as u32)
    };
    let made = Cell::new(0);
    // Each row alone.
    for (input, &count) in counts.iter().enumerate() {
        for row in 0..count as u32 {
            made.set(made.get() + 1);
            let Err(error) = known.added(input, row) else { continue };
            let alone = [(Call::Update(input), vec![row]), (Call::State, vec![])];
            if !limits {
                let calls = if known.run(&alone[..1], true).is_some() { 1 } else { 2 };
                let series = alone[..calls].to_vec();
                return Err(told(&known, Wrong { series, told: error.to_string(), contract: contract(&error) }));
            }
            // Such rows are left out.
            known.added.borrow_mut().insert((input, row), Rc::new(known.none()));
        }
    }
    if let Err(error) = known.find_groups(dice) {
        let unlucky = Wrong { series: vec![], told: error.to_string(), contract: contract(&error) };
        return if limits { Ok(made.get()) } else { Err(told(&known, unlucky)) };
    }
    let run = |series: &[(Call, Vec<u32>)]| match known.run(series, false) {
        Some(wrong) if !limits || ![TAKES_ANY, FORM].contains(&wrong.contract) => Err(told(&known, wrong)),
        _ => {
            made.set(made.get() + series.len());
            Ok(())
        }
    };
    let stages = known.groups.len();
    let asks = |dice: &mut Dice, most: usize| -> (Call, Vec<u32>) {
        let stage = dice.below(stages as u64) as usize;
        let of = picks(known.groups[stage].len(), dice.below(most as u64 + 1) as usize, dice);
        match dice.percent(40) {
            true => (Call::State, vec![]),
            false if stage + 1 == stages => (Call::Evaluate, of),
            false => (Call::Fold(stage), of),
        }
    };
    // All rows twice, in two orders; then many of which each comes some times.
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
    for (stage, groups) in known.groups.iter().enumerate() {
        let all = (0..groups.len() as u32).collect();
        many.push((if stage + 1 == stages { Call::Evaluate } else { Call::Fold(stage) }, all));
    }
    run(&many)?;
    if rounds.are_over() {
        return Ok(made.get());
    }
    // Few rows over and over, asked for what they come to all the time.
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
    // Every cut of few rows of an input, in one accumulator and in two.
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

fn contract(error: &Error) -> &'static str {
    if error.broken().is_some() { FORM } else { TAKES_ANY }
}

impl<'k> Known<'k> {
    fn none(&self) -> Sums {
        Sums::new(&self.calls.plugin.spec().stages[0])
    }

    fn taken(&self, input: usize, rows: &[u32]) -> RecordBatch {
        take_record_batch(&self.rows[input], &UInt32Array::from(rows.to_vec())).expect("the rows are there")
    }

    fn update(&self, accumulator: &mut Accumulator<'_>, input: usize, rows: &[u32]) -> Result<()> {
        accumulator.update(&self.calls.plugin.spec().inputs[input].name, &self.taken(input, rows))
    }

    /// Returns the sums that a row adds alone.
    fn added(&self, input: usize, row: u32) -> Result<Rc<Sums>> {
        if let Some(known) = self.added.borrow().get(&(input, row)) {
            return Ok(Rc::clone(known));
        }
        let mut accumulator = self.calls.open()?;
        self.update(&mut accumulator, input, &[row])?;
        let added = Rc::new(self.calls.added(0, [accumulator.state()])?);
        self.added.borrow_mut().insert((input, row), Rc::clone(&added));
        Ok(added)
    }

    /// Groups that come of all rows, of each stage; in the last one a row is a group.
    fn find_groups(&mut self, dice: &mut Dice) -> Result<()> {
        let mut sums = self.none();
        for (&(_, row), added) in self.added.borrow().iter() {
            // Not each as often as any other; that the map has no order does not matter to a sum.
            (0..=row % 2).for_each(|_| sums.add_all(added, Sign::Plus));
        }
        for stage in 0..self.calls.plugin.spec().stages.len() {
            if stage > 0 {
                let all: Vec<_> = (0..self.groups[stage - 1].len() as u32).collect();
                let former = self.group(stage - 1, &all)?;
                sums = self.calls.folded(&mut self.calls.open()?, stage - 1, &former, GROUP_ROWS)?;
            }
            let mut all = kept(&sums, usize::MAX);
            while all.len() > GROUPS {
                all.swap_remove(dice.below(all.len() as u64) as usize);
            }
            all.sort();
            self.groups.push(all);
        }
        Ok(())
    }

    /// The rows of these groups, each of them once.
    fn group(&self, stage: usize, groups: &[u32]) -> Result<Sums> {
        let mut sums = Sums::new(&self.calls.plugin.spec().stages[stage]);
        let mut once = groups.to_vec();
        once.sort_unstable();
        once.dedup();
        for group in once {
            let (key, rows) = &self.groups[stage][group as usize];
            sums.load(key, rows, Sign::Plus)?;
        }
        Ok(sums)
    }

    /// Returns the sums that a group folds to alone.
    fn folded(&self, stage: usize, group: u32) -> Result<Rc<Sums>> {
        if let Some(known) = self.folded.borrow().get(&(stage, group)) {
            return Ok(Rc::clone(known));
        }
        let sums = self.group(stage, &[group])?;
        let folded = Rc::new(self.calls.folded(&mut self.calls.open()?, stage, &sums, GROUP_ROWS)?);
        self.folded.borrow_mut().insert((stage, group), Rc::clone(&folded));
        Ok(folded)
    }

    /// Makes the calls; at which of them, or with `last` only whether at the last of them, something else came than must.
    fn run(&self, series: &[(Call, Vec<u32>)], last: bool) -> Option<Wrong> {
        let wrong = |calls: usize, told: String, contract| Wrong { series: series[..calls].to_vec(), told, contract };
        let mut accumulator = match self.calls.open() {
            Ok(accumulator) => accumulator,
            Err(error) => return Some(wrong(0, error.to_string(), TAKES_ANY)),
        };
        let mut expected = self.none();
        for (at, (call, picks)) in (1..).zip(series) {
            let looks = !last || at == series.len();
            match self.call(&mut accumulator, *call, picks, &mut expected, looks) {
                Ok(None) => {}
                Ok(Some((told, contract))) => return Some(wrong(at, told, contract)),
                Err(error) if looks => return Some(wrong(at, error.to_string(), contract(&error))),
                Err(_) => return None,
            }
        }
        None
    }

    /// Makes a call; how what came differs from what must, if that is asked for.
    fn call(
        &self,
        accumulator: &mut Accumulator<'_>,
        call: Call,
        picks: &[u32],
        expected: &mut Sums,
        looks: bool,
    ) -> Result<Option<(String, &'static str)>> {
        let (must, came, contract) = match call {
            Call::Update(input) => {
                self.update(accumulator, input, picks)?;
                for &row in picks {
                    let added = self.added(input, row)?;
                    expected.add_all(&added, Sign::Plus);
                }
                return Ok(None);
            }
            Call::State => {
                let came = self.calls.added(0, [accumulator.state()])?;
                if !looks {
                    return Ok(None);
                }
                (expected.batch(), came.batch(), PARTS)
            }
            Call::Fold(stage) => {
                let came = self.calls.folded(accumulator, stage, &self.group(stage, picks)?, GROUP_ROWS)?;
                if !looks {
                    return Ok(None);
                }
                let mut must = came.like();
                let mut once = picks.to_vec();
                once.sort_unstable();
                once.dedup();
                for group in once {
                    let folded = self.folded(stage, group)?;
                    must.add_all(&folded, Sign::Plus);
                }
                (must.batch(), came.batch(), FOLD)
            }
            Call::Evaluate => {
                let sums = self.group(self.groups.len() - 1, picks)?.batch()?;
                let came = accumulator.evaluate(&sums)?;
                if !looks {
                    return Ok(None);
                }
                (self.calls.open()?.evaluate(&sums), Ok(came), EVALUATE)
            }
        };
        // A sum that its column cannot hold is an error whoever adds.
        if must.is_err() {
            return Ok(None);
        }
        Ok(differ(&must, &came).map(|told| (told, contract)))
    }

    fn shown(&self, series: &[(Call, Vec<u32>)]) -> String {
        let spec = self.calls.plugin.spec();
        let rows = |made: Result<RecordBatch>| made.map_or_else(|error| error.to_string(), |rows| text::rows(&rows));
        let skipped = series.len().saturating_sub(SHOWN);
        let mut sent = match series.len() {
            1 => "1 call of one accumulator".to_owned(),
            calls => format!("{calls} calls of one accumulator"),
        };
        if skipped > 0 {
            sent.push_str(&format!(", of which these are the last {SHOWN}"));
        }
        for (call, picks) in &series[skipped..] {
            sent.push_str(&match call {
                Call::Update(input) => {
                    format!(
                        "\n`update-batch` of {}: {}",
                        spec.inputs[*input].name,
                        text::rows(&self.taken(*input, picks))
                    )
                }
                Call::State => "\n`state`".to_owned(),
                Call::Fold(stage) => {
                    format!(
                        "\n`fold` of stage {stage}: {}",
                        rows(self.group(*stage, picks).and_then(|sums| sums.batch()))
                    )
                }
                Call::Evaluate => {
                    let last = self.groups.len() - 1;
                    format!("\n`evaluate` of {}", rows(self.group(last, picks).and_then(|sums| sums.batch())))
                }
            });
        }
        sent
    }
}

/// The series as few calls of few rows, whose last one gives something else than its rows or groups alone.
fn told(known: &Known<'_>, wrong: Wrong) -> Told {
    let Wrong { series, told, contract } = wrong;
    let few = fewest(&series, |series| known.run(series, true).is_some_and(|wrong| wrong.series.len() == series.len()));
    let (told, contract) = known.run(&few, true).map_or((told, contract), |wrong| (wrong.told, wrong.contract));
    (known.shown(&few), told, contract)
}
