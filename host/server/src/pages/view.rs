//! What a reader chose: the state of a page, all of which stands in its address.

use std::collections::BTreeMap;

use smelt_common::error::Result;

use super::check::{MOST_TOP, days};
use super::section::{FilterKind, FilterSection, PageSection};
use crate::address::Parameters;
use crate::frame::{Cell, Frame, cell};
use crate::lake::Seen;
use crate::query::{Filter, Query, ends_of, values_of};

/// The most values of a column that a reader chooses from in a list.
const MOST_VALUES: usize = 1000;
/// The number of rows of a filter of kind `top`.
const TOP: usize = 10;

/// A filter, and what is chosen.
pub(super) struct Chosen<'p> {
    pub(super) section: &'p FilterSection,
    pub(super) choice: Choice,
}

/// What is chosen in a filter.
pub(super) enum Choice {
    /// A range of days: the chosen ends, and those of the data.
    Dates(Days),
    /// A value; `None` is all. The values to choose from, unless there are too many for a list.
    Value(Option<String>, Option<Vec<String>>),
    /// The number of the option.
    Switch(usize),
    /// A text; empty if there is none.
    Search(String),
    /// A number of rows.
    Top(usize),
    /// The lake does not have what the filter is about.
    Unknown(String),
}

/// A range of days, as `YYYY-MM-DD`, both ends included.
#[derive(Default, Clone)]
pub(super) struct Days {
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    /// The preset that is chosen; `None` if the ends were chosen.
    pub(super) preset: Option<String>,
    /// The first and last day of the data.
    pub(super) ends: Option<(String, String)>,
}

/// The presets of a range of days: the name in addresses, and the words.
pub(super) const PRESETS: [(&str, &str); 5] =
    [("7d", "7 days"), ("30d", "30 days"), ("90d", "90 days"), ("365d", "1 year"), ("all", "All")];

impl<'p> Chosen<'p> {
    /// Returns what is chosen in each filter of the page.
    ///
    /// # Errors
    /// Those after which the page is to be read again from a newer commit: with a filter that is unknown just now, charts would
    /// show other rows.
    pub(super) fn of(page: &'p PageSection, seen: &Seen, parameters: &Parameters) -> Result<Vec<Self>> {
        let chosen = |section: &'p FilterSection| {
            let choice = seen.settled(choice(section, seen, parameters))?;
            Ok(Self { section, choice: choice.unwrap_or_else(|error| Choice::Unknown(error.to_string())) })
        };
        page.filter.iter().map(chosen).collect()
    }
}

fn choice(section: &FilterSection, seen: &Seen, parameters: &Parameters) -> Result<Choice> {
    let name = section.name.as_str();
    let given = parameters.get(name);
    Ok(match section.kind {
        FilterKind::Search => Choice::Search(given.unwrap_or_default().to_owned()),
        FilterKind::Top => {
            let rows = given.and_then(|text| text.parse().ok()).or(section.rows).unwrap_or(TOP);
            Choice::Top(rows.clamp(1, MOST_TOP))
        }
        FilterKind::Switch => {
            let at = |wanted: &str| section.options.iter().position(|option| option.name == wanted);
            Choice::Switch(given.and_then(at).or(section.default.as_deref().and_then(at)).unwrap_or_default())
        }
        FilterKind::Choice => {
            let (frame, column) = column_of(section, seen)?;
            let values = Option::clone(&*values_of(&frame, column, MOST_VALUES)?);
            let first = || values.as_ref().and_then(|values| values.first().cloned());
            let value = match given {
                Some(given) => Some(given.to_owned()).filter(|value| !value.is_empty()),
                None => section.default.clone(),
            };
            let value = if section.required { value.or_else(first) } else { value };
            Choice::Value(value, values)
        }
        FilterKind::Dates => {
            let (frame, column) = column_of(section, seen)?;
            let ends = (*ends_of(&frame, column)?).as_ref().map(|(first, last)| (day(first), day(last)));
            Choice::Dates(dates(section, seen, parameters, ends)?)
        }
    })
}

/// Returns the day of a date or of a moment.
fn day(value: &Cell) -> String {
    let text = value.text();
    text.get(..10).map_or(text.clone(), ToOwned::to_owned)
}

fn column_of(section: &FilterSection, seen: &Seen) -> Result<(std::sync::Arc<Frame>, usize)> {
    let (table, column) = (section.table.as_deref().unwrap_or_default(), section.column.as_deref().unwrap_or_default());
    let frame = seen.table(table)?;
    let index = column_index(&frame, table, column)?;
    Ok((frame, index))
}

/// Returns the index of a column.
///
/// # Errors
/// There is none of that name; the message lists those that are.
pub(super) fn column_index(frame: &Frame, table: &str, column: &str) -> Result<usize> {
    frame.column(column).ok_or_else(|| {
        let names: Vec<_> = frame.schema().fields().iter().map(|field| field.name().as_str()).collect();
        smelt_common::Error::config(format!("`{table}` has no column `{column}`; it has {}", names.join(", ")))
    })
}

fn dates(
    section: &FilterSection,
    seen: &Seen,
    parameters: &Parameters,
    ends: Option<(String, String)>,
) -> Result<Days> {
    let name = &section.name;
    let is_day = |text: &str| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok();
    let given = |end: &str| parameters.get(&format!("{name}_{end}")).filter(|text| is_day(text)).map(ToOwned::to_owned);
    let (from, to) = (given("from"), given("to"));
    if from.is_some() || to.is_some() {
        return Ok(Days { from, to, preset: None, ends });
    }
    let preset = parameters.get(name).filter(|text| *text == "all" || days(text).is_some());
    let preset = preset.map(ToOwned::to_owned).or_else(|| section.last.clone()).unwrap_or_else(|| "all".to_owned());
    let until = match section.until.as_deref() {
        // Where there is no such day, the data end the range.
        Some(until) => seen.settled(last_day(until, seen))?.unwrap_or_default(),
        None => None,
    };
    let last = until.or_else(|| ends.as_ref().map(|(_, last)| last.clone()));
    Ok(match days(&preset).zip(last) {
        Some((count, last)) => {
            let from = before(&last, i64::from(count) - 1);
            Days { from, to: Some(last), preset: Some(preset), ends }
        }
        None => Days { from: None, to: None, preset: Some("all".to_owned()), ends },
    })
}

/// Returns the day in the first row of a column, which is given as `table.column`.
fn last_day(until: &str, seen: &Seen) -> Result<Option<String>> {
    let Some((table, column)) = until.split_once('.') else { return Ok(None) };
    let frame = seen.table(table)?;
    let Some(column) = frame.column(column).filter(|_| frame.rows() > 0) else { return Ok(None) };
    let value = cell(frame.fetch(&[0], &[column])?.column(0), 0);
    Ok(Some(day(&value)).filter(|day| !day.is_empty()))
}

/// Returns the day so many days before another.
fn before(date: &str, days: i64) -> Option<String> {
    let date = chrono::NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    Some(date.checked_sub_signed(chrono::TimeDelta::days(days))?.format("%F").to_string())
}

impl Days {
    /// Returns the range of as many days that ends where this one begins; `None` if this one has no ends.
    pub(super) fn period_before(&self) -> Option<Self> {
        let parse = |text: &Option<String>| chrono::NaiveDate::parse_from_str(text.as_deref()?, "%Y-%m-%d").ok();
        let (from, to) = (parse(&self.from)?, parse(&self.to)?);
        let count = to.signed_duration_since(from).num_days() + 1;
        let text = self.from.as_deref()?;
        Some(Self { from: before(text, count), to: before(text, 1), ..self.clone() })
    }
}

/// Returns the table that a chart shows: its own, or the one that a reader switched to.
pub(super) fn table_of<'c>(table: &'c str, chosen: &'c [Chosen<'_>]) -> &'c str {
    let switch = super::check::switched(table).and_then(|name| chosen.iter().find(|it| it.section.name == name));
    match switch.map(|it| (&it.choice, it.section)) {
        Some((Choice::Switch(at), section)) => section.options.get(*at).map_or(table, |option| &option.table),
        _ => table,
    }
}

/// Returns the number of rows that a reader wants of charts with `top`.
pub(super) fn top_of(chosen: &[Chosen<'_>]) -> usize {
    let top = |it: &Chosen<'_>| if let Choice::Top(rows) = it.choice { Some(rows) } else { None };
    chosen.iter().find_map(top).unwrap_or(TOP)
}

/// Adds the conditions of all filters whose column the table has. With `before`, the days are those of the period before;
/// `None` if there is no such period.
pub(super) fn narrow(query: &mut Query, frame: &Frame, chosen: &[Chosen<'_>], before: bool) -> Option<()> {
    let mut has_period = !before;
    for Chosen { section, choice } in chosen {
        let column = section.column.as_deref().and_then(|column| frame.column(column));
        match (choice, column) {
            (Choice::Search(text), _) if !text.is_empty() => query.search = Some(text.clone()),
            (Choice::Value(Some(value), _), Some(column)) => query.filters.push((column, Filter::is(value))),
            (Choice::Dates(days), Some(column)) => {
                let days = if before { days.period_before()? } else { days.clone() };
                has_period |= before;
                if days.from.is_some() || days.to.is_some() {
                    query.filters.push((column, Filter::Range(days.from, days.to)));
                }
            }
            _ => {}
        }
    }
    has_period.then_some(())
}

/// Returns what was chosen, as parameters of an address.
pub(super) fn as_parameters(chosen: &[Chosen<'_>]) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    for Chosen { section, choice } in chosen {
        let name = section.name.clone();
        match choice {
            Choice::Dates(Days { preset: Some(preset), .. }) => drop(parameters.insert(name, preset.clone())),
            Choice::Dates(Days { from, to, .. }) => {
                parameters.extend(from.clone().map(|from| (format!("{name}_from"), from)));
                parameters.extend(to.clone().map(|to| (format!("{name}_to"), to)));
            }
            // Nothing is the default where there is none. Else all that may be chosen must be said.
            Choice::Value(None, _) if section.default.is_none() => {}
            Choice::Value(value, _) => drop(parameters.insert(name, value.clone().unwrap_or_default())),
            Choice::Switch(at) => parameters.extend(section.options.get(*at).map(|it| (name, it.name.clone()))),
            Choice::Search(text) if !text.is_empty() => drop(parameters.insert(name, text.clone())),
            Choice::Top(rows) => drop(parameters.insert(name, rows.to_string())),
            Choice::Search(_) | Choice::Unknown(_) => {}
        }
    }
    parameters
}
