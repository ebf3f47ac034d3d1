//! Anomalies: the modified z-score of Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993. All of it is exact:
//! medians of decimals are decimals, and no comparison with a bound needs a division.

use smelt_sdk::Decimal;

use super::facts::Facts;
use super::history::{History, season};
use super::outcome::{NOTHING, Observed, Outcome};
use crate::config::{Compared, Direction, Floor, Metric};
use crate::number::{Amount, four};

/// The 0.75 quantile of the normal distribution, as the definition rounds it.
const QUANTILE: Amount = Amount::new(6745, 4);
/// The least spread.
const LEAST: Amount = Amount::new(1, 4);

/// Compares a metric of an object with those of the objects before it.
pub(crate) fn observe(
    now: &Facts,
    history: &History,
    index: i64,
    (metric, share): (&Metric, i64),
    compared: &Compared,
) -> Observed {
    let nothing = || Observed::skipped(NOTHING, String::new());
    let Some(x) = now.metric(metric, share) else { return nothing() };
    let Some(season) = season(compared.by_weekday, now.stamp) else { return nothing() };
    let before = history.metrics(index, season);
    let count = before.len() as i64;
    if count < compared.history {
        return Observed::skipped(format!("history {count} of {}", compared.history), String::new());
    }
    let Some((median, mad)) = spread(before) else { return nothing() };
    let scale = scale(&compared.floor, &median, &mad);
    let distance = x.minus(&median);
    let past = |bound: &Option<Amount>| {
        let distance = match compared.direction {
            Direction::Both => distance.absolute(),
            Direction::Up => distance.clone(),
            Direction::Down => distance.negated(),
        };
        bound.as_ref().is_some_and(|bound| QUANTILE.times(&distance) > bound.times(&scale))
    };
    let outcome = Outcome::of(past(&compared.warn), past(&compared.fail));
    let bounds = [("warn", &compared.warn), ("fail", &compared.fail)];
    let expected = bounds.into_iter().filter_map(|(name, bound)| {
        let reach = bound.as_ref()?.times(&scale);
        Some(format!("{name} {}", interval(&median, &reach, compared.direction)))
    });
    let z = QUANTILE.times(&distance).fraction().divided(&scale.fraction());
    Observed {
        z: z.map(|z| Decimal::from_units(z.rounded(4))),
        median: Some(Decimal::from_units(median.rounded(4))),
        mad: Some(Decimal::from_units(mad.rounded(4))),
        history: Some(count),
        ..Observed::new(four(x.rounded(4)), outcome, expected.collect::<Vec<_>>().join(", "))
    }
}

/// Returns the median of values, and the median of their distances from it.
fn spread(values: Vec<Amount>) -> Option<(Amount, Amount)> {
    let center = median(values.clone())?;
    let mad = median(values.iter().map(|value| value.minus(&center).absolute()).collect())?;
    Some((center, mad))
}

fn median(mut values: Vec<Amount>) -> Option<Amount> {
    values.sort();
    let middle = values.len() / 2;
    let upper = values.get(middle)?;
    Some(match values.len() % 2 {
        1 => upper.clone(),
        _ => values.get(middle - 1)?.plus(upper).half(),
    })
}

/// Returns what distances are measured by.
fn scale(floor: &Floor, median: &Amount, mad: &Amount) -> Amount {
    let floor = match floor {
        Floor::Number(floor) => floor.clone(),
        Floor::Percent(percent) => median.absolute().times(percent).times(&Amount::new(1, 2)),
    };
    mad.clone().max(floor).max(LEAST)
}

/// Returns the numbers that are not past a bound, which reaches so far from the median, in scales times the quantile.
fn interval(median: &Amount, reach: &Amount, direction: Direction) -> String {
    let end = |end: Amount| {
        let end = end.fraction().divided(&QUANTILE.fraction());
        end.map(|end| end.four()).unwrap_or_default()
    };
    let middle = median.times(&QUANTILE);
    let (least, greatest) = (end(middle.minus(reach)), end(middle.plus(reach)));
    match direction {
        Direction::Both => format!("{least}..{greatest}"),
        Direction::Up => format!("<= {greatest}"),
        Direction::Down => format!(">= {least}"),
    }
}
