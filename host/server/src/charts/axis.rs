//! The horizontal axis: where each label stands, and which labels are shown at which width.
//!
//! The server does not know how wide a figure will be. For each of five widths it therefore chooses labels that cannot
//! collide there, and gives each label the classes of its widths; container queries in `charts.css` show one set.

use maud::{Markup, html};

use super::date::{self, DateTick, Moment, Precision, STEPS};
use super::locale::Locale;
use super::scale::{Scale, percent};

/// The spacing of an axis, which follows from its labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XKind {
    /// Evenly spaced, in the order given.
    Category,
    /// By time, and written as the locale does. If any label is no date, the axis is a `Category`.
    Date,
    /// By value. If any label is no number, the axis is a `Category`.
    Number,
}

/// The horizontal axis: labels as the data has them.
#[derive(Clone, Debug, PartialEq)]
pub struct XAxis {
    /// One label a point, such as an ISO date.
    pub labels: Vec<String>,
    /// Their spacing.
    pub kind: XKind,
}

/// The least plot widths in px for which labels are chosen, in step with the container queries of `charts.css`.
const TIERS: [f64; 5] = [190.0, 330.0, 480.0, 660.0, 920.0];
/// The first of these widths at which lines have their names beside them.
const NAMED_FROM: usize = 2;
/// Px that a character of 12 px takes in a wide font.
const CHARACTER: f64 = 7.0;
/// Px between two labels.
const GAP: f64 = 14.0;
/// More ticks than this never fit.
const MOST_TICKS: usize = 40;
/// More dates than this read as noise, even where they fit.
const MOST_DATES: usize = 12;

/// An axis with positions.
#[derive(Debug)]
pub(super) struct Placed<'a> {
    pub(super) labels: &'a [String],
    pub(super) kind: XKind,
    /// One a label: seconds, numbers or indices.
    pub(super) at: Vec<f64>,
    /// The value at the left and at the right edge.
    pub(super) ends: (f64, f64),
    /// The share of the width that one bar and its gap take.
    pub(super) band: f64,
}

/// A label: its part of the width, its text, a second line, and the tiers that show it.
#[derive(Clone, Debug, PartialEq)]
struct Label {
    at: f64,
    text: String,
    above: String,
    tiers: u8,
}

impl<'a> Placed<'a> {
    /// Places labels; `bars` need half a band of room at both ends.
    pub(super) fn new(axis: &'a XAxis, bars: bool) -> Placed<'a> {
        let labels = axis.labels.as_slice();
        let read: Option<Vec<f64>> = match axis.kind {
            XKind::Category => None,
            XKind::Date => labels.iter().map(|l| Moment::parse(l).map(|m| m.seconds() as f64)).collect(),
            XKind::Number => labels.iter().map(|l| l.trim().parse().ok().filter(|v: &f64| v.abs() <= 1e300)).collect(),
        };
        let (at, kind) = match read {
            Some(at) if !at.is_empty() => (at, axis.kind),
            _ => ((0..labels.len()).map(|i| i as f64).collect(), XKind::Category),
        };
        let low = at.iter().copied().fold(f64::INFINITY, f64::min);
        let high = at.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (low, high) = if low <= high { (low, high) } else { (0.0, 0.0) };
        let mut sorted = at.clone();
        sorted.sort_by(f64::total_cmp);
        let gap = sorted.windows(2).map(|w| w[1] - w[0]).filter(|&g| g > 0.0).fold(f64::INFINITY, f64::min);
        let gap = if gap.is_finite() {
            gap
        } else if kind == XKind::Date {
            86_400.0
        } else {
            1.0
        };
        let margin = if bars || high - low <= 0.0 { gap / 2.0 } else { 0.0 };
        let mut ends = (low - margin, high + margin);
        if ends.1 <= ends.0 {
            // A gap of 1 is lost beside 1e300.
            ends = (low - low.abs().max(1.0), high + high.abs().max(1.0));
        }
        let band = (gap / (ends.1 - ends.0)).clamp(0.0, 1.0);
        Placed { labels, kind, at, ends, band }
    }

    /// Returns the part of the width (0 to 1) at which a value stands.
    pub(super) fn part(&self, value: f64) -> f64 {
        let part = (value - self.ends.0) / (self.ends.1 - self.ends.0);
        if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Returns the part of the width at which the point `i` stands.
    pub(super) fn x(&self, i: usize) -> f64 {
        self.at.get(i).map_or(0.0, |&v| self.part(v))
    }

    /// Returns the label of point `i` as people write it.
    pub(super) fn shown(&self, i: usize, locale: &Locale) -> String {
        let label = self.labels.get(i).map_or("", String::as_str);
        if self.kind == XKind::Date { locale.date(label) } else { label.to_owned() }
    }

    /// Draws the labels below a plot that leaves `right` px to names beside it, which only wide figures show.
    pub(super) fn labels(&self, right: f64, locale: &Locale) -> Markup {
        let labels = self.choose(right, locale);
        html! {
            g.x-labels {
                @for label in &labels {
                    text x=(percent(label.at)) y="100%" class=(classes(label, &label.text)) {
                        (label.text)
                    }
                    @if !label.above.is_empty() {
                        text x=(percent(label.at)) y="100%" class={ "year " (classes(label, &label.above)) } { (label.above) }
                    }
                }
            }
        }
    }

    /// Says if the axis has a second line, of years or days.
    pub(super) fn two_lines(&self) -> bool {
        self.kind == XKind::Date
    }

    fn choose(&self, right: f64, locale: &Locale) -> Vec<Label> {
        let mut all: Vec<Label> = Vec::new();
        for (tier, &width) in TIERS.iter().enumerate() {
            let width = if tier < NAMED_FROM { width } else { width - right };
            let chosen = match self.kind {
                XKind::Category => self.categories(width),
                XKind::Date => self.dates(width, locale),
                XKind::Number => self.numbers(width, locale),
            };
            for label in chosen {
                let same = |l: &&mut Label| l.at == label.at && l.text == label.text && l.above == label.above;
                match all.iter_mut().find(same) {
                    Some(known) => known.tiers |= 1 << tier,
                    None => all.push(Label { tiers: 1 << tier, ..label }),
                }
            }
        }
        all.sort_by(|a, b| a.at.total_cmp(&b.at));
        all
    }

    fn dates(&self, width: f64, locale: &Locale) -> Vec<Label> {
        let months =
            self.labels.first().and_then(|l| Moment::parse(l)).is_some_and(|m| m.precision <= Precision::Month);
        let days = self.labels.iter().filter_map(|l| Moment::parse(l)).all(|m| m.precision <= Precision::Day);
        let finest = if months {
            date::Step::Months(1)
        } else if days {
            date::Step::Days(1)
        } else {
            STEPS[0]
        };
        let begin = STEPS.iter().position(|&s| s == finest).unwrap_or(0);
        for &step in &STEPS[begin..] {
            let Some(ticks) = date::ticks(self.ends.0, self.ends.1, step, MOST_DATES, locale) else { continue };
            let labels = with_second_line(self, ticks);
            if labels.len() <= MOST_DATES && fits(&labels, width) {
                if labels.is_empty() {
                    break;
                }
                return labels;
            }
        }
        // Less than a step: the two ends say more than nothing.
        let mut labels: Vec<Label> = Vec::new();
        for i in [0, self.labels.len().saturating_sub(1)] {
            let label = Label { at: self.x(i), text: self.shown(i, locale), above: String::new(), tiers: 0 };
            labels.push(label);
            if !fits(&labels, width) {
                labels.pop();
            }
        }
        labels
    }

    fn numbers(&self, width: f64, locale: &Locale) -> Vec<Label> {
        let whole = self.at.iter().all(|v| v.fract() == 0.0);
        number_labels(self.ends, width, whole, &super::number::NumberFormat::Decimal(0), locale)
    }

    fn categories(&self, width: f64) -> Vec<Label> {
        let count = self.labels.len();
        let label = |i: usize, most: usize| Label {
            at: self.x(i),
            text: shorten(&self.labels[i], most),
            above: String::new(),
            tiers: 0,
        };
        let longest = self.labels.iter().take(MOST_TICKS).map(|l| l.chars().count()).max().unwrap_or(0);
        let room = (width * self.band.min(1.0) - GAP) / CHARACTER;
        if count <= MOST_TICKS && room >= 7.0_f64.min(longest as f64) {
            let all: Vec<Label> = (0..count).map(|i| label(i, room as usize)).collect();
            if fits(&all, width) {
                return all;
            }
        }
        let mut every = count.div_ceil(MOST_TICKS).max(1);
        loop {
            let some: Vec<Label> = (0..count).step_by(every).map(|i| label(i, 16)).collect();
            if fits(&some, width) || some.len() <= 1 {
                return some;
            }
            every += every.div_ceil(4);
        }
    }
}

/// Says if upright bars could not all be named: labels too long for even a wide figure.
pub(super) fn crowded(labels: &[String]) -> bool {
    let longest = labels.iter().map(|l| text_width(l)).fold(0.0, f64::max);
    longest > 8.0 * CHARACTER && (longest + GAP) * labels.len() as f64 > TIERS[2]
}

/// Draws labels of a numeric axis between two ends, as histograms and boxes have it.
pub(super) fn number_axis(ends: (f64, f64), format: &super::number::NumberFormat, locale: &Locale) -> Markup {
    let mut all: Vec<Label> = Vec::new();
    for (tier, &width) in TIERS.iter().enumerate() {
        for label in number_labels(ends, width, false, format, locale) {
            match all.iter_mut().find(|l| l.at == label.at && l.text == label.text) {
                Some(known) => known.tiers |= 1 << tier,
                None => all.push(Label { tiers: 1 << tier, ..label }),
            }
        }
    }
    html! {
        g.x-labels { @for label in &all { text x=(percent(label.at)) y="100%" class=(classes(label, &label.text)) { (label.text) } } }
    }
}

fn number_labels(
    ends: (f64, f64),
    width: f64,
    whole: bool,
    format: &super::number::NumberFormat,
    locale: &Locale,
) -> Vec<Label> {
    let range = ends.1 - ends.0;
    for count in [8.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0] {
        let scale = Scale::round(ends.0, ends.1, count, whole);
        let labels: Vec<Label> = scale
            .ticks
            .iter()
            .filter(|&&t| t >= ends.0 - range * 1e-9 && t <= ends.1 + range * 1e-9)
            .map(|&t| Label {
                at: ((t - ends.0) / range).clamp(0.0, 1.0),
                text: format.tick(t, scale.step, scale.greatest(), locale),
                above: String::new(),
                tiers: 0,
            })
            .filter(|l| l.at.is_finite())
            .collect();
        if fits(&labels, width) && !labels.is_empty() {
            return labels;
        }
    }
    Vec::new()
}

/// Keeps the year (or day) only where it differs from that of the label before.
fn with_second_line(axis: &Placed<'_>, ticks: Vec<DateTick>) -> Vec<Label> {
    let mut labels: Vec<Label> = Vec::with_capacity(ticks.len());
    let mut last = String::new();
    for tick in ticks {
        let above = if tick.above == last { String::new() } else { tick.above.clone() };
        last = tick.above;
        labels.push(Label { at: axis.part(tick.at), text: tick.text, above, tiers: 0 });
    }
    labels
}

/// Keeps a long label at the right edge within the figure; a short one fits in the margin.
fn anchor(label: &Label, text: &str) -> &'static str {
    if label.at > 0.965 && text_width(text) > 30.0 { "end" } else { "mid" }
}

fn classes(label: &Label, text: &str) -> String {
    let mut classes = anchor(label, text).to_owned();
    // Labels of every width need no query.
    if label.tiers != 0b1_1111 {
        for tier in 0..TIERS.len() {
            if label.tiers & (1 << tier) != 0 {
                classes.push_str(&format!(" t{tier}"));
            }
        }
        classes.push_str(" tier");
    }
    classes
}

/// Estimates the px that a text of 12 px takes; scripts of East Asia are an em wide.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars()
        .map(|c| if c >= '\u{1100}' && !('\u{2000}'..='\u{2fff}').contains(&c) { 12.5 } else { CHARACTER })
        .sum()
}

/// Says if labels stand apart at this width, on both lines.
fn fits(labels: &[Label], width: f64) -> bool {
    let apart = |text: fn(&Label) -> &str| {
        let mut free = f64::NEG_INFINITY;
        let mut spans: Vec<(f64, f64)> = labels
            .iter()
            .filter(|l| !text(l).is_empty())
            .map(|l| {
                let (at, wide) = (l.at * width, text_width(text(l)));
                if anchor(l, text(l)) == "end" { (at - wide, at) } else { (at - wide / 2.0, at + wide / 2.0) }
            })
            .collect();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        spans.iter().all(|&(from, to)| {
            let ok = from >= free;
            free = to + GAP;
            ok
        })
    };
    apart(|l| &l.text) && apart(|l| &l.above)
}

/// Cuts a text to so many characters, the last of which is an ellipsis.
pub(super) fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(axis: &XAxis, tier: usize) -> Vec<String> {
        let placed = Placed::new(axis, false);
        placed
            .choose(0.0, &Locale::default())
            .into_iter()
            .filter(|l| l.tiers & (1 << tier) != 0)
            .map(|l| l.text)
            .collect()
    }

    fn dates(count: usize) -> XAxis {
        let first = chrono::NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
        let labels = first.iter_days().take(count).map(|d| d.to_string()).collect();
        XAxis { labels, kind: XKind::Date }
    }

    #[test]
    fn a_wider_figure_has_more_labels() {
        let axis = dates(181);
        assert_eq!(shown(&axis, 4), ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]);
        assert!(shown(&axis, 0).len() >= 2 && shown(&axis, 0).len() <= 4, "{:?}", shown(&axis, 0));
    }

    #[test]
    fn labels_never_collide() {
        let texts = |n: usize| (0..n).map(|i| format!("Category number {i}")).collect();
        for count in [1, 2, 5, 9, 40, 300] {
            for axis in [dates(count), XAxis { labels: texts(count), kind: XKind::Category }] {
                let placed = Placed::new(&axis, true);
                for (tier, &width) in TIERS.iter().enumerate() {
                    let labels: Vec<Label> = placed
                        .choose(0.0, &Locale::of("de"))
                        .into_iter()
                        .filter(|l| l.tiers & (1 << tier) != 0)
                        .collect();
                    assert!(!labels.is_empty() && fits(&labels, width), "{count} at {width}: {labels:?}");
                }
            }
        }
    }

    #[test]
    fn dates_are_spaced_by_time_and_others_evenly() {
        let labels = ["2026-01-01", "2026-01-02", "2026-01-11"].map(String::from).to_vec();
        let axis = XAxis { labels: labels.clone(), kind: XKind::Date };
        assert!((Placed::new(&axis, false).x(1) - 0.1).abs() < 1e-9);
        let axis = XAxis { labels: [&labels[..], &[String::from("other")]].concat(), kind: XKind::Date };
        let placed = Placed::new(&axis, false);
        assert_eq!((placed.kind, placed.x(3)), (XKind::Category, 1.0));
    }

    #[test]
    fn the_year_stands_where_it_changes() {
        let labels = ["2025-10", "2025-11", "2025-12", "2026-01", "2026-02"].map(String::from).to_vec();
        let axis = XAxis { labels, kind: XKind::Date };
        let labels = Placed::new(&axis, true).choose(0.0, &Locale::default());
        let years: Vec<&str> = labels.iter().filter(|l| l.tiers & 16 != 0).map(|l| l.above.as_str()).collect();
        assert_eq!(years, ["2025", "", "", "2026", ""]);
    }
}
