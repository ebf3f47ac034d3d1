//! A page as plain data: what a file such as `pages/overview.toml` says. `check` compares its parts with each other.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A page.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageSection {
    /// Its title.
    pub title: String,
    /// Its place in the menu: pages with lesser numbers come first, then by title. Default 100.
    #[serde(default = "hundred")]
    pub position: i64,
    /// A text below the title, in Markdown.
    pub text: Option<String>,
    /// The filters, in the order in which they are shown.
    #[serde(default)]
    pub filter: Vec<FilterSection>,
    /// The charts, in the order in which they are shown.
    pub chart: Vec<ChartSection>,
}

impl PageSection {
    /// Returns the names of the tables that the page names. A switch in braces is none that any lake has.
    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        let of_filters = self.filter.iter().flat_map(|filter| {
            filter.table.iter().chain(filter.options.iter().map(|option| &option.table)).map(String::as_str)
        });
        let of_charts = self.chart.iter().flat_map(|chart| {
            let spark = chart.spark.as_deref().and_then(|spark| Some(spark.split_once('.')?.0));
            chart.table.as_deref().into_iter().chain(spark).chain(chart.then.iter().map(|then| then.table.as_str()))
        });
        of_filters.chain(of_charts)
    }
}

fn hundred() -> i64 {
    100
}

/// A filter: something that a reader chooses, and that stands in the page's address.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterSection {
    /// Its name in addresses, and in `choose` and `table` of charts.
    pub name: String,
    /// The kind.
    pub kind: FilterKind,
    /// The words for it. Default: the name.
    pub label: Option<String>,
    /// `dates`, `choice`: the column that it narrows, of every chart whose table has it.
    pub column: Option<String>,
    /// `dates`, `choice`: the table whose values a reader chooses from.
    pub table: Option<String>,
    /// `dates`: the number of days that are shown at first, such as `30d`. Default: all.
    pub last: Option<String>,
    /// `dates`: the table and column of the day on which they end, such as `summary.as_of`. Default: the last day of the column.
    pub until: Option<String>,
    /// `choice`, `switch`: what is chosen at first. `choice`: by default nothing, which is all.
    pub default: Option<String>,
    /// `choice`: something is always chosen; at first the first value.
    #[serde(default)]
    pub required: bool,
    /// `switch`: the tables to choose from.
    #[serde(default)]
    pub options: Vec<SwitchOption>,
    /// `top`: the number at first. Default 10.
    pub rows: Option<usize>,
}

/// The kind of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilterKind {
    /// A range of days.
    Dates,
    /// A value of a column.
    Choice,
    /// One of some tables, for charts with `table = "{name}"`: daily, weekly, monthly.
    Switch,
    /// A text that rows have somewhere.
    Search,
    /// The number of rows of charts with `top = true`.
    Top,
}

/// A table that a reader may switch to.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwitchOption {
    /// The words for it.
    pub name: String,
    /// The table.
    pub table: String,
}

/// A chart, a number, a table or a text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChartSection {
    /// The kind.
    pub kind: ChartKind,
    /// What it shows.
    pub title: Option<String>,
    /// `text`: the words, in Markdown.
    pub text: Option<String>,
    /// The unit of its numbers, such as `EUR`.
    pub unit: Option<String>,
    /// The share of the page's width. Default: a quarter for a number, a half for the others, all for a table and a text.
    pub width: Option<WidthName>,
    /// The table, or the name of a filter that switches tables, in braces.
    pub table: Option<String>,
    /// The column of the labels.
    pub x: Option<String>,
    /// The columns of the numbers.
    #[serde(default)]
    pub y: Names,
    /// The column whose values tell series apart; of a `heat`, the rows.
    pub series: Option<String>,
    /// Conditions: columns and the values that they have.
    #[serde(default, rename = "where")]
    pub only: BTreeMap<String, Value>,
    /// The order of the rows: a column; with `-` in front, from the greatest value.
    #[serde(default)]
    pub sort: Names,
    /// The most rows.
    pub limit: Option<usize>,
    /// Set if the page's filter of kind `top` says how many rows.
    #[serde(default)]
    pub top: bool,
    /// The names of columns for people.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// How the numbers of a column are written.
    #[serde(default)]
    pub format: BTreeMap<String, FormatName>,
    /// `line`: columns to compare with, drawn faintly.
    #[serde(default)]
    pub faint: Names,
    /// `line`: a column that is true for points to mark.
    pub marks: Option<String>,
    /// `line`: the columns of a range around the line: its lower and its upper end.
    #[serde(default)]
    pub band: Names,
    /// `line`: columns of other tables that go on where this one ends.
    #[serde(default)]
    pub then: Vec<ThenSection>,
    /// `bar`: how the bars stand.
    pub layout: Option<LayoutName>,
    /// The filter that a click on a bar, part or row sets to its label.
    pub choose: Option<String>,
    /// `stat`: the column of the number or text, in the first row.
    pub value: Option<String>,
    /// `stat`: the column that is added up over all rows.
    pub sum: Option<String>,
    /// `stat`: two columns: the sum of the first divided by that of the second.
    #[serde(default)]
    pub ratio: Names,
    /// `stat`: a column with the relative change.
    pub change: Option<String>,
    /// `stat` with `sum` or `ratio`: show the change since the period before, which is as long.
    #[serde(default)]
    pub compare: bool,
    /// `stat`: set if less is better, as of errors.
    #[serde(default)]
    pub less_is_better: bool,
    /// `stat`: a column of the first row that is shown below.
    pub note: Option<String>,
    /// `stat`: a column whose course is shown: of the same table, or `table.column`.
    pub spark: Option<String>,
    /// `box`: the columns of the lower whisker, the quartiles and the upper whisker. `histogram`: those of the lower end, the
    /// upper end and the count. `funnel`: those of the steps.
    #[serde(default)]
    pub parts: Names,
    /// `box`: the column of the mean.
    pub mean: Option<String>,
    /// `table`: the columns. Default: all.
    #[serde(default)]
    pub columns: Names,
}

/// The kind of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartKind {
    /// A number, with its change and its course.
    Stat,
    /// Lines.
    Line,
    /// Bars.
    Bar,
    /// Parts of a whole.
    Share,
    /// Distributions side by side.
    Box,
    /// One distribution.
    Histogram,
    /// Values by row and column, such as cohorts.
    Heat,
    /// What is left after each step.
    Funnel,
    /// Rows.
    Table,
    /// Words.
    Text,
}

/// A share of a page's width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WidthName {
    /// All of it.
    Full,
    /// A half.
    Half,
    /// A third.
    Third,
    /// A quarter.
    Quarter,
}

/// How a number is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FormatName {
    /// A ratio as a percentage.
    Percent,
    /// An amount, in the chart's unit.
    Money,
    /// Without places.
    Integer,
    /// With the places of its column.
    Number,
}

/// How bars stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayoutName {
    /// Beside each other.
    Grouped,
    /// On top of each other.
    Stacked,
    /// Lying, one row a label.
    Horizontal,
}

/// A line of another table that goes on where a chart's own ends.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThenSection {
    /// The table.
    pub table: String,
    /// The column of the labels.
    pub x: String,
    /// The column of the numbers.
    pub y: String,
    /// The name for people. Default: the column's.
    pub name: Option<String>,
}

/// A name or a list of names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Names(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a name or a list of names")]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Names {
    fn from(names: OneOrMany) -> Self {
        match names {
            OneOrMany::One(name) => Self(vec![name]),
            OneOrMany::Many(names) => Self(names),
        }
    }
}

/// A value in a condition, or several of which one is met.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged, expecting = "expected a text, a whole number, true, false, or a list of these")]
pub enum Value {
    /// A truth.
    Boolean(bool),
    /// A number.
    Int(i64),
    /// A text.
    Text(String),
    /// One of these.
    Any(Vec<Value>),
}

impl Value {
    /// Returns the values as texts.
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Boolean(value) => vec![value.to_string()],
            Self::Int(value) => vec![value.to_string()],
            Self::Text(value) => vec![value.clone()],
            Self::Any(values) => values.iter().flat_map(Self::texts).collect(),
        }
    }
}
