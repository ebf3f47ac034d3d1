//! The frame that charts with two axes share: gutter, grid, labels, and a plot that stretches with the page.

use maud::{Markup, html};

use super::axis::text_width;
use super::locale::Locale;
use super::number::NumberFormat;
use super::scale::{Scale, percent};

/// The height of a plot in px. Widths follow the page; heights do not, so that rows of charts align.
pub(super) const HEIGHT: f64 = 220.0;

/// The contents of a frame.
pub(super) struct Frame<'a> {
    /// The id of the chart's element.
    pub(super) id: &'a str,
    /// Class of the chart.
    pub(super) kind: &'a str,
    /// The words with which a screen reader describes the picture.
    pub(super) spoken: String,
    /// The vertical axis and the format of its ticks.
    pub(super) y: (&'a Scale, &'a NumberFormat),
    /// The labels of the horizontal axis, and if they have two lines.
    pub(super) x: (Markup, bool),
    /// Paths in a square of 1000 by 1000 that is stretched over the plot.
    pub(super) paths: Markup,
    /// Marks placed in percent, which are not stretched.
    pub(super) marks: Markup,
    pub(super) legend: Markup,
    /// The data of the script, as JSON.
    pub(super) data: Option<String>,
    /// Steps of 16 px to the right of the plot, for names on a wide figure.
    pub(super) right: usize,
    /// A chart with links is a group: a reader skips what is inside of an image.
    pub(super) links: bool,
}

impl Frame<'_> {
    pub(super) fn draw(self, locale: &Locale) -> Markup {
        let (scale, format) = self.y;
        let ticks: Vec<(f64, String)> = scale
            .ticks
            .iter()
            .map(|&t| (1.0 - scale.at(t), format.tick(t, scale.step, scale.greatest(), locale)))
            .collect();
        let zero = scale.ticks.iter().position(|&t| t == 0.0);
        let widest = ticks.iter().map(|(_, text)| text_width(text)).fold(0.0, f64::max);
        // One class for each 8 px of gutter.
        let gutter = ((widest + 12.0) / 8.0).ceil().clamp(3.0, 14.0);
        let role = if self.links { "group" } else { "img" };
        html! {
            div id=(self.id) class={ "chart " (self.kind) } {
                (self.legend)
                svg class={ "canvas g" (gutter) @if self.x.1 { " two" } @if self.right > 0 { " e" (self.right) } } width="100%" height=(HEIGHT) role=(role) tabindex="0" aria-label=(self.spoken) {
                    g.grid {
                        @for (i, (at, text)) in ticks.iter().enumerate() {
                            line x1="0" x2="100%" y1=(percent(*at)) y2=(percent(*at)) class=[(zero == Some(i)).then_some("zero")] {}
                            text x="0" y=(percent(*at)) { (text) }
                        }
                    }
                    (self.x.0)
                    svg.plot viewBox="0 0 1000 1000" width="100%" height="100%" preserveAspectRatio="none" { (self.paths) }
                    (self.marks)
                }
                output.tip aria-live="polite" {}
                @if let Some(data) = &self.data { (data_block(data)) }
            }
        }
    }
}

/// Embeds JSON for the script. A policy of `script-src 'self'` lets it pass, as it is data and never runs.
pub(super) fn data_block(json: &str) -> Markup {
    // Only strings hold `<`; without it no text can end the element.
    let json = json.replace('<', "\\u003c");
    html! { script type="application/json" { (maud::PreEscaped(json)) } }
}

/// Writes a string of JSON.
pub(super) fn json_text(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// Says a series in a sentence: how many points, their ends and the last.
pub(super) fn spoken(title: &str, points: usize, parts: &[String]) -> String {
    let noun = if points == 1 { "point" } else { "points" };
    let mut text = format!("{title}. {points} {noun}.");
    for part in parts {
        text.push(' ');
        text.push_str(part);
        text.push('.');
    }
    text
}
