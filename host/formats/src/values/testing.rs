//! Typed tables for tests, written down and at random.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::calendar::{FIRST_DAY, LAST_DAY};

pub(crate) const MICROS_A_DAY: i64 = 86_400_000_000;

pub(crate) fn timestamp() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn field(name: &str, array: &ArrayRef, nullable: bool) -> Field {
    Field::new(name, array.data_type().clone(), nullable)
}

/// Returns a table of columns with their names. The last part says whether values may be missing.
pub(crate) fn table(columns: Vec<(&str, ArrayRef, bool)>) -> RecordBatch {
    let fields = columns.iter().map(|(name, array, nullable)| field(name, array, *nullable)).collect::<Vec<_>>();
    let arrays = columns.into_iter().map(|(_, array, _)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("the columns fit together")
}

pub(crate) fn texts(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

/// A table with a column of each type, and one of texts that are never missing.
pub(crate) fn sample() -> RecordBatch {
    table(vec![
        ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])), true),
        ("i", Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(i64::MAX), None])), true),
        ("f", Arc::new(Float64Array::from(vec![Some(3.0), Some(-0.1), None])), true),
        ("t", texts(&[Some("a,b"), Some(""), None]), true),
        ("n", texts(&[Some(""), Some(" x"), Some("q\"")]), false),
        ("d", Arc::new(Date32Array::from(vec![Some(0), Some(FIRST_DAY), None])), true),
        (
            "ts",
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(1_763_030_100_000_000), Some(-1), None]).with_timezone("UTC"),
            ),
            true,
        ),
        (
            "m",
            Arc::new(
                Decimal128Array::from(vec![Some(5), Some(-123_456), None])
                    .with_precision_and_scale(10, 2)
                    .expect("valid"),
            ),
            true,
        ),
    ])
}

/// A table of so many rows, with one to four columns of any types.
pub(crate) fn any_table(rows: usize) -> impl Strategy<Value = RecordBatch> {
    vec(column(rows), 1..5).prop_map(|columns| {
        const NAMES: [&str; 4] = ["a", "b", "c", "d"];
        table(columns.into_iter().zip(NAMES).map(|((array, nullable), name)| (name, array, nullable)).collect())
    })
}

pub(crate) fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        any::<u64>().prop_map(f64::from_bits),
        (-1_000_000_000..1_000_000_000_i64, 0..9).prop_map(|(n, scale)| n as f64 / 10_f64.powi(scale)),
        select(vec![
            0.0,
            -0.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::MIN,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324
        ]),
        select(vec![0.1 + 0.2, 1e15, 1e-6, 1e-7, 999_999_999.999_999, 9_007_199_254_740_993.0, 1e16, 0.5e-6]),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{0,40}", "[ab,\"\r\n\t =é]{0,6}", any::<String>()]
}

/// A column of so many rows, of any type, and whether values may be missing.
pub(crate) fn column(rows: usize) -> impl Strategy<Value = (ArrayRef, bool)> {
    fn cells<T: std::fmt::Debug>(
        rows: usize,
        cell: impl Strategy<Value = T>,
    ) -> impl Strategy<Value = (Vec<Option<T>>, bool)> {
        (vec(weighted(0.8, cell), rows), any::<bool>()).prop_map(|(cells, nullable)| {
            let nullable = nullable || cells.iter().any(Option::is_none);
            (cells, nullable)
        })
    }
    let days = prop_oneof![FIRST_DAY..=LAST_DAY, select(vec![FIRST_DAY, LAST_DAY, 0, -1])];
    let (first, last) = (i64::from(FIRST_DAY) * MICROS_A_DAY, (i64::from(LAST_DAY) + 1) * MICROS_A_DAY - 1);
    let micros = prop_oneof![
        first..=last,
        select(vec![first, last, 0, -1]),
        (-1_000_000..1_000_000_i64).prop_map(|s| s * 1_000_000)
    ];
    let precision = select(vec![(1, 0), (1, 1), (10, 2), (18, 6), (19, 19), (20, 20), (38, 0), (38, 10), (38, 38)]);
    let decimals = precision.prop_flat_map(move |(precision, scale)| {
        let most = 10_i128.pow(precision) - 1;
        let value = prop_oneof![
            -most..=most,
            select(vec![most, -most, 0]),
            (-9..9_i128).prop_filter("fits", move |n| n.abs() <= most)
        ];
        cells(rows, value).prop_map(move |(cells, nullable)| {
            let array = Decimal128Array::from(cells).with_precision_and_scale(precision as u8, scale).expect("valid");
            (Arc::new(array) as ArrayRef, nullable)
        })
    });
    prop_oneof![
        cells(rows, any::<bool>())
            .prop_map(|(cells, nullable)| (Arc::new(BooleanArray::from(cells)) as ArrayRef, nullable)),
        cells(rows, prop_oneof![any::<i64>(), -99..99_i64, select(vec![i64::MIN, i64::MAX])])
            .prop_map(|(cells, nullable)| (Arc::new(Int64Array::from(cells)) as ArrayRef, nullable)),
        cells(rows, float()).prop_map(|(cells, nullable)| {
            // All NaNs have the same text, so only one of them reads back equal.
            let cells = cells.into_iter().map(|cell| cell.map(|n| if n.is_nan() { f64::NAN } else { n }));
            (Arc::new(cells.collect::<Float64Array>()) as ArrayRef, nullable)
        }),
        cells(rows, text()).prop_map(|(cells, nullable)| (Arc::new(StringArray::from(cells)) as ArrayRef, nullable)),
        cells(rows, days).prop_map(|(cells, nullable)| (Arc::new(Date32Array::from(cells)) as ArrayRef, nullable)),
        cells(rows, micros).prop_map(|(cells, nullable)| {
            (Arc::new(TimestampMicrosecondArray::from(cells).with_data_type(timestamp())) as ArrayRef, nullable)
        }),
        decimals,
    ]
}
