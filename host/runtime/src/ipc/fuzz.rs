//! Tests the gate with random damage. Whatever the bytes, the result is a batch of the declared schema or an error,
//! never a panic or worse. `cargo xtask fuzz` runs a short form, as CI does; with `--long` it runs a million.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::*;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::stream::PANICKED;
use super::{decode, encode};
use smelt_common::damage::Damage;

const MOST_ROWS: usize = 1000;

/// Returns batches of every type of the contract, with and without rows and values.
fn batches() -> Vec<RecordBatch> {
    let long = "x".repeat(300);
    let texts =
        Arc::new(StringArray::from(vec![Some("a"), None, Some("é\u{1f600}"), Some(""), Some(&*long)])) as ArrayRef;
    let all: Vec<(&str, ArrayRef)> = vec![
        ("text", texts),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), None, Some(true)]))),
        ("count", Arc::new(Int64Array::from(vec![1, -1, i64::MAX, i64::MIN, 0]))),
        ("ratio", Arc::new(Float64Array::from(vec![Some(0.5), Some(f64::NAN), None, Some(-0.0), Some(1e300)]))),
        ("day", Arc::new(Date32Array::from(vec![Some(0), None, Some(-1), Some(i32::MAX), Some(20_000)]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3, 4, i64::MIN]).with_timezone("UTC"))),
        (
            "price",
            Arc::new(
                Decimal128Array::from(vec![Some(199), None, Some(-1), Some(0), Some(i128::MAX >> 1)])
                    .with_precision_and_scale(38, 2)
                    .expect("it is a decimal"),
            ),
        ),
    ];
    let wide = RecordBatch::try_from_iter_with_nullable(
        all.iter().map(|(name, column)| (*name, column.clone(), column.null_count() > 0)),
    )
    .expect("the columns fit");
    let mut batches: Vec<_> = (0..all.len()).map(|column| wide.project(&[column]).expect("it has it")).collect();
    batches.extend([wide.slice(1, 3), RecordBatch::new_empty(wide.schema()), wide.clone()]);
    let none = Schema::new(vec![Field::new("gone", DataType::Utf8, true)]);
    batches.push(RecordBatch::try_new(none.into(), vec![new_null_array(&DataType::Utf8, 64)]).expect("it fits"));
    batches
}

/// Returns valid streams of one batch and of several, with their schema.
fn seeds() -> Vec<(Vec<u8>, SchemaRef)> {
    let several = |batch: &RecordBatch| {
        let mut writer = StreamWriter::try_new(Vec::new(), batch.schema_ref()).expect("it writes");
        (0..3).for_each(|_| writer.write(batch).expect("it writes"));
        writer.into_inner().expect("it writes")
    };
    let batches = batches();
    let one = batches.iter().map(|batch| (encode(batch).expect("it encodes"), batch.schema()));
    one.chain(batches.iter().map(|batch| (several(batch), batch.schema()))).collect()
}

/// Looks at every value, as the host does. Returns a count.
fn use_up(batch: &RecordBatch) -> usize {
    let column = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().flatten().map(|text| text.chars().count()).sum(),
        _ => (0..column.len()).filter(|&row| column.is_valid(row)).count(),
    };
    batch.columns().iter().map(column).sum()
}

#[test]
fn valid_streams_pass() {
    for (stream, schema) in seeds() {
        let batch = decode(stream, &schema, MOST_ROWS).expect("it is valid");
        assert_eq!(batch.schema(), schema);
    }
}

#[test]
fn damaged_streams_are_batches_or_errors() {
    let seeds = seeds();
    let mut damage = Damage::from_environment("streams");
    let (mut passed, mut panicked, mut used) = (0, 0, 0);
    let times = damage.times;
    for _ in 0..times {
        let (stream, schema) = damage.one_of(&seeds);
        let other = &damage.one_of(&seeds).0;
        let damaged = damage.done_to(stream, other);
        match decode(damaged, schema, MOST_ROWS) {
            Ok(batch) => {
                assert_eq!(&batch.schema(), schema);
                assert!(batch.num_rows() <= MOST_ROWS);
                used += use_up(&batch);
                passed += 1;
            }
            Err(error) if error == PANICKED => panicked += 1,
            Err(error) => assert!(error.len() < 3000, "{error}"),
        }
    }
    println!("{times} damaged streams: {passed} still batches ({used} values), {panicked} panics caught");
    assert_eq!(panicked, 0, "arrow-rs panics at what passes the gate");
}

#[test]
fn kept_streams_are_refused_or_pass_as_they_did() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus/ipc");
    let schemas: Vec<_> = batches().iter().map(RecordBatch::schema).collect();
    let mut files = 0;
    for entry in std::fs::read_dir(corpus).expect("there is a corpus") {
        let stream = std::fs::read(entry.expect("it can be read").path()).expect("it can be read");
        for schema in &schemas {
            let _ = decode(stream.clone(), schema, MOST_ROWS).map_err(|error| assert_ne!(error, PANICKED));
        }
        files += 1;
    }
    assert!(files > 0);
}
