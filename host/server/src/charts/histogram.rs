//! Histograms: how many values lie in each range. Ranges may differ in width, and touch.

use maud::{Markup, html};

use super::axis::number_axis;
use super::frame::{Frame, spoken};
use super::locale::Locale;
use super::number::NumberFormat;
use super::scale::{Scale, drawable, percent};

/// Counts by range.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// The lower end of each range.
    pub lower: Vec<f64>,
    /// The upper end of each range.
    pub upper: Vec<f64>,
    /// The number of values in it.
    pub count: Vec<f64>,
    /// The format of the ends.
    pub format: NumberFormat,
}

impl Histogram {
    /// Returns the ranges that can be drawn: lower end, upper end, count.
    pub(super) fn ranges(&self) -> Vec<(f64, f64, f64)> {
        let ends = self.lower.iter().zip(&self.upper).zip(&self.count);
        ends.filter_map(|((&low, &high), &count)| {
            let (low, high) = (drawable(Some(low))?, drawable(Some(high))?);
            Some((low.min(high), low.max(high), drawable(Some(count))?.max(0.0)))
        })
        .collect()
    }

    pub(super) fn draw(&self, id: &str, title: &str, locale: &Locale) -> Markup {
        let ranges = self.ranges();
        let (low, high) = ranges.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), r| (l.min(r.0), h.max(r.1)));
        let blind = low.abs().max(high.abs()) * 1e-12;
        let (low, high) = if low < high && high - low > blind {
            (low, high)
        } else if low.is_finite() {
            (low - low.abs().max(1.0) / 2.0, high + high.abs().max(1.0) / 2.0)
        } else {
            (0.0, 1.0)
        };
        let x = |v: f64| {
            let part = (v - low) / (high - low);
            if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 }
        };
        let y = Scale::from_zero(ranges.iter().map(|r| r.2), true);
        let all: f64 = ranges.iter().map(|r| r.2).fold(0.0, |a, v| a + v);
        let counts = NumberFormat::Integer;
        let name =
            |r: &(f64, f64, f64)| format!("{} to {}", self.format.text(r.0, locale), self.format.text(r.1, locale));
        let most = ranges.iter().max_by(|a, b| a.2.total_cmp(&b.2));
        let mut says = vec![format!("{} values", counts.text(all, locale))];
        says.extend(most.map(|r| format!("Most, {}, in {}", counts.text(r.2, locale), name(r))));
        Frame {
            id,
            kind: "histogram",
            spoken: spoken(title, ranges.len(), &says),
            y: (&y, &counts),
            x: (number_axis((low, high), &self.format, locale), false),
            paths: html! {},
            marks: html! {
                @for r in &ranges {
                    @let (from, wide) = (x(r.0), x(r.1) - x(r.0));
                    g.mark {
                        rect.hit x=(percent(from)) width=(percent(wide)) y="0" height="100%" {}
                        rect class="bar c0" x=(percent(from)) width=(percent(wide)) y=(percent(1.0 - y.at(r.2))) height=(percent(y.at(r.2))) {}
                        title {
                            (name(r)) "\ncount: " (counts.text(r.2, locale))
                            @if all > 0.0 { "\nshare: " (NumberFormat::Percent(1).text(r.2 / all, locale)) }
                        }
                    }
                }
            },
            legend: html! {},
            data: None,
            right: 0,
            links: false,
        }
        .draw(locale)
    }
}
