//! The index against a plain map, and the order of encoded values against the order of values.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use proptest::prelude::*;

use super::*;
use crate::wasm::OrderSpec;

const NAMES: [&str; 3] = ["b", "a", "c"];

fn name(object: u32) -> &'static str {
    NAMES[object as usize]
}

proptest! {
    #[test]
    fn the_holder_of_a_key_is_the_greatest_row_whatever_the_order_of_offers(
        rows in prop::collection::btree_map((0u32..3, 0u32..50), (0u8..6, 0u8..3), 0..60),
        seed in any::<u64>(),
        reload in 0usize..60,
    ) {
        let mut best: BTreeMap<u8, (u8, &str, u32, u32)> = BTreeMap::new();
        for (&(object, place), &(key, order)) in &rows {
            let row = (order, name(object), place, object);
            best.entry(key).and_modify(|held| *held = row.max(*held)).or_insert(row);
        }
        let mut offers: Vec<_> = rows.iter().collect();
        let mut state = seed | 1;
        offers.sort_by_cached_key(|_| { state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1); state >> 33 });

        let (mut index, mut segments, mut lost) = (KeyIndex::default(), Vec::new(), Vec::new());
        for (at, (&(object, place), &(key, order))) in offers.into_iter().enumerate() {
            if at == reload {
                segments.push(index.segment());
                index = KeyIndex::default();
                segments.iter().for_each(|segment| index.load(segment).expect("it was just written"));
            }
            lost.extend(index.offer(&[key], &[order], RowId { object, place }, name));
        }
        let mut kept: Vec<_> = rows.keys().copied().filter(|&(object, place)| !lost.contains(&RowId { object, place })).collect();
        kept.sort_unstable();
        let mut expected: Vec<_> = best.values().map(|&(_, _, place, object)| (object, place)).collect();
        expected.sort_unstable();
        prop_assert_eq!(kept, expected);
        prop_assert_eq!(lost.len() + best.len(), rows.len());
    }

    #[test]
    fn encoded_values_compare_as_the_values_do(
        a in value_row(), b in value_row(), least in any::<bool>()
    ) {
        let prefer = if least { Preference::Least } else { Preference::Greatest };
        let spec = spec(prefer);
        let batch = batch(&[a.clone(), b.clone()]);
        let encoder = KeyEncoder::new(&batch, &spec);
        let (mut key, mut first, mut second) = (vec![], vec![], vec![]);
        encoder.encode(0, &mut key, &mut first);
        let key_of_first = key.clone();
        encoder.encode(1, &mut key, &mut second);
        let expected = a.partial_cmp(&b).expect("no NaN");
        prop_assert_eq!(first.cmp(&second), if least { expected.reverse() } else { expected });
        prop_assert_eq!(key_of_first == key, expected.is_eq());
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

fn spec(prefer: Preference) -> CleanerSpec {
    let columns = 0..4;
    CleanerSpec {
        identity: crate::wasm::described("keys"),
        input: vec![],
        output: batch(&[]).schema(),
        key: columns.clone().collect(),
        order_by: columns.map(|column| OrderSpec { column, prefer }).collect(),
        rules: vec![],
    }
}

#[test]
fn a_cut_off_segment_is_an_error() {
    let mut index = KeyIndex::default();
    index.offer(b"key", b"order", RowId { object: 0, place: 0 }, name);
    let segment = index.segment();
    for cut in 1..segment.len() {
        assert!(KeyIndex::default().load(&segment[..cut]).is_err(), "{cut} of {}", segment.len());
    }
}
