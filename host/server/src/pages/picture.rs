//! Charts as pictures of their rows.

use std::cmp::Ordering;
use std::collections::HashMap;

use smelt_common::Error;
use smelt_common::error::Result;

use super::data::Data;
use super::numbers::{format_of, words_of};
use super::section::{ChartKind, ChartSection, LayoutName, Names};
use super::view::column_index;
use crate::charts::{
    BarLayout, Bars, BoxRow, Boxes, Drawing, Funnel, HeatMap, Histogram, Lines, NumberFormat, Series, SeriesStyle,
    Share, XAxis, XKind,
};
use crate::frame::{Cell, cell};
use crate::lake::Seen;

/// The most series of a chart. More cannot be told apart.
const MOST_SERIES: usize = 24;

/// The picture of a chart, and the number of each of its labels' rows.
pub(super) struct Picture {
    pub(super) drawing: Drawing,
    /// The name of the column of labels.
    pub(super) first: String,
    /// How many series are drawn, and of how many, if not all are.
    pub(super) series_left_out: Option<(usize, usize)>,
}

/// The labels of rows, each once, and the numbers under them by series.
struct Pivot {
    labels: Vec<String>,
    series: Vec<Series>,
    /// The number of all series.
    all: usize,
}

impl Pivot {
    fn left_out(&self) -> Option<(usize, usize)> {
        (self.series.len() < self.all).then_some((self.series.len(), self.all))
    }
}

/// Draws the rows. `link` has the address where a click on a label leads. Lines go on with other tables only if `goes_on`.
pub(super) fn picture(
    chart: &ChartSection,
    data: &Data,
    seen: &Seen,
    link: &dyn Fn(&str) -> Option<String>,
    selected: Option<&str>,
    brush: Option<(String, String)>,
    goes_on: bool,
) -> Result<Picture> {
    let x = chart.x.as_deref().unwrap_or_default();
    let first = words_of(x, Some(chart));
    let mut series_left_out = None;
    let mut pivoted = || {
        let pivot = pivot(chart, data, x)?;
        series_left_out = pivot.left_out();
        Ok::<_, Error>(pivot)
    };
    let drawing = match chart.kind {
        ChartKind::Line => {
            let Pivot { labels, series, .. } = pivoted()?;
            let mut lines = Lines::new(XAxis { labels, kind: kind_of(data, x, XKind::Number)? }, series);
            if let Some(marks) = &chart.marks {
                lines.marked = data.cells(marks)?.iter().map(|value| *value == Cell::Boolean(true)).collect();
                lines.marked_name = words_of(marks, Some(chart));
            }
            if let [low, high] = &chart.band.0[..] {
                lines.band = Some((numbers(data, low)?, numbers(data, high)?, words_of(low, Some(chart))));
            }
            for then in chart.then.iter().filter(|_| goes_on) {
                go_on(&mut lines, then, seen, chart)?;
            }
            lines.brush = brush.filter(|_| lines.x.kind == XKind::Date);
            Drawing::Lines(lines)
        }
        ChartKind::Bar => {
            let Pivot { labels, series, .. } = pivoted()?;
            let layout = match chart.layout {
                Some(LayoutName::Stacked) => BarLayout::Stacked,
                Some(LayoutName::Horizontal) => BarLayout::Horizontal,
                Some(LayoutName::Grouped) | None => BarLayout::Grouped,
            };
            let links = labels.iter().map(|label| link(label)).collect();
            let selected = selected.and_then(|value| labels.iter().position(|label| label == value));
            let kind = kind_of(data, x, XKind::Category)?;
            Drawing::Bars(Bars { kind, links, selected, ..Bars::new(labels, series, layout) })
        }
        ChartKind::Share => {
            let y = &chart.y.0[0];
            let labels: Vec<_> = data.cells(x)?.iter().map(Cell::text).collect();
            let links = labels.iter().map(|label| link(label)).collect();
            Drawing::Share(Share { values: numbers(data, y)?, format: format(data, y, chart)?, labels, links })
        }
        ChartKind::Box => Drawing::Boxes(boxes(chart, data)?),
        ChartKind::Histogram => {
            let of = |at: usize| -> Result<Vec<f64>> {
                Ok(numbers(data, &chart.parts.0[at])?.into_iter().map(Option::unwrap_or_default).collect())
            };
            let format = format(data, &chart.parts.0[0], chart)?;
            Drawing::Histogram(Histogram { lower: of(0)?, upper: of(1)?, count: of(2)?, format })
        }
        ChartKind::Heat => Drawing::HeatMap(heat(chart, data, pivoted()?, x)?),
        ChartKind::Funnel => {
            let steps = chart.parts.0.iter().map(|name| {
                let sum: f64 = numbers(data, name)?.into_iter().flatten().sum();
                Ok((words_of(name, Some(chart)), sum))
            });
            let steps = steps.collect::<Result<Vec<_>>>()?;
            Drawing::Funnel(Funnel { steps, format: format(data, &chart.parts.0[0], chart)? })
        }
        ChartKind::Stat | ChartKind::Table | ChartKind::Text => {
            return Err(Error::internal("this chart is no picture"));
        }
    };
    Ok(Picture { drawing, first, series_left_out })
}

fn numbers(data: &Data, name: &str) -> Result<Vec<Option<f64>>> {
    Ok(data.cells(name)?.iter().map(Cell::number).collect())
}

fn format(data: &Data, name: &str, chart: &ChartSection) -> Result<NumberFormat> {
    Ok(format_of(&data.frame, data.column(name)?, Some(chart)))
}

fn kind_of(data: &Data, x: &str, number: XKind) -> Result<XKind> {
    use arrow_schema::DataType;
    Ok(match data.frame.schema().field(data.column(x)?).data_type() {
        DataType::Date32 | DataType::Timestamp(..) => XKind::Date,
        DataType::Int64 | DataType::Float64 | DataType::Decimal128(..) => number,
        _ => XKind::Category,
    })
}

/// Returns the numbers of the chart's columns by label. With `series`, each value of that column is a series.
fn pivot(chart: &ChartSection, data: &Data, x: &str) -> Result<Pivot> {
    let labels: Vec<_> = data.cells(x)?.iter().map(Cell::text).collect();
    let Some(by) = &chart.series else {
        let series = |name: &String| -> Result<Series> {
            let style = if chart.faint.0.contains(name) { SeriesStyle::Faint } else { SeriesStyle::Solid };
            Ok(Series::new(words_of(name, Some(chart)), numbers(data, name)?, format(data, name, chart)?).styled(style))
        };
        let Names(faint) = &chart.faint;
        let series = chart.y.0.iter().chain(faint.iter().filter(|name| !chart.y.0.contains(name))).map(series);
        let series = series.collect::<Result<Vec<_>>>()?;
        return Ok(Pivot { labels, all: series.len(), series });
    };
    let (names, values) = (data.cells(by)?, numbers(data, &chart.y.0[0])?);
    let format = format(data, &chart.y.0[0], chart)?;
    let mut places: Vec<String> = Vec::new();
    let mut series: Vec<Series> = Vec::new();
    let mut at = HashMap::new();
    for label in &labels {
        at.entry(label.clone()).or_insert_with(|| {
            places.push(label.clone());
            places.len() - 1
        });
    }
    let mut of = HashMap::new();
    for ((label, name), value) in labels.iter().zip(&names).zip(values) {
        let name = name.text();
        let one = *of.entry(name.clone()).or_insert_with(|| {
            series.push(Series::new(name, vec![None; places.len()], format.clone()));
            series.len() - 1
        });
        if let Some(value) = value {
            let sum = &mut series[one].values[at[label]];
            *sum = Some(sum.unwrap_or_default() + value);
        }
    }
    let all = series.len();
    if all > MOST_SERIES {
        // The last ones are those of the newest groups, as rows come in the order of their keys.
        series.drain(..all - MOST_SERIES);
    }
    Ok(Pivot { labels: places, series, all })
}

/// Appends the rows of another table as a dashed line that begins where the first one ends.
fn go_on(lines: &mut Lines, then: &super::section::ThenSection, seen: &Seen, chart: &ChartSection) -> Result<()> {
    let frame = seen.table(&then.table)?;
    let columns = [&then.x, &then.y].map(|name| column_index(&frame, &then.table, name));
    let [x, y] = columns;
    let (x, y) = (x?, y?);
    let all: Vec<u32> = (0..frame.rows().min(super::check::MOST_ROWS) as u32).collect();
    let rows = frame.fetch(&all, &[x, y])?;
    let of_first = lines.series.first();
    let format = of_first.map_or_else(|| format_of(&frame, y, Some(chart)), |first| first.format.clone());
    let joint = of_first.and_then(|first| first.values.last().copied().flatten());
    let mut places: HashMap<String, usize> = lines.x.labels.iter().cloned().zip(0..).collect();
    let mut values = vec![None; lines.x.labels.len()];
    if let Some(last) = values.last_mut() {
        *last = joint;
    }
    for row in 0..rows.num_rows() {
        let (label, value) = (cell(rows.column(0), row).text(), cell(rows.column(1), row).number());
        match places.get(&label) {
            Some(&at) => values[at] = value,
            None => {
                places.insert(label.clone(), values.len());
                lines.x.labels.push(label);
                values.push(value);
            }
        }
    }
    for series in &mut lines.series {
        series.values.resize(lines.x.labels.len(), None);
    }
    let name = then.name.clone().unwrap_or_else(|| words_of(&then.y, Some(chart)));
    lines.series.push(Series::new(name, values, format).styled(SeriesStyle::Dashed));
    Ok(())
}

fn boxes(chart: &ChartSection, data: &Data) -> Result<Boxes> {
    let names = chart.x.as_deref().map(|x| data.cells(x)).transpose()?;
    let parts = chart.parts.0.iter().map(|name| numbers(data, name)).collect::<Result<Vec<_>>>()?;
    let means = chart.mean.as_deref().map(|mean| numbers(data, mean)).transpose()?;
    let mut rows = Vec::new();
    for row in 0..data.found.rows.len() {
        let [Some(lower), Some(p25), Some(p50), Some(p75), Some(upper)] = [0, 1, 2, 3, 4].map(|part| parts[part][row])
        else {
            continue;
        };
        let name = names.as_ref().map_or_else(String::new, |names| names[row].text());
        let mean = means.as_ref().and_then(|means| means[row]);
        rows.push(BoxRow { name, lower, p25, p50, p75, upper, mean });
    }
    Ok(Boxes { rows, format: format(data, &chart.parts.0[2], chart)? })
}

/// Compares labels: numbers by value, and before other texts.
fn by_number(one: &str, other: &str) -> Ordering {
    let place = |label: &str| label.parse::<f64>().map_or((true, 0.0), |number| (false, number));
    let ((one_is_text, one_number), (other_is_text, other_number)) = (place(one), place(other));
    let by_kind = one_is_text.cmp(&other_is_text);
    by_kind.then(one_number.total_cmp(&other_number)).then_with(|| one.cmp(other))
}

fn heat(chart: &ChartSection, data: &Data, pivot: Pivot, x: &str) -> Result<HeatMap> {
    let Pivot { labels, series, .. } = pivot;
    // Columns are in order, as not every row has the first ones.
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|&one, &other| by_number(&labels[one], &labels[other]));
    Ok(HeatMap {
        rows: series.iter().map(|series| series.name.clone()).collect(),
        columns: order.iter().map(|&at| labels[at].clone()).collect(),
        values: series.iter().map(|series| order.iter().map(|&at| series.values[at]).collect()).collect(),
        format: format(data, &chart.y.0[0], chart)?,
        row_title: words_of(chart.series.as_deref().unwrap_or_default(), Some(chart)),
        column_title: words_of(x, Some(chart)),
    })
}

#[cfg(test)]
mod tests {
    use super::by_number;

    /// Sorting panics at an order that is none: `10` before `9` as texts, `9` before `10` as numbers.
    #[test]
    fn labels_of_numbers_and_texts_have_one_order() {
        let mut labels: Vec<String> =
            (0..40).flat_map(|n| [n.to_string(), format!("{n}a"), format!("{n}.0")]).collect();
        labels.extend(["NaN", "-inf", "", "x"].map(ToOwned::to_owned));
        for one in &labels {
            for other in &labels {
                assert_eq!(by_number(one, other), by_number(other, one).reverse(), "{one} {other}");
                let later = labels.iter().filter(|third| by_number(other, third).is_le());
                assert!(by_number(one, other).is_gt() || later.into_iter().all(|third| by_number(one, third).is_le()));
            }
        }
        labels.sort_by(|one, other| by_number(one, other));
        assert_eq!(labels[..4], ["-inf", "0", "0.0", "1"]);
        assert_eq!(labels[labels.len() - 1], "x");
    }
}
