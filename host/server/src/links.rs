//! Links between pages.

use std::collections::BTreeSet;

use arrow_array::{Array as _, RecordBatch};
use smelt_common::error::Result;

use crate::address::{Parameters, query};
use crate::frame::{Cell, Frame, cell};
use crate::query::{Filter, Query, Sort, find};
use crate::shell::{Base, encoded};

/// The beginnings of the names of parameters that are conditions on columns: a value, and the ends of a range. The column's name
/// is the rest, whatever it is.
pub(crate) const IS: &str = "f.";
pub(crate) const FROM: &str = "from.";
pub(crate) const TO: &str = "to.";
/// The name of the parameter that names a column of which no value is meant.
pub(crate) const NOTHING: &str = "none";
/// The name of the parameter that names a column to sort by.
pub(crate) const SORT: &str = "sort";
/// The name of the parameter with a row's number, of a table without a key.
const ROW: &str = "~row";
/// The most rows whose keys differ only in empty texts and missing values.
const ALIKE: usize = 1024;

/// Makes links.
#[derive(Debug, Clone)]
pub(crate) enum Links {
    /// All addresses begin with the path below which the server is reached.
    Served(Base),
    /// No server is reached: the addresses are those of a server at the root, and [`crate::export`] turns each into the place
    /// of the same page in the export. What needs a server is left out.
    Static,
}

impl Links {
    /// Returns links below that path.
    pub(crate) fn below(base: Base) -> Self {
        Self::Served(base)
    }

    /// Returns whether pages have no server to ask.
    pub(crate) fn is_static(&self) -> bool {
        matches!(self, Self::Static)
    }

    /// Returns the address of a path that begins with a slash.
    pub(crate) fn to(&self, path: &str) -> String {
        match self {
            Self::Served(base) => base.link(path),
            Self::Static => path.to_owned(),
        }
    }

    /// Returns the address of a table.
    pub(crate) fn table(&self, name: &str) -> String {
        self.to(&format!("/tables/{}", encoded(name)))
    }

    /// Returns the address of the rows of a table that a question is about.
    pub(crate) fn rows(&self, name: &str, frame: &Frame, asked: &Query) -> String {
        let parameters = conditions(frame, asked);
        match parameters.is_empty() {
            true => self.table(name),
            false => format!("{}{}", self.table(name), query(pairs(&parameters))),
        }
    }

    /// Returns the address that says where a row comes from. `number` is its number in the table, and `row` has all columns
    /// of the key.
    pub(crate) fn row(&self, name: &str, frame: &Frame, number: u32) -> Result<String> {
        let key = frame.fetch(&[number], frame.key())?;
        Ok(format!("{}/row{}", self.table(name), query(pairs(&key_of(frame, &key, 0, number)))))
    }
}

fn pairs(of: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    of.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Returns what tells a row from others: the values of its key, or its number where the table has no key. A missing value is
/// left out, as an empty text is another one.
pub(crate) fn key_of(frame: &Frame, key: &RecordBatch, row: usize, number: u32) -> Vec<(String, String)> {
    if frame.key().is_empty() {
        return vec![(ROW.to_owned(), number.to_string())];
    }
    let value = |(at, &column): (usize, &usize)| match cell(key.column(at), row) {
        Cell::Missing => None,
        value => Some((frame.schema().field(column).name().clone(), value.text())),
    };
    frame.key().iter().enumerate().filter_map(value).collect()
}

/// Returns the number of the row that the parameters mean; `None` if there is none.
pub(crate) fn row_of(frame: &Frame, parameters: &Parameters) -> Result<Option<u32>> {
    if frame.key().is_empty() {
        let number = parameters.get(ROW).map_or(Ok(0), str::parse).ok();
        return Ok(number.filter(|&number: &u32| (number as usize) < frame.rows()));
    }
    let given = |column: usize| parameters.get(frame.schema().field(column).name());
    let filters = frame.key().iter().map(|&column| (column, Filter::is(given(column).unwrap_or_default())));
    let asked = Query { filters: filters.collect(), ..Query::default() };
    // To a filter an empty text is a missing value, so that a table may have several such rows: two for each column of the key.
    let found = find(frame, &asked, ALIKE)?;
    let keys = frame.fetch(&found.rows, frame.key())?;
    let is_missing =
        |(at, &column): (usize, &usize), row: usize| keys.column(at).is_null(row) == given(column).is_none();
    let is_it = |row: &usize| frame.key().iter().enumerate().all(|key| is_missing(key, *row));
    Ok((0..found.rows.len()).find(is_it).map(|row| found.rows[row]))
}

/// Returns a question as parameters of the address of a table.
pub(crate) fn conditions(frame: &Frame, asked: &Query) -> Vec<(String, String)> {
    let name = |column: usize| frame.schema().field(column).name();
    let mut parameters = Vec::new();
    for (column, filter) in &together(frame, &asked.filters) {
        let mut add = |what: &str, value: &str| parameters.push((format!("{what}{}", name(*column)), value.to_owned()));
        match filter {
            Filter::Is(values) if values.is_empty() => parameters.push((NOTHING.to_owned(), name(*column).clone())),
            Filter::Is(values) => values.iter().for_each(|value| add(IS, value)),
            Filter::Range(from, to) => {
                from.iter().for_each(|from| add(FROM, from));
                to.iter().for_each(|to| add(TO, to));
            }
        }
    }
    parameters.extend(asked.search.iter().map(|text| ("q".to_owned(), text.clone())));
    parameters.extend(asked.sort.iter().map(|sort| (SORT.to_owned(), sort_word(frame, sort))));
    parameters
}

/// Returns the conditions with at most one of each kind on a column, as addresses have them.
fn together(frame: &Frame, filters: &[(usize, Filter)]) -> Vec<(usize, Filter)> {
    let mut all: Vec<(usize, Filter)> = Vec::new();
    for (column, filter) in filters {
        let both = |(_, other): &(usize, Filter)| filter.and(other, frame.schema().field(*column).data_type());
        let with = all.iter().enumerate().filter(|(_, (other, _))| other == column);
        match with.into_iter().find_map(|(at, other)| Some((at, both(other)?))) {
            Some((at, both)) => all[at].1 = both,
            None => all.push((*column, filter.clone())),
        }
    }
    all
}

/// Returns an order by a column as addresses have it.
pub(crate) fn sort_word(frame: &Frame, Sort { column, descending }: &Sort) -> String {
    let name = frame.schema().field(*column).name();
    match descending {
        true => format!("-{name}"),
        false if name.starts_with(['-', '+']) => format!("+{name}"),
        false => name.clone(),
    }
}

/// Returns the question that the parameters of the address of a table ask. Those about no column of the table are no condition.
pub(crate) fn asked(frame: &Frame, parameters: &Parameters) -> Query {
    let mut asked = Query::default();
    for (column, field) in frame.schema().fields().iter().enumerate() {
        let of = |what: &str| format!("{what}{}", field.name());
        let values: BTreeSet<_> = parameters.all(&of(IS)).map(ToOwned::to_owned).collect();
        if !values.is_empty() || parameters.all(NOTHING).any(|name| name == field.name()) {
            asked.filters.push((column, Filter::Is(values)));
        }
        let end = |what: &str| parameters.get(&of(what)).filter(|text| !text.is_empty()).map(ToOwned::to_owned);
        let (from, to) = (end(FROM), end(TO));
        if from.is_some() || to.is_some() {
            asked.filters.push((column, Filter::Range(from, to)));
        }
    }
    asked.search = parameters.get("q").filter(|text| !text.trim().is_empty()).map(ToOwned::to_owned);
    let sort = |word: &str| {
        let (name, descending) = match word.strip_prefix('-') {
            Some(name) => (name, true),
            None => (word.strip_prefix('+').unwrap_or(word), false),
        };
        Some(Sort { column: frame.column(name)?, descending })
    };
    for word in parameters.all(SORT) {
        match sort(word) {
            Some(sort) => asked.sort.push(sort),
            // People write several columns with commas.
            None => asked.sort.extend(word.split(',').filter_map(sort)),
        }
    }
    asked
}

#[cfg(test)]
mod tests;
