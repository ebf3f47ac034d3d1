//! Lines over time or another axis: gaps stay gaps, and 10,000 points cost no more than 1,000.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::axis::{Placed, XAxis, text_width};
use super::frame::{Frame, HEIGHT, spoken};
use super::locale::Locale;
use super::number::NumberFormat;
use super::points::{Band, Points};
use super::scale::{Scale, coordinate, drawable, percent};
use super::series::{Series, SeriesStyle, colours, legend, style_class, whole};

/// A chart of lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// The horizontal axis.
    pub x: XAxis,
    /// The lines, in one unit; the format of the first is that of the axis.
    pub series: Vec<Series>,
    /// Points of the first series to mark, such as anomalies; may be shorter than the axis.
    pub marked: Vec<bool>,
    /// The meaning of a mark, for the legend.
    pub marked_name: String,
    /// A range, such as that of a forecast.
    pub band: Option<Band>,
    /// The query parameters that a drag sets: from and to. Their values are labels of the axis.
    pub brush: Option<(String, String)>,
}

/// Pixel columns to which a path is reduced: as many as a wide screen shows.
const COLUMNS: usize = 1000;
/// Up to so many points each has a visible dot.
const DOTTED: usize = 32;
/// Up to so many points each has a title that shows on hover without script.
const TITLED: usize = 130;

/// More lines than this are told apart by the legend alone.
const NAMED: usize = 8;
/// Px of the longest name that fits beside a plot.
const LONGEST_NAME: f64 = 130.0;
/// Px from one name to the next.
const NAME_HEIGHT: f64 = 14.0;

impl Lines {
    /// Returns lines without marks, band and brush.
    pub fn new(x: XAxis, series: Vec<Series>) -> Lines {
        Lines { x, series, marked: Vec::new(), marked_name: String::new(), band: None, brush: None }
    }

    pub(super) fn draw(&self, id: &str, title: &str, locale: &Locale) -> Markup {
        let x = Placed::new(&self.x, false);
        let count = x.labels.len();
        let bands = self.band.iter().flat_map(|(low, high, _)| low.iter().chain(high).take(2 * count));
        let values = self.series.iter().flat_map(|s| (0..count).filter_map(|i| s.value(i)));
        let scale = Scale::of(values.chain(bands.filter_map(|v| drawable(*v))), whole(&self.series));
        let any = NumberFormat::Decimal(2);
        let format = self.series.first().map_or(&any, |s| &s.format);
        let colours = colours(&self.series);
        let marked: Vec<(f64, f64)> = self.marked_points(&x, &scale);
        // A filled area says "from zero", so it needs zero as its ground.
        let filled = self.series.len() == 1 && scale.low == 0.0 && self.band.is_none();
        // Strokes as thick as those of few points would merge into a smear.
        let crowd = if count > 2000 {
            " dense"
        } else if count > 500 {
            " thick"
        } else {
            ""
        };
        let paths = html! {
            @if let Some((low, high, _)) = &self.band { path.band d=(band(&x, &scale, low, high)) {} }
            @for (k, series) in self.series.iter().enumerate() {
                @let runs = runs(&x, &scale, series);
                @if filled { path class={ "fill s" (k) " " (colours[k]) } d=(area(&runs)) {} }
                path class={ "line s" (k) " " (colours[k]) " " (style_class(series.style)) (crowd) } d=(path(&runs)) {}
                @if count <= DOTTED && series.style == SeriesStyle::Solid {
                    path class={ "dots s" (k) " " (colours[k]) } d=(dots(runs.iter().flatten())) {}
                }
            }
            @if !marked.is_empty() {
                path.ring d=(dots(marked.iter())) {}
                path.core d=(dots(marked.iter())) {}
            }
        };
        let mut others = Vec::new();
        if let Some((_, _, name)) = &self.band {
            others.push(("band", name.as_str()));
        }
        if !marked.is_empty() {
            others.push(("mark", self.marked_name.as_str()));
        }
        let points = Points {
            x: &x,
            scale: &scale,
            series: &self.series,
            colours: &colours,
            marked: (&self.marked, &self.marked_name),
            band: self.band.as_ref(),
            brush: self.brush.as_ref(),
        };
        let (names, right) = self.names(&x, &scale, &colours);
        Frame {
            id,
            kind: if self.brush.is_some() { "lines brushed" } else { "lines" },
            spoken: self.spoken(title, &x, locale),
            y: (&scale, format),
            x: (x.labels(16.0 * right as f64, locale), x.two_lines()),
            paths,
            marks: html! {
                (self.hits(&x, locale))
                (names)
                (points.overlay())
            },
            legend: legend(&self.series, &others),
            data: (count > 0).then(|| points.json(locale)),
            right,
            links: false,
        }
        .draw(locale)
    }

    /// Names lines beside their ends, which needs no look at a legend and no colour, and returns the steps of 16 px it takes.
    fn names(&self, x: &Placed<'_>, scale: &Scale, colours: &[String]) -> (Markup, usize) {
        let longest = self.series.iter().map(|s| text_width(&s.name)).fold(0.0, f64::max);
        if !(2..=NAMED).contains(&self.series.len()) || longest > LONGEST_NAME {
            return (html! {}, 0);
        }
        let mut ends: Vec<(f64, usize)> = Vec::new();
        for (k, s) in self.series.iter().enumerate() {
            let last = (0..x.labels.len()).rev().find_map(|i| Some((i, s.value(i)?)));
            // A line that ends before the edge would have its name among the others.
            if let Some((_, value)) = last.filter(|&(i, _)| x.x(i) > 0.985) {
                ends.push(((1.0 - scale.at(value)) * HEIGHT, k));
            }
        }
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        for i in 1..ends.len() {
            ends[i].0 = ends[i].0.max(ends[i - 1].0 + NAME_HEIGHT);
        }
        let mut below = HEIGHT;
        for end in ends.iter_mut().rev() {
            end.0 = end.0.min(below);
            below = end.0 - NAME_HEIGHT;
        }
        let right = if ends.is_empty() { 0 } else { ((longest + 12.0) / 16.0).ceil() as usize };
        let names = html! {
            @for &(y, k) in &ends {
                text class={ "end-name s" (k) " " (colours[k]) } x="100%" y=(percent((y / HEIGHT).clamp(0.0, 1.0))) { (self.series[k].name) }
            }
        };
        (names, right)
    }

    fn marked_points(&self, x: &Placed<'_>, scale: &Scale) -> Vec<(f64, f64)> {
        let Some(first) = self.series.first() else { return Vec::new() };
        let marked = (0..x.labels.len()).filter(|&i| self.marked.get(i) == Some(&true));
        marked.filter_map(|i| Some((x.x(i), 1.0 - scale.at(first.value(i)?)))).collect()
    }

    /// Columns over the plot whose titles a browser shows without script.
    fn hits(&self, x: &Placed<'_>, locale: &Locale) -> Markup {
        let count = x.labels.len();
        if count > TITLED {
            return html! {};
        }
        let half = 0.5 / count.max(2) as f64;
        html! {
            g.hits {
                @for i in 0..count {
                    @let from = (x.x(i) - half).max(0.0);
                    rect x=(percent(from)) width=(percent((x.x(i) + half).min(1.0) - from)) y="0" height="100%" {
                        title {
                            (x.shown(i, locale))
                            @for s in &self.series { @if let Some(v) = s.value(i) { "\n" (s.name) ": " (s.format.text(v, locale)) } }
                        }
                    }
                }
            }
        }
    }

    fn spoken(&self, title: &str, x: &Placed<'_>, locale: &Locale) -> String {
        let mut parts = Vec::new();
        for s in &self.series {
            let known = || (0..x.labels.len()).filter_map(|i| Some((i, s.value(i)?)));
            let say = |(i, v): (usize, f64)| format!("{} at {}", s.format.text(v, locale), x.shown(i, locale));
            let low = known().min_by(|a, b| a.1.total_cmp(&b.1)).map(say);
            let high = known().max_by(|a, b| a.1.total_cmp(&b.1)).map(say);
            let last = known().next_back().map(say);
            if let (Some(low), Some(high), Some(last)) = (low, high, last) {
                parts.push(format!("{}: lowest {low}, highest {high}, last {last}", s.name));
            }
        }
        if !parts.is_empty() {
            let zoom =
                if self.brush.is_some() { ", Shift and arrow keys choose a range, Enter zooms into it" } else { "" };
            parts.push(format!("Arrow keys read the points{zoom}"));
        }
        spoken(title, x.labels.len(), &parts)
    }
}

type Point = (f64, f64);

/// Returns the unbroken parts of a line as parts of width and height, at most four points a pixel column.
fn runs(x: &Placed<'_>, scale: &Scale, series: &Series) -> Vec<Vec<Point>> {
    let mut runs: Vec<Vec<Point>> = Vec::new();
    let mut open = false;
    for i in 0..x.labels.len() {
        let Some(value) = series.value(i) else {
            open = false;
            continue;
        };
        if !open {
            runs.push(Vec::new());
            open = true;
        }
        if let Some(run) = runs.last_mut() {
            run.push((x.x(i), 1.0 - scale.at(value)));
        }
    }
    if x.labels.len() > COLUMNS {
        for run in &mut runs {
            *run = thin(run);
        }
        // A gap narrower than a pixel cannot be seen, but costs a path of its own.
        runs.dedup_by(|next, run| {
            let near = match (run.last(), next.first()) {
                (Some(a), Some(b)) => (b.0 - a.0) * (COLUMNS as f64) < 1.0,
                _ => true,
            };
            if near {
                run.append(next);
            }
            near
        });
    }
    runs
}

/// Keeps of each pixel column the lowest and the highest point, in their order: no peak is lost.
fn thin(run: &[Point]) -> Vec<Point> {
    let column = |p: &Point| (p.0 * COLUMNS as f64) as usize;
    let mut kept: Vec<Point> = Vec::new();
    for column in run.chunk_by(|a, b| column(a) == column(b)) {
        let low = (0..column.len()).min_by(|&a, &b| column[a].1.total_cmp(&column[b].1)).unwrap_or(0);
        let high = (0..column.len()).max_by(|&a, &b| column[a].1.total_cmp(&column[b].1)).unwrap_or(0);
        kept.push(column[low.min(high)]);
        if low != high {
            kept.push(column[low.max(high)]);
        }
    }
    kept
}

fn point(p: &Point, fine: bool) -> String {
    if fine {
        format!("{} {}", coordinate((p.0 * 10_000.0).round() / 10.0), coordinate((p.1 * 10_000.0).round() / 10.0))
    } else {
        format!("{} {}", coordinate((p.0 * 1000.0).round()), coordinate((p.1 * 1000.0).round()))
    }
}

/// Draws runs; a run of one point is a dot by its round caps.
fn path(runs: &[Vec<Point>]) -> String {
    let fine = runs.iter().map(Vec::len).sum::<usize>() <= COLUMNS;
    let mut d = String::new();
    for run in runs {
        for (i, p) in run.iter().enumerate() {
            d.push_str(match i {
                0 => "M",
                1 => "L",
                _ => " ",
            });
            d.push_str(&point(p, fine));
        }
        if run.len() == 1 {
            d.push_str("h0");
        }
    }
    d
}

fn area(runs: &[Vec<Point>]) -> String {
    let fine = runs.iter().map(Vec::len).sum::<usize>() <= COLUMNS;
    let mut d = String::new();
    for run in runs {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
        let _ = write!(d, "M{}", point(&(first.0, 1.0), fine));
        for p in run.iter().chain([&(last.0, 1.0)]) {
            let _ = write!(d, "L{}", point(p, fine));
        }
        d.push('Z');
    }
    d
}

fn dots<'a>(points: impl Iterator<Item = &'a Point>) -> String {
    points.fold(String::new(), |mut d, p| {
        let _ = write!(d, "M{}h0", point(p, true));
        d
    })
}

fn band(x: &Placed<'_>, scale: &Scale, low: &[Option<f64>], high: &[Option<f64>]) -> String {
    let mut parts: Vec<Vec<(f64, f64, f64)>> = vec![Vec::new()];
    for i in 0..x.labels.len() {
        let ends = drawable(low.get(i).copied().flatten()).zip(drawable(high.get(i).copied().flatten()));
        match (ends, parts.last_mut()) {
            (Some((low, high)), Some(part)) => part.push((x.x(i), 1.0 - scale.at(low), 1.0 - scale.at(high))),
            (None, Some(part)) if !part.is_empty() => parts.push(Vec::new()),
            _ => {}
        }
    }
    let mut d = String::new();
    for part in parts.iter().filter(|p| !p.is_empty()) {
        let column = |p: &(f64, f64, f64)| (p.0 * COLUMNS as f64) as usize;
        let widest: Vec<(f64, f64, f64)> = part
            .chunk_by(|a, b| column(a) == column(b))
            .map(|c| {
                let (low, high) = c.iter().fold((0.0f64, 1.0f64), |(l, h), p| (l.max(p.1), h.min(p.2)));
                (c[0].0, low, high)
            })
            .collect();
        let outline = widest.iter().map(|p| (p.0, p.2)).chain(widest.iter().rev().map(|p| (p.0, p.1)));
        for (i, p) in outline.enumerate() {
            let _ = write!(d, "{}{}", if i == 0 { "M" } else { "L" }, point(&p, widest.len() < COLUMNS / 2));
        }
        d.push('Z');
    }
    d
}

#[cfg(test)]
mod tests {
    use super::super::axis::XKind;
    use super::*;

    fn placed(values: &[Option<f64>]) -> Vec<Vec<Point>> {
        let axis = XAxis { labels: (0..values.len()).map(|i| i.to_string()).collect(), kind: XKind::Number };
        let series = Series::new("s", values.to_vec(), NumberFormat::Integer);
        let scale = Scale::of(values.iter().flatten().copied(), true);
        runs(&Placed::new(&axis, false), &scale, &series)
    }

    #[test]
    fn gaps_break_the_line() {
        let runs = placed(&[Some(1.0), None, Some(2.0), Some(3.0), None]);
        assert_eq!(runs.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        assert!(path(&runs).starts_with("M0 ") && path(&runs).contains("h0M"), "{}", path(&runs));
    }

    #[test]
    fn thinning_keeps_every_peak() {
        let mut values: Vec<Option<f64>> = (0..20_000).map(|i| Some(f64::from(i % 7))).collect();
        values[12_345] = Some(1000.0);
        values[777] = Some(-1000.0);
        let points: Vec<Point> = placed(&values).concat();
        assert!(points.len() <= 2 * COLUMNS + 2, "{}", points.len());
        assert!(points.iter().any(|p| p.1 == 0.0) && points.iter().any(|p| p.1 == 1.0));
    }
}
