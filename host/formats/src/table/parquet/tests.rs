//! Tests that Parquet reads back as it was written, that its bytes depend on nothing but the rows, and that damaged
//! files are refused.

use std::slice::from_ref;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::testing::{cut, empty, file, try_file};
use super::super::{Compression, TableFormat, TableOptions};
use super::read_parquet;
use crate::TypedError;
use crate::values::testing::{any_table, sample, table};

fn parquet(batches: &[RecordBatch]) -> Vec<u8> {
    file(TableFormat::Parquet, batches)
}

fn read(bytes: Vec<u8>, schema: &SchemaRef, batch_rows: usize) -> Result<RecordBatch, TypedError> {
    let names = schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>();
    let batches = read_parquet(bytes, schema, &names, batch_rows)?;
    assert!(batches.iter().all(|batch| batch.num_rows() <= batch_rows && batch.num_rows() > 0));
    Ok(concat_batches(schema, &batches).expect("batches of one schema"))
}

fn metadata(bytes: Vec<u8>) -> ParquetMetaData {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let metadata = ArrowReaderMetadata::load(&Bytes::from(bytes), options).expect("a file");
    ParquetMetaData::clone(metadata.metadata())
}

/// Rows whose values repeat, are missing for long stretches, and are long at times.
fn long(rows: i64) -> RecordBatch {
    let numbers = (0..rows).map(|n| (n % 3000 > 1500 || n % 7 == 0).then_some(n * n)).collect::<Int64Array>();
    let words = (0..rows).map(|n| (n < 4000).then(|| "x".repeat((n % 11 * n % 60) as usize))).collect::<StringArray>();
    let floats = (0..rows).map(|n| n as f64 / 7.0).collect::<Float64Array>();
    let flags = (0..rows).map(|n| n % 2 == 0).map(Some).collect::<BooleanArray>();
    let columns: Vec<(&str, ArrayRef, bool)> = vec![
        ("n", Arc::new(numbers), true),
        ("w", Arc::new(words), true),
        ("f", Arc::new(floats), false),
        ("b", Arc::new(flags), true),
    ];
    table(columns)
}

#[test]
fn a_file_says_what_readers_want_to_know() {
    let options = TableOptions { sorted_by: vec![1, 0], ..TableOptions::default() };
    let rows = 50_000;
    let bytes = try_file(TableFormat::Parquet, &options, &[long(rows)]).expect("a table");
    let metadata = metadata(bytes);
    let file = metadata.file_metadata();
    assert_eq!(file.created_by(), Some("smelt version 1"));
    assert_eq!(file.key_value_metadata(), None);
    let [group] = metadata.row_groups() else { panic!("{} row groups", metadata.num_row_groups()) };
    let sorted = group.sorting_columns().expect("the order is known");
    assert_eq!(sorted.iter().map(|by| by.column_idx).collect::<Vec<_>>(), [1, 0]);
    assert!(sorted.iter().all(|by| !by.descending && by.nulls_first));
    let numbers = group.column(0).statistics().expect("statistics");
    assert_eq!(numbers.null_count_opt(), Some((0..rows).filter(|n| n % 3000 <= 1500 && n % 7 != 0).count() as u64));
    let pages = metadata.page_index_for_row_group(0);
    for column in 0..4 {
        let offsets = pages.offset_index(column).expect("an offset index");
        assert_eq!(offsets.page_locations().len(), 3, "20,480 rows a page");
        assert!(pages.column_index(column).is_some());
    }
}

#[test]
fn types_are_those_that_other_readers_know() {
    let metadata = metadata(parquet(&[sample()]));
    let mut text = Vec::new();
    parquet::schema::printer::print_schema(&mut text, metadata.file_metadata().schema());
    let expected = "message arrow_schema {
  OPTIONAL BOOLEAN b;
  OPTIONAL INT64 i;
  OPTIONAL DOUBLE f;
  OPTIONAL BYTE_ARRAY t (STRING);
  REQUIRED BYTE_ARRAY n (STRING);
  OPTIONAL INT32 d (DATE);
  OPTIONAL INT64 ts (TIMESTAMP(MICROS,true));
  OPTIONAL INT64 m (DECIMAL(10,2));
}
";
    assert_eq!(String::from_utf8(text).expect("UTF-8"), expected);
}

#[test]
fn a_mask_without_missing_values_makes_no_difference() {
    let numbers = ScalarBuffer::from((0..3000).collect::<Vec<i64>>());
    let bytes = |nulls| {
        let array = Int64Array::new(numbers.clone(), nulls);
        parquet(&[table(vec![("n", Arc::new(array), true)])])
    };
    assert!(bytes(None) == bytes(Some(NullBuffer::new_valid(3000))));
}

#[test]
fn a_row_group_has_at_most_a_mebi_of_rows() {
    let rows = (1 << 20) + 1;
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true; rows]));
    let bytes = parquet(&[table(vec![("b", Arc::clone(&flags), false)])]);
    let groups = metadata(bytes.clone()).row_groups().iter().map(|group| group.num_rows()).collect::<Vec<_>>();
    assert_eq!(groups, [1 << 20, 1]);
    let back = read(bytes, &table(vec![("b", flags, false)]).schema(), 70_000).expect("a table");
    assert_eq!(back.num_rows(), rows);
}

#[test]
fn pages_are_packed_as_told() {
    let bytes = |compression| {
        let options = TableOptions { compression, ..TableOptions::default() };
        try_file(TableFormat::Parquet, &options, &[long(9000)]).expect("a table")
    };
    for (compression, name) in
        [(Compression::Zstd, "ZSTD"), (Compression::Snappy, "SNAPPY"), (Compression::None, "UNCOMPRESSED")]
    {
        let bytes = bytes(compression);
        let codec = metadata(bytes.clone()).row_group(0).column(0).compression();
        assert!(format!("{codec:?}").starts_with(name), "{codec:?}");
        assert_eq!(read(bytes, &long(1).schema(), 4000), Ok(long(9000)));
    }
    assert!(bytes(Compression::Zstd).len() < bytes(Compression::None).len());
}

#[test]
fn columns_are_read_by_name_in_any_order() {
    let batch = long(100);
    let project = |names: &[&str]| read_parquet(parquet(from_ref(&batch)), batch.schema_ref(), names, 1000);
    assert_eq!(project(&["f", "n", "f"]), Ok(vec![batch.project(&[2, 0, 2]).expect("they exist")]));
    assert_eq!(project(&[]).expect("no column is fine")[0].num_rows(), 100);
    assert_eq!(project(&["z"]).expect_err("there is no z").to_string(), "no column z; known: n, w, f, b");
}

#[test]
fn files_of_other_tables_are_refused() {
    let one = |name: &str, data_type, nullable| Arc::new(Schema::new(vec![Field::new(name, data_type, nullable)]));
    let bytes = parquet(&[table(vec![("a", Arc::new(Int64Array::from(vec![1])), false)])]);
    assert!(read(bytes.clone(), &one("a", DataType::Int64, false), 10).is_ok());
    for schema in [
        one("b", DataType::Int64, false),
        one("a", DataType::Int64, true),
        one("a", DataType::Decimal128(18, 0), false),
        sample().schema(),
    ] {
        let error = read(bytes.clone(), &schema, 10).expect_err("another schema").to_string();
        assert!(error.starts_with("not a Parquet file of this table: it has the columns "), "{error}");
    }
}

#[test]
fn values_out_of_range_are_refused_as_in_csv() {
    let decimals = Decimal128Array::from(vec![1, 1000]).with_precision_and_scale(3, 1).expect("valid");
    let batch = table(vec![("m", Arc::new(decimals), false)]);
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("the library does not look");
    writer.close().expect("a file");
    let error = read(bytes, batch.schema_ref(), 10).expect_err("1000 has four digits");
    assert!(matches!(error, TypedError::OutOfRange { ref column, row: 1, .. } if column == "m"), "{error}");
}

#[test]
fn a_table_without_rows_has_its_schema() {
    let none = empty(&sample());
    assert_eq!(read_parquet(parquet(from_ref(&none)), none.schema_ref(), &["ts", "m"], 10), Ok(vec![]));
}

#[test]
fn a_file_that_is_cut_short_is_refused() {
    let bytes = parquet(&[sample()]);
    for len in 0..bytes.len() {
        assert!(read(bytes[..len].to_vec(), sample().schema_ref(), 10).is_err(), "{len} of {} bytes", bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tables_round_trip(table in any_table(7), batch_rows in 1..9_usize) {
        prop_assert_eq!(read(parquet(from_ref(&table)), table.schema_ref(), batch_rows), Ok(table));
    }

    #[test]
    fn damaged_files_never_panic(table in any_table(7), compress: bool, damage in vec((any::<Index>(), 1..=255_u8), 1..4)) {
        let compression = if compress { Compression::Zstd } else { Compression::None };
        let options = TableOptions { compression, ..TableOptions::default() };
        let mut bytes = try_file(TableFormat::Parquet, &options, from_ref(&table)).expect("a table");
        for (at, bits) in damage {
            let at = at.index(bytes.len());
            bytes[at] ^= bits;
        }
        let _ = read(bytes, table.schema_ref(), 5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn long_tables_have_the_same_bytes_in_any_batches(sizes in vec(1..9000_usize, 1..5)) {
        let table = long(30_000);
        prop_assert!(parquet(&cut(&table, &sizes)) == parquet(&[table]));
    }
}
