//! Parts of a whole: one bar cut into parts, and a list that names them. Lengths compare better than angles.

use maud::{Markup, html};

use super::frame::spoken;
use super::locale::Locale;
use super::number::NumberFormat;
use super::scale::{drawable, percent};

/// Parts of a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The name of each part.
    pub labels: Vec<String>,
    /// Its size. Parts that are negative or missing are listed, but have no share.
    pub values: Vec<Option<f64>>,
    /// The format of the sizes.
    pub format: NumberFormat,
    /// An address for each part, where a click leads; may be shorter than the labels.
    pub links: Vec<Option<String>>,
}

/// Parts with a colour of their own; the ninth and smaller become one.
const PARTS: usize = 8;

struct Part<'a> {
    name: &'a str,
    value: Option<f64>,
    link: Option<&'a str>,
    colour: String,
}

impl Share {
    fn parts(&self) -> Vec<Part<'_>> {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        let value = |i: usize| drawable(self.values.get(i).copied().flatten());
        order.sort_by(|&a, &b| value(b).unwrap_or(f64::MIN).total_cmp(&value(a).unwrap_or(f64::MIN)));
        let own = if order.len() > PARTS { PARTS - 1 } else { order.len() };
        let mut parts: Vec<Part<'_>> = order[..own]
            .iter()
            .enumerate()
            .map(|(k, &i)| Part {
                name: &self.labels[i],
                value: value(i),
                link: self.links.get(i).and_then(Option::as_deref),
                colour: format!("c{k}"),
            })
            .collect();
        if own < order.len() {
            let rest = order[own..].iter().filter_map(|&i| value(i)).fold(0.0, |a, v| a + v);
            parts.push(Part { name: "other", value: drawable(Some(rest)), link: None, colour: String::from("cn") });
        }
        parts
    }

    pub(super) fn draw(&self, id: &str, title: &str, locale: &Locale) -> Markup {
        let parts = self.parts();
        // Halves, as a sum of the greatest numbers would overflow.
        let size = |part: &Part<'_>| part.value.filter(|v| *v > 0.0).unwrap_or(0.0);
        let whole: f64 = parts.iter().map(size).fold(0.0, |a, v| a + v);
        let ratio = |part: &Part<'_>| if whole > 0.0 { size(part) / whole } else { 0.0 };
        let written = NumberFormat::Percent(1);
        let text = |v: Option<f64>| v.map_or_else(|| String::from("–"), |v| self.format.text(v, locale));
        let tip =
            |p: &Part<'_>| format!("{}\nsize: {}\nshare: {}", p.name, text(p.value), written.text(ratio(p), locale));
        let mut from = 0.0;
        let spans: Vec<(f64, f64)> = parts
            .iter()
            .map(|p| {
                let start: f64 = from;
                from += ratio(p);
                (start.min(1.0), ratio(p).min(1.0 - start.min(1.0)))
            })
            .collect();
        let says: Vec<String> =
            parts.iter().map(|p| format!("{} {}", p.name, written.text(ratio(p), locale))).collect();
        html! {
            div id=(id) class="chart share" {
                svg.whole width="100%" height="28" role="img" tabindex="0" aria-label=(spoken(title, self.labels.len(), &says)) {
                    @for (part, (from, wide)) in parts.iter().zip(&spans) {
                        @if *wide > 0.0 {
                            g.mark {
                                rect class={ "bar " (part.colour) } x=(percent(*from)) width=(percent(*wide)) y="0" height="100%" {}
                                title { (tip(part)) }
                            }
                        }
                    }
                }
                ol.list {
                    @for part in &parts {
                        @let row = html! {
                            span.name title=(part.name) { i class={ "swatch " (part.colour) } {} (part.name) }
                            span.value { (text(part.value)) }
                            span.part { (written.text(ratio(part), locale)) }
                        };
                        li { @if let Some(href) = part.link { a.row href=(href) { (row) } } @else { span.row { (row) } } }
                    }
                }
                output.tip aria-live="polite" {}
            }
        }
    }
}
