//! Checks a page before anybody looks at it.

use std::collections::BTreeSet;

use smelt_common::Error;
use smelt_common::error::Result;
use smelt_common::text::{NAME, is_word};

use super::section::{ChartKind, ChartSection, FilterKind, FilterSection, PageSection};

/// The most bytes of a filter's name.
const NAME_BYTES: usize = 40;
/// The most rows of a chart.
pub(super) const MOST_ROWS: usize = 10_000;
/// The most rows that a reader chooses in a filter of kind `top`.
pub(super) const MOST_TOP: usize = 1000;

/// Parses a page and compares its parts with each other.
///
/// # Errors
/// Something is wrong; the message names the key and what would have been right.
pub fn parse(text: &str) -> Result<PageSection> {
    let page: PageSection = toml::from_str(text).map_err(|error| Error::config(in_plain_words(&error.to_string())))?;
    let mut names = BTreeSet::new();
    for filter in &page.filter {
        check_filter(filter).map_err(|error| error.context(format!("filter `{}`", filter.name)))?;
        if !names.insert(filter.name.as_str()) {
            return Err(Error::config(format!(
                "there are two filters `{}`; each needs a name of its own",
                filter.name
            )));
        }
    }
    for filter in page.filter.iter().filter(|filter| filter.kind == FilterKind::Dates) {
        for end in ["from", "to"].map(|end| format!("{}_{end}", filter.name)) {
            if names.contains(end.as_str()) {
                let why =
                    format!("filter `{end}` needs another name: filter `{}` has its ends under this one", filter.name);
                return Err(Error::config(why));
            }
        }
    }
    for (at, chart) in page.chart.iter().enumerate() {
        check_chart(&page, chart).map_err(|error| error.context(called(at, chart)))?;
    }
    Ok(page)
}

/// Returns an error of the TOML parser in the words of people who write pages, not of those who write Rust.
fn in_plain_words(error: &str) -> String {
    let words = [
        ("map, expected a sequence", "a table, expected a list of tables: `[[chart]]` or `[[filter]]`"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected a table, such as `{ column = \"value\" }`"),
        ("expected a string", "expected a text"),
        ("expected usize", "expected a whole number that is not negative"),
        ("expected i64", "expected a whole number"),
        ("expected a boolean", "expected true or false"),
        ("missing field", "missing key"),
        ("unknown field", "unknown key"),
        ("unknown variant", "unknown word"),
    ];
    words.iter().fold(error.trim_end().to_owned(), |text, (from, to)| text.replace(from, to))
}

/// Returns the words for a chart in messages.
pub(super) fn called(at: usize, chart: &ChartSection) -> String {
    match &chart.title {
        Some(title) => format!("chart {} (`{title}`)", at + 1),
        None => format!("chart {}", at + 1),
    }
}

fn check_filter(filter: &FilterSection) -> Result<()> {
    use FilterKind::{Choice, Dates, Switch, Top};
    if !is_word(&filter.name, &NAME, NAME_BYTES) {
        return Err(Error::config("a name is lower-case letters, digits and `_`"));
    }
    let kind = filter.kind;
    let keys = [
        ("column", filter.column.is_some(), &[Dates, Choice][..], true),
        ("table", filter.table.is_some(), &[Dates, Choice], true),
        ("last", filter.last.is_some(), &[Dates], false),
        ("until", filter.until.is_some(), &[Dates], false),
        ("default", filter.default.is_some(), &[Choice, Switch], false),
        ("required", filter.required, &[Choice], false),
        ("options", !filter.options.is_empty(), &[Switch], true),
        ("rows", filter.rows.is_some(), &[Top], false),
    ];
    for (key, is_there, kinds, is_needed) in keys {
        if is_there && !kinds.contains(&kind) {
            let kinds: Vec<_> = kinds.iter().copied().map(word).collect();
            return Err(Error::config(format!(
                "`{key}` belongs to filters of kind {}, and this is of kind {}",
                kinds.join(", "),
                word(kind)
            )));
        }
        if !is_there && is_needed && kinds.contains(&kind) {
            return Err(Error::config(format!("a filter of kind {} needs `{key}`", word(kind))));
        }
    }
    if let Some(last) = &filter.last
        && days(last).is_none()
    {
        return Err(Error::config(format!("last = \"{last}\": expected a number of days such as `30d`")));
    }
    if let Some(until) = &filter.until
        && until.split_once('.').is_none()
    {
        return Err(Error::config(format!(
            "until = \"{until}\": expected a table and a column, such as `summary.as_of`"
        )));
    }
    if let Some(rows) = filter.rows.filter(|rows| !(1..=MOST_TOP).contains(rows)) {
        return Err(Error::config(format!("rows = {rows}: expected 1 to {MOST_TOP}")));
    }
    let mut options = BTreeSet::new();
    if let Some(twice) = filter.options.iter().find(|option| !options.insert(option.name.as_str())) {
        return Err(Error::config(format!("there are two options `{}`; each needs a name of its own", twice.name)));
    }
    if let (Switch, Some(default)) = (kind, &filter.default)
        && !filter.options.iter().any(|option| option.name == *default)
    {
        let known: Vec<_> = filter.options.iter().map(|option| option.name.as_str()).collect();
        return Err(Error::config(format!(
            "default = \"{default}\": expected one of the options: {}",
            known.join(", ")
        )));
    }
    Ok(())
}

fn word(kind: FilterKind) -> &'static str {
    match kind {
        FilterKind::Dates => "dates",
        FilterKind::Choice => "choice",
        FilterKind::Switch => "switch",
        FilterKind::Search => "search",
        FilterKind::Top => "top",
    }
}

/// Returns the number of days of a text such as `30d`.
pub(super) fn days(text: &str) -> Option<u32> {
    text.strip_suffix('d')?.parse().ok().filter(|days| (1..=100_000).contains(days))
}

/// A key of a chart: its name, if it is there, the kinds that may have it, and the kinds that need it.
type Key = (&'static str, bool, &'static [ChartKind], &'static [ChartKind]);

fn keys(chart: &ChartSection) -> Vec<Key> {
    use ChartKind::{Bar, Box, Funnel, Heat, Histogram, Line, Share, Stat, Table, Text};
    const DATA: &[ChartKind] = &[Stat, Line, Bar, Share, Box, Histogram, Heat, Funnel, Table];
    const PICTURES: &[ChartKind] = &[Line, Bar, Share, Box, Histogram, Heat, Funnel, Table];
    const LABELLED: &[ChartKind] = &[Line, Bar, Share, Heat];
    vec![
        ("title", chart.title.is_some(), DATA, DATA),
        ("text", chart.text.is_some(), &[Text], &[Text]),
        ("unit", chart.unit.is_some(), DATA, &[]),
        ("table", chart.table.is_some(), DATA, DATA),
        ("x", chart.x.is_some(), &[Line, Bar, Share, Box, Heat], LABELLED),
        ("y", !chart.y.0.is_empty(), LABELLED, LABELLED),
        ("series", chart.series.is_some(), &[Line, Bar, Heat], &[Heat]),
        ("where", !chart.only.is_empty(), DATA, &[]),
        ("sort", !chart.sort.0.is_empty(), DATA, &[]),
        ("limit", chart.limit.is_some(), PICTURES, &[]),
        ("top", chart.top, PICTURES, &[]),
        ("names", !chart.names.is_empty(), DATA, &[]),
        ("format", !chart.format.is_empty(), DATA, &[]),
        ("faint", !chart.faint.0.is_empty(), &[Line], &[]),
        ("marks", chart.marks.is_some(), &[Line], &[]),
        ("band", !chart.band.0.is_empty(), &[Line], &[]),
        ("then", !chart.then.is_empty(), &[Line], &[]),
        ("layout", chart.layout.is_some(), &[Bar], &[]),
        ("choose", chart.choose.is_some(), &[Bar, Share, Table], &[]),
        ("value", chart.value.is_some(), &[Stat], &[]),
        ("sum", chart.sum.is_some(), &[Stat], &[]),
        ("ratio", !chart.ratio.0.is_empty(), &[Stat], &[]),
        ("change", chart.change.is_some(), &[Stat], &[]),
        ("compare", chart.compare, &[Stat], &[]),
        ("less_is_better", chart.less_is_better, &[Stat], &[]),
        ("note", chart.note.is_some(), &[Stat], &[]),
        ("spark", chart.spark.is_some(), &[Stat], &[]),
        ("parts", !chart.parts.0.is_empty(), &[Box, Histogram, Funnel], &[Box, Histogram, Funnel]),
        ("mean", chart.mean.is_some(), &[Box], &[]),
        ("columns", !chart.columns.0.is_empty(), &[Table], &[]),
    ]
}

fn check_chart(page: &PageSection, chart: &ChartSection) -> Result<()> {
    let wrong = |why: String| Err(Error::config(why));
    let kind = format!("{:?}", chart.kind).to_lowercase();
    for (key, is_there, may, must) in keys(chart) {
        if is_there && !may.contains(&chart.kind) {
            let may: Vec<_> = may.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
            return wrong(format!("`{key}` belongs to charts of kind {}, and this is of kind {kind}", may.join(", ")));
        }
        if !is_there && must.contains(&chart.kind) {
            return wrong(format!("a chart of kind {kind} needs `{key}`"));
        }
    }
    let filter = |name: &str| page.filter.iter().find(|filter| filter.name == name);
    if let Some(switch) = chart.table.as_deref().and_then(switched)
        && filter(switch).is_none_or(|filter| filter.kind != FilterKind::Switch)
    {
        return wrong(format!("table = \"{{{switch}}}\": the page has no filter `{switch}` of kind switch"));
    }
    if let Some(choose) = &chart.choose
        && filter(choose).is_none_or(|filter| filter.kind != FilterKind::Choice)
    {
        return wrong(format!("choose = \"{choose}\": the page has no filter `{choose}` of kind choice"));
    }
    if chart.top && !page.filter.iter().any(|filter| filter.kind == FilterKind::Top) {
        return wrong("top = true: the page has no filter of kind top".to_owned());
    }
    if let Some(limit) = chart.limit.filter(|limit| !(1..=MOST_ROWS).contains(limit)) {
        return wrong(format!("limit = {limit}: expected 1 to {MOST_ROWS}"));
    }
    let count = |key: &str, names: &[String], most: std::ops::RangeInclusive<usize>| match most.contains(&names.len()) {
        true => Ok(()),
        false => {
            let columns = if *most.end() == 1 { "column" } else { "columns" };
            Err(Error::config(format!("{key}: expected {} {columns}, found {}", most.end(), names.len())))
        }
    };
    match chart.kind {
        ChartKind::Stat => {
            let ways = [chart.value.is_some(), chart.sum.is_some(), !chart.ratio.0.is_empty()];
            if ways.iter().filter(|way| **way).count() != 1 {
                return wrong("a chart of kind stat needs one of `value`, `sum` and `ratio`".to_owned());
            }
            if !chart.ratio.0.is_empty() {
                count("ratio", &chart.ratio.0, 2..=2)?;
            }
            if chart.compare && (chart.value.is_some() || !page.filter.iter().any(|it| it.kind == FilterKind::Dates)) {
                return wrong("compare = true needs `sum` or `ratio`, and a filter of kind dates".to_owned());
            }
        }
        ChartKind::Box => count("parts", &chart.parts.0, 5..=5)?,
        ChartKind::Histogram => count("parts", &chart.parts.0, 3..=3)?,
        ChartKind::Share => count("y", &chart.y.0, 1..=1)?,
        ChartKind::Heat => count("y", &chart.y.0, 1..=1)?,
        ChartKind::Line | ChartKind::Bar if chart.series.is_some() => count("y (with `series`)", &chart.y.0, 1..=1)?,
        _ => {}
    }
    if !chart.band.0.is_empty() {
        count("band", &chart.band.0, 2..=2)?;
    }
    Ok(())
}

/// Returns the name of the filter that switches the table, if one does.
pub(super) fn switched(table: &str) -> Option<&str> {
    table.strip_prefix('{')?.strip_suffix('}')
}
