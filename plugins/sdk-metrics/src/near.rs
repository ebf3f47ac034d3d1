//! Values that are near each other, and how they are written as one text.

use std::fmt::Write as _;

use smelt_sdk::{Money, Out, Result, Sum as _};

use crate::rows::{OfMetric, Value};

/// Values are near each other if so many of their first binary digits are the same, as in the histograms of G. Tene
/// (HdrHistogram). So there are at most 2048 groups for each power of two: the greater the values, the wider the groups.
///
/// A tick of a thousand sales looks at about as many groups, and then at one row for each group that there is. Of half a
/// million different values, both are the least with some twenty thousand groups.
const DIGITS: u32 = 12;

/// Returns the least value that is near this one. Greater values have no lesser one.
pub(crate) fn start(value: Money) -> Money {
    let units = value.units();
    let digits = u128::BITS - units.unsigned_abs().leading_zeros();
    let width = digits.saturating_sub(DIGITS);
    // The shift rounds down, where the number is less than 0 too.
    Money::from_units(units >> width << width)
}

/// Passes the values of a group on as one row.
pub(crate) fn pass_on(values: &[Value], out: &mut Out<OfMetric<'static>>) -> Result<()> {
    let Some(&Value { metric, near, .. }) = values.first() else { return Ok(()) };
    let (mut text, mut count, mut before) = (String::new(), 0i64, near);
    for value in values {
        // Most numbers are short, and WebAssembly is slow with long ones.
        match (value.value.units() - before.units(), value.rows) {
            (distance @ ..=0xffff_ffff, 1) => write!(text, "{} ", distance as u64),
            (distance, 1) => write!(text, "{distance} "),
            (distance, rows) => write!(text, "{distance}*{rows} "),
        }
        .ok();
        before = value.value;
        count.increase(value.rows)?;
    }
    out.add(OfMetric::Near { metric, near, values: text.trim_end(), rows: count })
}

/// Reads the values of a row, each with the number of times that it is there.
pub(crate) fn read(near: i128, text: &str) -> impl Iterator<Item = (i128, i64)> {
    let mut value = near;
    text.split(' ').filter(|item| !item.is_empty()).map(move |item| {
        let (distance, rows) = item.split_once('*').unwrap_or((item, "1"));
        value = value.saturating_add(number(distance));
        (value, rows.parse().unwrap_or_default())
    })
}

/// Reads a number that [`pass_on`] wrote.
fn number(text: &str) -> i128 {
    let short = || text.parse::<u64>().ok().map(i128::from);
    short().or_else(|| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn start_of(units: i128) -> i128 {
        start(Money::from_units(units)).units()
    }

    proptest! {
        #[test]
        fn groups_are_in_the_order_of_their_values(a in any::<i64>(), b in -100_000i64..100_000, by in 0u32..60) {
            let (a, b) = (i128::from(a), i128::from(b) << by);
            prop_assert!(start_of(a) <= a && start_of(start_of(a)) == start_of(a));
            prop_assert_eq!(start_of(a.min(b)), start_of(a).min(start_of(b)));
            prop_assert!(a - start_of(a) <= a.abs() / 2048, "values of a group are far from each other");
        }
    }

    #[test]
    fn values_at_the_edge_of_the_type_have_a_group() {
        let most = 10i128.pow(38) - 1;
        assert!(start_of(most) <= most && start_of(-most) <= -most && start_of(-most) > i128::MIN);
        assert_eq!([0, 1, -1, 4095, -4095].map(start_of), [0, 1, -1, 4095, -4095]);
        assert_eq!([4096, 4097, 4098, -4097].map(start_of), [4096, 4096, 4098, -4098]);
    }
}
