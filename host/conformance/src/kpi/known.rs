//! Knows the result that each call of a KPI must give, from each row and each group sent alone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;

use super::calls::{Calls, GROUP_ROWS, Part, differ, kept, load};
use super::contract::{PARTS, TAKES_ANY};
use super::fed::{Fed, differ_fed};
use super::worker::Worker;
use crate::rows::Dice;
use crate::text;
use smelt_common::error::{Error, Result};
use smelt_runtime::sums::{Sign, Sums};

/// The number of calls that a failure shows, from the end of its series.
const SHOWN: usize = 6;
/// The most groups of a stage that a series folds, each of them alone too.
const GROUPS: usize = 150;
/// The number of groups that a series sends of a stage whose rows are one group, besides that of all rows.
const VARIANTS: u32 = 8;

/// A call. The numbers of rows or groups that are sent with it stand beside it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Call {
    /// Takes in rows of that input.
    Update(usize),
    /// Asks for the sums of all rows that were taken in, or, since 0.3.0, of those since the last call.
    State,
    /// Reduces groups of that stage, which is not the last.
    Fold(usize),
    /// Makes a table from rows of the last stage.
    Evaluate,
}

/// Calls, each with its rows or groups.
pub(super) type Series = Vec<(Call, Vec<u32>)>;

/// A group: the keys of its parts, and their rows as the catalog keeps them.
type Group = Vec<Part>;

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
    added: RefCell<HashMap<(usize, u32), Rc<Fed>>>,
    /// The groups of each stage that series send: the parts of each, and their rows as the catalog keeps them. Where all
    /// rows are one group, there are several groups that it could be; before 0.3.0, each row counts as one.
    pub(super) groups: Vec<Vec<Group>>,
    /// The sums that a group folds to, by stage and group.
    folded: RefCell<HashMap<(usize, u32), Rc<Sums>>>,
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

    /// Returns the sentence of the contract that an error breaks.
    pub(super) fn contract(&self, error: &Error) -> &'static str {
        if error.broken().is_some() { self.form() } else { TAKES_ANY }
    }

    /// Returns the sentence of the contract about the output.
    pub(super) fn form(&self) -> &'static str {
        self.calls.contract().form
    }

    /// Returns whether the KPI has no stage, and so no groups.
    pub(super) fn is_map(&self) -> bool {
        self.calls.is_map()
    }

    fn none(&self) -> Fed {
        self.calls.none()
    }

    fn taken(&self, input: usize, rows: &[u32]) -> RecordBatch {
        take_record_batch(&self.rows[input], &UInt32Array::from(rows.to_vec())).expect("the rows are there")
    }

    fn update(&self, worker: &mut Worker<'_>, input: usize, rows: &[u32]) -> Result<()> {
        worker.update(input, &self.taken(input, rows))
    }

    /// Returns the sums that a row adds alone.
    pub(super) fn added(&self, input: usize, row: u32) -> Result<Rc<Fed>> {
        if let Some(known) = self.added.borrow().get(&(input, row)) {
            return Ok(Rc::clone(known));
        }
        let mut worker = self.calls.open()?;
        self.update(&mut worker, input, &[row])?;
        let added = Rc::new(self.calls.fed([worker.states()])?);
        self.added.borrow_mut().insert((input, row), Rc::clone(&added));
        Ok(added)
    }

    /// Finds the groups of each stage that all rows lead to, and for a stage of one group also those that fewer rows lead
    /// to.
    pub(super) fn find_groups(&mut self, dice: &mut Dice) -> Result<()> {
        let fed = self.fed_by(|_| true);
        for stage in 0..self.calls.stages.len() {
            let mut sums = fed.of(stage);
            if stage > 0 {
                let all: Vec<_> = (0..self.groups[stage - 1].len() as u32).collect();
                let previous = self.group(stage - 1, &all)?;
                let folded = self.calls.folded(&mut self.calls.open()?, stage - 1, &previous, GROUP_ROWS)?;
                sums.add_all(&folded, Sign::Plus);
            }
            let parts = kept(&sums, usize::MAX)?;
            let mut all: Vec<Group> = match self.is_whole(stage) {
                true => vec![parts],
                false => parts.into_iter().map(|part| vec![part]).collect(),
            };
            while all.len() > GROUPS {
                all.swap_remove(dice.below(all.len() as u64) as usize);
            }
            all.sort();
            self.groups.push(all);
        }
        let whole: Vec<_> = (0..self.calls.stages.len()).filter(|&stage| self.is_whole(stage)).collect();
        for variant in 0..if whole.is_empty() { 0 } else { VARIANTS } {
            let fed = self.fed_by(|row| variant > 0 && row % VARIANTS < variant);
            // A sum that its column cannot hold is an error by contract, so such rows are no group.
            let Ok(stages) = self.calls.stages(&mut self.calls.open()?, &fed) else { continue };
            for &stage in &whole {
                self.groups[stage].push(kept(&stages[stage], usize::MAX)?);
            }
        }
        Ok(())
    }

    /// Returns the sums that some of the rows add.
    fn fed_by(&self, wanted: impl Fn(u32) -> bool) -> Fed {
        let mut fed = self.none();
        for (&(_, row), added) in self.added.borrow().iter().filter(|((_, row), _)| wanted(*row)) {
            // Some rows count twice, so that sums differ. The map has no order, which does not matter to sums.
            (0..=row % 2).for_each(|_| fed.add_all(added, Sign::Plus));
        }
        fed
    }

    /// Returns whether series send one group of the stage in a call.
    fn is_whole(&self, stage: usize) -> bool {
        !self.calls.is_earlier() && self.calls.is_one_group(stage)
    }

    /// Returns the rows of these groups, each of them once. Where all rows are one group, returns those of the first.
    fn group(&self, stage: usize, groups: &[u32]) -> Result<Sums> {
        let mut sums = Sums::new(&self.calls.stages[stage]);
        let mut once = groups.to_vec();
        if self.is_whole(stage) {
            once.truncate(1);
        }
        once.sort_unstable();
        once.dedup();
        for part in once.iter().flat_map(|&group| &self.groups[stage][group as usize]) {
            load(&mut sums, part)?;
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
        let mut worker = match self.calls.open() {
            Ok(worker) => worker,
            Err(error) => return Some(wrong(0, error.to_string(), TAKES_ANY)),
        };
        let mut expected = self.none();
        for (at, (call, picks)) in (1..).zip(series) {
            let looks = !last || at == series.len();
            match self.call(&mut worker, *call, picks, &mut expected, looks) {
                Ok(None) => {}
                Ok(Some((told, contract))) => return Some(wrong(at, told, contract)),
                Err(error) if looks => return Some(wrong(at, error.to_string(), self.contract(&error))),
                Err(_) => return None,
            }
        }
        None
    }

    /// Makes a call. If `looks`, returns how its result differs from the one that it must give.
    fn call(
        &self,
        worker: &mut Worker<'_>,
        call: Call,
        picks: &[u32],
        expected: &mut Fed,
        looks: bool,
    ) -> Result<Option<(String, &'static str)>> {
        let calls = &self.calls;
        let (must, came, contract) = match call {
            Call::Update(input) => {
                self.update(worker, input, picks)?;
                for &row in picks {
                    let added = self.added(input, row)?;
                    expected.add_all(&added, Sign::Plus);
                }
                return Ok(None);
            }
            Call::State => {
                let came = calls.fed([worker.states()])?;
                let must = expected.batches();
                if !calls.is_earlier() {
                    *expected = self.none();
                }
                // A sum that its column cannot hold is an error by contract, whoever adds.
                if !looks || must.is_err() {
                    return Ok(None);
                }
                return Ok(differ_fed(&must, &came.batches()).map(|told| (told, PARTS)));
            }
            // The rows that one group gives are compared with those that it gives in a new reducer, as a table is.
            Call::Fold(stage) if calls.is_one_group(stage) => {
                let sums = self.group(stage, picks)?;
                let came = calls.folded(worker, stage, &sums, GROUP_ROWS)?;
                if !looks {
                    return Ok(None);
                }
                let must = calls.folded(&mut calls.open()?, stage, &sums, GROUP_ROWS)?;
                (must.batch(), came.batch(), calls.contract().table)
            }
            Call::Fold(stage) => {
                let came = calls.folded(worker, stage, &self.group(stage, picks)?, GROUP_ROWS)?;
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
                (must.batch(), came.batch(), calls.contract().groups)
            }
            Call::Evaluate => {
                let sums = self.group(self.groups.len() - 1, picks)?;
                let came = calls.evaluated(worker, &sums)?;
                if !looks {
                    return Ok(None);
                }
                (calls.evaluated(&mut calls.open()?, &sums), Ok(came), calls.contract().table)
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
        let of = if self.calls.is_earlier() {
            "one accumulator"
        } else {
            "one accumulator an input and one reducer a stage"
        };
        let mut sent = match series.len() {
            1 => format!("1 call of {of}"),
            calls => format!("{calls} calls of {of}"),
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
                    let call = if self.calls.is_earlier() { "fold" } else { "reduce" };
                    format!(
                        "\n`{call}` of stage {stage}: {}",
                        rows(self.group(*stage, picks).and_then(|sums| sums.batch()))
                    )
                }
                Call::Evaluate => {
                    let last = self.groups.len() - 1;
                    let call = if self.calls.is_earlier() { "evaluate" } else { "reduce" };
                    format!("\n`{call}` of {}", rows(self.group(last, picks).and_then(|sums| sums.batch())))
                }
            });
        }
        sent
    }
}
