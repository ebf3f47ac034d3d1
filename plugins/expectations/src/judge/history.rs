//! The memory of the objects that count.
//!
//! Revisions of a file are walked one after the other, and the greatest that counts counts alone. So what the newest file
//! adds is kept apart until the next file begins: a later revision takes its place.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use smelt_sdk::prelude::*;

use super::facts::{Facts, Shares};
use crate::config::Every;
use crate::number::Amount;
use crate::part::{Judging, SAME_CONTENT, Word};

#[derive(Default, Saved)]
pub(crate) struct History {
    /// The file of the object that is judged.
    file: String,
    newest: Option<Newest>,
    /// By anomaly and weekday, or 0 without a season.
    metrics: BTreeMap<(i64, i64), VecDeque<Amount>>,
    /// By drift.
    shares: BTreeMap<i64, VecDeque<Shares>>,
    /// By rule: texts that an object has.
    shared: BTreeSet<(i64, String)>,
    /// By content: the objects that have it.
    contents: BTreeMap<String, Vec<String>>,
    greatest: Option<Timestamp>,
    /// Periods in which an object is stamped, as ranges from the first to the last, in order.
    periods: Vec<(i64, i64)>,
}

/// The addition of the newest file's object that counts.
#[derive(Saved)]
struct Newest {
    object: String,
    stamp: Option<Timestamp>,
    /// The index of the anomaly, the season, how many are kept, and the metric.
    metrics: Vec<((i64, i64), (i64, Amount))>,
    /// The index of the drift, how many are kept, and the texts.
    shares: Vec<(i64, (i64, Shares))>,
    shared: Vec<(i64, String)>,
    period: Option<i64>,
}

impl History {
    /// Begins a file, unless it goes on with another revision.
    pub(crate) fn begin(&mut self, file: &str) {
        if self.file == file {
            return;
        }
        file.clone_into(&mut self.file);
        let Some(Newest { object, stamp, metrics, shares, shared, period }) = self.newest.take() else { return };
        for (key, (last, metric)) in metrics {
            keep(self.metrics.entry(key).or_default(), metric, last);
        }
        for (index, (last, values)) in shares {
            keep(self.shares.entry(index).or_default(), values, last);
        }
        for (rule, text) in shared {
            match rule {
                SAME_CONTENT => self.contents.entry(text).or_default().push(object.clone()),
                rule => drop(self.shared.insert((rule, text))),
            }
        }
        self.greatest = self.greatest.max(stamp);
        if let Some(period) = period {
            add(&mut self.periods, period);
        }
    }

    /// Remembers an object that counts, instead of an earlier revision of its file.
    pub(crate) fn remember(&mut self, judging: &Judging, now: &Facts) {
        let (mut metrics, mut shares) = (vec![], vec![]);
        for (index, expectation) in (0..).zip(&judging.expectations) {
            match &expectation.word {
                Word::Anomaly { metric, share, compared } => {
                    let season = season(compared.by_weekday, now.stamp);
                    if let (Some(season), Some(metric)) = (season, now.metric(metric, *share)) {
                        metrics.push(((index, season), (compared.last, metric)));
                    }
                }
                Word::Drift { column, last, .. } => {
                    if let Some(values) = now.values.get(&(*column as i64)) {
                        shares.push((index, (*last, values.clone())));
                    }
                }
                _ => {}
            }
        }
        let shared =
            now.shared.iter().flat_map(|(&rule, texts)| texts.iter().map(move |(text, _)| (rule, text.clone())));
        let period = judging.arrivals.as_ref().zip(now.stamp);
        self.newest = Some(Newest {
            object: now.object.clone(),
            stamp: now.stamp,
            metrics,
            shares,
            shared: shared.collect(),
            period: period.map(|((every, _), stamp)| stamp.0.div_euclid(length(*every))),
        });
    }

    /// Returns the metrics of the objects before that an anomaly is compared with.
    pub(crate) fn metrics(&self, index: i64, season: i64) -> Vec<Amount> {
        self.metrics.get(&(index, season)).into_iter().flatten().cloned().collect()
    }

    /// Returns the texts of the objects before that a drift is compared with.
    pub(crate) fn shares(&self, index: i64) -> Vec<&Shares> {
        self.shares.get(&index).into_iter().flatten().collect()
    }

    /// Returns whether an object before has a text that a rule compares.
    pub(crate) fn has(&self, rule: i64, text: &str) -> bool {
        self.shared.contains(&(rule, text.to_owned()))
    }

    /// Returns the objects before that have a content.
    pub(crate) fn same(&self, content: &str) -> &[String] {
        self.contents.get(content).map_or(&[], Vec::as_slice)
    }

    /// Returns the greatest stamp.
    pub(crate) fn greatest(&self) -> Option<Timestamp> {
        self.greatest
    }

    /// Returns the periods in which objects are stamped.
    pub(crate) fn periods(&self) -> &[(i64, i64)] {
        &self.periods
    }
}

/// Returns the season of a stamp: its ISO weekday, or 0 where there are none. An object without a stamp has no weekday.
pub(crate) fn season(by_weekday: bool, stamp: Option<Timestamp>) -> Option<i64> {
    if by_weekday { stamp.map(|stamp| stamp.date().weekday()) } else { Some(0) }
}

/// Returns the microseconds of a period.
pub(crate) fn length(every: Every) -> i64 {
    match every {
        Every::Day => 86_400_000_000,
        Every::Hour => 3_600_000_000,
    }
}

/// Adds a value to the last ones.
fn keep<T>(window: &mut VecDeque<T>, value: T, last: i64) {
    window.push_back(value);
    while window.len() as i64 > last {
        window.pop_front();
    }
}

/// Adds a period to ranges of them. Files are nearly in the order of their stamps, so the place is nearly always the end.
fn add(ranges: &mut Vec<(i64, i64)>, period: i64) {
    let at = ranges.partition_point(|(_, last)| *last < period - 1);
    match ranges.get_mut(at) {
        Some((first, last)) if *first - 1 <= period => {
            *first = (*first).min(period);
            *last = (*last).max(period);
            let end = *last;
            if let Some(&(next, after)) = ranges.get(at + 1)
                && next <= end + 1
            {
                ranges[at].1 = after;
                ranges.remove(at + 1);
            }
        }
        _ => ranges.insert(at, (period, period)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_ranges_in_whatever_order_they_come() {
        for order in [&[1, 2, 3, 7, 9, 8][..], &[9, 7, 8, 3, 1, 2], &[2, 2, 1, 8, 3, 9, 7, 7]] {
            let mut ranges = vec![];
            order.iter().for_each(|&period| add(&mut ranges, period));
            assert_eq!(ranges, [(1, 3), (7, 9)], "{order:?}");
        }
    }
}
