//! The script's needs for reading points: positions, labels and rounded values, and the marks it moves.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::axis::{Placed, XKind};
use super::date::{Moment, Precision};
use super::frame::json_text;
use super::locale::Locale;
use super::number::NumberFormat;
use super::scale::{Scale, drawable};
use super::series::Series;

/// Lower ends, upper ends, and the name of a range around lines.
pub type Band = (Vec<Option<f64>>, Vec<Option<f64>>, String);

/// Series on one axis.
pub(super) struct Points<'a> {
    pub(super) x: &'a Placed<'a>,
    pub(super) scale: &'a Scale,
    pub(super) series: &'a [Series],
    pub(super) colours: &'a [String],
    /// The points that are marked, and what that means.
    pub(super) marked: (&'a [bool], &'a str),
    pub(super) band: Option<&'a Band>,
    /// The query parameters that a drag sets.
    pub(super) brush: Option<&'a (String, String)>,
}

impl Points<'_> {
    /// Draws what the script shows and moves: the range pulled, the crosshair with a dot a series, and the ground that feels.
    pub(super) fn overlay(&self) -> Markup {
        html! {
            rect.pulled.off height="100%" {}
            g.off { line.cross y2="100%" {} @for colour in self.colours { circle class={ "dot " (colour) } r="4.5" {} } }
            rect.sense width="100%" height="100%" {}
        }
    }

    /// Writes the points as JSON, as compactly as the labels allow.
    pub(super) fn json(&self, locale: &Locale) -> String {
        let Self { x, scale, series, colours, marked, band, brush } = self;
        // `{:e}` is JSON too, and 1e300 in five bytes.
        let mut json = format!("{{\"x\":[{:e},{:e}],\"y\":[{:e},{:e}]", x.ends.0, x.ends.1, scale.low, scale.high);
        let _ = write!(json, ",\"num\":[{},{},{}]", json_text(locale.group), json_text(locale.mark), locale.group_from);
        write_positions(&mut json, x, locale);
        if let Some((from, to)) = brush {
            let _ = write!(json, ",\"brush\":[{},{}]", json_text(from), json_text(to));
        }
        let points: Vec<usize> = (0..x.labels.len()).filter(|&i| marked.0.get(i) == Some(&true)).collect();
        if !points.is_empty() {
            let _ = write!(json, ",\"mark\":{},\"marked\":{}", json_text(marked.1), numbers(&points));
        }
        if let Some((low, high, name)) = band {
            let format = series.first().map_or(NumberFormat::Decimal(2), |s| s.format.clone());
            for (key, values) in [("low", low), ("high", high)] {
                let open = if key == "low" { format!(",\"band\":{{\"n\":{}", json_text(name)) } else { String::new() };
                let _ = write!(json, "{open},\"{key}\":[");
                let values = (0..x.labels.len()).map(|i| drawable(values.get(i).copied().flatten()));
                write_values(&mut json, &format, values);
                json.push(']');
            }
            json.push('}');
        }
        json.push_str(",\"series\":[");
        for (k, s) in series.iter().enumerate() {
            let (before, after) = s.format.affixes(locale);
            let comma = if k == 0 { "" } else { "," };
            let _ = write!(
                json,
                "{comma}{{\"n\":{},\"c\":\"{}\",\"d\":{},\"k\":{},\"a\":{},\"z\":{},\"v\":[",
                json_text(&s.name),
                colours[k],
                s.format.scaled(0.0).1,
                s.format.scaled(1.0).0,
                json_text(&before),
                json_text(&after)
            );
            write_values(&mut json, &s.format, (0..x.labels.len()).map(|i| s.value(i)));
            json.push_str("]}");
        }
        json.push_str("]}");
        json
    }
}

/// Writes rounded values, as a reader sees no more of them.
fn write_values(json: &mut String, format: &NumberFormat, values: impl Iterator<Item = Option<f64>>) {
    for (i, value) in values.enumerate() {
        if i > 0 {
            json.push(',');
        }
        match value {
            Some(v) => json.push_str(trim(&format.plain(v))),
            None => json.push_str("null"),
        }
    }
}

fn trim(digits: &str) -> &str {
    if digits.contains('.') && !digits.contains('e') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

fn numbers(values: &[usize]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    format!("[{}]", texts.join(","))
}

/// Writes positions as runs of equal steps where they are whole, and leaves out labels that follow from them.
fn write_positions(json: &mut String, x: &Placed<'_>, locale: &Locale) {
    if x.kind != XKind::Category {
        let whole = x.at.iter().all(|v| v.fract() == 0.0 && v.abs() < 9e15);
        let mut runs: Vec<(f64, usize)> = Vec::new();
        for w in x.at.windows(2) {
            match runs.last_mut() {
                Some((step, times)) if *step == w[1] - w[0] => *times += 1,
                _ => runs.push((w[1] - w[0], 1)),
            }
        }
        if whole && runs.len() * 2 < x.at.len() {
            let _ = write!(json, ",\"run\":[{}", x.at.first().copied().unwrap_or(0.0));
            for (step, times) in runs {
                let _ = write!(json, ",{step},{times}");
            }
            json.push(']');
        } else {
            let texts: Vec<String> = x.at.iter().map(ToString::to_string).collect();
            let _ = write!(json, ",\"xs\":[{}]", texts.join(","));
        }
    }
    if x.kind == XKind::Date {
        let months: Vec<String> = locale.months.iter().map(|m| json_text(m)).collect();
        if let Some((cut, between, tail)) = form(x.labels) {
            let pattern = format!("{}{}", locale.date, if cut > 10 { " H" } else { "" });
            let _ = write!(json, ",\"form\":[{cut},{},{}]", json_text(between), json_text(tail));
            let _ = write!(json, ",\"date\":{},\"months\":[{}]", json_text(&pattern), months.join(","));
            return;
        }
    }
    let list = |texts: Vec<String>| texts.iter().map(|t| json_text(t)).collect::<Vec<_>>().join(",");
    let _ = write!(json, ",\"labels\":[{}]", list(x.labels.to_vec()));
    if x.kind == XKind::Date {
        let _ = write!(json, ",\"shown\":[{}]", list((0..x.labels.len()).map(|i| x.shown(i, locale)).collect()));
    }
}

/// Returns the one form of ISO 8601 that all labels have: its length without zone, its separator and its end.
fn form(labels: &[String]) -> Option<(usize, &'static str, &'static str)> {
    let first = labels.first()?;
    let between = if first.as_bytes().get(10) == Some(&b' ') { " " } else { "T" };
    let tail = if first.ends_with('Z') { "Z" } else { "" };
    let cut = first.len() - tail.len();
    let canonical = |label: &String| {
        let moment = Moment::parse(label)?;
        let text = match (cut, moment.precision) {
            (10, Precision::Day) => moment.at.format("%Y-%m-%d").to_string(),
            (16, Precision::Second) => moment.at.format(&format!("%Y-%m-%d{between}%H:%M{tail}")).to_string(),
            (19, Precision::Second) => moment.at.format(&format!("%Y-%m-%d{between}%H:%M:%S{tail}")).to_string(),
            _ => return None,
        };
        (text == *label).then_some(())
    };
    labels.iter().all(|l| canonical(l).is_some()).then_some((cut, between, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_follow_from_positions_are_left_out() {
        let labels = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect::<Vec<_>>();
        assert_eq!(form(&labels(&["2026-01-01", "2026-01-02"])), Some((10, "T", "")));
        assert_eq!(form(&labels(&["2026-01-01 10:00:00Z"])), Some((19, " ", "Z")));
        assert_eq!(form(&labels(&["2026-01-01", "2026-01-02T00:00"])), None);
        assert_eq!(form(&labels(&["2026-01"])), None);
    }
}
