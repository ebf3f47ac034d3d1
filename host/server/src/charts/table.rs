//! The table behind each chart: the same numbers, for those who cannot see the picture or want to check it.

use super::axis::XKind;
use super::drawing::Drawing;
use super::figure::DataTable;
use super::heat_map::names;
use super::locale::Locale;
use super::number::NumberFormat;
use super::series::Series;

impl Drawing {
    /// Returns the numbers of the chart as text; `first` names the column of labels.
    pub fn table(&self, first: &str, locale: &Locale) -> DataTable {
        match self {
            Self::Lines(c) => by_label(first, &c.x.labels, c.x.kind, &c.series, locale),
            Self::Bars(c) => by_label(first, &c.labels, c.kind, &c.series, locale),
            Self::Share(c) => {
                let rows =
                    c.labels.iter().enumerate().map(|(i, name)| {
                        vec![name.clone(), text(c.values.get(i).copied().flatten(), &c.format, locale)]
                    });
                table(&[first, "value"], rows.collect())
            }
            Self::Boxes(c) => {
                let header =
                    [first, "lower whisker", "25th percentile", "median", "75th percentile", "upper whisker", "mean"];
                let rows = c.rows.iter().map(|r| {
                    let values = [Some(r.lower), Some(r.p25), Some(r.p50), Some(r.p75), Some(r.upper), r.mean];
                    let mut row = vec![r.name.clone()];
                    row.extend(values.into_iter().map(|v| text(v, &c.format, locale)));
                    row
                });
                table(&header, rows.collect())
            }
            Self::Histogram(c) => {
                let rows = c.ranges().into_iter().map(|(low, high, count)| {
                    vec![
                        c.format.text(low, locale),
                        c.format.text(high, locale),
                        NumberFormat::Integer.text(count, locale),
                    ]
                });
                let mut table = table(&["from", "to", "count"], rows.collect());
                table.numeric = vec![true; 3];
                table
            }
            Self::HeatMap(c) => {
                let mut header = vec![c.row_title.as_str()];
                let columns = names(&c.columns, locale);
                header.extend(columns.iter().map(String::as_str));
                let rows = names(&c.rows, locale).into_iter().enumerate().map(|(r, name)| {
                    let mut row = vec![name];
                    row.extend((0..c.columns.len()).map(|i| text(c.value(r, i), &c.format, locale)));
                    row
                });
                table(&header, rows.collect())
            }
            Self::Funnel(c) => {
                let rows = c.steps.iter().map(|(name, v)| vec![name.clone(), c.format.text(*v, locale)]);
                table(&[first, "value"], rows.collect())
            }
        }
    }
}

fn by_label(first: &str, labels: &[String], kind: XKind, series: &[Series], locale: &Locale) -> DataTable {
    let mut header = vec![first];
    header.extend(series.iter().map(|s| s.name.as_str()));
    let rows = labels.iter().enumerate().map(|(i, label)| {
        let mut row = vec![if kind == XKind::Date { locale.date(label) } else { label.clone() }];
        row.extend(series.iter().map(|s| text(s.value(i), &s.format, locale)));
        row
    });
    table(&header, rows.collect())
}

/// Builds a table whose columns are numbers but for the first.
fn table(header: &[&str], rows: Vec<Vec<String>>) -> DataTable {
    let numeric = (0..header.len()).map(|c| c > 0).collect();
    DataTable { header: header.iter().map(|&h| h.to_owned()).collect(), rows, numeric }
}

fn text(value: Option<f64>, format: &NumberFormat, locale: &Locale) -> String {
    value.map_or_else(String::new, |v| format.text(v, locale))
}
