//! A linear scale whose ends and ticks are round numbers.

/// Numbers beyond this are drawn at it, so that no sum or difference of two overflows.
const GREATEST: f64 = 1e300;

/// Returns a number that can be drawn: finite, and within what arithmetic can bear.
pub(super) fn drawable(value: Option<f64>) -> Option<f64> {
    value.filter(|v| v.is_finite()).map(|v| v.clamp(-GREATEST, GREATEST))
}

/// Round ends and round ticks between them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) step: f64,
    pub(super) ticks: Vec<f64>,
}

impl Scale {
    /// Covers `values` and zero, as bars need: a bar's length is its value.
    pub(super) fn from_zero(values: impl Iterator<Item = f64>, whole: bool) -> Scale {
        let (low, high) = ends(values.chain([0.0])).unwrap_or((0.0, 0.0));
        Scale::round(low, high, 4.0, whole)
    }

    /// Covers `values`, and zero if that costs at most two thirds of the height: lines show change.
    pub(super) fn of(values: impl Iterator<Item = f64>, whole: bool) -> Scale {
        let (mut low, mut high) = ends(values).unwrap_or((0.0, 0.0));
        let range = high - low;
        if low > 0.0 && (low <= 2.0 * range || range <= 1e-9 * high) {
            low = 0.0;
        } else if high < 0.0 && (-high <= 2.0 * range || range <= 1e-9 * -low) {
            high = 0.0;
        }
        Scale::round(low, high, 4.0, whole)
    }

    /// Covers `low..=high` with about `count` steps of 1, 2, 2.5 or 5 times a power of ten.
    pub(super) fn round(low: f64, high: f64, count: f64, whole: bool) -> Scale {
        let (mut low, mut high) = (low.min(high), low.max(high));
        // Below this a step is lost in the last bits of its ends, or is no normal number.
        let blind = (low.abs().max(high.abs()) * 1e-12).max(1e-290);
        if high - low <= blind {
            let half = (low.abs() / 2.0).max(if whole || low == 0.0 { 1.0 } else { 0.0 });
            (low, high) = if low == 0.0 { (0.0, 1.0) } else { (low - half, high + half) };
        }
        let raw = (high - low) / count;
        let power = 10f64.powf(raw.log10().floor());
        let mut step =
            [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|&s| s >= raw * 0.999).unwrap_or(raw);
        if whole && step < 1.0 {
            step = 1.0;
        }
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let steps = (last - first).clamp(1.0, 24.0) as usize;
        // `+ 0.0` turns -0 into 0.
        let ticks: Vec<f64> = (0..=steps).map(|i| (first + i as f64) * step + 0.0).collect();
        let (low, high) = (first * step, (first + steps as f64) * step);
        Scale { low, high, step, ticks }
    }

    /// Returns the part of the way from the low end, 0 to 1.
    pub(super) fn at(&self, value: f64) -> f64 {
        let part = (value - self.low) / (self.high - self.low);
        if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Returns the tick farthest from zero, which decides the power of all.
    pub(super) fn greatest(&self) -> f64 {
        self.low.abs().max(self.high.abs())
    }
}

fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |ends, v| {
        let (low, high) = ends.unwrap_or((v, v));
        Some((v.min(low), v.max(high)))
    })
}

/// Writes a coordinate with at most two decimals; what is no number is 0.
pub(super) fn coordinate(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { String::from("0") } else { text.to_owned() }
}

/// Writes a part (0 to 1) as a percentage for an attribute.
pub(super) fn percent(part: f64) -> String {
    format!("{}%", coordinate(part * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(values: &[f64]) -> Scale {
        Scale::of(values.iter().copied(), false)
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        assert_eq!(scale(&[3.0, 97.0]).ticks, [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(scale(&[-30.0, 70.0]).ticks, [-50.0, -25.0, 0.0, 25.0, 50.0, 75.0]);
        assert_eq!(scale(&[1000.0, 1003.0]).ticks, [1000.0, 1001.0, 1002.0, 1003.0]);
        assert_eq!(Scale::from_zero([3.0, 2.0].into_iter(), true).ticks, [0.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn degenerate_values_have_a_scale() {
        for values in [&[][..], &[0.0], &[5.0], &[-5.0, -5.0], &[1e300, -1e300], &[1e-310], &[0.1 + 0.2, 0.3], &[1e300]]
        {
            let scale = scale(values);
            assert!(scale.high > scale.low && scale.step > 0.0, "{values:?}: {scale:?}");
            assert!(scale.ticks.len() >= 2 && scale.ticks.iter().all(|t| t.is_finite()), "{values:?}: {scale:?}");
            assert!(values.iter().all(|&v| v >= scale.low && v <= scale.high), "{values:?}: {scale:?}");
        }
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(coordinate(12.0), "12");
        assert_eq!(coordinate(-0.001), "0");
        assert_eq!(coordinate(f64::NAN), "0");
        assert_eq!(percent(1.0 / 3.0), "33.33%");
    }
}
