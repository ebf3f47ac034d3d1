//! Box plots: where the middle half of the values lies, and how far the rest reaches.

use maud::{Markup, html};

use super::axis::number_axis;
use super::frame::spoken;
use super::locale::Locale;
use super::number::NumberFormat;
use super::scale::{Scale, drawable, percent};

/// The distribution of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxRow {
    /// The group.
    pub name: String,
    /// The end of the lower whisker.
    pub lower: f64,
    /// A quarter of the values is below.
    pub p25: f64,
    /// Half of the values is below.
    pub p50: f64,
    /// Three quarters of the values are below.
    pub p75: f64,
    /// The end of the upper whisker.
    pub upper: f64,
    /// The mean, drawn as a rhombus.
    pub mean: Option<f64>,
}

/// Box plots on one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Boxes {
    /// One box a row.
    pub rows: Vec<BoxRow>,
    /// The format of the values.
    pub format: NumberFormat,
}

impl BoxRow {
    /// Returns name and value of all that is known, or nothing if a part of the box is no number.
    pub(super) fn parts(&self) -> Option<Vec<(&'static str, f64)>> {
        let five = [
            ("upper whisker", self.upper),
            ("75th percentile", self.p75),
            ("median", self.p50),
            ("25th percentile", self.p25),
            ("lower whisker", self.lower),
        ];
        let mut parts = Vec::with_capacity(6);
        for (name, value) in five {
            parts.push((name, drawable(Some(value))?));
        }
        parts.extend(drawable(self.mean).map(|mean| ("mean", mean)));
        Some(parts)
    }
}

impl Boxes {
    pub(super) fn draw(&self, id: &str, title: &str, locale: &Locale) -> Markup {
        let known: Vec<(&BoxRow, Vec<(&str, f64)>)> =
            self.rows.iter().filter_map(|row| Some((row, row.parts()?))).collect();
        let scale = Scale::of(known.iter().flat_map(|(_, parts)| parts.iter().map(|p| p.1)), false);
        let at = |v: f64| percent(scale.at(v));
        let between = |a: f64, b: f64| {
            let (a, b) = (scale.at(a), scale.at(b));
            (percent(a.min(b)), percent((a - b).abs()))
        };
        let says: Vec<String> = known
            .iter()
            .map(|(row, _)| format!("{}: median {}", row.name, self.format.text(row.p50, locale)))
            .collect();
        html! {
            div id=(id) class="chart boxes" {
                ol.list tabindex="0" aria-label=(spoken(title, known.len(), &says)) {
                    @for (row, parts) in &known {
                        @let value = |name: &str| parts.iter().find(|p| p.0 == name).map(|p| p.1);
                        @let v = |name: &str| value(name).unwrap_or(0.0);
                        li {
                            span.row {
                                span.name title=(row.name) { (row.name) }
                                svg.track width="100%" height="46" {
                                    g.mark {
                                        rect.hit x="0" y="0" width="100%" height="100%" {}
                                        line.whisker x1=(at(v("lower whisker"))) x2=(at(v("upper whisker"))) y1="50%" y2="50%" {}
                                        line.whisker x1=(at(v("lower whisker"))) x2=(at(v("lower whisker"))) y1="36%" y2="64%" {}
                                        line.whisker x1=(at(v("upper whisker"))) x2=(at(v("upper whisker"))) y1="36%" y2="64%" {}
                                        @let (x, wide) = between(v("25th percentile"), v("75th percentile"));
                                        rect.middle x=(x) width=(wide) y="22%" height="56%" rx="3" {}
                                        line.median x1=(at(v("median"))) x2=(at(v("median"))) y1="22%" y2="78%" {}
                                        @if let Some(mean) = value("mean") { svg.mean x=(at(mean)) y="50%" { path d="M0 -5L5 0L0 5L-5 0Z" {} } }
                                        title { (row.name) @for (name, value) in parts { "\n" (name) ": " (self.format.text(*value, locale)) } }
                                    }
                                }
                            }
                        }
                    }
                    li aria-hidden="true" {
                        span.row.scale {
                            span.name {}
                            svg.track width="100%" height="24" {
                                line.rule x1="0" x2="100%" y1="0" y2="0" {}
                                (number_axis((scale.low, scale.high), &self.format, locale))
                            }
                        }
                    }
                }
                output.tip aria-live="polite" {}
            }
        }
    }
}
