//! Heat maps: a table whose cells are coloured, so that it reads, prints and scrolls as a table does.

use maud::{Markup, html};

use super::date::Moment;
use super::locale::Locale;
use super::number::NumberFormat;
use super::scale::drawable;

/// Values by row and column.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// The names of the rows.
    pub rows: Vec<String>,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// One list a row, one value a column; `None` is an empty cell.
    pub values: Vec<Vec<Option<f64>>>,
    /// The format of the values.
    pub format: NumberFormat,
    /// The rows' quantity.
    pub row_title: String,
    /// The columns' quantity.
    pub column_title: String,
}

/// Steps of colour away from zero: more are not told apart.
const SHADES: f64 = 8.0;
/// Rows and columns beyond this are left to the table behind the figure.
const MOST: usize = 60;

/// Writes names as dates if all are dates: a single `2026-05` among codes is a code.
pub(super) fn names(names: &[String], locale: &Locale) -> Vec<String> {
    let dates = names.iter().all(|n| Moment::parse(n).is_some());
    names.iter().map(|n| if dates { locale.date(n) } else { n.clone() }).collect()
}

impl HeatMap {
    /// Returns the value of a cell that can be drawn.
    pub(super) fn value(&self, row: usize, column: usize) -> Option<f64> {
        drawable(self.values.get(row).and_then(|r| r.get(column)).copied().flatten())
    }

    /// Returns a colour class: `p0` to `p8` from the least to the greatest, `m1` to `m8` below zero.
    fn shade(value: f64, least: f64, greatest: f64) -> String {
        let (part, side) = if least < 0.0 {
            // Both sides share one measure, so that equal strengths look equal.
            (value.abs() / greatest.abs().max(least.abs()), if value < 0.0 { 'm' } else { 'p' })
        } else {
            ((value - least) / (greatest - least), 'p')
        };
        let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.5 };
        format!("{side}{}", (part * SHADES).round())
    }

    pub(super) fn draw(&self, id: &str, title: &str, locale: &Locale) -> Markup {
        let (rows, columns) = (self.rows.len().min(MOST), self.columns.len().min(MOST));
        let (row_names, column_names) = (names(&self.rows, locale), names(&self.columns, locale));
        let cells = (0..rows).flat_map(|r| (0..columns).filter_map(move |c| self.value(r, c)));
        let (least, greatest) = cells.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        html! {
            div id=(id) class="chart heat" {
                div.scroll tabindex="0" role="region" aria-label=(title) {
                    table {
                        caption.unseen { (title) }
                        thead {
                            tr { td {} th.across scope="colgroup" colspan=(columns.max(1)) { (self.column_title) } }
                            tr { th scope="col" { (self.row_title) } @for name in &column_names[..columns] { th.column scope="col" { (name) } } }
                        }
                        tbody {
                            @for (r, name) in row_names[..rows].iter().enumerate() {
                                tr {
                                    th scope="row" { (name) }
                                    @for c in 0..columns {
                                        @if let Some(value) = self.value(r, c) {
                                            @let column = &column_names[c];
                                            td class={ "mark " (Self::shade(value, least, greatest)) }
                                                title={ (self.row_title) " " (name) ", " (self.column_title) " " (column) "\nvalue: " (self.format.text(value, locale)) } {
                                                (self.format.short(value, locale))
                                            }
                                        } @else { td.none {} }
                                    }
                                }
                            }
                        }
                    }
                }
                @if rows < self.rows.len() || columns < self.columns.len() { p.more { "More in the table" } }
                output.tip aria-live="polite" {}
            }
        }
    }
}
