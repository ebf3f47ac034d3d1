//! The index against a plain map, and the order of encoded values against the order of values.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;

use super::*;
use crate::wasm::{CleanerSpec, OrderSpec, Preference};

const NAMES: [&str; 3] = ["b", "a", "c"];

fn name(object: u32) -> &'static str {
    NAMES[object as usize]
}

/// Rows of a key and an order, as the index sees them.
fn keys(rows: &[(i64, i64)]) -> Keys {
    let column = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    let (key, order) = rows.iter().copied().unzip();
    let batch = RecordBatch::try_from_iter([("key", column(key)), ("order", column(order))]).expect("two columns");
    let spec = CleanerSpec {
        identity: crate::wasm::described("keys"),
        input: vec![],
        output: batch.schema(),
        key: vec![0],
        order_by: vec![OrderSpec { column: 1, prefer: Preference::Greatest }],
        rules: vec![],
    };
    Keys::of(&[batch], &spec)
}

proptest! {
    #[test]
    fn the_holder_of_a_key_is_the_greatest_row_whatever_the_order_of_objects(
        objects in prop::array::uniform3(prop::collection::vec((0i64..6, 0i64..3), 0..20)),
        order in Just([0u32, 1, 2]).prop_shuffle(),
        reload in 0usize..4,
    ) {
        let mut best: BTreeMap<i64, (i64, &str, u32, u32)> = BTreeMap::new();
        let mut rows = 0;
        for (object, held) in (0..).zip(&objects) {
            for (place, &(key, order)) in (0..).zip(held) {
                let row = (order, name(object), place, object);
                best.entry(key).and_modify(|held| *held = row.max(*held)).or_insert(row);
                rows += 1;
            }
        }
        let (mut index, mut segments, mut lost) = (KeyIndex::default(), Vec::new(), Vec::new());
        for (at, object) in order.into_iter().enumerate() {
            if at == reload {
                segments.push(index.segment());
                index = KeyIndex::default();
                segments.iter().for_each(|segment| index.load(segment).expect("it was just written"));
            }
            let keys = keys(&objects[object as usize]);
            for (object, places) in index.offer(&[(object, &keys)], name) {
                lost.extend(places.into_iter().map(|place| (object, place)));
            }
        }
        for (_, _, place, object) in best.values() {
            prop_assert!(!lost.contains(&(*object, *place)));
        }
        lost.sort_unstable();
        lost.dedup();
        prop_assert_eq!(lost.len() + best.len(), rows, "each row either holds a key or is superseded, once");
    }

    #[test]
    fn encoded_values_compare_as_the_values_do(a in value_row(), b in value_row(), least in any::<bool>()) {
        let prefer = if least { Preference::Least } else { Preference::Greatest };
        let batch = batch(&[a.clone(), b.clone()]);
        let spec = CleanerSpec {
            identity: crate::wasm::described("keys"),
            input: vec![],
            output: batch.schema(),
            key: (0..4).collect(),
            order_by: (0..4).map(|column| OrderSpec { column, prefer }).collect(),
            rules: vec![],
        };
        let keys = Keys::of(&[batch], &spec);
        let ((_, first_key, first), (_, second_key, second)) = (keys.get(0), keys.get(1));
        let expected = a.partial_cmp(&b).expect("no NaN");
        prop_assert_eq!(first.cmp(second), if least { expected.reverse() } else { expected });
        prop_assert_eq!(first_key == second_key, expected.is_eq());
    }
}

/// `None` is less than any value, as in `Option`'s own order.
type Row = (Option<i64>, Option<i128>, Option<f64>, Option<String>);

fn value_row() -> impl Strategy<Value = Row> {
    let float = prop_oneof![Just(0.0), Just(1.5), Just(-1.5), Just(f64::INFINITY), Just(f64::NEG_INFINITY), -1e9..1e9];
    (
        prop::option::of(prop_oneof![Just(i64::MIN), Just(-1), Just(0), Just(i64::MAX)]),
        prop::option::of(-3i128..3),
        prop::option::of(float),
        prop::option::of("[a\\x00é]{0,3}"),
    )
}

fn batch(rows: &[Row]) -> RecordBatch {
    let decimals = Decimal128Array::from(rows.iter().map(|row| row.1).collect::<Vec<_>>());
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("integer", Arc::new(Int64Array::from(rows.iter().map(|row| row.0).collect::<Vec<_>>()))),
        ("decimal", Arc::new(decimals)),
        ("float", Arc::new(Float64Array::from(rows.iter().map(|row| row.2).collect::<Vec<_>>()))),
        ("text", Arc::new(StringArray::from(rows.iter().map(|row| row.3.clone()).collect::<Vec<_>>()))),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

#[test]
fn a_cut_off_segment_is_an_error() {
    let mut index = KeyIndex::default();
    index.offer(&[(0, &keys(&[(1, 2)]))], name);
    let segment = index.segment();
    for cut in 1..segment.len() {
        assert!(KeyIndex::default().load(&segment[..cut]).is_err(), "{cut} of {}", segment.len());
    }
}
