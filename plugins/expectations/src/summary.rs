//! The summary of an object: sums, the first failing rows, and the most frequent failing values.

use std::collections::{BTreeMap, BTreeSet};

use smelt_sdk::prelude::*;

use crate::number::Amount;
use crate::part::{self, quote};
use crate::rows::{InOrder, OfObject, numbers, revision};

/// The number of failing values that reports show.
pub(crate) const SAMPLES: usize = 5;
/// The characters of a value that reports show.
const SHOWN: usize = 80;

/// An object, as far as its rows have come.
#[derive(Default, Saved)]
pub(crate) struct Summing {
    object: String,
    tests: BTreeMap<i64, Tally>,
    /// By column: the number of different texts.
    texts: BTreeMap<i64, i64>,
    extremes: BTreeMap<i64, (Decimal<18>, Decimal<18>)>,
    /// The text before, which should come once, and its test.
    before: Option<(i64, String)>,
}

#[derive(Default, Saved)]
struct Tally {
    evaluated: i64,
    failing: i64,
    /// The first failing rows.
    rows: BTreeSet<i64>,
    /// The most frequent failing values, each with its rows.
    samples: Vec<(i64, String)>,
}

impl Tally {
    /// Keeps the numbers of failing rows, as far as they are among the first.
    fn keep(&mut self, rows: impl Iterator<Item = i64>, most: i64) {
        for row in rows {
            if self.rows.len() as i64 >= most {
                match self.rows.last() {
                    Some(&last) if row < last => self.rows.pop_last(),
                    _ => return,
                };
            }
            self.rows.insert(row);
        }
    }
}

impl Summing {
    /// Takes a row of the object. Those that need no summing are passed on.
    pub(crate) fn take(
        &mut self,
        part: &part::Summary,
        row: OfObject<'_>,
        out: &mut Out<InOrder<'static>>,
    ) -> Result<()> {
        match row {
            OfObject::Column { object, of, count, other, third, rows: _ } => {
                self.begin(object);
                let (file, revision) = revision(object);
                out.add(InOrder::Column { file, revision, of, missing: count, unreadable_cells: other, present: third })
            }
            OfObject::Counted { object, of, count, other, rows: _ } => {
                self.begin(object);
                let tally = self.tests.entry(of).or_default();
                tally.evaluated += count;
                tally.failing += other;
                Ok(())
            }
            OfObject::Total { object, of, count, whole, part, rows: _ } => {
                let (file, revision) = revision(object);
                let total = Amount::new(whole.units(), 0).plus(&Amount::new(part.units(), 18)).plain();
                out.add(InOrder::Total { file, revision, of, count, total: &total })
            }
            OfObject::Number { object, of, number, rows: _ } => {
                self.begin(object);
                self.extremes.entry(of).or_insert((number, number)).1 = number;
                Ok(())
            }
            OfObject::Text { object, of, text, rows } => {
                self.begin(object);
                *self.texts.entry(of).or_default() += i64::from(text.is_some());
                if !part.drifts.contains(&(of as usize)) {
                    return Ok(());
                }
                let (file, revision) = revision(object);
                out.add(InOrder::Value { file, revision, of, text, rows })
            }
            OfObject::Failed { object, of, block, whole, rows: _ } => {
                self.begin(object);
                self.tests.entry(of).or_default().keep(numbers(block, whole), part.keep);
                Ok(())
            }
            OfObject::Once { object, of, text, block, whole, rows: _ } => {
                self.begin(object);
                let text = text.unwrap_or_default();
                let known = self.before.as_ref().is_some_and(|(test, before)| *test == of && before == text);
                let mut units = whole.units();
                if !known {
                    units &= units - 1;
                    self.before = Some((of, text.to_owned()));
                }
                if units != 0 {
                    let tally = self.tests.entry(of).or_default();
                    tally.failing += i64::from(units.count_ones());
                    tally.keep(numbers(block, Decimal::from_units(units)), part.keep);
                }
                Ok(())
            }
            OfObject::Shared { object, of, text, first, rows: _ } => {
                let (file, revision) = revision(object);
                out.add(InOrder::Shared { file, revision, of, text, first })
            }
            OfObject::Sample { object, of, text, rows } => {
                self.begin(object);
                let samples = &mut self.tests.entry(of).or_default().samples;
                // Texts come in order, so of those that are as frequent the first ones stay.
                let at = samples.partition_point(|(more, _)| *more >= rows);
                if at < SAMPLES {
                    samples.insert(at, (rows, shown(text.unwrap_or_default(), part.masked.contains(&of))));
                    samples.truncate(SAMPLES);
                }
                Ok(())
            }
        }
    }

    fn begin(&mut self, object: &str) {
        if self.object.is_empty() {
            object.clone_into(&mut self.object);
        }
    }

    /// Passes on what was summed.
    pub(crate) fn end(self, out: &mut Out<InOrder<'static>>) -> Result<()> {
        let (file, revision) = revision(&self.object);
        for (of, Tally { evaluated, failing, rows, samples }) in self.tests {
            let failing_rows = rows.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
            let samples = samples.iter().map(|(rows, text)| sample(Some(text), *rows, ""));
            let samples = samples.collect::<Vec<_>>().join(",");
            let (failing_rows, samples) = (failing_rows.as_str(), samples.as_str());
            out.add(InOrder::Counted { file, revision, of, evaluated, failing, failing_rows, samples })?;
        }
        for (of, texts) in self.texts {
            out.add(InOrder::Distinct { file, revision, of, texts })?;
        }
        for (of, (least, greatest)) in self.extremes {
            let [least, greatest] = [least, greatest].map(|number| Amount::new(number.units(), 18).plain());
            out.add(InOrder::Extremes { file, revision, of, least: &least, greatest: &greatest })?;
        }
        Ok(())
    }
}

/// Returns a sample as a JSON object; `more` has further members.
pub(crate) fn sample(value: Option<&str>, rows: i64, more: &str) -> String {
    let mut text = String::from("{\"value\":");
    match value {
        Some(value) => quote(value, &mut text),
        None => text += "null",
    }
    text + &format!(",\"rows\":{rows}{more}}}")
}

/// Returns the beginning of a value. Of a personal one, letters and digits are masked.
pub(crate) fn shown(text: &str, masked: bool) -> String {
    let mask = |character: char| match character {
        _ if !masked => character,
        letter if letter.is_alphabetic() => 'x',
        digit if digit.is_numeric() => '0',
        other => other,
    };
    text.chars().take(SHOWN).map(mask).collect()
}
