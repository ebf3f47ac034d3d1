//! Questions against answers that take the rows one by one, without blocks, types or marks.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use arrow_schema::DataType;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{Filter, Query, Sort, ends_of, find, sum, values_of};
use crate::frame::testing::{TEXTS, TYPES, Table, is_same, types};
use crate::frame::{BLOCK_ROWS, Cell};

/// Texts that are numbers, nearly are, or lie beyond those of some type.
const NUMBERS: [&str; 22] = [
    "0",
    "-0",
    "1",
    "01",
    "1.0",
    "1.00",
    "1.005",
    "-1.005",
    "-1",
    "-1.5",
    "0.5",
    ".5",
    "5.",
    "1e0",
    "NaN",
    "inf",
    "-inf",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "99999999999999999999999999999999999999",
    "0.00000000000000000000000000000000000001",
];
/// Texts that are days and moments, or nearly are.
const DAYS: [&str; 10] = [
    "2022-01-07",
    "2022-01-08",
    "2022-01-09",
    "2022-01-09T00:00:00Z",
    "2022-01-08T23:59:59.999999Z",
    "2022-01-08T00:00:00.000001Z",
    "2022-01-09T02:00:00+02:00",
    "2022-13-01",
    "9999-12-31",
    "0000-01-01",
];
/// Other texts.
const WORDS: [&str; 6] = ["", "true", "false", "TRUE", "a", "é"];

/// A number as a sign, digits before the point and digits after it, none of them needless.
fn digits(text: &str) -> Option<(bool, String, String)> {
    let (is_negative, rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, places) = rest.split_once('.').unwrap_or((rest, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(places) {
        return None;
    }
    let (whole, places) = (whole.trim_start_matches('0').to_owned(), places.trim_end_matches('0').to_owned());
    Some((is_negative && !(whole.is_empty() && places.is_empty()), whole, places))
}

fn compare_digits(one: &(bool, String, String), other: &(bool, String, String)) -> Ordering {
    let size = |it: &(bool, String, String)| (it.1.len(), it.1.clone(), it.2.clone());
    match (one.0, other.0) {
        (false, false) => size(one).cmp(&size(other)),
        (true, true) => size(other).cmp(&size(one)),
        (is_negative, _) => {
            if is_negative {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

fn float_order(one: f64, other: f64) -> Ordering {
    // NaN is one value, the greatest, and -0 is 0.
    one.partial_cmp(&other).unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
}

/// Compares a value with a text that stands for one; `None` if it stands for none of that type. `of_day` compares by days.
fn against(value: &Cell, text: &str) -> Option<Ordering> {
    match value {
        Cell::Boolean(value) => {
            ["false", "true"].iter().position(|it| *it == text).map(|at| usize::from(*value).cmp(&at))
        }
        Cell::Int(_) | Cell::Decimal(..) => Some(compare_digits(&digits(&value.text())?, &digits(text)?)),
        Cell::Float(value) => text.parse().ok().map(|bound| float_order(*value, bound)),
        Cell::Text(value) => Some(value.as_str().cmp(text)),
        Cell::Date(_) => is_day(text.get(..10)?).then(|| value.text().as_str().cmp(&text[..10])),
        Cell::Timestamp(micros) if text.len() > 10 => {
            Some(micros.cmp(&chrono::DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros()))
        }
        Cell::Timestamp(_) => is_day(text).then(|| value.text()[..10].cmp(text)),
        Cell::Missing => None,
    }
}

fn is_day(text: &str) -> bool {
    chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok()
}

fn meets(value: &Cell, filter: &Filter) -> bool {
    match filter {
        Filter::Is(texts) => texts.iter().any(|text| match value {
            Cell::Missing => text.is_empty(),
            // A day is the moment at which it begins.
            Cell::Timestamp(_) if is_day(text) => value.text() == format!("{text}T00:00:00Z"),
            value => against(value, text) == Some(Ordering::Equal),
        }),
        Filter::Range(from, to) => {
            let meets = |bound: &Option<String>, right: fn(Ordering) -> bool| {
                bound.as_ref().is_none_or(|bound| against(value, bound).is_some_and(right))
            };
            *value != Cell::Missing && meets(from, Ordering::is_ge) && meets(to, Ordering::is_le)
        }
    }
}

/// Returns the text in lower case, each letter alone, so that a part of a text is a part of it in any case.
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect()
}

fn order(one: &Cell, other: &Cell, descending: bool) -> Ordering {
    let ascending = match (one, other) {
        (Cell::Missing, Cell::Missing) => return Ordering::Equal,
        (Cell::Missing, _) => return Ordering::Greater,
        (_, Cell::Missing) => return Ordering::Less,
        (Cell::Float(one), Cell::Float(other)) => float_order(*one, *other),
        (Cell::Boolean(one), Cell::Boolean(other)) => one.cmp(other),
        (Cell::Int(one), Cell::Int(other)) => one.cmp(other),
        (Cell::Decimal(one, _), Cell::Decimal(other, _)) => one.cmp(other),
        // Texts, dates and moments of smelt sort as their texts do, but for the fraction of a second.
        (Cell::Timestamp(one), Cell::Timestamp(other)) => one.cmp(other),
        (one, other) => one.text().cmp(&other.text()),
    };
    if descending { ascending.reverse() } else { ascending }
}

fn naive(table: &Table, query: &Query) -> Vec<u32> {
    let needle = query.search.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(lower);
    let is_found = |cell: &Cell, needle: &str| matches!(cell, Cell::Text(text) if lower(text).contains(needle));
    let is_match = |row: &[Cell]| {
        query.filters.iter().all(|(column, filter)| meets(&row[*column], filter))
            && needle.as_ref().is_none_or(|needle| row.iter().any(|cell| is_found(cell, needle)))
    };
    let mut rows: Vec<u32> = (0..table.rows.len() as u32).filter(|&row| is_match(&table.rows[row as usize])).collect();
    rows.sort_by(|&one, &other| {
        let by = |sort: &Sort| {
            order(&table.rows[one as usize][sort.column], &table.rows[other as usize][sort.column], sort.descending)
        };
        query.sort.iter().map(by).fold(Ordering::Equal, Ordering::then)
    });
    rows
}

/// Returns a text of a value of the table, or of none.
fn some_text(table: &Table, column: usize, pick: (Index, bool)) -> String {
    let near: &[&str] = match table.schema.field(column).data_type() {
        DataType::Date32 | DataType::Timestamp(..) => &DAYS,
        DataType::Boolean | DataType::Utf8 => &[],
        _ => &NUMBERS,
    };
    match pick {
        (row, true) if !table.rows.is_empty() => table.rows[row.index(table.rows.len())][column].text(),
        (at, _) => {
            let all: Vec<_> = near.iter().chain(&WORDS).collect();
            (*all[at.index(all.len())]).to_owned()
        }
    }
}

/// What a filter is made of: its column, whether it is a range, and its texts.
type FilterSeed = (Index, bool, Vec<(Index, bool)>);

fn filter(table: &Table, (column, is_range, texts): &FilterSeed) -> (usize, Filter) {
    let column = column.index(table.schema.fields().len());
    let texts: Vec<_> = texts.iter().map(|&pick| some_text(table, column, pick)).collect();
    let bound = |at: usize| texts.get(at).filter(|text| !text.is_empty()).cloned();
    let filter =
        if *is_range { Filter::Range(bound(0), bound(1)) } else { Filter::Is(texts.iter().cloned().collect()) };
    (column, filter)
}

fn filter_seed() -> impl Strategy<Value = FilterSeed> {
    (any::<Index>(), any::<bool>(), vec((any::<Index>(), any::<bool>()), 0..3))
}

fn query(table: &Table, filters: &[FilterSeed], search: Option<&str>, sorts: &[(Index, bool)]) -> Query {
    let column = |index: Index| index.index(table.schema.fields().len());
    Query {
        filters: filters.iter().map(|seed| filter(table, seed)).collect(),
        search: search.map(ToOwned::to_owned),
        sort: sorts.iter().map(|&(index, descending)| Sort { column: column(index), descending }).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Few rows and one condition, so that each type meets each kind of text.
    #[test]
    fn a_condition_is_met_by_the_rows_that_meet_it_one_by_one(
        seed: u64,
        kind in select(&TYPES[..]),
        (column, is_range) in any::<(Index, bool)>(),
        texts in vec((any::<Index>(), any::<bool>()), 2),
    ) {
        let table = Table::random(seed, 12, &[kind]);
        let filters = vec![filter(&table, &(column, is_range, texts))];
        let asked = Query { filters, ..Query::default() };
        let found = find(&table.frame(&[12]), &asked, 12).expect("an answer");
        prop_assert_eq!(&found.rows, &naive(&table, &asked), "{:?} of {:?}", asked, table.rows);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_what_taking_row_by_row_finds(
        seed: u64,
        size in prop_oneof![20 => 0_usize..60, 1 => select(&[4095_usize, 4096, 4097][..])],
        types in types(4),
        filters in vec(filter_seed(), 0..3),
        search in proptest::option::weighted(0.3, select(&TEXTS[..])),
        sorts in vec((any::<Index>(), any::<bool>()), 0..4),
        most in 0_usize..70,
        skip in 0_usize..20,
    ) {
        let table = Table::random(seed, size, &types);
        let frame = table.frame(&[1000]);
        let asked = query(&table, &filters, search, &sorts);
        let expected = naive(&table, &asked);
        let all = find(&frame, &asked, size + 1).expect("an answer");
        prop_assert_eq!((&all.rows, all.total), (&expected, expected.len()), "{:?}", asked);
        let first = find(&frame, &asked, most).expect("an answer");
        prop_assert_eq!((&first.rows[..], first.total), (&expected[..most.min(expected.len())], expected.len()));
        let page = find(&frame, &asked, skip + 10).expect("an answer");
        let shown = &page.rows[skip.min(page.rows.len())..];
        prop_assert_eq!(shown, &expected[skip.min(expected.len())..expected.len().min(skip + 10)]);
    }

    #[test]
    fn sums_are_exact(seed: u64, size in 0_usize..40, kind in select(&TYPES[..]), filters in vec(filter_seed(), 0..2)) {
        let table = Table::random(seed, size, &[kind, "int64?"]);
        let frame = table.frame(&[7]);
        let asked = query(&table, &filters, None, &[]);
        let values: Vec<_> = naive(&table, &asked).into_iter().map(|row| &table.rows[row as usize][0]).collect();
        let found = sum(&frame, &asked, 0).expect("a sum");
        let exact = |values: &[(i128, u8)]| {
            // 38 digits in two halves: no sum of these rows is too large for both.
            const HALF: i128 = 10_i128.pow(19);
            let (high, low) = values.iter().fold((0, 0), |sum, (it, _)| (sum.0 + it.div_euclid(HALF), sum.1 + it.rem_euclid(HALF)));
            high.checked_mul(HALF).and_then(|high: i128| high.checked_add(low))
        };
        let wholes: Vec<_> = values.iter().filter_map(|value| match value {
            Cell::Int(value) => Some((i128::from(*value), 0)),
            Cell::Boolean(value) => Some((i128::from(*value), 0)),
            Cell::Decimal(value, scale) => Some((*value, *scale)),
            _ => None,
        }).collect();
        match (wholes.first(), exact(&wholes)) {
            (Some((_, scale)), Some(exact)) => prop_assert_eq!(found, Cell::Decimal(exact, *scale)),
            (Some(_), None) => {
                let near: f64 = values.iter().filter_map(|value| value.number()).sum();
                prop_assert!((found.number().expect("a number") / near - 1.0).abs() < 1e-9, "{:?}, not {}", found, near);
            }
            (None, _) => {
                let floats = values.iter().filter_map(|it| if let Cell::Float(it) = it { Some(*it) } else { None });
                let expected = floats.reduce(|sum, value| sum + value).map_or(Cell::Missing, Cell::Float);
                prop_assert!(is_same(&found, &expected) || found.text() == "NaN" && expected.text() == "NaN", "{:?}", found);
            }
        }
    }

    #[test]
    fn values_and_ends_are_those_of_the_rows(seed: u64, size in 0_usize..40, kind in select(&TYPES[..]), most in 0_usize..9) {
        let table = Table::random(seed, size, &[kind]);
        let frame = table.frame(&[7]);
        let cells = || table.rows.iter().map(|row| &row[0]);
        let texts: BTreeSet<_> = cells().map(Cell::text).filter(|text| !text.is_empty()).collect();
        let found = values_of(&frame, 0, most).expect("values");
        let in_order = |texts: BTreeSet<String>| {
            let mut cells: Vec<_> = texts.iter().filter_map(|text| cells().find(|cell| cell.text() == *text)).collect();
            cells.sort_by(|one, other| order(one, other, false));
            cells.into_iter().map(Cell::text).collect::<Vec<_>>()
        };
        prop_assert_eq!(&*found, &(texts.len() <= most).then(|| in_order(texts)));
        let ends = ends_of(&frame, 0).expect("ends");
        let present = || cells().filter(|cell| **cell != Cell::Missing);
        match &*ends {
            None => prop_assert_eq!(present().count(), 0),
            Some((least, greatest)) => {
                prop_assert!(present().all(|it| order(least, it, false).is_le() && order(it, greatest, false).is_le()));
                prop_assert!(present().any(|it| is_same(it, least)) && present().any(|it| is_same(it, greatest)));
            }
        }
    }
}

#[test]
fn an_answer_that_is_kept_takes_no_more_memory_than_its_rows() {
    let table = Table::random(1, BLOCK_ROWS, &["int64?"]);
    let frame = table.frame(&[BLOCK_ROWS]);
    for sort in [vec![], vec![Sort { column: 0, descending: true }]] {
        let found = find(&frame, &Query { sort, ..Query::default() }, 10).expect("an answer");
        assert!(found.rows.capacity() <= 16, "{}", found.rows.capacity());
    }
}
