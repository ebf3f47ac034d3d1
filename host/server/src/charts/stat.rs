//! A tile of one number: its change, its course, and where it comes from.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::scale::{Scale, coordinate, drawable};

/// A comparison of a number with another.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The relative change, whose sign decides the arrow; `None` if there is nothing to compare with.
    pub ratio: Option<f64>,
    /// The text shown, such as `+12.5% on the month before`.
    pub text: String,
    /// Says if the change is welcome; `None` for neither.
    pub is_good: Option<bool>,
}

/// One number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stat {
    /// Its name.
    pub label: String,
    /// Its value, formatted.
    pub text: String,
    /// Its comparison with another number.
    pub change: Option<Change>,
    /// Its course.
    pub spark: Option<Vec<Option<f64>>>,
    /// A remark, such as the period.
    pub note: Option<String>,
    /// The address of the page that says where the number comes from.
    pub proof: Option<String>,
}

impl Stat {
    /// Draws the tile.
    pub fn tile(&self) -> Markup {
        let Self { label, text, change, spark: course, note, proof } = self;
        html! {
            section.stat aria-label=(label) {
                p.label { (label) }
                p.number { (text) }
                @if let Some(change) = change { (change.line()) }
                @if let Some(note) = note { p.note { (note) } }
                @if let Some(values) = course { (spark(values)) }
                @if let Some(href) = proof { p.foot { (proof_link(href, label)) } }
            }
        }
    }
}

impl Change {
    fn line(&self) -> Markup {
        let arrow = match self.ratio {
            Some(r) if r > 0.0 => ("▲", "up"),
            Some(r) if r < 0.0 => ("▼", "down"),
            Some(_) => ("▬", "unchanged"),
            None => ("", ""),
        };
        let class = match self.is_good {
            Some(true) => "change good",
            Some(false) => "change bad",
            None => "change",
        };
        html! {
            p class=(class) {
                @if !arrow.0.is_empty() { span.arrow aria-hidden="true" { (arrow.0) } span.unseen { (arrow.1) " " } }
                (self.text)
            }
        }
    }
}

/// Draws the quiet link to the proof of a number.
pub(super) fn proof_link(href: &str, of: &str) -> Markup {
    html! {
        a.proof href=(href) {
            svg.icon viewBox="0 0 16 16" width="12" height="12" aria-hidden="true" {
                circle cx="4" cy="3.5" r="2" {} circle cx="4" cy="12.5" r="2" {} circle cx="12" cy="8" r="2" {}
                path d="M6 3.5h1.5q2 0 2.5 2.6M6 12.5h1.5q2 0 2.5 -2.6" {}
            }
            "where from" span.unseen { ": " (of) }
        }
    }
}

/// Draws a line of the size of a word. It is decoration: the number beside it says the same.
pub fn spark(values: &[Option<f64>]) -> Markup {
    let known: Vec<Option<f64>> = values.iter().map(|v| drawable(*v)).collect();
    let low = known.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let high = known.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
    if low > high {
        return html! { svg.spark width="100%" height="32" aria-hidden="true" {} };
    }
    let flat = high - low <= high.abs().max(low.abs()) * 1e-12;
    let scale = Scale { low, high, step: 1.0, ticks: Vec::new() };
    let (mut line, mut open, mut last) = (String::new(), false, None);
    // A line of a word's size shows no more than 200 points.
    let every = known.len().div_ceil(200).max(1);
    let end = known.len().saturating_sub(1);
    for (i, value) in known.iter().enumerate().filter(|(i, _)| i % every == 0 || *i == end) {
        let Some(value) = *value else {
            open = false;
            continue;
        };
        let x = coordinate(1000.0 * i as f64 / end.max(1) as f64);
        let y = coordinate(if flat { 500.0 } else { (1000.0 * (1.0 - scale.at(value))).round() });
        let _ = write!(line, "{}{x} {y}", if open { 'L' } else { 'M' });
        if !open {
            line.push_str("h0");
        }
        open = true;
        last = Some(format!("M{x} {y}h0"));
    }
    html! {
        svg.spark width="100%" height="32" aria-hidden="true" {
            svg.plot viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="100%" {
                path class="line c0" d=(line) {}
                @if let Some(d) = last { path class="dots c0" d=(d) {} }
            }
        }
    }
}
