//! Links between pages.

use arrow_array::RecordBatch;
use smelt_common::error::Result;

use crate::address::{Parameters, query};
use crate::frame::{Frame, cell};
use crate::query::{Filter, Query, Sort, find};
use crate::shell::{Base, encoded};

/// The beginning of the names of parameters that are conditions on columns.
const CONDITION: &str = "f.";
/// The name of the parameter with a row's number. No column may have it.
const ROW: &str = "~row";

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

/// Returns what tells a row from others: the values of its key, or its number where the table has no key.
pub(crate) fn key_of(frame: &Frame, key: &RecordBatch, row: usize, number: u32) -> Vec<(String, String)> {
    if frame.key().is_empty() {
        return vec![(ROW.to_owned(), number.to_string())];
    }
    let value = |(at, &column): (usize, &usize)| {
        (frame.schema().field(column).name().clone(), cell(key.column(at), row).text())
    };
    frame.key().iter().enumerate().map(value).collect()
}

/// Returns the number of the row that the parameters mean; `None` if there is none.
pub(crate) fn row_of(frame: &Frame, parameters: &Parameters) -> Result<Option<u32>> {
    if frame.key().is_empty() {
        let number = parameters.get(ROW).map_or(Ok(0), str::parse).ok();
        return Ok(number.filter(|&number: &u32| (number as usize) < frame.rows()));
    }
    let name = |column: usize| frame.schema().field(column).name();
    let filters = frame.key().iter().filter_map(|&column| Some((column, Filter::is(parameters.get(name(column))?))));
    let asked = Query { filters: filters.collect(), ..Query::default() };
    if asked.filters.len() < frame.key().len() {
        return Ok(None);
    }
    Ok(find(frame, &asked, 1)?.rows.first().copied())
}

/// Returns a question as parameters of the address of a table.
pub(crate) fn conditions(frame: &Frame, asked: &Query) -> Vec<(String, String)> {
    let name = |column: usize| frame.schema().field(column).name();
    let mut parameters = Vec::new();
    for (column, filter) in &asked.filters {
        match filter {
            Filter::Is(values) => {
                parameters.extend(values.iter().map(|value| (format!("{CONDITION}{}", name(*column)), value.clone())));
            }
            Filter::Range(from, to) => {
                let end = |end: &str| format!("{CONDITION}{}.{end}", name(*column));
                parameters.extend(from.iter().map(|from| (end("from"), from.clone())));
                parameters.extend(to.iter().map(|to| (end("to"), to.clone())));
            }
        }
    }
    parameters.extend(asked.search.iter().map(|text| ("q".to_owned(), text.clone())));
    let sort = |Sort { column, descending }: &Sort| format!("{}{}", if *descending { "-" } else { "" }, name(*column));
    if !asked.sort.is_empty() {
        parameters.push(("sort".to_owned(), asked.sort.iter().map(sort).collect::<Vec<_>>().join(",")));
    }
    parameters
}

/// Returns the question that the parameters of the address of a table ask. Those about no column of the table are no condition.
pub(crate) fn asked(frame: &Frame, parameters: &Parameters) -> Query {
    let mut asked = Query::default();
    for (column, field) in frame.schema().fields().iter().enumerate() {
        let name = format!("{CONDITION}{}", field.name());
        asked.filters.extend(parameters.get(&name).map(|value| (column, Filter::is(value))));
        let end = |end: &str| {
            let given = parameters.get(&format!("{name}.{end}")).filter(|text| !text.is_empty());
            given.map(ToOwned::to_owned)
        };
        let (from, to) = (end("from"), end("to"));
        if from.is_some() || to.is_some() {
            asked.filters.push((column, Filter::Range(from, to)));
        }
    }
    asked.search = parameters.get("q").filter(|text| !text.trim().is_empty()).map(ToOwned::to_owned);
    for name in parameters.get("sort").unwrap_or_default().split(',') {
        let (name, descending) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
        asked.sort.extend(frame.column(name).map(|column| Sort { column, descending }));
    }
    asked
}
