//! Funnels: how many are left after each step, and where most are lost.

use maud::{Markup, html};

use super::frame::spoken;
use super::locale::Locale;
use super::number::NumberFormat;
use super::scale::{drawable, percent};

/// Steps, each a part of the one before.
#[derive(Clone, Debug, PartialEq)]
pub struct Funnel {
    /// Name and number of each step, in order.
    pub steps: Vec<(String, f64)>,
    /// The format of the numbers.
    pub format: NumberFormat,
}

impl Funnel {
    pub(super) fn draw(&self, id: &str, title: &str, locale: &Locale) -> Markup {
        let value = |i: usize| self.steps.get(i).and_then(|s| drawable(Some(s.1))).filter(|v| *v > 0.0).unwrap_or(0.0);
        let most = (0..self.steps.len()).map(value).fold(0.0, f64::max);
        let ratio = |a: f64, b: f64| if b > 0.0 { a / b } else { 0.0 };
        let text = |r: f64| NumberFormat::Percent(1).text(r, locale);
        let says: Vec<String> = (self.steps.iter().enumerate())
            .map(|(i, step)| {
                format!("{} {}, {}", step.0, self.format.text(value(i), locale), text(ratio(value(i), value(0))))
            })
            .collect();
        let kept = |i: usize| ratio(value(i), value(i.saturating_sub(1)));
        // The step that loses most is the one to work on.
        let worst = (1..self.steps.len()).min_by(|&a, &b| kept(a).total_cmp(&kept(b)));
        html! {
            div id=(id) class="chart rows funnel" {
                ol.list aria-label=(spoken(title, self.steps.len(), &says)) {
                    @for (i, (name, _)) in self.steps.iter().enumerate() {
                        li {
                            @if i > 0 {
                                span class={ "kept" @if worst == Some(i) { " loss" } } { (text(kept(i))) " go on" }
                            }
                            span.row {
                                span.name title=(name) { (name) }
                                span.tracks {
                                    svg.track width="100%" height="26" aria-hidden="true" {
                                        rect.rest x="0" width="100%" height="100%" rx="3" {}
                                        rect class="bar c0" x="0" width=(percent(ratio(value(i), most))) height="100%" rx="3" {}
                                    }
                                }
                                span.values { span.value { (self.format.text(value(i), locale)) } span.part { (text(ratio(value(i), value(0)))) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
