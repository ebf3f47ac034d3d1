//! Drifts: the total variation distance between the values of an object and those of the objects before it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::facts::Facts;
use super::history::History;
use super::outcome::{NOTHING, Observed};
use crate::config::Bounds;
use crate::number::{Amount, Fraction};
use crate::summary::{SAMPLES, sample, shown};

/// The rows that have a value: of the object, and of the objects before it.
type Rows = (i64, i64);

/// Compares the shares of a column's values with those of the objects before. The column has its index, the history that is
/// wanted, and tells whether it is personal.
pub(crate) fn observe(
    now: &Facts,
    history: &History,
    index: i64,
    (column, wanted, is_personal): (usize, i64, bool),
    bounds: &Bounds,
) -> Observed {
    let skipped = |reason: String| Observed::skipped(reason, bounds.show());
    let Some(values) = now.values.get(&(column as i64)) else { return skipped(NOTHING.to_owned()) };
    let earlier = history.shares(index);
    let count = earlier.len() as i64;
    if count < wanted {
        return skipped(format!("history {count} of {wanted}"));
    }
    let mut rows: BTreeMap<&Option<String>, Rows> = BTreeMap::new();
    for (value, of_value) in values {
        rows.entry(value).or_default().0 += of_value;
    }
    for (value, of_value) in earlier.into_iter().flatten() {
        rows.entry(value).or_default().1 += of_value;
    }
    let (here, before) = rows.values().fold((0, 0), |sums, rows| (sums.0 + rows.0, sums.1 + rows.1));
    // |p − q| has the same denominator for all values, so its numerator alone tells which is greater.
    let numerator = |rows: &Rows| i128::from(rows.0) * i128::from(before) - i128::from(rows.1) * i128::from(here);
    let distance = |rows: &Rows| numerator(rows).abs();
    let total = Amount::new(rows.values().map(distance).sum(), 0).half().fraction();
    let ratio = total.divided_by(here).and_then(|ratio| ratio.divided_by(before));
    let Some(ratio) = ratio else { return skipped(NOTHING.to_owned()) };
    let mut changed: Vec<_> = rows.iter().filter(|(_, rows)| distance(rows) > 0).collect();
    changed.sort_by_key(|(_, rows)| Reverse(distance(rows)));
    let samples = changed.iter().take(SAMPLES).map(|(value, rows)| {
        let share = |rows, all| Fraction::of(rows, all).map(|share| share.four()).unwrap_or_default();
        let more = format!(",\"share\":{},\"usual\":{}", share(rows.0, here), share(rows.1, before));
        let value = value.as_deref().map(|value| shown(value, is_personal));
        sample(value.as_deref(), rows.0, &more)
    });
    let samples = samples.collect::<Vec<_>>().join(",");
    Observed { samples, history: Some(count), ..Observed::ratio(&ratio, bounds) }
}
