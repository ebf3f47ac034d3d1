//! Tests what a reducer saves in the middle of a group: another one goes on from there, and equal memories have equal bytes.

use arrow_array::RecordBatch;

use super::calls::{Calls, differ};
use super::contract::SAVED;
use super::rows;
use crate::report::{Verdict, failed, passed};
use crate::rounds::{Rounds, again, share};
use crate::rows::{Dice, InputRows};
use crate::samples::Samples;
use crate::text;
use smelt_common::error::Result;
use smelt_runtime::Reducer;
use smelt_runtime::sums::Sums;

#[cfg(test)]
mod tests;

/// The most rows of the stages of one seed after which a reducer saves.
const PLACES: usize = 300;
/// The most of them in one group.
const OF_GROUP: usize = 150;
/// A group of fewer rows counts as one of so many: there may be very many, and they show little.
const SHORT: usize = 10;
/// The number of the component's words that one seed sends.
const WORDS: usize = 100;

/// Tests that groups give the same if another reducer goes on in the middle of them.
pub(super) fn test(
    calls: &Calls<'_>,
    lawful: &[InputRows],
    samples: &Samples<Vec<RecordBatch>>,
    rounds: &Rounds,
) -> Verdict {
    let (mut all, mut seeds) = (Tally::default(), 0);
    let lawful_only = resumed(calls, lawful, &mut Dice::new(), &mut all);
    match lawful_only {
        Err(error) => return failed(text::counted(super::batches::count(lawful)), error.to_string(), SAVED),
        Ok(Some(Told { sent, came_back })) => return failed(sent, came_back, SAVED),
        Ok(None) if all.places == 0 => return passed("it saves nothing"),
        Ok(None) => {}
    }
    for seed in rounds.seeds() {
        let mut dice = Dice::seeded(seed);
        let words = samples.words(seed, WORDS, &mut dice);
        let pool = rows::pool(calls.plugin.spec(), samples, &words, false, &mut dice);
        let shaped = (0..2).map(|_| rows::shaped(calls.plugin.spec(), samples, &mut dice)).collect::<Vec<_>>();
        for rows in std::iter::once(pool).chain(shaped) {
            let rows: Vec<_> = (0..).zip(rows).map(|(input, rows)| InputRows { input, rows }).collect();
            // A plugin may rightly refuse some of these rows, so errors of an uninterrupted reducer mean nothing.
            if let Ok(Some(Told { sent, came_back })) = resumed(calls, &rows, &mut dice, &mut all) {
                return failed(format!("{sent}\n{}", again(seed)), came_back, SAVED);
            }
        }
        seeds += 1;
    }
    let Tally { places, groups } = all;
    passed(format!("after {places} rows of {groups} groups, {seeds} seeds"))
}

/// The numbers of groups, and of rows in them, after which another reducer went on.
#[derive(Default)]
struct Tally {
    groups: usize,
    places: usize,
}

/// The input that was sent, and the output that came back.
struct Told {
    sent: String,
    came_back: String,
}

/// Tests groups of all stages that the rows lead to, the longest first.
fn resumed(calls: &Calls<'_>, rows: &[InputRows], dice: &mut Dice, all: &mut Tally) -> Result<Option<Told>> {
    let mut worker = calls.open()?;
    let stages = calls.stages(&mut worker, &calls.sums(rows)?)?;
    let most = share(PLACES, worker.cost());
    for (stage, sums) in stages.iter().enumerate() {
        let mut groups = groups(calls, stage, sums)?;
        groups.sort_by_key(|group| std::cmp::Reverse(group.num_rows()));
        // It has groups before, so what is saved could depend on them.
        let mut uninterrupted = calls.plugin.reducer(stage, calls.as_of)?;
        let mut left = most;
        for rows in groups.iter().take_while(|rows| rows.num_rows() > 0) {
            if left == 0 {
                break;
            }
            let group = Group { calls, stage, rows };
            let places = places(rows.num_rows(), left.min(OF_GROUP), dice);
            let steps = group.steps(&mut uninterrupted, &places)?;
            if let Some(told) = group.test(&steps, dice) {
                return Ok(Some(told));
            }
            let saved = steps.iter().filter(|step| step.saved.is_some()).count();
            all.groups += usize::from(saved > 0);
            all.places += saved;
            left = left.saturating_sub(places.len().max(SHORT));
            if saved == 0 {
                break;
            }
        }
    }
    Ok(None)
}

/// Returns the rows of each group of a stage.
fn groups(calls: &Calls<'_>, stage: usize, sums: &Sums) -> Result<Vec<RecordBatch>> {
    match calls.is_one_group(stage) {
        true => Ok(vec![sums.batch()?]),
        false => sums.sorted().batches(1).map(|groups| Ok(groups?.rows)).collect(),
    }
}

/// Returns up to `most` numbers of rows of a group, in order: all, or those at its ends and some between.
fn places(rows: usize, most: usize, dice: &mut Dice) -> Vec<usize> {
    if rows <= most {
        return (1..=rows).collect();
    }
    let third = most.div_ceil(3);
    let mut some: Vec<usize> = (1..=third).chain(rows + 1 - third..=rows).collect();
    some.extend((0..third).map(|_| 1 + dice.below(rows as u64) as usize));
    some.sort_unstable();
    some.dedup();
    some
}

/// Rows of a group, and what one reducer does with them.
struct Step {
    /// The number of rows of the group up to the end of these.
    to: usize,
    made: RecordBatch,
    enough: bool,
    saved: Option<Vec<u8>>,
}

/// A group of a stage.
struct Group<'g> {
    calls: &'g Calls<'g>,
    stage: usize,
    rows: &'g RecordBatch,
}

impl Group<'_> {
    /// Takes the group in steps that end at these places, and last its end. It is asked after each step what it remembers.
    fn steps(&self, by: &mut Reducer<'_>, places: &[usize]) -> Result<Vec<Step>> {
        let (mut steps, mut from) = (Vec::new(), 0);
        for &to in places {
            let step = self.step(by, from, to)?;
            let enough = step.enough;
            steps.push(step);
            if enough {
                return Ok(steps);
            }
            from = to;
        }
        steps.push(self.end(by, from)?);
        Ok(steps)
    }

    /// Takes rows of the group.
    fn step(&self, by: &mut Reducer<'_>, from: usize, to: usize) -> Result<Step> {
        let reduced = by.reduce(&self.rows.slice(from, to - from), &[])?;
        let saved = if reduced.enough { None } else { by.save()? };
        Ok(Step { to, made: reduced.rows, enough: reduced.enough, saved })
    }

    /// Takes all further rows of the group, and its end.
    fn end(&self, by: &mut Reducer<'_>, from: usize) -> Result<Step> {
        let (to, rest) = (self.rows.num_rows(), self.rows.num_rows() - from);
        let reduced = by.reduce(&self.rows.slice(from, rest), &[rest as u32])?;
        Ok(Step { to, made: reduced.rows, enough: false, saved: None })
    }

    fn test(&self, steps: &[Step], dice: &mut Dice) -> Option<Told> {
        let all = self.rows.num_rows();
        let told = |row: usize, how: &str, came_back: String| {
            let rows = text::rows(&self.rows.slice(row.saturating_sub(4), row.min(4)));
            let sent = format!(
                "{} of a group of stage {}, saved after row {row}, {how}; the last ones before: {rows}",
                text::counted(all),
                self.stage
            );
            Some(Told { sent, came_back })
        };
        // A reducer that saving changes makes other rows of the whole group.
        let whole = self.whole();
        if let Some(came_back) = self.differ(whole, steps.iter().map(|step| &step.made)) {
            return told(all, "and after every row before, in the reducer that goes on", came_back);
        }
        for (index, step) in steps.iter().enumerate() {
            let Some(saved) = &step.saved else { continue };
            match self.go_on(saved, &steps[index..]) {
                Err(error) => return told(step.to, "then resumed in another reducer", error.to_string()),
                Ok(Some((how, came_back))) => return told(step.to, how, came_back),
                Ok(None) => {}
            }
            if all <= 40 || dice.percent(20) {
                match self.at_once(step.to) {
                    Err(error) => return told(step.to, "then in one batch by a new reducer", error.to_string()),
                    Ok(now) => {
                        if let Some(came_back) = other_bytes(Some(saved), now.as_deref()) {
                            return told(step.to, "then in one batch by a new reducer", came_back);
                        }
                    }
                }
            }
        }
        None
    }

    /// Returns what the group makes if nothing is saved.
    fn whole(&self) -> Result<RecordBatch> {
        let mut by = self.calls.plugin.reducer(self.stage, self.calls.as_of)?;
        self.end(&mut by, 0).map(|step| step.made)
    }

    /// Returns what a reducer saves that is sent so many rows in one batch.
    fn at_once(&self, rows: usize) -> Result<Option<Vec<u8>>> {
        let mut by = self.calls.plugin.reducer(self.stage, self.calls.as_of)?;
        self.step(&mut by, 0, rows).map(|step| step.saved)
    }

    /// Goes on in another reducer from what the first of these steps saved: with the next step, then with all others at
    /// once. Returns how the reducer differs from the one that took the steps.
    fn go_on(&self, saved: &[u8], steps: &[Step]) -> Result<Option<(&'static str, String)>> {
        let mut by = self.calls.plugin.reducer_from(self.stage, self.calls.as_of, saved)?;
        if let Some(told) = other_bytes(Some(saved), by.save()?.as_deref()) {
            return Ok(Some(("then resumed in another reducer and saved again", told)));
        }
        let [at, next, rest @ ..] = steps else { return Ok(None) };
        let is_end = rest.is_empty() && !next.enough;
        let made = match is_end {
            true => self.end(&mut by, at.to)?,
            false => self.step(&mut by, at.to, next.to)?,
        };
        let how =
            if is_end { "then ended in another reducer" } else { "then resumed in another reducer for the next row" };
        if made.enough != next.enough {
            let told = format!("first `enough` is {}, then {}", next.enough, made.enough);
            return Ok(Some((how, told)));
        }
        if let Some(told) = self.differ(Ok(next.made.clone()), [&made.made]) {
            return Ok(Some((how, told)));
        }
        if let Some(told) = other_bytes(next.saved.as_deref(), made.saved.as_deref()) {
            return Ok(Some((how, told)));
        }
        if rest.is_empty() {
            return Ok(None);
        }
        let made = self.end(&mut by, next.to)?.made;
        let told = self.differ(self.joined(rest.iter().map(|step| &step.made)), [&made]);
        Ok(told.map(|told| ("then resumed in another reducer for all further rows", told)))
    }

    fn joined<'r>(&self, parts: impl IntoIterator<Item = &'r RecordBatch>) -> Result<RecordBatch> {
        Ok(crate::rows::joined(self.calls.plugin.spec().reduced_schema(self.stage), parts))
    }

    /// Returns how rows differ from the first ones: as sums of the next stage, or as rows of the table.
    fn differ<'r>(
        &self,
        first: Result<RecordBatch>,
        then: impl IntoIterator<Item = &'r RecordBatch>,
    ) -> Option<String> {
        let [first, then] = [first, self.joined(then)].map(|made| match self.stage + 1 < self.calls.stages.len() {
            true => self.calls.added(self.stage + 1, [made]).and_then(|sums| sums.batch()),
            false => made,
        });
        differ(&first, &then)
    }
}

/// Returns how bytes that were saved differ from the first ones.
fn other_bytes(first: Option<&[u8]>, then: Option<&[u8]>) -> Option<String> {
    let shown = |saved: Option<&[u8]>| match saved {
        None => "nothing".to_owned(),
        Some(bytes) => {
            let hex: String = bytes.iter().take(100).map(|byte| format!("{byte:02x}")).collect();
            format!("{} bytes: {hex}", bytes.len())
        }
    };
    (first != then).then(|| format!("first it saves {}\nthen {}", shown(first), shown(then)))
}
