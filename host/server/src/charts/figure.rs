//! A figure around a chart: title, unit, period, age, source, the table behind it, and the states a chart can be in.

use maud::{Markup, html};

use super::stat::proof_link;

/// The share of a page's width that a figure takes on a wide screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Width {
    /// All of it.
    #[default]
    Full,
    /// A half.
    Half,
    /// A third.
    Third,
    /// A quarter.
    Quarter,
}

/// A warning that a reader needs before trusting a figure. Each text says the reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    #[default]
    Ready,
    /// There are no rows; the text may say what would bring some.
    Empty(String),
    /// The rows are older than they should be.
    Stale(String),
    /// The rows cannot be read.
    Failed(String),
    /// Some rows are not shown.
    Truncated(String),
}

/// The rows behind a figure, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataTable {
    /// The names of the columns.
    pub header: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
    /// The columns that hold numbers, which align at their ends; may be shorter than the header.
    pub numeric: Vec<bool>,
}

/// Rows that the table behind a figure shows; the CSV has all.
const ROWS: usize = 200;

impl DataTable {
    /// Draws the first rows, and says how many are left out.
    pub fn table(&self, caption: &str) -> Markup {
        let number = |column: usize| (self.numeric.get(column) == Some(&true)).then_some("num");
        html! {
            div.scroll tabindex="0" role="region" aria-label={ (caption) ", table" } {
                table.data {
                    caption.unseen { (caption) }
                    thead { tr { @for (c, name) in self.header.iter().enumerate() { th scope="col" class=[number(c)] { (name) } } } }
                    tbody {
                        @for row in self.rows.iter().take(ROWS) {
                            tr { @for (c, cell) in row.iter().enumerate() {
                                @if c == 0 { th scope="row" class=[number(c)] { (cell) } } @else { td class=[number(c)] { (cell) } }
                            } }
                        }
                    }
                }
            }
            @if self.rows.len() > ROWS {
                p.more { "The first " (ROWS) " of " (self.rows.len()) " rows." }
            }
        }
    }
}

/// A chart with all that a reader needs to judge it.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// The id of the element, unique on its page. The chart's own id must differ.
    pub id: String,
    /// The heading: it says in plain words the quantity shown.
    pub title: String,
    /// The unit of the numbers.
    pub unit: Option<String>,
    /// The period of the numbers.
    pub period: Option<String>,
    /// When the numbers were made.
    pub as_of: Option<String>,
    /// Name and address of the table they are from.
    pub source: Option<(String, String)>,
    /// The address of the rows shown, as CSV.
    pub csv: Option<String>,
    /// The address of the page that says where the numbers come from.
    pub proof: Option<String>,
    /// Its width.
    pub width: Width,
    /// Its state.
    pub state: State,
    /// The chart.
    pub body: Markup,
    /// The rows behind it.
    pub data: Option<DataTable>,
}

impl Figure {
    /// Draws the figure.
    pub fn draw(&self) -> Markup {
        let Self { id, title, unit, period, as_of, source, csv, proof, width, state, body, data } = self;
        let size = match width {
            Width::Full => "full",
            Width::Half => "half",
            Width::Third => "third",
            Width::Quarter => "quarter",
        };
        html! {
            figure id=(id) class={ "figure " (size) } aria-labelledby={ (id) "-title" } {
                figcaption {
                    h3 id={ (id) "-title" } { (title) }
                    @if unit.is_some() || period.is_some() {
                        p.sub {
                            @if let Some(unit) = unit { span { (unit) } }
                            @if let Some(period) = period { span { (period) } }
                        }
                    }
                }
                @match state {
                    State::Ready => { (body) }
                    State::Empty(why) => { (blank("empty", "No data", why)) }
                    State::Failed(why) => { (blank("failed", "Not available", why)) }
                    State::Stale(why) => { (note("stale", "Out of date", why)) (body) }
                    State::Truncated(why) => { (body) (note("truncated", "Not all is shown", why)) }
                }
                @let shows_rows = !matches!(state, State::Empty(_) | State::Failed(_));
                footer {
                    p.origin {
                        @if let Some((name, href)) = source { span { "Source " a href=(href) { (name) } } }
                        @if let Some(as_of) = as_of { span { "As of " (as_of) } }
                    }
                    p.tools {
                        @if let Some(href) = proof { (proof_link(href, title)) }
                        @if let (Some(href), true) = (csv, shows_rows) { a.csv href=(href) download { "CSV" span.unseen { " of " (title) } } }
                    }
                    @if let (Some(data), true) = (data, shows_rows) {
                        details.behind { summary { "Table" span.unseen { " of " (title) } } (data.table(title)) }
                    }
                }
            }
        }
    }
}

fn note(class: &str, head: &str, why: &str) -> Markup {
    html! { p class={ "state " (class) } role="status" { strong { (head) } " " (why) } }
}

/// A picture of nothing, as high as a chart, so that a page does not jump when data comes.
fn blank(class: &str, head: &str, why: &str) -> Markup {
    html! {
        div class={ "blank " (class) } role="status" {
            svg viewBox="0 0 48 32" width="48" height="32" aria-hidden="true" {
                @if class == "failed" { path d="M24 5L40 29H8Z M24 14V20 M24 24.5v.01" {} }
                @else { path d="M5 29H43 M11 29V19 M20 29V11 M29 29V22 M38 29V15" {} }
            }
            strong { (head) }
            @if !why.is_empty() { span { (why) } }
        }
    }
}
