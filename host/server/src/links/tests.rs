//! Links lead to what they are about, whatever columns and values are called.

use std::collections::BTreeSet;

use arrow_schema::Field;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use smelt_formats::typed_column;

use super::{asked, conditions, key_of, pairs, row_of};
use crate::address::{Parameters, query};
use crate::frame::testing::{Numbers, TYPES, Table, random_cell};
use crate::query::{Filter, Query, Sort, find};

/// Names of columns that an address could take for something else.
const NAMES: [&str; 24] = [
    "a", "a.from", "a.to", "from.a", "f.a", "f.a.from", "to.a", "none", "none.a", "-a", "+a", "--a", "a,-a", ",",
    "~row", "page", "sort", "q", "=", "a=b&c", "é~%41", "a+b c", "#", "?",
];

fn fields(names: &BTreeSet<&'static str>, seed: u64) -> Vec<Field> {
    let mut numbers = Numbers(seed);
    let kind = |numbers: &mut Numbers| TYPES[numbers.next() as usize % TYPES.len()];
    names.iter().map(|name| typed_column(name, kind(&mut numbers)).expect("a type")).collect()
}

/// Returns the parameters after a way through an address.
fn sent(parameters: &[(String, String)]) -> Parameters {
    Parameters::parse(&query(pairs(parameters))[1..])
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        select(&["", "-", "a,b", "~", "%41", "a=b&c=d", "\0", "é", " a+b "][..]).prop_map(str::to_owned),
        ".{0,6}"
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_question_comes_back_from_its_address(
        names in btree_set(select(&NAMES[..]), 1..8),
        seed: u64,
        filters in vec((any::<bool>(), btree_set(values(), 0..4), any::<bool>(), (values(), values())), 8),
        search in proptest::option::of("[^ \u{0}-\u{1f}]{1,6}".prop_filter("not blank", |text| text.trim() == text)),
        sorts in vec((any::<Index>(), any::<bool>()), 0..4),
    ) {
        let table = Table::of(seed, 0, fields(&names, seed));
        let frame = table.frame(&[1]);
        let mut question = Query { search, ..Query::default() };
        for (column, (has_values, values, has_range, (from, to))) in (0..names.len()).zip(filters) {
            if has_values {
                question.filters.push((column, Filter::Is(values)));
            }
            let bound = |text: String| Some(text).filter(|text| !text.is_empty());
            let (from, to) = (bound(from), bound(to));
            if has_range && (from.is_some() || to.is_some()) {
                question.filters.push((column, Filter::Range(from, to)));
            }
        }
        let sort = |(index, descending): (Index, bool)| Sort { column: index.index(names.len()), descending };
        question.sort = sorts.into_iter().map(sort).collect();
        prop_assert_eq!(asked(&frame, &sent(&conditions(&frame, &question))), question);
    }

    #[test]
    fn several_conditions_on_a_column_hold_in_its_address_too(
        kind in select(&TYPES[..]),
        seed: u64,
        filters in vec((any::<bool>(), vec(any::<Index>(), 0..4)), 0..4),
    ) {
        let table = Table::random(seed, 40, &[kind]);
        let frame = table.frame(&[7]);
        let text = |index: &Index| table.rows[index.index(40)][0].text();
        let filter = |(is_range, of): (bool, Vec<Index>)| {
            let bound = |at: usize| of.get(at).map(text).filter(|text| !text.is_empty());
            (0, if is_range { Filter::Range(bound(0), bound(1)) } else { Filter::Is(of.iter().map(text).collect()) })
        };
        // No page asks for a range without ends.
        let filters = filters.into_iter().map(filter).filter(|(_, filter)| *filter != Filter::Range(None, None));
        let question = Query { filters: filters.collect(), ..Query::default() };
        let linked = asked(&frame, &sent(&conditions(&frame, &question)));
        let rows = |question: &Query| find(&frame, question, 40).expect("an answer").rows.clone();
        prop_assert_eq!(rows(&linked), rows(&question), "{:?} became {:?}", question, linked);
    }

    #[test]
    fn a_row_is_found_by_its_address(
        names in btree_set(select(&NAMES[..]), 1..5),
        seed: u64,
        key in vec(any::<Index>(), 0..4),
        size in 1_usize..40,
    ) {
        let mut table = Table::of(seed, size, fields(&names, seed));
        table.key = key.iter().map(|index| index.index(names.len())).collect::<BTreeSet<_>>().into_iter().rev().collect();
        // Rows of one key are one row. -0 is 0, and NaN is one value.
        let mut seen = BTreeSet::new();
        let of_key = |row: &[crate::frame::Cell]| {
            let text = |&column: &usize| format!("{:?}", row[column]).replace("-0.0)", "0.0)");
            table.key.iter().map(text).collect::<Vec<_>>()
        };
        let rows: Vec<_> = table.rows.iter().filter(|row| table.key.is_empty() || seen.insert(of_key(row))).cloned().collect();
        table.rows = rows;
        let frame = table.frame(&[7]);
        for number in 0..table.rows.len() as u32 {
            let key = frame.fetch(&[number], frame.key()).expect("a row");
            let address = key_of(&frame, &key, 0, number);
            prop_assert_eq!(row_of(&frame, &sent(&address)).expect("an answer"), Some(number), "{:?}", address);
        }
    }

    #[test]
    fn a_row_that_is_not_there_is_not_found(seed: u64, kind in select(&TYPES[..])) {
        let mut table = Table::random(seed, 20, &[kind, "int64?"]);
        table.key = vec![0];
        let other = random_cell(table.schema.field(0).data_type(), &mut Numbers(!seed));
        table.rows.retain(|row| row[0].compare(&other).is_ne());
        let there = Table { rows: vec![vec![other, crate::frame::Cell::Missing]], ..table.clone() }.frame(&[1]);
        let key = there.fetch(&[0], &[0]).expect("a row");
        let address = key_of(&there, &key, 0, 0);
        prop_assert_eq!(row_of(&table.frame(&[3]), &sent(&address)).expect("an answer"), None);
    }
}
