//! KPI: what values of nine metrics are usual, by quantiles of type 7 of Hyndman and Fan and the fences of Tukey (1977).
//!
//! Each metric is a group of the last stage, so a new sale looks at the metrics of sales, of its client and of its day.

use smelt_sdk::prelude::*;
use smelt_sdk_metrics::{OfMetric, Values, metrics};

#[derive(Row, Default)]
struct Distribution<'a> {
    metric: &'a str,
    count: i64,
    sum: Decimal<4>,
    mean: Option<Decimal<4>>,
    std: Option<Decimal<4>>,
    min: Option<Decimal<4>>,
    p5: Option<Decimal<4>>,
    p10: Option<Decimal<4>>,
    p25: Option<Decimal<4>>,
    p50: Option<Decimal<4>>,
    p75: Option<Decimal<4>>,
    p90: Option<Decimal<4>>,
    p95: Option<Decimal<4>>,
    p99: Option<Decimal<4>>,
    max: Option<Decimal<4>>,
    iqr: Option<Decimal<4>>,
    lower_fence: Option<Decimal<4>>,
    upper_fence: Option<Decimal<4>>,
    lower_whisker: Option<Decimal<4>>,
    upper_whisker: Option<Decimal<4>>,
    outliers: i64,
}

/// Returns a value in hundredths as it is written.
fn plain(units: impl Into<Exact>) -> Result<Option<Decimal<4>>> {
    (Ratio::from(units.into()) / 100).round()
}

/// Returns the quantile times 100: the value at (n − 1) × `percent` ÷ 100, between two values in proportion.
fn quantile(values: &Values, percent: i64) -> Option<Exact> {
    let place = i128::from(values.count() - 1) * i128::from(percent);
    let (rank, rest) = ((place / 100) as i64, (place % 100) as i64);
    let [at, next] = [values.at(rank)?, values.at(rank + 1).unwrap_or_default()].map(Exact::from);
    Some(at * Exact::from(100 - rest) + next * Exact::from(rest))
}

/// Sums of values and of their squares.
#[derive(Default)]
struct Sums {
    sum: Exact,
    squares: Exact,
}

/// The number of values beyond the fences, and the last values within.
#[derive(Default)]
struct Beyond {
    outliers: i64,
    lower: Option<i128>,
    upper: Option<i128>,
}

fn distribution(rows: &[OfMetric], out: &mut Out<Distribution<'static>>) -> Result<()> {
    let values = Values::of(rows)?;
    let (metric, count) = (values.metric(), values.count());
    let Some((least, greatest)) = values.ends() else {
        return out.add(Distribution { metric, ..Distribution::default() });
    };
    let sums = values.iter().fold(Sums::default(), |Sums { sum, squares }, (value, rows)| {
        let (value, rows) = (Exact::from(value), Exact::from(rows));
        Sums { sum: sum + value * rows, squares: squares + value * value * rows }
    });
    let n = Exact::from(count);
    // The variance is (n Σx² − (Σx)²) ÷ (n (n − 1)), here in hundredths of hundredths.
    let variance = Ratio::from(n * sums.squares - sums.sum * sums.sum) / count / (count - 1);

    let quantile = |percent| quantile(&values, percent).ok_or_else(|| Fault::internal("a metric has no quantile"));
    let written = |quantile: Exact| (Ratio::from(quantile) / 100 / 100).round();
    let of = |percent| written(quantile(percent)?);
    let (p25, p75) = (quantile(25)?, quantile(75)?);
    // Both fences lie 1.5 interquartile ranges away, so twice a fence is whole.
    let range = p75 - p25;
    let (two, three) = (Exact::from(2i64), Exact::from(3i64));
    let (lower, upper) = (two * p25 - three * range, two * p75 + three * range);
    let fence = |twice: Exact| (Ratio::from(twice) / 2 / 100 / 100).round();

    let mut beyond = Beyond::default();
    for (value, rows) in values.iter() {
        let twice = Exact::from(value) * Exact::from(200i64);
        if twice < lower || twice > upper {
            beyond.outliers.increase(rows)?;
        } else {
            beyond.lower.get_or_insert(value);
            beyond.upper = Some(value);
        }
    }
    let whisker = |value: Option<i128>| value.map_or(Ok(None), plain);
    out.add(Distribution {
        metric,
        count,
        sum: plain(sums.sum)?.unwrap_or_default(),
        mean: (Ratio::from(sums.sum) / count / 100).round()?,
        std: (variance / 100 / 100).square_root()?,
        min: plain(least)?,
        p5: of(5)?,
        p10: of(10)?,
        p25: written(p25)?,
        p50: of(50)?,
        p75: written(p75)?,
        p90: of(90)?,
        p95: of(95)?,
        p99: of(99)?,
        max: plain(greatest)?,
        iqr: written(range)?,
        lower_fence: fence(lower)?,
        upper_fence: fence(upper)?,
        lower_whisker: whisker(beyond.lower)?,
        upper_whisker: whisker(beyond.upper)?,
        outliers: beyond.outliers,
    })
}

fn distributions(_: &Config) -> Result<Definition> {
    metrics(["metric"]).stage::<OfMetric>().group(distribution).define()
}

export_table!(distributions);

#[cfg(test)]
mod tests;
