//! Makes long series of batches in one session.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;

use super::contract::{ACCOUNT, FORM, ROW_ALONE, TAKES_ANY};
use super::fates::{Fates, fates};
use super::texts;
use crate::report::{Verdict, failed, passed};
use crate::rounds::{LARGE, Rounds, SIZES, again, picks, share};
use crate::rows::{BATCH_BYTES, BATCH_ROWS, Dice, joined};
use crate::samples::Samples;
use crate::shrink::fewest_calls;
use crate::text;
use smelt_common::cost::Cost;
use smelt_common::error::{Breach, Error, Result};
use smelt_runtime::{Cleaned, Cleaner, Session};

/// The number of the component's words that one seed sends.
const WORDS: usize = 1000;
/// The number of calls in the longest session.
const LONG: usize = 1200;
/// The number of rows that come again and again in a long series.
const FEW: usize = 6;
/// The number of calls that a failure shows, from the end of its series.
const SHOWN: usize = 6;

/// The outcome of each row when it is sent alone.
struct Alone {
    kept: RecordBatch,
    fates: Vec<Fate>,
    repaired: Vec<Vec<(u32, u32)>>,
}

enum Fate {
    /// The row is kept, as the row of that number of `kept`.
    Kept(u32),
    /// The row is rejected by the rule of that index.
    Rejected(u32),
}

/// A series whose last call gave a wrong result.
struct Wrong {
    calls: Vec<((), Vec<u32>)>,
    told: String,
}

fn taken(rows: &RecordBatch, picks: &[u32]) -> RecordBatch {
    take_record_batch(rows, &UInt32Array::from(picks.to_vec())).expect("the rows are there")
}

/// Tests that each row in a long series of calls has the outcome that it has alone.
pub(super) fn test<'p>(
    plugin: &Cleaner,
    open: &impl Fn() -> Result<Session<'p>>,
    samples: &Samples<Vec<texts::Cells>>,
    rounds: &Rounds,
) -> Verdict {
    let (mut calls, mut seeds) = (0, 0);
    let words = match first(open, plugin) {
        Ok(used) => share(WORDS, used),
        Err(error) => return failed("an empty batch", error.to_string(), TAKES_ANY),
    };
    for seed in rounds.seeds() {
        let mut dice = Dice::seeded(seed);
        let sought = samples.words(seed, words, &mut dice);
        let count = sought.len();
        let rows = texts::pool(plugin.spec(), sought, samples, &mut dice);
        let tried = round(open, &rows, count, &mut dice, seeds == 0, rounds);
        match tried {
            Ok(made) => calls += made,
            Err(wrong) => return told(open, &rows, wrong, seed),
        }
        seeds += 1;
    }
    passed(format!("{calls} calls, {seeds} seeds; {} words and numbers of the component", samples.count()))
}

/// Returns the memory and time that a session used for an empty batch.
fn first<'p>(open: &impl Fn() -> Result<Session<'p>>, plugin: &Cleaner) -> Result<Cost> {
    let mut session = open()?;
    session.clean(&texts::none(plugin.spec()))?;
    Ok(session.cost())
}

/// Sends the rows in all ways. Returns the number of calls.
fn round<'p>(
    open: &impl Fn() -> Result<Session<'p>>,
    rows: &RecordBatch,
    words: usize,
    dice: &mut Dice,
    first: bool,
    rounds: &Rounds,
) -> Result<usize, Wrong> {
    let count = rows.num_rows();
    let alone = alone(open, rows)?;
    let made = Cell::new(count);
    let series = |series: Vec<Vec<u32>>| {
        made.set(made.get() + series.len());
        send(open, rows, &alone, series)
    };
    // All rows come twice, in two orders, which shows whether the plugin remembers a row.
    let all = |calls: usize, dice: &mut Dice| -> Vec<Vec<u32>> {
        let mut order: Vec<u32> = (0..count as u32).collect();
        (1..count).rev().for_each(|at| order.swap(at, dice.below(at as u64 + 1) as usize));
        order.chunks(calls).map(<[u32]>::to_vec).collect()
    };
    series([all(50, dice), all(61, dice)].concat())?;
    if rounds.are_over() {
        return Ok(made.get());
    }
    // Many rows come, some of them several times.
    let mut many: Vec<_> = (0..100).map(|_| picks(count, dice.pick(SIZES), dice)).collect();
    for &large in LARGE {
        many.push(picks(count, if dice.percent(30) { large } else { 0 }, dice));
    }
    series(many)?;
    // Few rows come over and over, alone and with others.
    for long in 0..8 {
        // The words come last. There are many, and few of them mean something.
        let few = picks(if dice.percent(80) { count - words } else { count }, FEW, dice);
        let again = |dice: &mut Dice| -> Vec<u32> {
            let most = if dice.percent(50) { 1 } else { dice.below(5) as usize };
            picks(few.len(), most, dice).iter().map(|&at| few[at as usize]).collect()
        };
        let calls = if first && long == 0 { LONG } else { 40 };
        series((0..calls).map(|_| again(dice)).collect())?;
        if rounds.are_over() {
            return Ok(made.get());
        }
    }
    // A few rows are cut at every place.
    let few = picks(count, 2 * FEW, dice);
    for cut in 0..=few.len() {
        let (left, right) = few.split_at(cut);
        series(vec![left.to_vec(), right.to_vec()])?;
    }
    // A batch has as many rows as the host ever sends, and comes in two orders.
    if first {
        let bytes = rows.get_array_memory_size().div_ceil(count.max(1)).max(1);
        let most = BATCH_ROWS.min(BATCH_BYTES / bytes);
        let full = picks(count, most, dice);
        series(vec![full.iter().rev().copied().collect(), full])?;
    }
    Ok(made.get())
}

/// Returns the outcome of each row when the rows are sent one by one in one session.
fn alone<'p>(open: &impl Fn() -> Result<Session<'p>>, rows: &RecordBatch) -> Result<Alone, Wrong> {
    let wrong = |row: u32, error: Error| Wrong {
        calls: (0..=row).map(|row| ((), vec![row])).collect(),
        told: error.to_string(),
    };
    let mut session = open().map_err(|error| wrong(0, error))?;
    let (mut kept, mut count) = (Vec::new(), 0);
    let mut alone =
        Alone { kept: RecordBatch::new_empty(session.spec().output.clone()), fates: vec![], repaired: vec![] };
    for row in 0..rows.num_rows() as u32 {
        let cleaned = session.clean(&rows.slice(row as usize, 1)).map_err(|error| wrong(row, error))?;
        alone.fates.push(match cleaned.rejected.first() {
            Some(rejection) => Fate::Rejected(rejection.rule),
            None => Fate::Kept(count),
        });
        count += cleaned.kept.num_rows() as u32;
        alone.repaired.push(repairs(&cleaned));
        kept.push(cleaned.kept);
    }
    alone.kept = joined(&alone.kept.schema(), &kept);
    Ok(alone)
}

fn repairs(cleaned: &Cleaned) -> Vec<(u32, u32)> {
    cleaned.repaired.iter().map(|repair| (repair.rule, repair.rows)).collect()
}

/// Sends batches of these rows to one session, and compares each outcome with that of the row alone.
fn send<'p>(
    open: &impl Fn() -> Result<Session<'p>>,
    rows: &RecordBatch,
    alone: &Alone,
    series: Vec<Vec<u32>>,
) -> Result<(), Wrong> {
    let wrong = |calls: usize, told: String| Wrong {
        calls: series[..calls].iter().map(|rows| ((), rows.clone())).collect(),
        told,
    };
    let mut session = open().map_err(|error| wrong(0, error.to_string()))?;
    for (call, picks) in series.iter().enumerate() {
        match session.clean(&taken(rows, picks)) {
            Err(error) => return Err(wrong(call + 1, error.to_string())),
            Ok(cleaned) if !is_as_alone(alone, picks, &cleaned) => {
                return Err(wrong(call + 1, "rows had other outcomes than alone".to_owned()));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

fn is_as_alone(alone: &Alone, picks: &[u32], cleaned: &Cleaned) -> bool {
    let (mut kept, mut kept_rows, mut rejected) = (vec![], vec![], vec![]);
    let mut repaired = BTreeMap::<u32, u32>::new();
    for (row, &pick) in (0..).zip(picks) {
        match alone.fates[pick as usize] {
            Fate::Kept(at) => {
                kept.push(at);
                kept_rows.push(row);
            }
            Fate::Rejected(rule) => rejected.push((row, rule)),
        }
        for &(rule, rows) in &alone.repaired[pick as usize] {
            *repaired.entry(rule).or_default() += rows;
        }
    }
    let mut came = BTreeMap::<u32, u32>::new();
    repairs(cleaned).into_iter().for_each(|(rule, rows)| *came.entry(rule).or_default() += rows);
    repaired.retain(|_, rows| *rows > 0);
    came.retain(|_, rows| *rows > 0);
    kept_rows == cleaned.kept_rows
        && rejected.iter().copied().eq(cleaned.rejected.iter().map(|rejection| (rejection.row, rejection.rule)))
        && repaired == came
        && taken(&alone.kept, &kept) == cleaned.kept
}

/// Reduces a series to few calls with few rows. The outcome of its last call still differs from that of its rows alone.
fn told<'p>(open: &impl Fn() -> Result<Session<'p>>, rows: &RecordBatch, wrong: Wrong, seed: u64) -> Verdict {
    let first_fates = RefCell::new(HashMap::<u32, Result<Fates, String>>::new());
    let run = |session: &mut Session<'_>, picks: &[u32]| fates(session, std::iter::once(taken(rows, picks)));
    let alone = |pick: u32| {
        let mut first_fates = first_fates.borrow_mut();
        let made = || open().and_then(|mut session| run(&mut session, &[pick])).map_err(|error| error.to_string());
        first_fates.entry(pick).or_insert_with(made).clone()
    };
    // Returns how the last call differs from its rows alone, and the sentence of the contract that forbids it.
    let difference = |calls: &[((), Vec<u32>)]| -> Option<(String, &'static str)> {
        let (((), last), before) = calls.split_last()?;
        let mut session = open().ok()?;
        for ((), picks) in before {
            session.clean(&taken(rows, picks)).ok()?;
        }
        let came = match run(&mut session, last) {
            Ok(came) => came,
            Err(error) => {
                let contract = match error.broken() {
                    Some(Breach::Form) => FORM,
                    Some(Breach::Account) => ACCOUNT,
                    None => TAKES_ANY,
                };
                return Some((error.to_string(), contract));
            }
        };
        let mut expected = Fates::default();
        for &pick in last {
            expected.append(alone(pick).ok()?);
        }
        let (row, told) = expected.difference(&came)?;
        let row = row.map(|row| format!("row {row} of the last call; alone, then there:\n")).unwrap_or_default();
        Some((format!("{row}{told}"), ROW_ALONE))
    };
    let Wrong { mut calls, told } = wrong;
    if difference(&calls).is_none() {
        // The outcome was different when rows were sent one by one in one session.
        let mut rows: Vec<u32> = calls.last().map(|(_, rows)| rows.clone()).unwrap_or_default();
        rows.sort_unstable();
        rows.dedup();
        let before = |row: u32| (0..=row).map(|row| ((), vec![row])).collect::<Vec<_>>();
        calls = rows.into_iter().map(before).find(|calls| difference(calls).is_some()).unwrap_or(calls);
    }
    let few = fewest_calls(&calls, |calls| difference(calls).is_some());
    let (came_back, contract) = difference(&few).unwrap_or((told, ROW_ALONE));
    let skipped = few.len().saturating_sub(SHOWN);
    let mut sent =
        format!("{} of one session", if few.len() == 1 { "1 call".to_owned() } else { format!("{} calls", few.len()) });
    if skipped > 0 {
        sent.push_str(&format!(", of which these are the last {SHOWN}"));
    }
    for ((), picks) in &few[skipped..] {
        sent.push_str(&format!("\n`clean` of {}", text::rows(&taken(rows, picks))));
    }
    failed(format!("{sent}\n{}", again(seed)), came_back, contract)
}
