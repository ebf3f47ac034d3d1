//! Knows the result that each call of an accumulator must give, from each row and each group sent alone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;

use super::calls::{Calls, GROUP_ROWS, differ, kept};
use super::contract::{EVALUATE, FOLD, FORM, PARTS, TAKES_ANY};
use crate::rows::Dice;
use crate::text;
use smelt_common::error::{Error, Result};
use smelt_runtime::Accumulator;
use smelt_runtime::sums::{Sign, Sums};

/// The number of calls that a failure shows, from the end of its series.
const SHOWN: usize = 6;
/// The most groups of a stage that a series folds, each of them alone too.
const GROUPS: usize = 150;

/// A call. The numbers of rows or groups that are sent with it stand beside it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Call {
    /// Takes in rows of that input.
    Update(usize),
    /// Asks for the sums of all rows that were taken in.
    State,
    /// Folds groups of that stage.
    Fold(usize),
    /// Makes a table from rows of the last stage.
    Evaluate,
}

/// Calls, each with its rows or groups.
pub(super) type Series = Vec<(Call, Vec<u32>)>;

/// A series whose last call gave a wrong result.
pub(super) struct Wrong {
    pub(super) series: Series,
    pub(super) told: String,
    pub(super) contract: &'static str,
}

/// The results that calls must give, as far as they are known.
pub(super) struct Known<'k> {
    calls: Calls<'k>,
    /// The rows of each input.
    rows: Vec<RecordBatch>,
    /// The sums that a row adds, by input and row.
    added: RefCell<HashMap<(usize, u32), Rc<Sums>>>,
    /// The groups of each stage: their keys, and their rows as the catalog keeps them.
    pub(super) groups: Vec<Vec<(Vec<u8>, Vec<u8>)>>,
    /// The sums that a group folds to, by stage and group.
    folded: RefCell<HashMap<(usize, u32), Rc<Sums>>>,
}

/// Returns the sentence of the contract that an error breaks.
pub(super) fn contract(error: &Error) -> &'static str {
    if error.broken().is_some() { FORM } else { TAKES_ANY }
}

impl<'k> Known<'k> {
    /// Knows nothing yet.
    pub(super) fn new(calls: Calls<'k>, rows: Vec<RecordBatch>) -> Self {
        Self { calls, rows, added: RefCell::default(), groups: vec![], folded: RefCell::default() }
    }

    /// Counts a row as adding nothing, because the plugin rightly refuses its sums.
    pub(super) fn leave_out(&self, input: usize, row: u32) {
        self.added.borrow_mut().insert((input, row), Rc::new(self.none()));
    }

    /// Returns the number of rows of each input.
    pub(super) fn counts(&self) -> Vec<usize> {
        self.rows.iter().map(RecordBatch::num_rows).collect()
    }

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
    pub(super) fn added(&self, input: usize, row: u32) -> Result<Rc<Sums>> {
        if let Some(known) = self.added.borrow().get(&(input, row)) {
            return Ok(Rc::clone(known));
        }
        let mut accumulator = self.calls.open()?;
        self.update(&mut accumulator, input, &[row])?;
        let added = Rc::new(self.calls.added(0, [accumulator.state()])?);
        self.added.borrow_mut().insert((input, row), Rc::clone(&added));
        Ok(added)
    }

    /// Finds the groups of each stage that all rows lead to. In the last stage each row is a group.
    pub(super) fn find_groups(&mut self, dice: &mut Dice) -> Result<()> {
        let mut sums = self.none();
        for (&(_, row), added) in self.added.borrow().iter() {
            // Some rows count twice, so that sums differ. The map has no order, which does not matter to sums.
            (0..=row % 2).for_each(|_| sums.add_all(added, Sign::Plus));
        }
        for stage in 0..self.calls.plugin.spec().stages.len() {
            if stage > 0 {
                let all: Vec<_> = (0..self.groups[stage - 1].len() as u32).collect();
                let previous = self.group(stage - 1, &all)?;
                sums = self.calls.folded(&mut self.calls.open()?, stage - 1, &previous, GROUP_ROWS)?;
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

    /// Returns the rows of these groups, each of them once.
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

    /// Makes the calls. Returns the series up to the first call with a wrong result. With `last`, judges only the last
    /// call.
    pub(super) fn run(&self, series: &[(Call, Vec<u32>)], last: bool) -> Option<Wrong> {
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

    /// Makes a call. If `looks`, returns how its result differs from the one that it must give.
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
        // A sum that its column cannot hold is an error by contract, whoever adds.
        if must.is_err() {
            return Ok(None);
        }
        Ok(differ(&must, &came).map(|told| (told, contract)))
    }

    /// Returns the last calls of a series as text.
    pub(super) fn shown(&self, series: &[(Call, Vec<u32>)]) -> String {
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
