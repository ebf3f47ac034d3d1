//! Values that cross the boundary come back as they were: arrow-rs on the host's side and the SDK's own reader and writer on the
//! plugin's agree on every type.

use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float64Type;
use arrow_array::{
    Array as _, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, SchemaRef, TimeUnit};
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use smelt_common::binary::Binary;
use smelt_runtime::privacy::Pseudonyms;
use smelt_runtime::{Cleaner, Engine, Kpi, Limits};

use crate::support::ended::fixtures;
use crate::support::root;

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Some(&root().join("target/components/cache"))).expect("the engine starts"));

fn pseudonyms() -> Pseudonyms {
    Pseudonyms::from_hex(None).expect("no key is a key")
}

fn echo() -> Kpi {
    let binary = Binary::read(&fixtures().join("echo.wasm"), u64::MAX).expect("it is there");
    Kpi::load(&ENGINE, "echo", &binary, &Limits::default(), &pseudonyms(), "{}").expect("it is a KPI")
}

/// Values for a column, in so many rows.
fn values<V: std::fmt::Debug + Clone, S: Strategy<Value = V>>(
    field: &Field,
    rows: usize,
    value: S,
) -> impl Strategy<Value = Vec<Option<V>>> + use<V, S> {
    let nullable = field.is_nullable();
    let present = (weighted(0.7, Just(())), value);
    vec(present.prop_map(move |(present, value)| (!nullable || present.is_some()).then_some(value)), rows)
}

fn floats() -> impl Strategy<Value = f64> {
    // Every bit pattern, NaNs of any payload among them.
    prop_oneof![any::<u64>().prop_map(f64::from_bits), any::<f64>(), Just(-0.0), Just(f64::INFINITY), Just(f64::NAN)]
}

fn column(field: &Field, rows: usize) -> BoxedStrategy<ArrayRef> {
    match *field.data_type() {
        DataType::Boolean => {
            values(field, rows, any::<bool>()).prop_map(|all| Arc::new(BooleanArray::from(all)) as ArrayRef).boxed()
        }
        DataType::Int64 => {
            values(field, rows, any::<i64>()).prop_map(|all| Arc::new(Int64Array::from(all)) as _).boxed()
        }
        DataType::Float64 => {
            values(field, rows, floats()).prop_map(|all| Arc::new(Float64Array::from(all)) as _).boxed()
        }
        DataType::Utf8 => {
            let text = vec(any::<char>(), 0..12).prop_map(String::from_iter);
            values(field, rows, text).prop_map(|all| Arc::new(StringArray::from(all)) as _).boxed()
        }
        DataType::Date32 => {
            values(field, rows, any::<i32>()).prop_map(|all| Arc::new(Date32Array::from(all)) as _).boxed()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let array = |all| Arc::new(TimestampMicrosecondArray::from(all).with_timezone("UTC")) as _;
            values(field, rows, any::<i64>()).prop_map(array).boxed()
        }
        DataType::Decimal128(precision, scale) => {
            let most = 10_i128.pow(u32::from(precision)) - 1;
            let value = prop_oneof![-most..=most, -1000_i128..=1000, Just(most), Just(-most)];
            let array = move |all| {
                let array = Decimal128Array::from(all).with_precision_and_scale(precision, scale);
                Arc::new(array.expect("the contract's decimals are Arrow's")) as _
            };
            values(field, rows, value).prop_map(array).boxed()
        }
        ref other => panic!("the contract has no {other}"),
    }
}

/// Batches of up to so many rows, cut out of longer ones so that their buffers do not begin at the beginning.
fn batches(schema: &SchemaRef, most: usize) -> impl Strategy<Value = RecordBatch> + use<> {
    let schema = schema.clone();
    let whole = (0..=most).prop_flat_map(move |rows| {
        let schema = schema.clone();
        let columns: Vec<_> = schema.fields().iter().map(|field| column(field, rows)).collect();
        columns.prop_map(move |columns| RecordBatch::try_new(schema.clone(), columns).expect("the columns fit"))
    });
    (whole, any::<prop::sample::Index>(), any::<prop::sample::Index>()).prop_map(|(whole, from, rows)| {
        let from = from.index(whole.num_rows() + 1);
        whole.slice(from, rows.index(whole.num_rows() - from + 1))
    })
}

/// The batch with one bit pattern for NaN, as the contract has it.
fn canonical(batch: &RecordBatch) -> RecordBatch {
    let column = |column: &ArrayRef| match column.data_type() {
        DataType::Float64 => {
            let canonical = |value: f64| if value.is_nan() { f64::NAN } else { value };
            let values = column.as_primitive::<Float64Type>().iter().map(|value| value.map(canonical));
            Arc::new(values.collect::<Float64Array>()) as ArrayRef
        }
        _ => column.clone(),
    };
    RecordBatch::try_new(batch.schema(), batch.columns().iter().map(column).collect()).expect("the types are as before")
}

fn deterministic(cases: u32) -> TestRunner {
    TestRunner::new(Config { cases, rng_seed: RngSeed::Fixed(2), failure_persistence: None, ..Config::default() })
}

/// The state without its last column, which counts rows.
fn keys(state: &RecordBatch) -> RecordBatch {
    let columns: Vec<_> = (0..state.num_columns() - 1).collect();
    state.project(&columns).expect("it has these columns")
}

/// Returns the rows after they went through input, state, sums and table.
fn echoed(kpi: &Kpi, batch: &RecordBatch) -> [RecordBatch; 2] {
    let mut accumulator = kpi.accumulator(0, 0).expect("it opens");
    accumulator.update(batch).expect("it takes rows");
    let state = accumulator.state().expect("it has a state");
    [keys(&state), table(kpi, &state)]
}

/// The table of all rows of the only stage.
fn table(kpi: &Kpi, sums: &RecordBatch) -> RecordBatch {
    let mut reducer = kpi.reducer(0, 0).expect("it opens");
    reducer.reduce(sums, &[sums.num_rows() as u32]).expect("it has a table").rows
}

#[test]
fn every_type_crosses_the_boundary_unchanged() {
    let kpi = echo();
    let schema = kpi.spec().inputs[0].columns.clone();
    let mut types: Vec<_> = schema.fields().iter().map(|field| field.data_type().to_string()).collect();
    types.sort();
    types.dedup();
    assert_eq!(types.len(), 6 + 4, "the six plain types and four kinds of decimals: {types:?}");
    let holds = |batch: RecordBatch| {
        let expected = canonical(&batch);
        for back in echoed(&kpi, &batch) {
            prop_assert_eq!(&back, &expected);
        }
        Ok(())
    };
    deterministic(64).run(&batches(&schema, 40), holds).expect("what comes back is what was sent");
}

#[test]
fn a_batch_without_rows_and_one_without_values_cross_the_boundary() {
    let kpi = echo();
    let schema = kpi.spec().inputs[0].columns.clone();
    let empty = RecordBatch::new_empty(schema.clone());
    assert_eq!(echoed(&kpi, &empty), [empty.clone(), empty]);

    let tree = deterministic(1);
    let column = |field: &Arc<Field>| match field.is_nullable() {
        true => arrow_array::new_null_array(field.data_type(), 9),
        false => {
            let mut runner = tree.clone();
            column(field, 9).new_tree(&mut runner).expect("a column can be made").current()
        }
    };
    let columns = schema.fields().iter().map(column).collect();
    let missing = canonical(&RecordBatch::try_new(schema, columns).expect("the columns fit"));
    assert_eq!(echoed(&kpi, &missing), [missing.clone(), missing]);
}

#[test]
fn the_longest_batch_crosses_the_boundary() {
    let kpi = echo();
    let schema = kpi.spec().inputs[0].columns.clone();
    let columns = schema.fields().iter().map(|field| column(field, 64)).collect::<Vec<_>>();
    let small = columns.new_tree(&mut deterministic(1)).expect("columns can be made").current();
    let small = RecordBatch::try_new(schema.clone(), small).expect("the columns fit");
    let mut accumulator = kpi.accumulator(0, 0).expect("it opens");
    // 2^16 rows in batches of 64, and back in one.
    (0..1024).for_each(|_| accumulator.update(&small).expect("it takes rows"));
    let long = accumulator.state().expect("it has a state");
    assert_eq!(long.num_rows(), 65_536);
    for at in [0, 37, 1023] {
        assert_eq!(keys(&long).slice(at * 64, 64), canonical(&small));
    }
    assert_eq!(table(&kpi, &long), keys(&long));
}

#[test]
fn any_text_crosses_a_cleaner_unchanged() {
    let binary = Binary::read(&fixtures().join("sinner.wasm"), u64::MAX).expect("it is there");
    let cleaner =
        Cleaner::load(&ENGINE, "sinner", &binary, &Limits::default(), &pseudonyms(), "{}").expect("it is a cleaner");
    let fields = vec![Field::new("id", DataType::Utf8, true), Field::new("sin", DataType::Utf8, true)];
    let schema = Arc::new(arrow_schema::Schema::new(fields));
    let ids = vec(vec(any::<char>(), 0..12).prop_map(String::from_iter), 1..100);
    let holds = |ids: Vec<String>| {
        let expected = StringArray::from_iter_values(&ids);
        let sins = arrow_array::new_null_array(&DataType::Utf8, ids.len());
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(expected.clone()), sins]).expect("they fit");
        let cleaned = cleaner.open(0).and_then(|mut session| session.clean(&batch)).expect("it cleans");
        prop_assert_eq!(cleaned.kept.column(0).as_string::<i32>(), &expected);
        prop_assert_eq!(cleaned.kept_rows, (0..ids.len() as u32).collect::<Vec<_>>());
        Ok(())
    };
    deterministic(64).run(&ids, holds).expect("what comes back is what was sent");
}
