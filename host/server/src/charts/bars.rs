//! Bars: upright beside each other or stacked, or lying, one row a label.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::axis::{Placed, XAxis, XKind, crowded};
use super::frame::{Frame, spoken};
use super::locale::Locale;
use super::number::NumberFormat;
use super::points::Points;
use super::scale::{Scale, coordinate, percent};
use super::series::{Series, colours, legend, whole};

/// The arrangement of the bars of one label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BarLayout {
    /// Beside each other; lying if the names of categories are too long to stand below upright bars.
    #[default]
    Grouped,
    /// On top of each other; negative values hang below zero.
    Stacked,
    /// Lying, one row a label: room for long names on any screen.
    Horizontal,
}

/// A chart of bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// One label a bar or group of bars.
    pub labels: Vec<String>,
    /// The spacing of upright bars.
    pub kind: XKind,
    /// The bars, in one unit; the format of the first is that of the axis.
    pub series: Vec<Series>,
    /// Their arrangement.
    pub layout: BarLayout,
    /// An address for each label, where a click leads; may be shorter than the labels.
    pub links: Vec<Option<String>>,
    /// The label that the page is filtered by: the others step back.
    pub selected: Option<usize>,
}

/// More bars than this have no marks of their own; they are one path, and are read as points of lines are.
const MARKED: usize = 400;
/// Rows of lying bars beyond this are left to the table.
const ROWS: usize = 60;
/// Pixel columns to which strokes are reduced.
const COLUMNS: usize = 1000;

impl Bars {
    /// Returns bars of categories without links.
    pub fn new(labels: Vec<String>, series: Vec<Series>, layout: BarLayout) -> Bars {
        Bars { labels, kind: XKind::Category, series, layout, links: Vec::new(), selected: None }
    }

    pub(super) fn draw(&self, id: &str, title: &str, locale: &Locale) -> Markup {
        match self.layout {
            BarLayout::Horizontal => self.lying(id, title, locale),
            // Bars without names say nothing; rows have room for them.
            BarLayout::Grouped
                if self.kind == XKind::Category && self.labels.len() <= ROWS && crowded(&self.labels) =>
            {
                self.lying(id, title, locale)
            }
            BarLayout::Grouped | BarLayout::Stacked => self.upright(id, title, locale),
        }
    }

    fn link(&self, i: usize) -> Option<&str> {
        self.links.get(i).and_then(Option::as_deref)
    }

    /// Returns the class by which the chosen label stands out.
    fn choice(&self, i: usize) -> &'static str {
        match self.selected {
            Some(chosen) if chosen == i => " chosen",
            Some(_) => " back",
            None => "",
        }
    }

    fn format(&self) -> NumberFormat {
        self.series.first().map_or(NumberFormat::Integer, |s| s.format.clone())
    }

    /// Returns label and values, as a tip and a title show them.
    fn tip(&self, name: &str, i: usize, locale: &Locale) -> String {
        let mut text = name.to_owned();
        for s in &self.series {
            if let Some(value) = s.value(i) {
                let _ = write!(text, "\n{}: {}", s.name, s.format.text(value, locale));
            }
        }
        let parts = || self.series.iter().filter_map(|s| s.value(i));
        if self.layout == BarLayout::Stacked && parts().count() > 1 {
            let _ = write!(text, "\ntotal: {}", self.format().text(parts().fold(0.0, |a, v| a + v), locale));
        }
        text
    }

    /// Returns for each series the lower and the upper end of its bar at label `i`.
    fn spans(&self, i: usize) -> Vec<Option<(f64, f64)>> {
        let (mut above, mut below) = (0.0, 0.0);
        let mut spans = Vec::with_capacity(self.series.len());
        for s in &self.series {
            spans.push(s.value(i).map(|value| {
                if self.layout != BarLayout::Stacked {
                    return (value.min(0.0), value.max(0.0));
                }
                let pile: &mut f64 = if value < 0.0 { &mut below } else { &mut above };
                let from = *pile;
                *pile += value;
                (from.min(*pile), from.max(*pile))
            }));
        }
        spans
    }

    fn spoken(&self, title: &str, names: &[String], locale: &Locale) -> String {
        let mut parts = Vec::new();
        for s in &self.series {
            let known = || (0..self.labels.len()).filter_map(|i| Some((i, s.value(i)?)));
            let say = |(i, v): (usize, f64)| format!("{} at {}", s.format.text(v, locale), names[i]);
            let low = known().min_by(|a, b| a.1.total_cmp(&b.1)).map(say);
            let high = known().max_by(|a, b| a.1.total_cmp(&b.1)).map(say);
            if let (Some(low), Some(high)) = (low, high) {
                parts.push(format!("{}: lowest {low}, highest {high}", s.name));
            }
        }
        if self.layout != BarLayout::Horizontal && !parts.is_empty() {
            parts.push(String::from("Arrow keys read the bars"));
        }
        spoken(title, self.labels.len(), &parts)
    }

    fn upright(&self, id: &str, title: &str, locale: &Locale) -> Markup {
        let axis = XAxis { labels: self.labels.clone(), kind: self.kind };
        let x = Placed::new(&axis, true);
        let count = self.labels.len();
        let ends = (0..count).flat_map(|i| self.spans(i)).flatten().flat_map(|(a, b)| [a, b]);
        let scale = Scale::from_zero(ends, whole(&self.series));
        let names: Vec<String> = (0..count).map(|i| x.shown(i, locale)).collect();
        let format = self.format();
        let colours = colours(&self.series);
        let points = Points {
            x: &x,
            scale: &scale,
            series: &self.series,
            colours: &colours,
            marked: (&[], ""),
            band: None,
            brush: None,
        };
        let many = count * self.series.len() > MARKED;
        Frame {
            id,
            kind: if many {
                "bars many"
            } else if self.series.len() > 1 {
                "bars several"
            } else {
                "bars"
            },
            spoken: self.spoken(title, &names, locale),
            y: (&scale, &format),
            x: (x.labels(0.0, locale), x.two_lines()),
            paths: if many {
                self.strokes(&x, &scale)
            } else {
                html! {}
            },
            marks: if many { points.overlay() } else { self.marks(&x, &scale, &names, locale) },
            legend: legend(&self.series, &[]),
            data: many.then(|| points.json(locale)),
            right: 0,
            links: !many && self.links.iter().any(Option::is_some),
        }
        .draw(locale)
    }

    fn marks(&self, x: &Placed<'_>, scale: &Scale, names: &[String], locale: &Locale) -> Markup {
        let colours = colours(&self.series);
        let side = if self.layout == BarLayout::Grouped { self.series.len().max(1) } else { 1 };
        // A group of one is two thirds of its band; more need the room.
        let share = if x.labels.len() <= 3 && side == 1 {
            0.4
        } else if side == 1 {
            0.68
        } else {
            0.8
        };
        let wide = x.band * share;
        let one = wide / side as f64;
        html! {
            @for (i, name) in names.iter().enumerate() {
                @let left = x.x(i) - wide / 2.0;
                @let tip = self.tip(name, i, locale);
                @let bars = html! {
                    rect.hit x=(percent((x.x(i) - x.band / 2.0).max(0.0))) width=(percent(x.band)) y="0" height="100%" {}
                    @for (k, span) in self.spans(i).iter().enumerate() {
                        @if let Some((low, high)) = span {
                            @let place = if side == 1 { 0 } else { k };
                            @let (top, bottom) = (1.0 - scale.at(*high), 1.0 - scale.at(*low));
                            rect class={ "bar s" (k) " " (colours[k]) } rx=(if self.layout == BarLayout::Stacked { "0" } else { "2" })
                                x=(percent((left + place as f64 * one).max(0.0))) width=(percent(one * if side == 1 { 1.0 } else { 0.9 }))
                                y=(percent(top)) height=(percent(bottom - top)) {}
                        }
                    }
                    title { (tip) }
                };
                @if let Some(href) = self.link(i) {
                    a class={ "mark" (self.choice(i)) } href=(href) aria-label=(tip) { (bars) }
                } @else {
                    g class={ "mark" (self.choice(i)) } { (bars) }
                }
            }
        }
    }

    /// Draws very many bars as one path, of each pixel column the lowest and the highest end.
    fn strokes(&self, x: &Placed<'_>, scale: &Scale) -> Markup {
        let colours = colours(&self.series);
        let mut columns: Vec<Vec<Option<(f64, f64)>>> = vec![vec![None; COLUMNS]; self.series.len()];
        for i in 0..x.labels.len() {
            let column = ((x.x(i) * COLUMNS as f64) as usize).min(COLUMNS - 1);
            for (k, span) in self.spans(i).into_iter().enumerate() {
                if let Some((low, high)) = span {
                    let (l, h) = columns[k][column].unwrap_or((low, high));
                    columns[k][column] = Some((l.min(low), h.max(high)));
                }
            }
        }
        let side = if self.layout == BarLayout::Grouped { self.series.len() } else { 1 };
        let wide = (x.band * 700.0).max(1.0);
        let one = wide / side as f64;
        let path = |k: usize, ends: &[Option<(f64, f64)>]| {
            let left = 0.5 - wide / 2.0 + if side > 1 { k as f64 * one } else { 0.0 };
            let mut d = String::new();
            for (column, span) in ends.iter().enumerate() {
                if let Some((low, high)) = span {
                    let y = |v: f64| coordinate(((1.0 - scale.at(v)) * 1000.0).round());
                    let from = coordinate((column as f64 + left).max(0.0));
                    let _ = write!(d, "M{from} {}h{}V{}H{from}", y(*low), coordinate(one), y(*high));
                }
            }
            d
        };
        html! {
            @for (k, ends) in columns.iter().enumerate() { path class={ "strokes s" (k) " " (colours[k]) } d=(path(k, ends)) {} }
        }
    }

    fn lying(&self, id: &str, title: &str, locale: &Locale) -> Markup {
        let shown = self.labels.len().min(ROWS);
        let values = (0..shown).flat_map(|i| self.series.iter().filter_map(move |s| s.value(i)));
        // The longest bar fills its track: rows have their values as text and need no round ends.
        let (low, high) = values.fold((0.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
        let scale = Scale { low, high: if high > low { high } else { low + 1.0 }, step: 1.0, ticks: Vec::new() };
        let colours = colours(&self.series);
        let names: Vec<String> = self.labels.clone();
        html! {
            div id=(id) class={ "chart rows" @if self.series.len() > 1 { " several" } } {
                (legend(&self.series, &[]))
                ol.list aria-label=(self.spoken(title, &names, locale)) {
                    @for (i, name) in names.iter().take(shown).enumerate() {
                        @let row = html! {
                            span.name title=(name) { (name) }
                            span.tracks {
                                @for (k, s) in self.series.iter().enumerate() {
                                    @if let Some(value) = s.value(i) {
                                        @let (from, to) = (scale.at(value.min(0.0)), scale.at(value.max(0.0)));
                                        svg class={ "track s" (k) } width="100%" height=(if self.series.len() > 1 { "10" } else { "16" }) aria-hidden="true" {
                                            rect class={ "bar " (colours[k]) } rx="2" x=(percent(from)) width=(percent(to - from)) y="0" height="100%" {}
                                        }
                                    }
                                }
                            }
                            span.values {
                                @for (k, s) in self.series.iter().enumerate() {
                                    span class={ "value s" (k) } { (s.value(i).map_or_else(|| String::from("–"), |v| s.format.text(v, locale))) }
                                }
                            }
                        };
                        li {
                            @if let Some(href) = self.link(i) {
                                a class={ "row" (self.choice(i)) } href=(href) { (row) }
                            } @else {
                                span class={ "row" (self.choice(i)) } { (row) }
                            }
                        }
                    }
                }
                @if self.labels.len() > shown {
                    p.more { (NumberFormat::Integer.text((self.labels.len() - shown) as f64, locale)) " more in the table" }
                }
            }
        }
    }
}
