//! Least squares in integers.

use smelt_sdk::{Exact, Money, Ratio};

/// The straight line with the least squares of distances to *y* at *x* = 0, 1, 2, …
///
/// With 1200 amounts of 38 digits, no number exceeds 340 bits.
pub(crate) struct Line {
    /// The number of points, and the sums of *x* and of *y* in cents.
    n: Exact,
    x: Exact,
    y: Exact,
    /// *n* Σ*x*² − (Σ*x*)², *n* Σ*xy* − Σ*x* Σ*y*, and *n* Σ*y*² − (Σ*y*)².
    xx: Exact,
    xy: Exact,
    yy: Exact,
}

impl Line {
    pub(crate) fn through(amounts: impl Iterator<Item = Money>) -> Self {
        let [mut n, mut x, mut y, mut xx, mut xy, mut yy] = [Exact::default(); 6];
        for (at, amount) in (0i64..).zip(amounts) {
            let (at, amount) = (Exact::from(at), Exact::from(amount.units()));
            n = n + 1i64.into();
            (x, y) = (x + at, y + amount);
            (xx, xy, yy) = (xx + at * at, xy + at * amount, yy + amount * amount);
        }
        Self { n, x, y, xx: n * xx - x * x, xy: n * xy - x * y, yy: n * yy - y * y }
    }

    /// Returns the amount by which *y* grows from one *x* to the next.
    pub(crate) fn slope(&self) -> Ratio {
        Ratio::from(self.xy) / self.xx / 100
    }

    /// Returns *y* on the line.
    pub(crate) fn at(&self, x: i64) -> Ratio {
        // The mean of *y*, and the slope times the distance from the mean of *x*.
        Ratio::from(self.y * self.xx + self.xy * (self.n * x.into() - self.x)) / (self.n * self.xx) / 100
    }

    /// Returns the square of the correlation. There is none if all *y* are equal.
    pub(crate) fn r_squared(&self) -> Ratio {
        Ratio::from(self.xy * self.xy) / (self.xx * self.yy)
    }
}
