//! KPI: how many values of nine metrics lie in each of some bins of equal width.
//!
//! Each metric is a group of the last stage, which alone knows the number of bins.

use smelt_sdk::prelude::*;
use smelt_sdk_metrics::{OfMetric, Values, metrics};

fn parameters() -> Parameters {
    Parameters::none().integer("bins", 1..=10_000, 20, "How many bins lie between the least and the greatest value.")
}

#[derive(Row)]
struct Bin<'a> {
    metric: &'a str,
    bin: i64,
    lower: Decimal<4>,
    upper: Decimal<4>,
    count: i64,
    share: Decimal<4>,
}

/// Bins of equal width. All values in hundredths.
#[derive(Clone, Copy)]
struct Bins {
    least: i128,
    /// The difference of the greatest and the least value, which exceeds the range of a signed number.
    spread: u128,
    count: i64,
}

impl Bins {
    /// Returns the least distance from the least value at which a value is in a later bin than this one: ⌈`spread` × `bin`
    /// ÷ `count`⌉.
    fn end(self, bin: i64) -> u128 {
        let [bin, count] = [bin, self.count].map(|number| u128::from(number.unsigned_abs()));
        self.spread / count * bin + (self.spread % count * bin).div_ceil(count)
    }

    /// Returns the limit between this bin and the next.
    fn limit(self, bin: i64) -> Result<Decimal<4>> {
        let spread = Exact::from((self.spread / 2) as i128) + Exact::from(self.spread.div_ceil(2) as i128);
        let (least, count) = (Exact::from(self.least), Exact::from(self.count));
        (Ratio::from(least * count + spread * bin.into()) / self.count / 100).value()
    }
}

fn histogram(rows: &[OfMetric], bins: i64, out: &mut Out<Bin<'static>>) -> Result<()> {
    let values = Values::of(rows)?;
    let Some((least, greatest)) = values.ends() else { return Ok(()) };
    let bins = Bins { least, spread: greatest.abs_diff(least), count: if least == greatest { 1 } else { bins } };
    let write = |bin: i64, count: i64, out: &mut Out<Bin<'static>>| {
        let (lower, upper) = (bins.limit(bin - 1)?, bins.limit(bin)?);
        let share = (Ratio::from(count) / values.count()).value()?;
        out.add(Bin { metric: values.metric(), bin, lower, upper, count, share })
    };
    let (mut bin, mut count) = (1, 0i64);
    for (value, rows) in values.iter() {
        while bin < bins.count && value.abs_diff(least) >= bins.end(bin) {
            write(bin, std::mem::take(&mut count), out)?;
            bin += 1;
        }
        count.increase(rows)?;
    }
    write(bin, count, out)
}

fn histograms(config: &Config) -> Result<Definition> {
    let bins = config.integer("bins")?;
    metrics(["metric", "bin"]).stage::<OfMetric>().group(move |rows, out| histogram(rows, bins, out)).define()
}

export_table!(histograms, parameters);

#[cfg(test)]
mod tests;
