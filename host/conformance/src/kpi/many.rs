//! Tests a KPI with very many rows: once each row has a key of its own, and once the rows share few keys.

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;

use super::calls::{Calls, GROUP_ROWS, differ};
use super::contract::{PARTS, TAKES_ANY};
use super::fed::{Fed, differ_fed};
use super::rows::numbered;
use crate::report::{Verdict, failed, passed};
use crate::rounds::{Rounds, again, share};
use crate::rows::{BATCH_ROWS, Dice, InputRows, cut};
use crate::{shrink, text};
use smelt_common::error::Result;
use smelt_runtime::sums::Sign;

/// The number of rows: more than a table with 16-bit indexes can hold.
const ROWS: usize = 70_000;
/// The number of keys that the rows share.
const KEYS: u64 = 11;
/// The number of rows for one accumulator, and of groups in one call.
const PART: usize = 997;

/// Tests that very many rows add the sums that they add in parts, and that their groups fold alike.
pub(super) fn test(calls: &Calls<'_>, inputs: &[&str], rounds: &Rounds) -> Verdict {
    let seed = rounds.seed;
    let count = match calls.open().and_then(|mut worker| worker.states().map(|_| worker.cost())) {
        Ok(used) => share(ROWS, used),
        Err(error) => return failed("no rows", error.to_string(), TAKES_ANY),
    };
    for keys in [KEYS, u64::MAX] {
        let mut dice = Dice::seeded(seed);
        let inputs_of = calls.plugin.spec().inputs.len().max(1);
        let rows = numbered(calls.plugin.spec(), count / inputs_of, keys, &mut dice);
        if let Some((few, told, contract)) = try_all(calls, &rows) {
            let parts: Vec<_> = few.into_iter().enumerate().map(|(input, rows)| InputRows { input, rows }).collect();
            let sent = format!("in one accumulator, then one for {PART} rows each: {}", text::parts(&parts, inputs));
            return failed(format!("{sent}\n{}", again(seed)), told, contract);
        }
    }
    passed(format!("{count} rows with {KEYS} keys, and with as many as rows"))
}

type Wrong = (Vec<RecordBatch>, String, &'static str);

fn try_all(calls: &Calls<'_>, rows: &[RecordBatch]) -> Option<Wrong> {
    let difference = |rows: &[RecordBatch]| differs(calls, rows);
    let (told, contract) = difference(rows)?;
    // Leaves rows out of one input after the other.
    let mut few = rows.to_vec();
    for input in 0..few.len() {
        let numbers: Vec<u32> = (0..few[input].num_rows() as u32).collect();
        let of = |numbers: &[u32]| {
            take_record_batch(&rows[input], &UInt32Array::from(numbers.to_vec())).expect("they are there")
        };
        let left = shrink::fewest(&numbers, |some| {
            let mut fewer = few.clone();
            fewer[input] = of(some);
            difference(&fewer).is_some()
        });
        few[input] = of(&left);
    }
    let (told, contract) = difference(&few).unwrap_or((told, contract));
    Some((few, told, contract))
}

fn differs(calls: &Calls<'_>, rows: &[RecordBatch]) -> Option<(String, &'static str)> {
    let (whole, parts) = match sums(calls, rows) {
        Ok(both) => both,
        Err(error) => return Some((error.to_string(), TAKES_ANY)),
    };
    let (first, then) = (whole.batches(), parts.batches());
    // A sum that its column cannot hold is an error by contract, whoever adds.
    if then.is_err() {
        return None;
    }
    if let Some(told) = differ_fed(&first, &then) {
        return Some((told, PARTS));
    }
    folds(calls, &whole).unwrap_or_else(|error| Some((error.to_string(), TAKES_ANY)))
}

/// Returns the sums of the rows together, and of the rows in parts.
fn sums(calls: &Calls<'_>, rows: &[RecordBatch]) -> Result<(Fed, Fed)> {
    let cut_at = |most: usize| -> Vec<InputRows> {
        let cuts = rows.iter().enumerate();
        cuts.flat_map(|(input, rows)| cut(rows, most).map(move |rows| InputRows { input, rows })).collect()
    };
    let whole = calls.sums(&cut_at(BATCH_ROWS))?;
    let states = cut_at(PART).iter().map(|part| calls.taken([part])?.states()).collect::<Vec<_>>();
    Ok((whole, calls.fed(states)?))
}

fn folds(calls: &Calls<'_>, fed: &Fed) -> Result<Option<(String, &'static str)>> {
    let mut sums = fed.of(0);
    for stage in 0..calls.stages.len() - 1 {
        let mut together = calls.folded(&mut calls.open()?, stage, &sums, GROUP_ROWS)?;
        let apart = calls.folded(&mut calls.open()?, stage, &sums, PART)?;
        if let Some(told) = differ(&together.batch(), &apart.batch()) {
            return Ok(Some((told, calls.contract().groups)));
        }
        together.add_all(&fed.0[stage + 1], Sign::Plus);
        sums = together;
    }
    calls.evaluated(&mut calls.open()?, &sums).map(|_| None)
}
