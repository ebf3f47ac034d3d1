//! Expectations of a dataset as a whole: objects are fresh, and none is missing between the first and the last.

use smelt_sdk::prelude::*;

use super::history::{History, length};
use super::outcome::{NOTHING, Observed};
use crate::config::{Bounds, Every};
use crate::number::Fraction;
use crate::part::Judging;
use crate::rows::Finding;

/// Writes the findings of the dataset, by name.
pub(crate) fn write(judging: &Judging, history: &History, out: &mut Out<Finding<'static>>) -> Result<()> {
    if let Some((every, bounds)) = &judging.arrivals {
        let observed = match history.periods() {
            [] => Observed::skipped(NOTHING, bounds.show()),
            periods => {
                let gaps = || periods.windows(2).map(|pair| pair[0].1 + 1..pair[1].0);
                let missing = gaps().map(|gap| gap.end - gap.start).sum();
                let names = gaps().flatten().map(|period| name(*every, period));
                Observed { rows: names.collect::<Vec<_>>().join(" "), ..Observed::count(missing, bounds) }
            }
        };
        out.add(finding(judging, "arrivals", bounds, &observed))?;
    }
    if let Some(bounds) = &judging.fresh {
        let observed = match history.greatest() {
            None => Observed::skipped(NOTHING, bounds.show()),
            Some(greatest) => {
                let age = Fraction::of(out.as_of()?.0 - greatest.0, length(Every::Hour));
                Observed::ratio(&age.unwrap_or(Fraction::whole(0)), bounds)
            }
        };
        out.add(finding(judging, "fresh", bounds, &observed))?;
    }
    Ok(())
}

fn finding<'f>(judging: &'f Judging, id: &'f str, bounds: &Bounds, observed: &'f Observed) -> Finding<'f> {
    Finding {
        dataset: &judging.dataset,
        kind: "dataset",
        place: i64::from(id == "fresh"),
        expectation: Some(id),
        severity: Some(bounds.severity(observed.outcome)),
        passed: Some(!observed.outcome.is_against()),
        outcome: Some(observed.outcome.name()),
        dimension: Some("freshness"),
        scope: Some("dataset"),
        observed: observed.observed.as_deref(),
        expected: Some(&observed.expected),
        failing_rows: Some(&observed.rows),
        reason: observed.reason.as_deref(),
        ..Finding::default()
    }
}

/// Returns a period as reports write it: `2025-11-06`, or `2025-11-06T07` of an hour.
fn name(every: Every, period: i64) -> String {
    let (year, month, day) = Timestamp(period * length(every)).date().ymd();
    match every {
        Every::Day => format!("{year:04}-{month:02}-{day:02}"),
        Every::Hour => format!("{year:04}-{month:02}-{day:02}T{:02}", period.rem_euclid(24)),
    }
}
