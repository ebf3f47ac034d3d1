//! The rows of ticks, by the names of their columns.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use smelt_sdk::testing::generate;
use smelt_sdk::{Date, Money, Number, Source as _, Tick, Timestamp};

use crate::RetailSource;

/// A row, by column.
pub(super) type Row = BTreeMap<String, String>;

/// An object.
pub(super) struct Sheet {
    pub(super) columns: Vec<String>,
    /// The rows with as many cells as there are columns.
    pub(super) rows: Vec<Row>,
    /// The number of other rows.
    pub(super) malformed: usize,
}

/// Returns a tick of the day 2025-11-13. Ticks are an hour apart, and that of number 0 is the first of the day.
pub(super) fn hourly(seed: u64, number: u64) -> Tick {
    let as_of = Timestamp::parse("2025-11-13T00:35:00Z").unwrap().plus_seconds(number as i64 * 3600);
    Tick { seed, number, as_of, ends: as_of.plus_seconds(3600) }
}

/// Returns a tick that is a day after the one before, beginning with 2025-11-13.
pub(super) fn daily(seed: u64, number: u64) -> Tick {
    let as_of = Timestamp::parse("2025-11-13T10:35:00Z").unwrap().plus_seconds(number as i64 * 86_400);
    Tick { seed, number, as_of, ends: as_of.plus_seconds(86_400) }
}

/// Returns the texts of a tick's two objects.
pub(super) fn texts(params: &str, tick: Tick) -> [String; 2] {
    let objects = generate::<RetailSource>(params, tick).unwrap();
    let texts: Vec<_> = objects.into_iter().map(|object| String::from_utf8(object.bytes).unwrap()).collect();
    texts.try_into().unwrap()
}

/// Returns the clients and the purchases of a tick.
pub(super) fn sheets(params: &str, tick: Tick) -> [Sheet; 2] {
    texts(params, tick).map(|text| Sheet::read(&text))
}

/// Returns the parameters that the source declares, as a JSON Schema has them.
pub(super) fn declared() -> Map<String, Value> {
    let schema: Value = serde_json::from_str(&RetailSource::describe().identity.parameters).unwrap();
    schema["properties"].as_object().unwrap().clone()
}

/// Returns parameters without flaws, except those in `params`.
pub(super) fn but(params: &str) -> String {
    let rates = declared().into_iter().filter(|(_, parameter)| parameter["type"] == "number");
    let mut all: Map<_, _> = rates.map(|(name, _)| (name, Value::from(0))).collect();
    let given: Map<_, _> = serde_json::from_str(params).unwrap();
    all.extend(given);
    Value::Object(all).to_string()
}

impl Sheet {
    /// Reads CSV in which quotes are around whole cells and no cell has a line end.
    pub(super) fn read(csv: &str) -> Self {
        let mut lines = csv.lines().map(cells);
        let columns = lines.next().expect("there is a header");
        let (mut rows, mut malformed) = (Vec::new(), 0);
        for cells in lines {
            assert!(cells.len() > 1, "a line with one cell could be blank");
            match cells.len() == columns.len() {
                true => rows.push(columns.iter().cloned().zip(cells).collect()),
                false => malformed += 1,
            }
        }
        Self { columns, rows, malformed }
    }
}

fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = line.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    assert!(!quoted, "the quotes of `{line}` match");
    cells.push(cell);
    cells
}

/// Returns the date of a cell that has one in the usual form.
#[track_caller]
pub(super) fn date(row: &Row, column: &str) -> Date {
    Date::parse(&row[column]).unwrap_or_else(|| panic!("{column} of {row:?} is no date"))
}

#[track_caller]
pub(super) fn money(row: &Row, column: &str) -> Money {
    Number::parse(row[column].trim())
        .and_then(Number::round)
        .unwrap_or_else(|| panic!("{column} of {row:?} is no money"))
}
